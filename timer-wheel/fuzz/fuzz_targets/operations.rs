//! Any bytes are a start and a list of operations; wheel and `BTreeMap` must agree on all of them.
//!
//! From `timer-wheel/`: `cargo +nightly fuzz run operations -- -max_len=2048`.
#![no_main]

#[path = "../../tests/interpreter/mod.rs"]
mod interpreter;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| {
    let (start, ops) = interpreter::decode(bytes);
    interpreter::run(start, &ops);
});
