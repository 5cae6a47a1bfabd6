//! Storms of timers: every one fires once, never early, or not at all when it is given up.

use super::storm;
use parking_lot::Mutex;
use runtime::runtime::Handle;
use runtime::task;
use runtime::time::{Duration, Instant, interval, sleep, timeout};
use runtime_tests::{Drops, Flavor, Rng, WakeCount, watchdog_secs};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

const MILLI: Duration = Duration::from_millis(1);
const FAR: Duration = Duration::from_secs(10);

/// Threads of all kinds set near and far timers in one runtime; then the far ones go.
#[test]
fn museum_t9_near_timers_do_not_wait_for_far_ones() {
    storm("museum_t9_near_timers_do_not_wait_for_far_ones", |rng, flavor| {
        let runtime = flavor.build();
        let far: Vec<_> = (0..50).map(|_| runtime.spawn(async { sleep(FAR).await })).collect();
        let left = Arc::new(AtomicUsize::new(3));
        let waits = |mut rng: Rng, door: Handle| {
            let left = left.clone();
            move || {
                for _ in 0..10 {
                    let (before, wait) = (Instant::now(), Duration::from_micros(rng.below(1_500) as u64));
                    door.block_on(async {
                        let mut given_up = Box::pin(sleep(FAR));
                        assert!(WakeCount::new().poll(&mut given_up).is_pending());
                        sleep(wait).await;
                    });
                    assert!(before.elapsed() >= wait);
                    // The far one would be noticed by the next watchdog; half of it is bug enough.
                    assert!(before.elapsed() < FAR / 2, "a near timer waited for a far one");
                }
                left.fetch_sub(1, Ordering::SeqCst);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..3 {
                scope.spawn(waits(Rng::new(rng.bits()), runtime.handle().clone()));
            }
            runtime.block_on(async {
                let near: Vec<_> =
                    (0..100).map(|_| runtime::spawn(sleep(Duration::from_micros(rng.below(3_000) as u64)))).collect();
                for near in near {
                    near.await.expect("a near sleeper");
                }
                // A current-thread runtime serves nobody unless somebody is inside.
                while left.load(Ordering::SeqCst) > 0 {
                    sleep(MILLI).await;
                }
            });
            far.iter().for_each(task::JoinHandle::abort);
        });
    });
}

