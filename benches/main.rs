//! `cargo bench`: every workload on every peer. The harness is the library beside this file.

mod workloads;

use std::process::ExitCode;

fn main() -> ExitCode {
    runtime_benches::main(workloads::all())
}
