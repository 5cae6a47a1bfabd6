//! Task state machine and memory (M).

use super::Sleeper;
use parking_lot::Mutex;
use runtime::task::{self, JoinSet};
use runtime_tests::{
    Drops, Event, Flavor, Place, Rng, WakeCount, for_each_flavor, for_each_place, planned_panic, wait_until, watchdog,
    watchdog_secs,
};
use std::cell::Cell;
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Poll, Waker};

#[test]
fn museum_m1_wakes_race_with_the_end_of_the_runtime() {
    let _watch = watchdog();
    for round in 0..60 {
        let flavor = if round % 2 == 0 { Flavor::MultiThread(2) } else { Flavor::CurrentThread };
        let runtime = flavor.build();
        let sleepers: Vec<_> = (0..4).map(|_| Sleeper::default()).collect();
        for sleeper in &sleepers {
            drop(sleeper.spawn(&runtime));
        }
        let all = || sleepers.iter().all(|sleeper| sleeper.waker.lock().is_some());
        runtime.block_on(async {
            while !all() {
                task::yield_now().await;
            }
        });
        let start = Arc::new(std::sync::Barrier::new(5));
        let threads: Vec<_> = sleepers
            .iter()
            .map(|sleeper| {
                let (waker, start) = (sleeper.waker(), start.clone());
                std::thread::spawn(move || {
                    start.wait();
                    for _ in 0..50 {
                        waker.wake_by_ref();
                        let clone = waker.clone();
                        clone.wake();
                    }
                })
            })
            .collect();
        start.wait();
        drop(runtime);
        for thread in threads {
            thread.join().unwrap();
        }
    }
}

fn museum_m2_last_reference_dropped_while_scheduling(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..200 {
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let (own, held) = (slot.clone(), drops.probe());
        let mut polled = false;
        drop(runtime.spawn(async move {
            let _held = held;
            poll_fn(|cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                *own.lock() = Some(cx.waker().clone());
                Poll::Pending
            })
            .await;
        }));
        // `wake` consumes the only waker there is, from outside of the runtime.
        runtime.block_on(async {
            while slot.lock().is_none() {
                task::yield_now().await;
            }
        });
        let waker = slot.lock().take().expect("a waker");
        std::thread::spawn(move || waker.wake()).join().unwrap();
    }
    runtime.block_on(async {
        while drops.alive() > 0 {
            task::yield_now().await;
        }
    });
}

#[test]
fn museum_m3_completion_against_the_drop_of_handle_and_waker() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let drops = Drops::new();
    for _ in 0..2_000 {
        let slot = Arc::new(Mutex::new(None::<Waker>));
        let (own, output) = (slot.clone(), drops.probe());
        let handle = runtime.spawn(async move {
            poll_fn(|cx| {
                *own.lock() = Some(cx.waker().clone());
                Poll::Ready(())
            })
            .await;
            output
        });
        while slot.lock().is_none() {
            std::hint::spin_loop();
        }
        drop(handle);
        drop(slot.lock().take());
    }
    wait_until("every output's drop", || drops.alive() == 0);
    assert_eq!(drops.made(), 2_000);
}

/// A future that only the thread that made it may touch, `Drop` included.
struct Homebound(std::thread::ThreadId);

impl Drop for Homebound {
    fn drop(&mut self) {
        assert_eq!(self.0, std::thread::current().id(), "a local future is dropped on a foreign thread");
    }
}

#[test]
fn museum_m4_abort_from_afar_drops_a_local_future_at_home() {
    let _watch = watchdog();
    for place in [Place::LocalSet, Place::LocalRuntime] {
        for polls_first in [false, true] {
            let world = place.build();
            let home = std::thread::current().id();
            let held = Homebound(home);
            let handle = world.spawn(async move {
                let _held = held;
                pending::<()>().await;
            });
            if polls_first {
                world.block_on(task::yield_now());
            }
            let abort = handle.abort_handle();
            std::thread::spawn(move || abort.abort()).join().expect("dropped over there");
            assert!(world.block_on(handle).unwrap_err().is_cancelled());
        }
    }
}

