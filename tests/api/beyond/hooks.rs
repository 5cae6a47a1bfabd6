//! Hooks around tasks: stable here.

use parking_lot::Mutex;
use runtime::task;
use runtime_tests::{Flavor, for_each_flavor, planned_panic, wait_until};
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

for_each_flavor!(
    spawn_and_terminate_come_once_for_every_task,
    poll_hooks_come_in_pairs_around_every_poll,
    the_place_of_the_spawn_is_known,
    a_hook_that_spawns_nothing_sees_the_id_of_its_task
);
