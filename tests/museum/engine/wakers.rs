//! Wakers, panics, re-entrancy, thread-locals (W).

use super::Sleeper;
use parking_lot::Mutex;
use runtime::runtime::{Handle, Runtime};
use runtime::task::{self, JoinHandle, JoinSet, LocalSet};
use runtime_tests::probe::OnDrop;
use runtime_tests::{Flavor, Place, Rng, for_each_flavor, for_each_place, watchdog};
use std::cell::RefCell;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};

fn museum_w3_wake_under_a_lock_that_the_task_takes(flavor: Flavor) {
    let runtime = flavor.build();
    let lock = Arc::new(Mutex::new(None::<Waker>));
    let (own, depth) = (lock.clone(), Arc::new(AtomicUsize::new(0)));
    let deepest = depth.clone();
    let stop = Arc::new(AtomicBool::new(false));
    let stops = stop.clone();
    let handle = runtime.spawn(poll_fn(move |cx| {
        let now = deepest.fetch_add(1, Ordering::SeqCst);
        assert_eq!(now, 0, "polled inside its own wake");
        *own.lock() = Some(cx.waker().clone());
        cx.waker().wake_by_ref();
        deepest.fetch_sub(1, Ordering::SeqCst);
        if stops.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
    }));
    runtime.block_on(async {
        for _ in 0..200 {
            task::yield_now().await;
            let held = lock.lock();
            held.iter().for_each(Waker::wake_by_ref);
        }
        stop.store(true, Ordering::SeqCst);
        handle.await.unwrap();
    });
}

#[test]
fn museum_w4_wake_at_shutdown_drops_no_task_inside() {
    let _watch = watchdog();
    thread_local!(static BORROWED: RefCell<u8> = const { RefCell::new(0) });
    let runtime = Flavor::CurrentThread.build();
    let sleepers: Vec<_> = (0..5).map(|_| Sleeper::default()).collect();
    for sleeper in &sleepers {
        let run = sleeper.clone().run();
        let wakers: Vec<_> = sleepers.iter().map(|sleeper| sleeper.waker.clone()).collect();
        let guard = OnDrop(move || {
            BORROWED.with(|cell| {
                // Waking must not drop another task, whose guard would borrow again.
                let _held = cell.try_borrow_mut().expect("a task was dropped inside a wake");
                for waker in &wakers {
                    let waker = waker.lock().clone();
                    waker.into_iter().for_each(Waker::wake);
                }
            })
        });
        drop(runtime.spawn(async move {
            let _guard = guard;
            run.await;
        }));
    }
    runtime.block_on(task::yield_now());
    drop(runtime);
}

#[test]
fn museum_w6_public_types_in_thread_locals() {
    let _watch = watchdog();
    #[derive(Default)]
    struct Kept {
        handle: Option<JoinHandle<()>>,
        set: Option<JoinSet<()>>,
        local: Option<LocalSet>,
        door: Option<Handle>,
        runtime: Option<Runtime>,
    }
    thread_local!(static KEPT: RefCell<Kept> = RefCell::default());
    thread_local!(static EARLY: RefCell<Option<Waker>> = const { RefCell::new(None) });
    for uses_first in [false, true] {
        for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
            let thread = std::thread::spawn(move || {
                // Both orders of thread-local destructors: ours first, the runtime's first.
                if uses_first {
                    flavor.build().block_on(async {});
                    EARLY.with(|early| *early.borrow_mut() = Some(Waker::noop().clone()));
                } else {
                    KEPT.with(|_| ());
                }
                let runtime = flavor.build();
                let mut set = JoinSet::new();
                set.spawn_on(pending::<()>(), runtime.handle());
                let local = LocalSet::new();
                local.spawn_local(pending::<()>());
                local.block_on(&runtime, task::yield_now());
                let kept = Kept {
                    handle: Some(runtime.spawn(pending::<()>())),
                    set: Some(set),
                    local: Some(local),
                    door: Some(runtime.handle().clone()),
                    runtime: Some(runtime),
                };
                KEPT.with(|slot| *slot.borrow_mut() = kept);
                KEPT.with(|slot| {
                    let slot = slot.borrow();
                    let all = slot.handle.is_some() && slot.set.is_some() && slot.local.is_some();
                    assert!(all && slot.door.is_some() && slot.runtime.is_some());
                });
            });
            thread.join().expect("a thread-local destructor panicked");
        }
    }
}