/// Workers that compute in short turns, and a thousand timers among them.
#[test]
fn museum_t16_timers_behind_work() {
    storm("museum_t16_timers_behind_work", |rng, flavor| {
        let runtime = flavor.build();
        let stop = Arc::new(AtomicBool::new(false));
        let busy: Vec<_> = (0..8)
            .map(|_| {
                let stop = stop.clone();
                runtime.spawn(async move {
                    while !stop.load(Ordering::Relaxed) {
                        for _ in 0..2_000 {
                            std::hint::spin_loop();
                        }
                        task::yield_now().await;
                    }
                })
            })
            .collect();
        runtime.block_on(async {
            let sleepers: Vec<_> = (0..1_000)
                .map(|_| {
                    let wait = Duration::from_micros(rng.below(5_000) as u64);
                    runtime::spawn(async move {
                        let before = Instant::now();
                        sleep(wait).await;
                        assert!(before.elapsed() >= wait);
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.expect("a sleeper");
            }
            stop.store(true, Ordering::Relaxed);
            for busy in busy {
                busy.await.expect("a busy one");
            }
        });
    });
}

/// Very many in one tick, and threads that set others meanwhile.
#[test]
fn museum_t20_very_many_in_one_tick() {
    let _watch = watchdog_secs(120);
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let (stop, set) = (AtomicBool::new(false), AtomicUsize::new(0));
        std::thread::scope(|scope| {
            let door = runtime.handle().clone();
            let (stopped, sets) = (&stop, &set);
            scope.spawn(move || {
                let _inside = door.enter();
                let count = WakeCount::new();
                while !stopped.load(Ordering::Relaxed) {
                    let begun = std::time::Instant::now();
                    let mut nap = Box::pin(sleep(MILLI));
                    let waits = count.poll(&mut nap).is_pending();
                    // Where another thread had the CPU for so long it is over already.
                    assert!(waits || begun.elapsed() >= MILLI, "it was over before its time");
                    sets.fetch_add(usize::from(waits), Ordering::Relaxed);
                    std::thread::yield_now();
                }
            });
            let count = WakeCount::new();
            runtime.block_on(async {
                let deadline = Instant::now() + MILLI * 300;
                let mut naps: Vec<_> = (0..100_000).map(|_| Box::pin(runtime::time::sleep_until(deadline))).collect();
                let pending = naps.iter_mut().map(|nap| usize::from(count.poll(nap).is_pending())).sum();
                // Each has its waker, and all of those are woken, though nobody polls.
                while count.wakes() < pending {
                    sleep(MILLI).await;
                }
                assert!(Instant::now() >= deadline);
                for nap in naps {
                    nap.await;
                }
                assert_eq!(count.wakes(), pending);
            });
            stop.store(true, Ordering::Relaxed);
            assert_eq!(count.alive(), 0);
        });
        assert!(set.into_inner() > 0);
    }
}

/// Dropped, reset and met within a millisecond of the deadline, here and on other workers.
#[test]
fn museum_t6_given_up_as_they_fire() {
    storm("museum_t6_given_up_as_they_fire", |rng, flavor| {
        let runtime = flavor.build();
        let drops = Drops::new();
        let shelf: Arc<Mutex<Vec<_>>> = Arc::default();
        runtime.block_on(async {
            let tasks: Vec<_> = (0..200)
                .map(|_| {
                    let (mut rng, held, shelf) = (Rng::new(rng.bits()), drops.probe(), shelf.clone());
                    runtime::spawn(async move {
                        let _held = held;
                        for _ in 0..10 {
                            let wait = Duration::from_micros(rng.below(1_200) as u64);
                            let mut nap = Box::pin(sleep(MILLI));
                            let count = WakeCount::new();
                            let _ = count.poll(&mut nap);
                            match rng.below(5) {
                                0 => drop(timeout(wait, nap).await),
                                1 => nap.as_mut().reset(Instant::now() + wait),
                                2 => {
                                    // Whoever finds it drops it, or waits for it to its end.
                                    shelf.lock().push(nap);
                                    let other = shelf.lock().pop();
                                    if let (Some(other), true) = (other, rng.one_in(2)) {
                                        other.await;
                                    }
                                }
                                3 => sleep(wait).await,
                                _ => nap.await,
                            }
                        }
                    })
                })
                .collect();
            for (n, task) in tasks.into_iter().enumerate() {
                if n % 7 == 0 {
                    task.abort();
                }
                let _ = task.await;
            }
        });
        shelf.lock().clear();
        drop(runtime);
        assert_eq!(drops.alive(), 0);
    });
}

/// Timeouts that do and do not come true, intervals, and a runtime that ends in the middle of it.
#[test]
fn timers_of_all_kinds_until_the_runtime_ends() {
    storm("timers_of_all_kinds_until_the_runtime_ends", |rng, flavor| {
        let runtime = flavor.build();
        let drops = Drops::new();
        for _ in 0..200 {
            let (mut rng, held) = (Rng::new(rng.bits()), drops.probe());
            drop(runtime.spawn(async move {
                let _held = held;
                let mut every = interval(MILLI);
                for _ in 0..rng.below(20) {
                    match rng.below(4) {
                        0 => drop(timeout(MILLI, pending::<()>()).await),
                        1 => drop(timeout(FAR, task::yield_now()).await),
                        2 => drop(every.tick().await),
                        _ => sleep(Duration::from_micros(rng.below(900) as u64)).await,
                    }
                }
            }));
        }
        let wait = Duration::from_micros(rng.below(8_000) as u64);
        runtime.block_on(async { sleep(wait).await });
        drop(runtime);
        assert_eq!(drops.alive(), 0);
    });
}
