//! `task::Id`.

use runtime::task;
use runtime_tests::{Drops, Place, for_each_place, watchdog};
use std::collections::HashSet;
use std::future::pending;

fn ids_of_live_tasks_differ(place: Place) {
    let world = place.build();
    let handles: Vec<_> = (0..100).map(|_| world.spawn(pending::<()>())).collect();
    let ids: HashSet<_> = handles.iter().map(task::JoinHandle::id).collect();
    assert_eq!(ids.len(), 100);
}

fn a_task_knows_its_id(place: Place) {
    let world = place.build();
    let handle = world.spawn(async {
        let before = task::id();
        task::yield_now().await;
        assert_eq!(task::try_id(), Some(before));
        before
    });
    let id = handle.id();
    assert_eq!(handle.abort_handle().id(), id);
    assert_eq!(world.block_on(handle).unwrap(), id);
}

fn a_task_knows_its_id_while_its_future_is_dropped(place: Place) {
    let world = place.build();
    let seen = std::sync::Arc::new(parking_lot::Mutex::new(None));
    let slot = seen.clone();
    let guard = runtime_tests::probe::OnDrop(move || *slot.lock() = task::try_id());
    let handle = world.spawn(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    let id = handle.id();
    world.block_on(task::yield_now());
    handle.abort();
    assert!(world.block_on(handle).unwrap_err().is_cancelled());
    assert_eq!(*seen.lock(), Some(id));
}

fn the_drop_of_an_output_by_its_joiner_is_the_joiners(place: Place) {
    let world = place.build();
    let drops = Drops::new();
    let probe = drops.probe();
    let inner = world.spawn(async move { probe });
    let outer = world.spawn(async move {
        let own = task::id();
        drop(inner.await.unwrap());
        assert_eq!(task::id(), own);
    });
    world.block_on(outer).unwrap();
}

for_each_place!(
    ids_of_live_tasks_differ,
    a_task_knows_its_id,
    a_task_knows_its_id_while_its_future_is_dropped,
    the_drop_of_an_output_by_its_joiner_is_the_joiners
);

#[test]
fn outside_of_a_task_there_is_none() {
    let _watch = watchdog();
    assert_eq!(task::try_id(), None);
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    assert_eq!(runtime.block_on(async { task::try_id() }), None, "the main future is not a task");
    let handle = runtime.spawn_blocking(task::try_id);
    let id = handle.id();
    assert_eq!(runtime.block_on(handle).unwrap(), Some(id), "a blocking closure is one");
}

#[test]
fn shows_as_a_number() {
    let _watch = watchdog();
    let runtime = runtime_tests::Flavor::CurrentThread.build();
    let handle = runtime.spawn(async {});
    let text = handle.id().to_string();
    assert!(text.parse::<u64>().is_ok_and(|number| number > 0), "{text}");
    assert!(format!("{:?}", handle.id()).contains(&text));
}
