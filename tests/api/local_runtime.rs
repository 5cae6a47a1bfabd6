//! `LocalRuntime`, `Builder::build_local`.

use runtime::runtime::{Builder, Handle, LocalOptions, LocalRuntime, RuntimeFlavor};
use runtime::task;
use runtime_tests::{Drops, Event, watchdog};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::time::Duration;

fn local() -> LocalRuntime {
    Builder::new_current_thread().build_local(LocalOptions::default()).unwrap()
}

#[test]
fn runs_tasks_that_are_not_send() {
    let _watch = watchdog();
    let runtime = LocalRuntime::new().unwrap();
    let value = Rc::new(Cell::new(0));
    let shared = value.clone();
    let handle = runtime.spawn_local(async move {
        task::yield_now().await;
        shared.set(1);
    });
    runtime.block_on(handle).unwrap();
    assert_eq!(value.get(), 1);
}

#[test]
fn spawn_local_works_anywhere_inside() {
    let _watch = watchdog();
    let runtime = local();
    let sum = runtime.block_on(async {
        let nested = task::spawn_local(async { task::spawn_local(async { *Rc::new(1) }).await.unwrap() });
        nested.await.unwrap() + runtime::spawn(async { 2 }).await.unwrap()
    });
    assert_eq!(sum, 3);
    let _inside = runtime.enter();
    drop(task::spawn_local(async {}));
}

#[test]
fn is_a_current_thread_runtime() {
    let _watch = watchdog();
    let runtime = local();
    assert_eq!(runtime.handle().runtime_flavor(), RuntimeFlavor::CurrentThread);
    assert_eq!(runtime.metrics().num_workers(), 1);
    let id = runtime.handle().id();
    runtime.block_on(async move { assert_eq!(Handle::current().id(), id) });
}

#[test]
fn closures_and_other_threads_reach_it() {
    let _watch = watchdog();
    let runtime = local();
    assert_eq!(runtime.block_on(runtime.spawn_blocking(|| 2)).unwrap(), 2);
    let handle = runtime.handle().clone();
    let spawned = std::thread::spawn(move || handle.spawn(async { std::thread::current().id() })).join().unwrap();
    assert_eq!(runtime.block_on(spawned).unwrap(), std::thread::current().id());
}

#[test]
fn dropping_it_drops_its_tasks() {
    let _watch = watchdog();
    let drops = Drops::new();
    let runtime = local();
    for _ in 0..5 {
        let held = drops.probe();
        drop(runtime.spawn_local(async move {
            let _held = (held, Rc::new(1));
            pending::<()>().await;
        }));
    }
    runtime.block_on(task::yield_now());
    drop(runtime);
    assert_eq!(drops.count(), 5);
}

#[test]
fn shuts_down_with_a_limit_and_in_the_background() {
    let _watch = watchdog();
    let gate = Event::new();
    for background in [false, true] {
        let runtime = local();
        let (started, waits) = (Event::new(), gate.clone());
        let starts = started.clone();
        drop(runtime.spawn_blocking(move || {
            starts.set();
            waits.wait_blocking();
        }));
        started.wait_blocking();
        if background {
            runtime.shutdown_background();
        } else {
            runtime.shutdown_timeout(Duration::from_millis(1));
        }
    }
    gate.set();
}

#[test]
fn spawn_local_from_another_thread_is_refused() {
    let _watch = watchdog();
    let runtime = local();
    let handle = runtime.handle().clone();
    let refused = std::thread::spawn(move || {
        let _inside = handle.enter();
        runtime_tests::catch(|| drop(task::spawn_local(async {}))).is_err()
    });
    assert!(refused.join().unwrap());
}
