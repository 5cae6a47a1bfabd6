//! A `Runtime` may be dropped anywhere, inside async code and on its own threads too: the wait is handed to a background
//! thread.

use runtime::runtime::Runtime;
use runtime::task;
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, wait_until, watchdog};
use std::future::pending;
use std::sync::{Arc, mpsc};
use std::time::Duration;

fn inside_the_main_future_of_another_runtime(flavor: Flavor) {
    let (outer, inner) = (flavor.build(), flavor.build());
    let drops = Drops::new();
    let held = drops.probe();
    drop(inner.spawn(async move {
        let _held = held;
        pending::<()>().await;
    }));
    let result = outer.block_on(async move {
        drop(inner);
        runtime::spawn(async { 4 }).await.unwrap()
    });
    assert_eq!(result, 4, "the outer runtime goes on");
    wait_until("the inner task's drop", || drops.alive() == 0);
}

fn inside_a_task_of_another_runtime(flavor: Flavor) {
    let (outer, inner) = (flavor.build(), flavor.build());
    let dropper = outer.spawn(async move { drop(inner) });
    outer.block_on(dropper).unwrap();
}

fn inside_its_own_task(flavor: Flavor) {
    let runtime = Arc::new(flavor.build());
    let drops = Drops::new();
    let (own, held, gate, done) = (runtime.clone(), drops.probe(), Event::new(), Event::new());
    let (waits, ends) = (gate.clone(), done.clone());
    let task = runtime.spawn(async move {
        let _held = held;
        waits.wait().await;
        drop(own);
        ends.set();
        pending::<()>().await;
    });
    if flavor.is_multi_thread() {
        drop(runtime);
        gate.set();
    } else {
        // Nobody else can poll it: the task's clone goes first.
        runtime.block_on(async {
            runtime::task::yield_now().await;
            gate.set();
            done.wait().await;
        });
        drop(runtime);
    }
    done.wait_blocking();
    wait_until("the task's drop", || drops.alive() == 0);
    assert!(flavor.build().block_on(task).unwrap_err().is_cancelled());
}

fn while_its_closures_are_still_running(flavor: Flavor) {
    let (outer, inner) = (flavor.build(), flavor.build());
    let (started, gate, done) = (Event::new(), Event::new(), Event::new());
    let (starts, waits, ends) = (started.clone(), gate.clone(), done.clone());
    drop(inner.spawn_blocking(move || {
        starts.set();
        waits.wait_blocking();
        ends.set();
    }));
    started.wait_blocking();
    // Async code is not held up by the closure.
    outer.block_on(async move { drop(inner) });
    assert!(!done.is_set());
    gate.set();
    done.wait_blocking();
}

fn shutdown_timeout_inside_async_code(flavor: Flavor) {
    let (outer, inner) = (flavor.build(), flavor.build());
    outer.block_on(async move { inner.shutdown_timeout(Duration::from_secs(1)) });
}

for_each_flavor!(
    inside_the_main_future_of_another_runtime,
    inside_a_task_of_another_runtime,
    inside_its_own_task,
    while_its_closures_are_still_running,
    shutdown_timeout_inside_async_code
);

/// The last handle of a runtime, dropped by `on` on a thread of its own.
fn dropped_on_its_own_thread(on: impl FnOnce(&Runtime, Box<dyn FnOnce() + Send>)) {
    let runtime = Arc::new(Flavor::MultiThread(2).build());
    let (go, gone) = mpsc::channel::<()>();
    let (ended, ends) = mpsc::channel();
    let own = runtime.clone();
    let last_drop = move || {
        let _ = gone.recv();
        drop(own);
        ended.send(()).unwrap();
    };
    on(&runtime, Box::new(last_drop));
    drop(runtime);
    go.send(()).unwrap();
    ends.recv().unwrap();
}

#[test]
fn d28_the_end_on_a_thread_of_its_own() {
    let _watch = watchdog();
    dropped_on_its_own_thread(|runtime, last_drop| drop(runtime.spawn_blocking(last_drop)));
    dropped_on_its_own_thread(|runtime, last_drop| drop(runtime.spawn(async { task::block_in_place(last_drop) })));
    dropped_on_its_own_thread(|runtime, last_drop| drop(runtime.spawn(async { last_drop() })));
}
