//! Nothing that the macros expand to makes the compiler speak up in a crate that forbids what it can.
#![deny(warnings, unused, future_incompatible, rust_2018_idioms, let_underscore, missing_debug_implementations)]
#![deny(unreachable_pub, single_use_lifetimes, trivial_casts, trivial_numeric_casts, unused_qualifications, unused_results)]
#![forbid(unsafe_code)]

#[path = "../support/fake.rs"]
#[allow(warnings, unreachable_pub, missing_debug_implementations, unused_results)]
mod fake;

use std::convert::Infallible;
use std::fmt::Debug;
use std::future::{pending, ready};
use std::process::ExitCode;

async fn forever() -> Infallible {
    pending().await
}

async fn never() -> ! {
    pending().await
}

async fn everything() -> Result<u32, String> {
    let list = [1];
    let first = runtime::select! {
        mut n = ready(1) => { n += list[0]; n }
        Some(n) = ready(Some(1)), if !list.is_empty() => n,
        impossible = forever() => match impossible {},
        _ = never() => 3,
        _ = pending() => 4,
    };
    runtime::select! {
        biased;
        _ = ready(()) => {}
    }
    runtime::select! { _ = ready(()) => {}, else => {} }
    let (a, b) = runtime::join!(ready(1), ready(2));
    let (c, d) = runtime::try_join!(biased; ready(Ok::<_, String>(3)), async { Ok(4) })?;
    let e = ready(5);
    runtime::pin!(e);
    Ok(first + a + b + c + d + e.await)
}

#[runtime::main(crate = "fake")]
async fn main() -> ExitCode {
    #![allow(dead_code)]
    if everything().await.is_ok() && result().is_ok() && opaque() == opaque() {
        return ExitCode::SUCCESS;
    }
    ExitCode::FAILURE
}

#[runtime::main(crate = "fake", flavor = "current_thread")]
async fn result() -> Result<(), Box<dyn std::error::Error>> {
    let n: u8 = "5".parse()?;
    runtime::select! { _ = ready(n) => return Ok(()), _ = pending::<()>() => {} }
    Err("unreachable".into())
}

#[runtime::main(crate = fake)]
async fn opaque() -> impl Debug + PartialEq {
    "opaque"
}

#[runtime::main(crate = "fake")]
#[allow(dead_code)]
async fn diverging() -> ! {
    loop {
        ready(()).await
    }
}

#[runtime::test(crate = "fake", start_paused = true)]
async fn is_a_test() -> Result<(), String> {
    everything().await.map(drop)
}
