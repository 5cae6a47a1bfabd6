//! `JoinHandle` as a future.

use runtime::task;
use runtime_tests::{Drops, Event, Flavor, Place, WakeCount, for_each_flavor, for_each_place, planned_panic};
use std::future::pending;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

fn gives_the_output(place: Place) {
    let world = place.build();
    let handle = world.spawn(async { String::from("out") });
    assert_eq!(world.block_on(handle).unwrap(), "out");
}

fn wakes_the_last_waker_that_polled(place: Place) {
    let world = place.build();
    let gate = Event::new();
    let waits = gate.clone();
    let mut handle = world.spawn(async move { waits.wait().await });
    let (first, second) = (WakeCount::new(), WakeCount::new());
    assert!(first.poll(&mut handle).is_pending());
    assert!(second.poll(&mut handle).is_pending());
    assert_eq!(first.alive(), 0, "the replaced waker is kept");
    assert_eq!(second.alive(), 1);
    gate.set();
    world.run_until("the wake", || second.wakes() > 0);
    assert_eq!((first.wakes(), second.wakes()), (0, 1));
    assert!(second.poll(&mut handle).is_ready());
}

fn the_same_waker_twice_is_kept_once(place: Place) {
    let world = place.build();
    let mut handle = world.spawn(pending::<()>());
    let count = WakeCount::new();
    let waker = count.waker();
    for _ in 0..10 {
        assert!(Pin::new(&mut handle).poll(&mut Context::from_waker(&waker)).is_pending());
    }
    assert!(count.alive() <= 2, "{} wakers of one joiner", count.alive());
    drop(handle);
    drop(waker);
    assert_eq!(count.alive(), 0, "dropping the handle keeps its waker");
}

fn is_ready_at_once_when_the_task_has_ended(place: Place) {
    let world = place.build();
    let mut handle = world.spawn(async { 3 });
    world.run_until("the end", || handle.is_finished());
    match Pin::new(&mut handle).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => assert_eq!(output.unwrap(), 3),
        Poll::Pending => panic!("is_finished, but not ready"),
    }
    assert!(handle.is_finished(), "finished also when its output is taken");
}

fn dropping_it_detaches_the_task(place: Place) {
    let world = place.build();
    let (gate, done) = (Event::new(), Event::new());
    let (waits, ends) = (gate.clone(), done.clone());
    drop(world.spawn(async move {
        waits.wait().await;
        ends.set();
    }));
    world.block_on(task::yield_now());
    gate.set();
    world.block_on(done.wait());
}

fn dropping_it_drops_the_output_soon(place: Place) {
    let world = place.build();
    let outputs = Drops::new();
    let output = outputs.probe();
    let handle = world.spawn(async move { output });
    world.run_until("the end", || handle.is_finished());
    assert_eq!(outputs.count(), 0);
    drop(handle);
    assert_eq!(outputs.count(), 1);
}

fn an_output_whose_drop_panics_does_no_harm_when_nobody_joins(place: Place) {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            planned_panic()
        }
    }
    let world = place.build();
    drop(world.spawn(async { Bomb }));
    let done = world.spawn(async { task::yield_now().await });
    world.block_on(done).unwrap();
    let handle = world.spawn(async { Bomb });
    world.run_until("the end", || handle.is_finished());
    let _ = runtime_tests::catch(|| drop(handle));
    assert_eq!(world.block_on(world.spawn(async { 2 })).unwrap(), 2);
}

fn a_panic_reaches_the_joiner_with_its_payload(place: Place) {
    let world = place.build();
    let handle = world.spawn(async { std::panic::resume_unwind(Box::new(42_u64)) });
    let handle: task::JoinHandle<()> = handle;
    let error = world.block_on(handle).unwrap_err();
    assert_eq!(*error.into_panic().downcast::<u64>().unwrap(), 42);
}

for_each_place!(
    gives_the_output,
    wakes_the_last_waker_that_polled,
    the_same_waker_twice_is_kept_once,
    is_ready_at_once_when_the_task_has_ended,
    dropping_it_detaches_the_task,
    dropping_it_drops_the_output_soon,
    an_output_whose_drop_panics_does_no_harm_when_nobody_joins,
    a_panic_reaches_the_joiner_with_its_payload
);

fn joins_across_runtimes(flavor: Flavor) {
    let (one, other) = (flavor.build(), flavor.build());
    let gate = Event::new();
    let waits = gate.clone();
    let inner = one.spawn(async move {
        waits.wait().await;
        9
    });
    let outer = other.spawn(async move { inner.await.unwrap() + 1 });
    // A current-thread runtime moves only while someone drives it.
    let done = Event::new();
    let stop = done.clone();
    let driver = std::thread::spawn(move || one.block_on(stop.wait()));
    gate.set();
    assert_eq!(other.block_on(outer).unwrap(), 10);
    done.set();
    driver.join().unwrap();
}

fn debug_names_the_type_and_the_task(flavor: Flavor) {
    let runtime = flavor.build();
    let handle = runtime.spawn(async {});
    let text = format!("{handle:?}");
    assert!(text.contains("JoinHandle") && text.contains(&handle.id().to_string()), "{text}");
}

for_each_flavor!(joins_across_runtimes, debug_names_the_type_and_the_task);
