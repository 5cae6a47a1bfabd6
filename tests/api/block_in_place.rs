//! `block_in_place`: multi-thread runtimes only.

use runtime::runtime::Handle;
use runtime::task;
use runtime_tests::{Event, Flavor, planned_panic, watchdog};

#[test]
fn gives_the_result_and_lets_others_run() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        let result = runtime.block_on(async {
            let outer = runtime::spawn(async {
                let gate = Event::new();
                let sets = gate.clone();
                drop(runtime::spawn(async move { sets.set() }));
                task::block_in_place(|| {
                    gate.wait_blocking();
                    4
                })
            });
            outer.await.unwrap()
        });
        assert_eq!(result, 4);
    }
}

#[test]
fn inside_the_main_future() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let result = runtime.block_on(async {
        let gate = Event::new();
        let sets = gate.clone();
        drop(runtime::spawn(async move { sets.set() }));
        task::block_in_place(|| gate.wait_blocking());
        task::yield_now().await;
        1
    });
    assert_eq!(result, 1);
}

#[test]
fn outside_of_any_runtime_it_just_calls() {
    let _watch = watchdog();
    assert_eq!(task::block_in_place(|| 3), 3);
}

#[test]
fn inside_a_blocking_closure_it_just_calls() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| task::block_in_place(|| 3))).unwrap(), 3);
}

#[test]
fn nests() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let handle = runtime.spawn(async { task::block_in_place(|| task::block_in_place(|| 3)) });
    assert_eq!(runtime.block_on(handle).unwrap(), 3);
}

#[test]
fn block_on_is_allowed_inside() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let handle = runtime.spawn(async {
        let inner = runtime::spawn(async { 3 });
        task::block_in_place(|| Handle::current().block_on(inner)).unwrap()
    });
    assert_eq!(runtime.block_on(handle).unwrap(), 3);
}

#[test]
fn the_task_goes_on_afterwards() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let handle = runtime.spawn(async {
        let mut sum = 0;
        for step in 0..50 {
            sum += task::block_in_place(|| step);
            task::yield_now().await;
            sum += runtime::spawn(async { 1 }).await.unwrap();
        }
        sum
    });
    assert_eq!(runtime.block_on(handle).unwrap(), 49 * 50 / 2 + 50);
}

#[test]
fn a_panic_inside_is_the_tasks() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let handle = runtime.spawn(async { task::block_in_place(|| planned_panic()) });
    let handle: task::JoinHandle<()> = handle;
    assert!(runtime.block_on(handle).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
}

#[test]
fn all_workers_at_once() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let gate = Event::new();
    let blocked: Vec<_> = (0..8)
        .map(|_| {
            let gate = gate.clone();
            runtime.spawn(async move { task::block_in_place(|| gate.wait_blocking()) })
        })
        .collect();
    let sets = gate.clone();
    let late = runtime.spawn(async move { sets.set() });
    runtime.block_on(async {
        late.await.unwrap();
        for handle in blocked {
            handle.await.unwrap();
        }
    });
}