fn museum_m5_abort_outside_of_the_runtime(place: Place) {
    let world = place.build();
    let unpolled = world.spawn(pending::<()>());
    unpolled.abort();
    let idle = world.spawn(pending::<()>());
    let done = world.spawn(async {});
    world.run_until("the end of one", || done.is_finished());
    let aborts = [unpolled.abort_handle(), idle.abort_handle(), done.abort_handle()];
    std::thread::spawn(move || aborts.iter().for_each(task::AbortHandle::abort)).join().unwrap();
    assert!(world.block_on(unpolled).is_err() && world.block_on(idle).is_err());
    let left = world.spawn(pending::<()>());
    drop(world);
    left.abort();
    left.abort_handle().abort();
}

fn museum_m6_drops_that_panic(place: Place) {
    #[derive(Clone)]
    struct Bomb(Drops);
    impl Drop for Bomb {
        fn drop(&mut self) {
            drop(self.0.probe());
            planned_panic()
        }
    }
    let world = place.build();
    let fuse = Drops::new();
    // The output, unjoined.
    let bomb = Bomb(fuse.clone());
    let output = world.spawn(async move { bomb });
    world.run_until("the end", || output.is_finished());
    let _ = runtime_tests::catch(move || drop(output));
    assert_eq!(fuse.count(), 1);
    // The future, dropped by a panic of its own, would abort the process; dropped by completion it's the task's panic.
    let bomb = Bomb(fuse.clone());
    let future = world.spawn(async move {
        let _bomb = bomb;
        task::yield_now().await;
    });
    assert!(world.block_on(future).unwrap_err().is_panic());
    // The future, dropped by abort, unjoined.
    let bomb = Bomb(fuse.clone());
    let future = world.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    });
    world.block_on(task::yield_now());
    future.abort();
    drop(future);
    world.run_until("the drop", || fuse.count() == 3);
    assert_eq!(world.block_on(world.spawn(async { 1 })).unwrap(), 1);
    // The future, dropped by the end of the runtime.
    let bomb = Bomb(fuse.clone());
    drop(world.spawn(async move {
        let _bomb = bomb;
        pending::<()>().await;
    }));
    let _ = runtime_tests::catch(move || drop(world));
    assert_eq!(fuse.count(), 4);
}

