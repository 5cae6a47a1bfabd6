//! The examples as processes.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Stdio};

/// Name and program of each example with a socket.
pub(crate) const ALL: [(&str, &str); 4] = [
    ("chat", env!("CARGO_BIN_EXE_example-chat")),
    ("echo", env!("CARGO_BIN_EXE_example-echo")),
    ("proxy", env!("CARGO_BIN_EXE_example-proxy")),
    ("server", env!("CARGO_BIN_EXE_example-server")),
];

/// A running example on a port of its own; killed when it is dropped.
pub(crate) struct Example {
    child: Child,
    written: BufReader<ChildStdout>,
    /// Where it listens.
    pub(crate) address: String,
}

impl Example {
    pub(crate) fn server() -> Example {
        Example::start(env!("CARGO_BIN_EXE_example-server"), &["127.0.0.1:0"])
    }

    pub(crate) fn echo() -> Example {
        Example::start(env!("CARGO_BIN_EXE_example-echo"), &["127.0.0.1:0"])
    }

    pub(crate) fn chat() -> Example {
        Example::start(env!("CARGO_BIN_EXE_example-chat"), &["127.0.0.1:0"])
    }

    /// In front of `target`.
    pub(crate) fn proxy(target: &str) -> Example {
        Example::start(env!("CARGO_BIN_EXE_example-proxy"), &["127.0.0.1:0", target])
    }

    /// Under `tracer`, with its complaints going where the test reads them.
    pub(crate) fn traced_server(tracer: &mut Command) -> (Example, ChildStderr) {
        tracer.args([env!("CARGO_BIN_EXE_example-server"), "127.0.0.1:0"]).stderr(Stdio::piped());
        let mut server = Example::run(tracer);
        let complaints = server.child.stderr.take().expect("its errors are a pipe");
        (server, complaints)
    }

    /// How much memory it holds, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it has ended");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("it has no memory");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") * 1024
    }

    fn start(program: &str, arguments: &[&str]) -> Example {
        Example::run(Command::new(program).args(arguments))
    }

    fn run(command: &mut Command) -> Example {
        // What it writes after its first line (a few lines per test) fits into the pipe.
        command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("cannot start {command:?}: {error}"));
        let mut written = BufReader::new(child.stdout.take().expect("its output is a pipe"));
        let mut line = String::new();
        written.read_line(&mut line).expect("its output is text");
        let address = line.trim().trim_start_matches("listening on ").trim_start_matches("http://");
        let address = address.trim_end_matches('/').to_owned();
        assert!(address.starts_with("127.0.0.1:"), "{command:?} began with {line:?}");
        Example { child, written, address }
    }

    /// Closes its input and waits for its end. Returns its status and what else it wrote.
    pub(crate) fn ends(&mut self) -> (ExitStatus, String) {
        drop(self.child.stdin.take());
        let mut rest = String::new();
        self.written.read_to_string(&mut rest).expect("its output is text");
        (self.child.wait().expect("the example was waited for before"), rest)
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
