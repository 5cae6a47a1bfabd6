//! Hooks around tasks: stable here.

use parking_lot::Mutex;
use runtime::task;
use runtime_tests::{Event, Flavor, for_each_flavor, planned_panic, wait_until};
use std::collections::HashMap;
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn spawn_and_terminate_come_once_for_every_task(flavor: Flavor) {
    let (spawned, ended) = (Arc::new(Mutex::new(HashMap::new())), Arc::new(Mutex::new(HashMap::new())));
    let (spawns, ends) = (spawned.clone(), ended.clone());
    let runtime = flavor
        .builder()
        .on_task_spawn(move |meta| *spawns.lock().entry(meta.id()).or_insert(0) += 1)
        .on_task_terminate(move |meta| *ends.lock().entry(meta.id()).or_insert(0) += 1)
        .build()
        .unwrap();
    let ids = runtime.block_on(async {
        let ready = runtime::spawn(async {});
        let panics: task::JoinHandle<()> = runtime::spawn(async { planned_panic() });
        let aborted = runtime::spawn(pending::<()>());
        aborted.abort();
        let left = runtime::spawn(pending::<()>());
        let ids = [ready.id(), panics.id(), aborted.id(), left.id()];
        ready.await.unwrap();
        assert!(panics.await.is_err());
        assert!(aborted.await.is_err());
        ids
    });
    drop(runtime);
    let (spawned, ended) = (spawned.lock(), ended.lock());
    for id in ids {
        assert_eq!((spawned.get(&id), ended.get(&id)), (Some(&1), Some(&1)), "task {id}");
    }
    assert_eq!(spawned.len(), 4);
    if cfg!(not(feature = "oracle")) {
        // tokio's workers are tasks too, and end here.
        assert_eq!(ended.len(), 4);
    }
}

fn poll_hooks_come_in_pairs_around_every_poll(flavor: Flavor) {
    let (before, after) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let (befores, afters) = (before.clone(), after.clone());
    let runtime = flavor
        .builder()
        .on_before_task_poll(move |_| {
            befores.fetch_add(1, Ordering::SeqCst);
        })
        .on_after_task_poll(move |_| {
            afters.fetch_add(1, Ordering::SeqCst);
        })
        .build()
        .unwrap();
    let handle = runtime.spawn(async {
        for _ in 0..10 {
            task::yield_now().await;
        }
    });
    runtime.block_on(handle).unwrap();
    wait_until("the last hook", || after.load(Ordering::SeqCst) == 11);
    assert_eq!(before.load(Ordering::SeqCst), 11);
}

fn the_place_of_the_spawn_is_known(flavor: Flavor) {
    let places = Arc::new(Mutex::new(Vec::new()));
    let seen = places.clone();
    let runtime = flavor
        .builder()
        .on_task_spawn(move |meta| seen.lock().push((meta.spawned_at().file(), meta.spawned_at().line())))
        .build()
        .unwrap();
    let first = line!() + 1;
    drop(runtime.spawn(async {}));
    runtime.block_on(async { drop(runtime::spawn(async {})) });
    assert_eq!(*places.lock(), [(file!(), first), (file!(), first + 1)]);
}

fn a_hook_that_spawns_nothing_sees_the_id_of_its_task(flavor: Flavor) {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let ids = seen.clone();
    let runtime = flavor.builder().on_task_spawn(move |meta| ids.lock().push(meta.id())).build().unwrap();
    let handle = runtime.spawn(async { task::id() });
    let id = handle.id();
    assert_eq!(runtime.block_on(handle).unwrap(), id);
    assert_eq!(*seen.lock(), [id]);
}

/// Names and behaviour that tokio does not have: there a worker ends, and what it held waits for ever.
#[cfg(not(feature = "oracle"))]
mod panics {
    use super::*;
    use runtime::runtime::Builder;

