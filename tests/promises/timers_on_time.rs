//! A timer fires on time, whatever the worker that set it does meanwhile. And never early.
//!
//! The bound is generous (a loaded test machine); the benchmarks measure what it really is.

use parking_lot::Mutex;
use runtime::task;
use runtime::time::{Duration, Instant, sleep, timeout};
use runtime_tests::{Event, Flavor, Rng, watchdog};
use std::future::pending;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Barrier};

/// What a loaded machine may take.
const SOON: Duration = Duration::from_millis(50);

const NAP: Duration = Duration::from_millis(5);

/// The median of a few tries must be below the bound: one try may meet a machine that is busy with something else.
fn assert_soon(what: &str, mut once: impl FnMut() -> Duration) {
    let mut late: Vec<_> = (0..9).map(|_| once()).collect();
    late.sort();
    assert!(late[late.len() / 2] < SOON, "{what} was late by {late:?}");
}

/// The sleeper is polled, and its timer in the worker's wheel, before the other task of that worker blocks it.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_timer_fires_although_its_worker_blocks() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        assert_soon("a timer of a worker that blocks", || {
            let fired = Event::new();
            let (sets, gate) = (fired.clone(), fired.clone());
            let blocker = runtime.spawn(async move {
                let due = Instant::now() + NAP;
                // In this worker's slot; it sets its timer when this task yields, and then the worker is blocked.
                let sleeper = runtime::spawn(async move {
                    sleep(NAP).await;
                    sets.set();
                    due.elapsed()
                });
                task::yield_now().await;
                assert!(gate.wait_blocking_for(Duration::from_secs(5)), "the timer waits for the worker that set it");
                sleeper.await.unwrap()
            });
            runtime.block_on(blocker).unwrap()
        });
    }
}

/// Whoever says that it blocks leaves its timers to others: no rescue is needed.
///
/// Fault: it does not lay its wheel to rest.
#[test]
#[cfg(not(feature = "oracle"))]
fn a_timer_fires_although_its_worker_blocks_in_place_without_rescue() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build_without_rescue();
        assert_soon("a timer of a worker that blocks in place", || {
            let fired = Event::new();
            let (sets, gate) = (fired.clone(), fired.clone());
            let blocker = runtime.spawn(async move {
                let due = Instant::now() + NAP;
                let sleeper = runtime::spawn(async move {
                    sleep(NAP).await;
                    sets.set();
                    due.elapsed()
                });
                task::yield_now().await;
                task::block_in_place(|| assert!(gate.wait_blocking_for(Duration::from_secs(5)), "it never fired"));
                sleeper.await.unwrap()
            });
            runtime.block_on(blocker).unwrap()
        });
    }
}

/// Workers that sleep wake up for their timers by themselves.
///
/// Fault: one that falls asleep does not tell the leader of its timers.
#[test]
#[cfg(not(feature = "oracle"))]
fn a_timer_of_an_idle_runtime_fires_without_rescue() {
    let _watch = watchdog();
    for workers in [1, 2, 4] {
        let runtime = Flavor::MultiThread(workers).build_without_rescue();
        assert_soon("a timer of an idle runtime", || {
            let late = runtime.spawn(async {
                let due = Instant::now() + NAP;
                sleep(NAP).await;
                due.elapsed()
            });
            runtime.block_on(late).unwrap()
        });
        assert_soon("a timer of the worker that falls asleep last", || {
            // On two threads, where there are two; the other one waits for sockets and timers by then.
            let all = Arc::new(Barrier::new(workers.min(2)));
            let other = all.clone();
            let sleeps = runtime.spawn(async move {
                if workers > 1 {
                    other.wait();
                }
                sleep(Duration::from_secs(3600)).await;
            });
            let late = runtime.spawn(async move {
                all.wait();
                std::thread::sleep(NAP);
                let due = Instant::now() + NAP;
                sleep(NAP).await;
                due.elapsed()
            });
            let late = runtime.block_on(late).unwrap();
            sleeps.abort();
            late
        });
        assert_soon("a timer of block_on", || {
            let due = Instant::now() + NAP;
            runtime.block_on(async { sleep(NAP).await });
            due.elapsed()
        });
    }
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_timeout_fires_although_all_workers_compute() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let stop = Arc::new(AtomicBool::new(false));
    let computing: Vec<_> = (0..2)
        .map(|_| {
            let stop = stop.clone();
            runtime.spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    std::hint::spin_loop();
                }
            })
        })
        .collect();
    assert_soon("a timer beside workers that compute", || {
        let (done, late) = (Event::new(), Arc::new(Mutex::new(Duration::MAX)));
        let ends = done.clone();
        let result = late.clone();
        drop(runtime.spawn(async move {
            let due = Instant::now() + NAP;
            assert!(timeout(NAP, pending::<()>()).await.is_err());
            *result.lock() = due.elapsed();
            ends.set();
        }));
        done.wait_blocking();
        *late.lock()
    });
    stop.store(true, Ordering::Relaxed);
    runtime.block_on(async {
        for computing in computing {
            computing.await.unwrap();
        }
    });
}

/// D31: the time of a timeout counts from the call, however long it lies before it is polled.
#[test]
fn a_timeout_that_is_polled_late_ends_no_later() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        let late = flavor.build().block_on(async {
            let mut late = Vec::new();
            for _ in 0..3 {
                let waits = timeout(Duration::from_millis(40), pending::<()>());
                std::thread::sleep(Duration::from_millis(60));
                let polled = Instant::now();
                assert!(waits.await.is_err());
                late.push(polled.elapsed());
            }
            late.into_iter().min().unwrap()
        });
        assert!(late < Duration::from_millis(30), "its time was up, and it waited for {late:?}");
    }
}

/// Tens of thousands, on both flavors, with work beside them.
#[test]
fn no_timer_fires_early() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(3), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let mut rng = Rng::from_env("no_timer_fires_early");
        runtime.block_on(async {
            let sleepers: Vec<_> = (0..10_000)
                .map(|_| {
                    let wait = Duration::from_nanos(rng.below(60_000_000) as u64);
                    runtime::spawn(async move {
                        let before = std::time::Instant::now();
                        sleep(wait).await;
                        let slept = before.elapsed();
                        assert!(slept >= wait, "{slept:?} instead of {wait:?}");
                    })
                })
                .collect();
            for sleeper in sleepers {
                sleeper.await.unwrap();
            }
        });
    }
}

/// Precise timers as well.
#[test]
#[cfg(not(feature = "oracle"))]
fn no_precise_timer_fires_early() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).builder().precise_timers(true).build().unwrap();
    runtime.block_on(async {
        for micros in (0..100).map(|n| n * 37) {
            let (before, wait) = (std::time::Instant::now(), Duration::from_micros(micros));
            sleep(wait).await;
            assert!(before.elapsed() >= wait);
        }
    });
}