#[test]
fn museum_m14_a_queue_that_overflows_and_is_stolen_from_loses_and_doubles_nothing() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(3).build();
    let seen: Arc<Vec<AtomicUsize>> = Arc::new((0..20_000).map(|_| AtomicUsize::new(0)).collect());
    let marks = seen.clone();
    let spawner = runtime.spawn(async move {
        let handles: Vec<_> = (0..marks.len())
            .map(|index| {
                let marks = marks.clone();
                runtime::spawn(async move {
                    marks[index].fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        for handle in handles {
            handle.await.unwrap();
        }
    });
    runtime.block_on(spawner).unwrap();
    assert!(seen.iter().all(|mark| mark.load(Ordering::SeqCst) == 1));
}

fn museum_m15_wakers_cloned_dropped_forgotten_at_random(flavor: Flavor) {
    let mut rng = Rng::from_env("m15");
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..100 {
        let sleeper = Sleeper::default();
        let (held, run) = (drops.probe(), sleeper.clone().run());
        let handle = runtime.spawn(async move {
            let _held = held;
            run.await;
        });
        runtime.block_on(async {
            while sleeper.waker.lock().is_none() {
                task::yield_now().await;
            }
        });
        let mut wakers = vec![sleeper.waker()];
        for _ in 0..50 {
            let index = rng.below(wakers.len());
            match rng.below(5) {
                0 | 1 => wakers.push(wakers[index].clone()),
                2 => wakers[index].wake_by_ref(),
                3 if wakers.len() > 1 => wakers.swap_remove(index).wake(),
                _ => runtime_tests::forget_waker(wakers[index].clone()),
            }
        }
        sleeper.stop.store(true, Ordering::SeqCst);
        wakers[0].wake_by_ref();
        runtime.block_on(handle).unwrap();
        // The task is over: its future is gone although wakers live on.
        assert_eq!(drops.alive(), 0);
        wakers.into_iter().for_each(Waker::wake);
    }
}

fn museum_m18_outputs_that_are_send_but_not_sync(flavor: Flavor) {
    let runtime = flavor.build();
    let closure = runtime.spawn_blocking(|| Cell::new(1));
    let spawned = runtime.spawn(async { Cell::new(2) });
    let sum = runtime.block_on(async { closure.await.unwrap().get() + spawned.await.unwrap().get() });
    assert_eq!(sum, 3);
}

fn museum_m20_a_joiners_waker_that_panics(flavor: Flavor) {
    struct Explosive;
    impl std::task::Wake for Explosive {
        fn wake(self: Arc<Self>) {
            planned_panic()
        }
    }
    let runtime = flavor.build();
    let gate = Event::new();
    let waits = gate.clone();
    let mut handle = runtime.spawn(async move {
        waits.wait().await;
        7
    });
    let waker = Waker::from(Arc::new(Explosive));
    let polled = std::pin::Pin::new(&mut handle).poll(&mut std::task::Context::from_waker(&waker));
    assert!(polled.is_pending());
    gate.set();
    let _ = runtime_tests::catch(|| {
        runtime.block_on(async {
            while !handle.is_finished() {
                task::yield_now().await;
            }
        })
    });
    assert_eq!(runtime.block_on(handle).unwrap(), 7, "the output is lost");
    assert_eq!(runtime.block_on(runtime.spawn(async { 1 })).unwrap(), 1);
}

fn museum_m21_a_waker_that_outlives_the_runtime(flavor: Flavor) {
    static OUTLIVES: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
    let drops = Drops::new();
    let runtime = flavor.build();
    for _ in 0..10 {
        let held = drops.probe();
        drop(runtime.spawn(async move {
            let _held = held;
            poll_fn(|cx| {
                OUTLIVES.lock().push(cx.waker().clone());
                Poll::<()>::Pending
            })
            .await;
        }));
    }
    runtime.block_on(async {
        for _ in 0..20 {
            task::yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!((drops.made(), drops.count()), (10, 10));
    let wakers = std::mem::take(&mut *OUTLIVES.lock());
    wakers.iter().for_each(Waker::wake_by_ref);
    wakers.into_iter().for_each(Waker::wake);
    assert_eq!(drops.count(), 10);
}

fn museum_m24_panics_in_user_callbacks(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let mut set = JoinSet::new();
        let spawns = (0..10).map(|number| {
            if number == 5 {
                planned_panic();
            }
            async move { number }
        });
        assert!(runtime_tests::catch(|| set.extend(spawns)).is_err());
        assert_eq!(set.len(), 5);
        let mut sum = 0;
        while let Some(output) = set.join_next().await {
            sum += output.unwrap();
        }
        assert_eq!(sum, 10);
    });
}

#[test]
fn museum_m16_joins_wakes_and_aborts_race_on_one_word() {
    let _watch = watchdog_secs(60);
    let runtime = Flavor::MultiThread(2).build();
    let drops = Drops::new();
    for round in 0..1_500 {
        let sleeper = Sleeper::default();
        let (run, held) = (sleeper.clone().run(), drops.probe());
        let mut handle = runtime.spawn(async move {
            let _held = held;
            run.await;
        });
        let waker = sleeper.waker();
        let abort = handle.abort_handle();
        let count = WakeCount::new();
        std::thread::scope(|scope| {
            let stop = &sleeper.stop;
            scope.spawn(move || {
                stop.store(true, Ordering::SeqCst);
                waker.wake();
            });
            scope.spawn(move || {
                if round % 2 == 0 {
                    abort.abort();
                }
            });
            let _ = count.poll(&mut handle);
        });
        if let Err(error) = runtime.block_on(async { if handle.is_finished() { Ok(()) } else { handle.await } }) {
            assert!(error.is_cancelled());
        }
    }
    wait_until("every future's drop", || drops.alive() == 0);
}

for_each_flavor!(
    museum_m2_last_reference_dropped_while_scheduling,
    museum_m15_wakers_cloned_dropped_forgotten_at_random,
    museum_m18_outputs_that_are_send_but_not_sync,
    museum_m20_a_joiners_waker_that_panics,
    museum_m21_a_waker_that_outlives_the_runtime,
    museum_m24_panics_in_user_callbacks,
);

for_each_place!(museum_m5_abort_outside_of_the_runtime, museum_m6_drops_that_panic,);
