//! P8: a waker works anywhere and for ever.

use parking_lot::Mutex;
use runtime::task::JoinHandle;
use runtime_tests::{Flavor, Place, World, for_each_place, watchdog};
use std::cell::RefCell;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

/// A task that ends in its second poll, and its waker.
fn sleeper(world: &World) -> (JoinHandle<()>, Waker) {
    let slot = Arc::new(Mutex::new(None::<Waker>));
    let (own, mut polls) = (slot.clone(), 0);
    let handle = world.spawn(poll_fn(move |cx| {
        polls += 1;
        *own.lock() = Some(cx.waker().clone());
        if polls == 2 { Poll::Ready(()) } else { Poll::Pending }
    }));
    world.run_until("the first poll", || slot.lock().is_some());
    let waker = slot.lock().take();
    (handle, waker.expect("a waker"))
}

struct WakesWhenDropped(Waker);

impl Drop for WakesWhenDropped {
    fn drop(&mut self) {
        self.0.wake_by_ref();
    }
}

thread_local!(static AT_EXIT: RefCell<Option<WakesWhenDropped>> = const { RefCell::new(None) });

fn from_every_place(place: Place) {
    wakes_from_every_place(&place.build());
}

fn wakes_from_every_place(world: &World) {
    let (handle, waker) = sleeper(world);
    std::thread::spawn(move || waker.wake()).join().unwrap();
    world.block_on(handle).unwrap();

    let (handle, waker) = sleeper(world);
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let (other, waker) = (flavor.build(), waker.clone());
        other.block_on(other.spawn(async move { waker.wake() })).unwrap();
    }
    world.block_on(handle).unwrap();

    let (handle, waker) = sleeper(world);
    let exits = std::thread::spawn(move || AT_EXIT.with(|slot| *slot.borrow_mut() = Some(WakesWhenDropped(waker))));
    exits.join().unwrap();
    world.block_on(handle).unwrap();
}

fn when_task_and_runtime_are_gone(place: Place) {
    wakes_when_they_are_gone(place.build());
}

fn wakes_when_they_are_gone(world: World) {
    let (handle, done) = sleeper(&world);
    done.wake_by_ref();
    world.block_on(handle).unwrap();
    done.wake_by_ref();
    let (handle, left) = sleeper(&world);
    drop(world);
    done.wake();
    left.clone().wake_by_ref();
    std::thread::spawn(move || left.wake()).join().unwrap();
    drop(handle);
}

fn what_was_written_before_is_seen(place: Place) {
    sees_what_was_written_before(&place.build());
}

fn sees_what_was_written_before(world: &World) {
    let value = Arc::new(AtomicUsize::new(0));
    let slot = Arc::new(Mutex::new(None::<Waker>));
    let (reads, own) = (value.clone(), slot.clone());
    let handle = world.spawn(poll_fn(move |cx| {
        *own.lock() = Some(cx.waker().clone());
        // Relaxed: the wake orders it.
        if reads.load(Ordering::Relaxed) == 200 { Poll::Ready(()) } else { Poll::Pending }
    }));
    world.run_until("the first poll", || slot.lock().is_some());
    let writer = std::thread::spawn(move || {
        for _ in 0..200 {
            value.fetch_add(1, Ordering::Relaxed);
            let waker = slot.lock().clone();
            waker.expect("a waker").wake();
        }
    });
    world.block_on(handle).unwrap();
    writer.join().unwrap();
}

/// The guarantor would find a task that nobody was woken for.
///
/// Fault: a push from outside wakes nobody.
#[test]
#[cfg(not(feature = "oracle"))]
fn without_rescue() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let build = || World::Runtime(Flavor::MultiThread(workers).build_without_rescue());
        for _ in 0..20 {
            wakes_from_every_place(&build());
            wakes_when_they_are_gone(build());
            sees_what_was_written_before(&build());
        }
    }
}

for_each_place!(from_every_place, when_task_and_runtime_are_gone, what_was_written_before_is_seen);
