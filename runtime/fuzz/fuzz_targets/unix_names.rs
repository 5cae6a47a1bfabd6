//! Any bytes are an address of a unix socket, and must not cost more than its name.
//!
//! From `runtime/`: `cargo +nightly fuzz run unix_names -- -max_len=130`.
#![no_main]

#[path = "../../src/net/sys/linux/name/check.rs"]
mod check;
#[path = "../../src/net/sys/linux/name.rs"]
mod name;

use name::{Name, decode};

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| check::any_bytes(bytes));