/// Runs some allowed nesting of entering, blocking and spawning; returns how many levels it went.
fn nest(rng: &mut Rng, depth: usize, runtimes: &Arc<[Runtime; 2]>, may_block: bool) -> usize {
    if depth == 0 {
        return 1;
    }
    let which = rng.below(2);
    match rng.below(4) {
        0 => {
            let _inside = runtimes[which].enter();
            1 + nest(rng, depth - 1, runtimes, may_block)
        }
        1 if may_block => 1 + runtimes[which].block_on(async { nest(rng, depth - 1, runtimes, false) }),
        2 => 1 + task::block_in_place(|| nest(rng, depth - 1, runtimes, true)),
        _ => {
            let (mut own, shared) = (rng.clone(), runtimes.clone());
            let closure = runtimes[which].spawn_blocking(move || nest(&mut own, depth - 1, &shared, true));
            rng.bits();
            drop(closure);
            1
        }
    }
}

#[test]
fn museum_w7_random_nesting_of_entering_and_blocking() {
    let _watch = watchdog();
    let mut rng = Rng::from_env("w7");
    let runtimes = Arc::new([Flavor::MultiThread(2).build(), Flavor::MultiThread(1).build()]);
    for _ in 0..300 {
        assert!(nest(&mut rng, 5, &runtimes, true) >= 1);
        assert!(Handle::try_current().is_err(), "still inside after the nesting");
    }
    for runtime in runtimes.iter() {
        assert_eq!(runtime.block_on(runtime.spawn(async { 3 })).unwrap(), 3);
    }
}

#[test]
fn museum_w7_misuse_panics_and_leaves_the_runtime_working() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let handle = runtime.handle().clone();
    let misuse = runtime.spawn(async move { handle.block_on(async {}) });
    assert!(runtime.block_on(misuse).unwrap_err().is_panic());
    assert_eq!(runtime.block_on(runtime.spawn(async { 3 })).unwrap(), 3);
}

#[test]
fn museum_w8_big_futures_on_small_stacks() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        // A runtime is built on a thread with a small stack.
        let small = std::thread::Builder::new().stack_size(192 << 10);
        let built = small.spawn(move || flavor.build()).unwrap().join().expect("build overflowed the stack");
        let big = [1_u8; 128 << 10];
        let handle = built.spawn(async move {
            task::yield_now().await;
            big.iter().map(|byte| usize::from(*byte)).sum::<usize>()
        });
        assert_eq!(built.block_on(handle).unwrap(), 128 << 10);
    }
}

fn museum_w10_will_wake_of_wakers_of_one_task(place: Place) {
    let world = place.build();
    let slot = Arc::new(Mutex::new(Vec::<Waker>::new()));
    let spawn = || {
        let own = slot.clone();
        world.spawn(async move {
            for _ in 0..3 {
                poll_fn(|cx| {
                    own.lock().push(cx.waker().clone());
                    Poll::Ready(())
                })
                .await;
                task::yield_now().await;
            }
        })
    };
    for _ in 0..2 {
        let handle = spawn();
        world.block_on(handle).unwrap();
    }
    let wakers = slot.lock();
    let (one, other) = wakers.split_at(3);
    for waker in one {
        assert!(waker.will_wake(&waker.clone()));
        assert!(one.iter().all(|same| waker.will_wake(same)), "two wakers of one task differ");
        assert!(!other.iter().any(|foreign| waker.will_wake(foreign)), "wakers of two tasks are taken for one");
    }
}

for_each_flavor!(museum_w3_wake_under_a_lock_that_the_task_takes,);

for_each_place!(museum_w10_will_wake_of_wakers_of_one_task,);
