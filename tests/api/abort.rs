//! `AbortHandle`, `JoinHandle::abort`.

use runtime::task::{self, AbortHandle};
use runtime_tests::{
    Drops, Event, Flavor, Place, for_each_flavor, for_each_place, planned_panic, wait_until, watchdog,
};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

fn abort_of_an_idle_task_cancels_it(place: Place) {
    let world = place.build();
    let handle = world.spawn(pending::<()>());
    world.block_on(task::yield_now());
    handle.abort();
    let error = world.block_on(handle).unwrap_err();
    assert!(error.is_cancelled());
}

fn abort_is_idempotent(place: Place) {
    let world = place.build();
    let handle = world.spawn(pending::<()>());
    let abort = handle.abort_handle();
    for _ in 0..100 {
        abort.abort();
        handle.abort();
    }
    assert!(world.block_on(handle).unwrap_err().is_cancelled());
    abort.abort();
}

fn abort_after_completion_keeps_the_output(place: Place) {
    let world = place.build();
    let handle = world.spawn(async { 7 });
    world.run_until("the task to end", || handle.is_finished());
    handle.abort();
    assert_eq!(world.block_on(handle).unwrap(), 7);
}

fn is_finished_becomes_true_for_every_end(place: Place) {
    let world = place.build();
    let gate = Event::new();
    let waits = gate.clone();
    let handle = world.spawn(async move { waits.wait().await });
    let abort = handle.abort_handle();
    world.block_on(task::yield_now());
    assert!(!handle.is_finished() && !abort.is_finished());
    gate.set();
    world.run_until("is_finished", || handle.is_finished() && abort.is_finished());

    let panics = world.spawn(async { planned_panic() });
    world.run_until("is_finished after a panic", || panics.is_finished());

    let aborted = world.spawn(pending::<()>());
    aborted.abort();
    world.run_until("is_finished after an abort", || aborted.is_finished());
    assert!(world.block_on(aborted).unwrap_err().is_cancelled());
}

fn a_task_that_aborts_itself_ends_at_its_next_await(place: Place) {
    let world = place.build();
    let steps = Arc::new(AtomicUsize::new(0));
    let seen = steps.clone();
    let slot = Arc::new(parking_lot::Mutex::new(None::<AbortHandle>));
    let own = slot.clone();
    let gate = Event::new();
    let go = gate.clone();
    let handle = world.spawn(async move {
        go.wait().await;
        own.lock().take().expect("the handle").abort();
        seen.fetch_add(1, Ordering::SeqCst);
        task::yield_now().await;
        seen.fetch_add(1, Ordering::SeqCst);
    });
    *slot.lock() = Some(handle.abort_handle());
    gate.set();
    assert!(world.block_on(handle).unwrap_err().is_cancelled());
    assert_eq!(steps.load(Ordering::SeqCst), 1);
}

fn a_task_that_is_ready_in_the_poll_it_is_aborted_in_keeps_its_output(place: Place) {
    let world = place.build();
    let slot = Arc::new(parking_lot::Mutex::new(None::<AbortHandle>));
    let own = slot.clone();
    let gate = Event::new();
    let go = gate.clone();
    let handle = world.spawn(async move {
        go.wait().await;
        own.lock().take().expect("the handle").abort();
        "done"
    });
    *slot.lock() = Some(handle.abort_handle());
    gate.set();
    assert_eq!(world.block_on(handle).unwrap(), "done");
}

fn abort_drops_the_future_before_the_joiner_is_told(place: Place) {
    let world = place.build();
    let drops = Drops::new();
    let held = drops.probe();
    let handle = world.spawn(async move {
        let _held = held;
        pending::<()>().await;
    });
    world.block_on(async {
        task::yield_now().await;
        handle.abort();
        assert!(handle.await.unwrap_err().is_cancelled());
        assert_eq!(drops.count(), 1);
    });
}

fn a_panic_in_the_drop_of_an_aborted_future_is_the_result(place: Place) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            planned_panic()
        }
    }
    let world = place.build();
    let bomb = Bomb;
    let handle = world.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    world.block_on(task::yield_now());
    handle.abort();
    assert!(world.block_on(handle).unwrap_err().is_panic());
    assert_eq!(world.block_on(world.spawn(async { 1 })).unwrap(), 1, "the world goes on");
}

fn abort_handles_are_equal_in_effect(place: Place) {
    let world = place.build();
    let handle = world.spawn(pending::<()>());
    let first = handle.abort_handle();
    let second = first.clone();
    assert_eq!(first.id(), handle.id());
    assert_eq!(second.id(), handle.id());
    drop(first);
    second.abort();
    assert!(world.block_on(handle).unwrap_err().is_cancelled());
}

for_each_place!(
    abort_of_an_idle_task_cancels_it,
    abort_is_idempotent,
    abort_after_completion_keeps_the_output,
    is_finished_becomes_true_for_every_end,
    a_task_that_aborts_itself_ends_at_its_next_await,
    a_task_that_is_ready_in_the_poll_it_is_aborted_in_keeps_its_output,
    abort_drops_the_future_before_the_joiner_is_told,
    a_panic_in_the_drop_of_an_aborted_future_is_the_result,
    abort_handles_are_equal_in_effect
);

fn an_abort_handle_outlives_task_and_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(pending::<()>());
    let abort = handle.abort_handle();
    drop(handle);
    drop(runtime);
    assert!(abort.is_finished());
    abort.abort();
    assert!(format!("{abort:?}").contains("AbortHandle"));
}

fn abort_from_a_plain_thread(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(pending::<()>());
    let abort = handle.abort_handle();
    std::thread::spawn(move || abort.abort()).join().expect("abort panicked");
    assert!(runtime.block_on(handle).unwrap_err().is_cancelled());
}

fn a_running_closure_is_not_aborted(flavor: Flavor) {
    let runtime = flavor.build();
    let (started, gate) = (Event::new(), Event::new());
    let (running, waits) = (started.clone(), gate.clone());
    let handle = runtime.spawn_blocking(move || {
        running.set();
        waits.wait_blocking();
        5
    });
    started.wait_blocking();
    handle.abort();
    gate.set();
    assert_eq!(runtime.block_on(handle).unwrap(), 5);
}

fn a_closure_that_has_not_started_is_aborted(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(1).build().unwrap();
    let (started, gate) = (Event::new(), Event::new());
    let (running, waits) = (started.clone(), gate.clone());
    let first = runtime.spawn_blocking(move || {
        running.set();
        waits.wait_blocking();
    });
    started.wait_blocking();
    let drops = Drops::new();
    let held = drops.probe();
    let second = runtime.spawn_blocking(move || drop(held));
    second.abort();
    gate.set();
    assert!(runtime.block_on(second).unwrap_err().is_cancelled());
    runtime.block_on(first).unwrap();
    wait_until("the closure's drop", || drops.count() == 1);
}

for_each_flavor!(
    an_abort_handle_outlives_task_and_runtime,
    abort_from_a_plain_thread,
    a_running_closure_is_not_aborted,
    a_closure_that_has_not_started_is_aborted
);

#[test]
fn abort_races_with_completion() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    for _ in 0..2_000 {
        let drops = Drops::new();
        let held = drops.probe();
        let handle = runtime.spawn(async move {
            task::yield_now().await;
            held
        });
        handle.abort();
        match runtime.block_on(handle) {
            Ok(held) => drop(held),
            Err(error) => assert!(error.is_cancelled()),
        }
        assert_eq!((drops.made(), drops.count()), (1, 1));
    }
}
