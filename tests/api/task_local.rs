//! `task_local!`, `LocalKey`.

use runtime::task;
use runtime_tests::{Drops, Place, Probe, WakeCount, for_each_place, watchdog};
use std::cell::{Cell, RefCell};
use std::future::pending;

runtime::task_local! {
    static NUMBER: u32;
    /// With a doc comment and a visibility.
    pub(crate) static TEXT: RefCell<String>;
    static PROBE: Probe;
}

fn is_set_inside_the_scope_only(place: Place) {
    let world = place.build();
    world.block_on(async {
        assert!(NUMBER.try_with(|_| ()).is_err());
        let seen = NUMBER
            .scope(1, async {
                task::yield_now().await;
                NUMBER.with(|number| *number)
            })
            .await;
        assert_eq!(seen, 1);
        assert!(NUMBER.try_get().is_err());
    });
}

fn every_task_has_its_own(place: Place) {
    let world = place.build();
    let handles: Vec<_> = (0..50)
        .map(|number| {
            world.spawn(NUMBER.scope(number, async move {
                for _ in 0..5 {
                    assert_eq!(NUMBER.get(), number);
                    task::yield_now().await;
                }
            }))
        })
        .collect();
    world.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
}

fn scopes_nest(place: Place) {
    place.build().block_on(NUMBER.scope(1, async {
        NUMBER
            .scope(2, async {
                task::yield_now().await;
                assert_eq!(NUMBER.get(), 2);
                NUMBER.sync_scope(3, || assert_eq!(NUMBER.get(), 3));
            })
            .await;
        assert_eq!(NUMBER.get(), 1);
    }));
}

fn a_spawned_task_does_not_inherit(place: Place) {
    let world = place.build();
    world.block_on(NUMBER.scope(1, async {
        assert!(world.spawn(async { NUMBER.try_get() }).await.unwrap().is_err());
    }));
}

fn the_value_is_there_while_the_future_is_dropped(place: Place) {
    let world = place.build();
    let seen = std::sync::Arc::new(parking_lot::Mutex::new(None));
    let slot = seen.clone();
    let guard = runtime_tests::probe::OnDrop(move || *slot.lock() = NUMBER.try_get().ok());
    let handle = world.spawn(NUMBER.scope(5, async move {
        let _guard = guard;
        pending::<()>().await;
    }));
    world.block_on(task::yield_now());
    handle.abort();
    assert!(world.block_on(handle).unwrap_err().is_cancelled());
    assert_eq!(*seen.lock(), Some(5));
}

fn the_value_is_dropped_once_with_its_scope(place: Place) {
    let world = place.build();
    let drops = Drops::new();
    world.block_on(PROBE.scope(drops.probe(), async { task::yield_now().await }));
    assert_eq!(drops.count(), 1);
    let handle = world.spawn(PROBE.scope(drops.probe(), pending::<()>()));
    world.block_on(task::yield_now());
    drop(world);
    assert_eq!(drops.count(), 2);
    drop(handle);
}

for_each_place!(
    is_set_inside_the_scope_only,
    every_task_has_its_own,
    scopes_nest,
    a_spawned_task_does_not_inherit,
    the_value_is_there_while_the_future_is_dropped,
    the_value_is_dropped_once_with_its_scope
);

#[test]
fn take_value_gives_the_value_back() {
    let _watch = watchdog();
    let mut future = Box::pin(TEXT.scope(RefCell::new("one".into()), async {
        TEXT.with(|text| text.borrow_mut().push_str(" two"));
    }));
    assert!(WakeCount::new().poll(&mut future).is_ready());
    assert_eq!(future.as_mut().take_value().unwrap().into_inner(), "one two");
    assert!(future.as_mut().take_value().is_none());
}

#[test]
fn a_panic_in_the_scope_restores_the_outer_value() {
    let _watch = watchdog();
    NUMBER.sync_scope(1, || {
        let caught = runtime_tests::catch::<()>(|| NUMBER.sync_scope(2, || runtime_tests::planned_panic()));
        assert!(caught.is_err());
        assert_eq!(NUMBER.get(), 1);
    });
    assert!(NUMBER.try_get().is_err());
}

#[test]
fn the_error_says_so() {
    let _watch = watchdog();
    let error = NUMBER.try_get().unwrap_err();
    assert!(!error.to_string().is_empty());
    assert_eq!(error, NUMBER.try_get().unwrap_err());
    let _: Box<dyn std::error::Error + Send + Sync> = Box::new(error);
}

#[test]
fn works_without_a_runtime() {
    let _watch = watchdog();
    thread_local!(static POLLED: Cell<bool> = const { Cell::new(false) });
    let mut future = Box::pin(NUMBER.scope(9, async {
        POLLED.set(true);
        NUMBER.get()
    }));
    assert_eq!(WakeCount::new().poll(&mut future), std::task::Poll::Ready(9));
    assert!(POLLED.get());
}
