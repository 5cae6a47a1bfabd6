//! `spawn_blocking`.

use runtime::runtime::Handle;
use runtime::task;
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, planned_panic};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

fn gives_the_output(flavor: Flavor) {
    let runtime = flavor.build();
    let free = runtime.block_on(async { task::spawn_blocking(|| 2).await.unwrap() });
    let own = runtime.block_on(runtime.spawn_blocking(|| 3)).unwrap();
    assert_eq!((free, own), (2, 3));
}

fn runs_on_another_thread(flavor: Flavor) {
    let runtime = flavor.build();
    let here = std::thread::current().id();
    let there = runtime.block_on(runtime.spawn_blocking(|| std::thread::current().id())).unwrap();
    assert_ne!(here, there);
}

fn does_not_block_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let gate = Event::new();
    let waits = gate.clone();
    let closure = runtime.spawn_blocking(move || waits.wait_blocking());
    runtime.block_on(async {
        for _ in 0..10 {
            runtime::spawn(async {}).await.unwrap();
        }
        gate.set();
        closure.await.unwrap();
    });
}

fn a_panic_is_the_result(flavor: Flavor) {
    let runtime = flavor.build();
    let closure: task::JoinHandle<()> = runtime.spawn_blocking(|| planned_panic());
    assert!(runtime.block_on(closure).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 1)).unwrap(), 1);
}

fn nests(flavor: Flavor) {
    let runtime = flavor.build();
    let sum = runtime.block_on(runtime.spawn_blocking(|| {
        let inner = task::spawn_blocking(|| 1);
        Handle::current().block_on(inner).unwrap() + 1
    }));
    assert_eq!(sum.unwrap(), 2);
}

fn many_run_exactly_once(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(4).thread_keep_alive(Duration::from_micros(1)).build().unwrap();
    let ran = Arc::new(AtomicUsize::new(0));
    runtime.block_on(async {
        for _ in 0..20 {
            let closures: Vec<_> = (0..100)
                .map(|_| {
                    let ran = ran.clone();
                    task::spawn_blocking(move || {
                        ran.fetch_add(1, Ordering::SeqCst);
                    })
                })
                .collect();
            for closure in closures {
                closure.await.unwrap();
            }
        }
    });
    assert_eq!(ran.load(Ordering::SeqCst), 2_000);
}

fn detached_closures_run(flavor: Flavor) {
    let runtime = flavor.build();
    let done = Event::new();
    let ends = done.clone();
    drop(runtime.spawn_blocking(move || ends.set()));
    done.wait_blocking();
}

fn after_the_runtime_is_gone_it_is_cancelled(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.handle().clone();
    drop(runtime);
    let drops = Drops::new();
    let held = drops.probe();
    let closure = handle.spawn_blocking(move || drop(held));
    assert_eq!(drops.count(), 1, "the closure is dropped at once");
    let other = flavor.build();
    assert!(other.block_on(closure).unwrap_err().is_cancelled());
}

fn enough_threads_for_closures_that_wait_for_each_other(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(16).build().unwrap();
    let meet = Arc::new(std::sync::Barrier::new(16));
    let closures: Vec<_> = (0..16)
        .map(|_| {
            let meet = meet.clone();
            runtime.spawn_blocking(move || meet.wait().is_leader())
        })
        .collect();
    runtime.block_on(async {
        for closure in closures {
            closure.await.unwrap();
        }
    });
}

/// Each of them is soon over, so that something moves all the time; and what waits needs threads all the same.
fn closures_that_wait_get_threads(flavor: Flavor) {
    let runtime = flavor.build();
    let closures: Vec<_> =
        (0..1_000).map(|_| runtime.spawn_blocking(|| std::thread::sleep(Duration::from_micros(200)))).collect();
    runtime.block_on(async {
        for closure in closures {
            closure.await.unwrap();
        }
    });
    let threads = runtime.metrics().num_blocking_threads();
    assert!(threads >= 12, "{threads}");
}

for_each_flavor!(
    gives_the_output,
    runs_on_another_thread,
    does_not_block_tasks,
    a_panic_is_the_result,
    nests,
    many_run_exactly_once,
    detached_closures_run,
    after_the_runtime_is_gone_it_is_cancelled,
    enough_threads_for_closures_that_wait_for_each_other,
    closures_that_wait_get_threads
);
