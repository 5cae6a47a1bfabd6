//! A worker is busy while it has work, and not while it looks for some.
//!
//! Best of three: a worker that is kept from its CPU while it has work is busy all the same.

use runtime::time::sleep;
use runtime_tests::{Event, Flavor, wait_until, watchdog};
use std::hint::black_box;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

/// It looks for long where other threads want the CPUs, as here.
#[test]
fn d23_a_worker_that_finds_nothing_is_not_busy() {
    let _watch = watchdog();
    let end = Event::new();
    let hogs: Vec<_> = (0..thread::available_parallelism().map_or(2, usize::from))
        .map(|_| {
            let end = end.clone();
            thread::spawn(move || while !black_box(end.is_set()) {})
        })
        .collect();
    let idles = (0..3).any(|_| {
        let runtime = Flavor::MultiThread(2).build();
        let metrics = runtime.metrics();
        let busy = || [0, 1].map(|worker| metrics.worker_total_busy_duration(worker));
        let gate = Event::new();
        let opens = gate.clone();
        let (begins, begun) = mpsc::channel();
        drop(runtime.spawn(async move {
            begins.send(()).unwrap();
            let begun = Instant::now();
            while begun.elapsed() < Duration::from_millis(100) {}
            opens.set();
        }));
        // A worker has it now; the other one is this thread.
        begun.recv().unwrap();
        runtime.block_on(async { sleep(Duration::from_millis(90)).await });
        gate.wait_blocking();
        wait_until("both workers to sleep", || (0..2).all(|worker| metrics.worker_park_unpark_count(worker) % 2 == 1));
        let [one, other] = busy();
        one.max(other) >= Duration::from_millis(100) && one.min(other) < Duration::from_millis(10)
    });
    end.set();
    hogs.into_iter().for_each(|hog| hog.join().unwrap());
    assert!(idles, "the idle worker was busy");
}
