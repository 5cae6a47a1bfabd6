//! The end of a runtime where it is hard: closures that have not begun, workers that are stuck, a forked process.

use runtime::task;
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, fork, wait_until, watchdog};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

const CLOSURES: usize = 200;

fn queue_closures(flavor: Flavor) -> (runtime::runtime::Runtime, Arc<AtomicUsize>) {
    let (runtime, ran) = (flavor.build(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..CLOSURES {
        let ran = ran.clone();
        drop(runtime.spawn_blocking(move || {
            std::thread::sleep(Duration::from_millis(1));
            ran.fetch_add(1, Ordering::SeqCst);
        }));
    }
    (runtime, ran)
}

fn d15_closures_that_a_thread_could_be_had_for_run(flavor: Flavor) {
    let (runtime, ran) = queue_closures(flavor);
    drop(runtime);
    assert_eq!(ran.load(Ordering::SeqCst), CLOSURES);
    let (runtime, ran) = queue_closures(flavor);
    runtime.shutdown_background();
    wait_until("the closures", || ran.load(Ordering::SeqCst) == CLOSURES);
}

/// Two at once, as the limit allows: what waits because of it is cancelled.
fn d15_closures_beyond_the_limit_are_cancelled(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(2).build().unwrap();
    let (gate, ran) = (Event::new(), Arc::new(AtomicUsize::new(0)));
    for _ in 0..2 {
        let (started, waits) = (Event::new(), gate.clone());
        let starts = started.clone();
        drop(runtime.spawn_blocking(move || {
            starts.set();
            waits.wait_blocking();
        }));
        started.wait_blocking();
    }
    let drops = Drops::new();
    for _ in 0..10 {
        let (held, ran) = (drops.probe(), ran.clone());
        drop(runtime.spawn_blocking(move || {
            let _held = held;
            ran.fetch_add(1, Ordering::SeqCst);
        }));
    }
    runtime.shutdown_background();
    assert_eq!((drops.count(), ran.load(Ordering::SeqCst)), (10, 0), "both threads are inside a closure");
    gate.set();
}

for_each_flavor!(d15_closures_that_a_thread_could_be_had_for_run, d15_closures_beyond_the_limit_are_cancelled);

/// The only worker is inside a poll: the other tasks are dropped all the same.
#[test]
fn d17_a_stuck_worker_keeps_no_other_task() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let (started, gate, drops) = (Event::new(), Event::new(), Drops::new());
    let (starts, waits) = (started.clone(), gate.clone());
    for _ in 0..10 {
        let held = drops.probe();
        drop(runtime.spawn(async move {
            let _held = held;
            pending::<()>().await;
        }));
    }
    drop(runtime.spawn(async move {
        starts.set();
        waits.wait_blocking();
    }));
    started.wait_blocking();
    runtime.shutdown_timeout(Duration::from_millis(30));
    assert_eq!(drops.count(), 10);
    gate.set();
}

/// Spares that retire at once, while the engine closes and nobody waits for it.
#[test]
fn d17_a_spare_that_retires_leaves_no_task() {
    let _watch = watchdog();
    let drops = Drops::new();
    for round in 0..200_u64 {
        let runtime = Flavor::MultiThread(1).builder().thread_keep_alive(Duration::from_micros(1)).build().unwrap();
        for _ in 0..4 {
            let held = drops.probe();
            drop(runtime.spawn(async move {
                task::block_in_place(std::thread::yield_now);
                let _held = held;
                pending::<()>().await;
            }));
        }
        std::thread::sleep(Duration::from_micros(round * 5));
        runtime.shutdown_background();
    }
    wait_until("every task's drop", || drops.alive() == 0);
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "it hangs")]
fn d28_the_end_in_a_forked_process() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let drops = Drops::new();
        let held = drops.probe();
        drop(runtime.spawn(async move {
            let _held = held;
            pending::<()>().await;
        }));
        runtime.block_on(async { runtime::spawn(async {}).await.unwrap() });
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        // The copies of both go in the forked process, and then here.
        fork::in_a_forked_process(move || drop(runtime));
        assert_eq!(drops.count(), 1);
    }
}
