//! What a runtime costs before it does anything. The first one of a process, which is what a command-line tool pays before its
//! first task has run: each reading is a fresh process. And one after the other, as tests build them.

use std::thread;
use std::time::Instant;

use runtime_benches::{Meter, Ours, Peer, Reading, Smol, Spawn, Tokio, Workload, Wrong, check};

pub(crate) fn workloads() -> Vec<Workload> {
    let about = "the first runtime of a process that has a thread already, until its first task is done";
    let workload = Workload::new("first-build", about)
        .runtime(Ours::NAME, first::<Ours>)
        .runtime(Tokio::NAME, first::<Tokio>)
        .runtime(Smol::NAME, first::<Smol>);
    let about = "a runtime is built and dropped, nothing runs on it";
    let build_and_drop = Workload::new("build-and-drop", about)
        .runtime(Ours::NAME, build_and_drop::<Ours>)
        .runtime(Tokio::NAME, build_and_drop::<Tokio>)
        .runtime(Smol::NAME, build_and_drop::<Smol>);
    vec![workload.in_fresh_process(), build_and_drop]
}

/// Threads that were asked to end and are not waited for are in it: they take the CPU from the next build.
fn build_and_drop<P: Peer>(meter: Meter) -> Result<Reading, Wrong> {
    meter.repeat(|| {
        drop(P::build(meter.workers()));
        Ok(1)
    })
}

/// With a second thread: there are system calls that wait for all of a process's threads.
fn first<P: Peer>(meter: Meter) -> Result<Reading, Wrong> {
    let other = thread::spawn(thread::park);
    let begun = Instant::now();
    let peer = P::build(meter.workers());
    let here = peer.here();
    let output = peer.block_on(async move { here.spawn(async { 7 }).await });
    let taken = begun.elapsed();
    check("the output of the first task", output, 7)?;
    other.thread().unpark();
    let _ = other.join();
    Ok(Reading::of(vec![taken.as_nanos() as f64]))
}