    /// Tasks and closures run, and the runtime ends, whatever this callback does.
    fn goes_on(
        flavor: Flavor,
        callback: &str,
        set: impl FnOnce(&mut Builder, Box<dyn Fn() + Send + Sync>) -> &mut Builder,
    ) {
        let called = Arc::new(AtomicUsize::new(0));
        let counts = called.clone();
        let mut builder = flavor.builder();
        let panics = move || {
            counts.fetch_add(1, Ordering::SeqCst);
            planned_panic()
        };
        set(&mut builder, Box::new(panics));
        let runtime = builder.build().unwrap();
        // Nobody says when a thread must sleep, but after enough rounds one has.
        let sleeps = callback.contains("park");
        let mut rounds = 0;
        while rounds < 3 || (sleeps && called.load(Ordering::SeqCst) == 0) {
            rounds += 1;
            let outside = runtime.spawn(async { task::yield_now().await });
            runtime.block_on(async {
                let inside: Vec<_> = (0..10).map(|_| runtime::spawn(async { task::yield_now().await })).collect();
                for task in inside {
                    task.await.unwrap();
                }
                outside.await.unwrap();
                assert_eq!(task::spawn_blocking(|| 5).await.unwrap(), 5);
                let (waits, done) = (Event::new(), Event::new());
                let (opens, ends) = (waits.clone(), done.clone());
                let sleeper = runtime::spawn(async move {
                    waits.wait().await;
                    ends.set();
                });
                let waker = std::thread::spawn(move || opens.set());
                done.wait().await;
                sleeper.await.unwrap();
                waker.join().unwrap();
            });
        }
        drop(runtime);
        wait_until(callback, || called.load(Ordering::SeqCst) > 0);
    }

    fn in_a_callback_go_no_further(flavor: Flavor) {
        goes_on(flavor, "on_thread_start", |builder, f| builder.on_thread_start(f));
        goes_on(flavor, "on_thread_stop", |builder, f| builder.on_thread_stop(f));
        goes_on(flavor, "on_thread_park", |builder, f| builder.on_thread_park(f));
        goes_on(flavor, "on_thread_unpark", |builder, f| builder.on_thread_unpark(f));
        goes_on(flavor, "on_task_spawn", |builder, f| builder.on_task_spawn(move |_| f()));
        goes_on(flavor, "on_task_terminate", |builder, f| builder.on_task_terminate(move |_| f()));
        goes_on(flavor, "on_before_task_poll", |builder, f| builder.on_before_task_poll(move |_| f()));
        goes_on(flavor, "on_after_task_poll", |builder, f| builder.on_after_task_poll(move |_| f()));
        goes_on(flavor, "thread_name_fn", |builder, f| {
            builder.thread_name_fn(move || {
                f();
                String::new()
            })
        });
    }

    fn in_the_hook_for_unhandled_ones_go_no_further(flavor: Flavor) {
        let runtime = flavor.builder().on_unhandled_panic(|_| planned_panic()).build().unwrap();
        for joined in [false, true] {
            let panics: task::JoinHandle<()> = runtime.spawn(async { planned_panic() });
            if joined {
                runtime.block_on(async {
                    while !panics.is_finished() {
                        task::yield_now().await;
                    }
                });
            }
            // Where it is over already, the hook runs in this very drop.
            drop(panics);
            assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
        }
        wait_until("both to be counted", || runtime.metrics().unhandled_panics() == 2);
    }

    fn names_with_a_nul_are_shown_without(flavor: Flavor) {
        let runtime = flavor.builder().thread_name_fn(|| "a\0b".to_owned()).build().unwrap();
        let name = runtime.block_on(runtime.spawn_blocking(|| std::thread::current().name().map(str::to_owned)));
        assert_eq!(name.unwrap().as_deref(), Some("a\u{fffd}b"));
    }

    for_each_flavor!(
        in_a_callback_go_no_further,
        in_the_hook_for_unhandled_ones_go_no_further,
        names_with_a_nul_are_shown_without
    );
}

for_each_flavor!(
    spawn_and_terminate_come_once_for_every_task,
    poll_hooks_come_in_pairs_around_every_poll,
    the_place_of_the_spawn_is_known,
    a_hook_that_spawns_nothing_sees_the_id_of_its_task
);
