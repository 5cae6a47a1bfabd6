//! Storms of spawns, aborts, joins and wakes: every task ends exactly once.
//!
//! Short by default. `STRESS_SECONDS` is the time that each storm rages, `TEST_SEED` repeats one.

#[allow(unsafe_code)] // carries a guard to a thread where it must not be, for ThreadSanitizer to report
mod planted_race;
// beyond tokio.
#[cfg(not(feature = "oracle"))]
mod scope;
mod time;

use parking_lot::Mutex;
use runtime::task::{self, AbortHandle, JoinHandle, JoinSet};
use runtime_tests::{Drops, Flavor, Rng, wait_until, watchdog_secs};
use std::future::{pending, poll_fn};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::{Duration, Instant};

fn limit() -> Duration {
    let seconds = std::env::var("STRESS_SECONDS").ok().and_then(|text| text.parse().ok());
    Duration::from_secs_f64(seconds.unwrap_or(0.3))
}

/// Runs rounds for [`limit`], at least one, each with its own generator.
fn storm(name: &str, mut round: impl FnMut(&mut Rng, Flavor)) {
    let _watch = watchdog_secs(limit().as_secs() * 6 + 60);
    let mut rng = Rng::from_env(name);
    for flavor in [1, 2, 3, 8].map(Flavor::MultiThread).into_iter().chain([Flavor::CurrentThread]) {
        let end = Instant::now() + limit() / 5;
        loop {
            round(&mut rng, flavor);
            if Instant::now() >= end {
                break;
            }
        }
    }
}

#[derive(Default)]
struct Ends {
    ready: AtomicUsize,
    panicked: AtomicUsize,
    cancelled: AtomicUsize,
}

impl Ends {
    fn note<T>(&self, result: Result<T, task::JoinError>) {
        let count = match result {
            Ok(_) => &self.ready,
            Err(error) if error.is_panic() => &self.panicked,
            Err(_) => &self.cancelled,
        };
        count.fetch_add(1, Ordering::SeqCst);
    }

    fn total(&self) -> usize {
        [&self.ready, &self.panicked, &self.cancelled].iter().map(|count| count.load(Ordering::SeqCst)).sum()
    }
}

/// A task whose steps the generator chose.
async fn wanderer(mut rng: Rng, held: runtime_tests::Probe) -> runtime_tests::Probe {
    for _ in 0..rng.below(6) {
        match rng.below(6) {
            0 => task::yield_now().await,
            1 => runtime::spawn(async { task::yield_now().await }).await.unwrap_or(()),
            2 => drop(runtime::spawn(async {})),
            3 => task::coop::consume_budget().await,
            4 => {
                let mut woken = false;
                poll_fn(|cx| {
                    if std::mem::replace(&mut woken, true) {
                        return Poll::Ready(());
                    }
                    let waker = cx.waker().clone();
                    drop(runtime::spawn(async move { waker.wake() }));
                    Poll::Pending
                })
                .await;
            }
            _ => {
                std::hint::black_box(rng.bits());
            }
        }
    }
    if rng.one_in(20) {
        runtime_tests::planned_panic();
    }
    held
}

#[test]
fn every_task_ends_once() {
    storm("every_task_ends_once", |rng, flavor| {
        let runtime = flavor.build();
        let (drops, ends) = (Drops::new(), Ends::default());
        let mut handles = Vec::new();
        for _ in 0..500 {
            let future = wanderer(Rng::new(rng.bits()), drops.probe());
            let handle = runtime.spawn(future);
            if rng.one_in(5) {
                handle.abort();
            }
            if !rng.one_in(10) {
                handles.push(handle);
            }
        }
        let joined = handles.len();
        runtime.block_on(async {
            for handle in handles {
                ends.note(handle.await);
            }
        });
        assert_eq!(ends.total(), joined);
        drop(runtime);
        assert_eq!((drops.made(), drops.alive()), (500, 0));
    });
}

#[test]
fn foreign_threads_spawn_abort_and_join() {
    storm("foreign_threads_spawn_abort_and_join", |rng, flavor| {
        let runtime = flavor.build();
        let (drops, ends) = (Drops::new(), Arc::new(Ends::default()));
        let stop = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let threads: Vec<_> = (0..3)
                .map(|_| {
                    let (door, drops, ends) = (runtime.handle().clone(), drops.clone(), ends.clone());
                    let mut rng = Rng::new(rng.bits());
                    scope.spawn(move || {
                        for _ in 0..50 {
                            let handle = door.spawn(wanderer(Rng::new(rng.bits()), drops.probe()));
                            match rng.below(4) {
                                0 => handle.abort(),
                                1 => {
                                    drop(handle);
                                    continue;
                                }
                                _ => {}
                            }
                            ends.note(door.block_on(handle));
                        }
                    })
                })
                .collect();
            // Drives the current-thread flavor meanwhile.
            let stopped = &stop;
            let driver = scope.spawn(|| {
                runtime.block_on(async {
                    while !stopped.load(Ordering::SeqCst) {
                        task::yield_now().await;
                    }
                })
            });
            for thread in threads {
                thread.join().expect("a spawner");
            }
            stop.store(true, Ordering::SeqCst);
            driver.join().expect("the driver");
        });
        drop(runtime);
        assert_eq!((drops.made(), drops.alive()), (150, 0));
    });
}

#[test]
fn wake_storms_lose_no_wake() {
    storm("wake_storms_lose_no_wake", |rng, flavor| {
        const TASKS: usize = 16;
        const WAKES: usize = 50;
        let runtime = flavor.build();
        // Each task counts tokens that others leave for it; each token comes with a wake.
        let tokens: Arc<Vec<AtomicUsize>> = Arc::new((0..TASKS).map(|_| AtomicUsize::new(0)).collect());
        let wakers: Arc<Vec<Mutex<Option<Waker>>>> = Arc::new((0..TASKS).map(|_| Mutex::new(None)).collect());
        let handles: Vec<JoinHandle<()>> = (0..TASKS)
            .map(|me| {
                let (tokens, wakers) = (tokens.clone(), wakers.clone());
                let mut taken = 0;
                runtime.spawn(poll_fn(move |cx| {
                    *wakers[me].lock() = Some(cx.waker().clone());
                    taken += tokens[me].swap(0, Ordering::SeqCst);
                    if taken == 2 * WAKES { Poll::Ready(()) } else { Poll::Pending }
                }))
            })
            .collect();
        let seeds = [rng.bits(), rng.bits()];
        std::thread::scope(|scope| {
            for seed in seeds {
                let (tokens, wakers) = (&tokens, &wakers);
                scope.spawn(move || {
                    let mut rng = Rng::new(seed);
                    let mut left = [WAKES; TASKS];
                    while left.iter().any(|left| *left > 0) {
                        let to = rng.below(TASKS);
                        if left[to] == 0 {
                            continue;
                        }
                        left[to] -= 1;
                        tokens[to].fetch_add(1, Ordering::SeqCst);
                        let waker = wakers[to].lock().clone();
                        waker.into_iter().for_each(Waker::wake);
                    }
                });
            }
            runtime.block_on(async {
                for handle in handles {
                    handle.await.expect("a counter");
                }
            });
        });
    });
}

#[test]
fn aborts_from_everywhere() {
    storm("aborts_from_everywhere", |rng, flavor| {
        let runtime = flavor.build();
        let drops = Drops::new();
        let aborts: Arc<Mutex<Vec<AbortHandle>>> = Arc::default();
        let mut handles = Vec::new();
        for _ in 0..100 {
            let (held, others) = (drops.probe(), aborts.clone());
            let mut own = Rng::new(rng.bits());
            let handle = runtime.spawn(async move {
                let _held = held;
                loop {
                    task::yield_now().await;
                    let victim = {
                        let others = others.lock();
                        let index = own.below(others.len().max(1));
                        others.get(index).cloned()
                    };
                    if let Some(victim) = victim
                        && own.one_in(3)
                    {
                        victim.abort();
                    }
                }
            });
            aborts.lock().push(handle.abort_handle());
            handles.push(handle);
        }
        let all: Vec<_> = aborts.lock().clone();
        std::thread::scope(|scope| {
            scope.spawn(|| all.iter().for_each(AbortHandle::abort));
            runtime.block_on(async {
                for handle in handles {
                    assert!(handle.await.unwrap_err().is_cancelled());
                }
            });
        });
        wait_until("every future's drop", || drops.alive() == 0);
    });
}

#[test]
fn join_sets_lose_nothing() {
    storm("join_sets_lose_nothing", |rng, flavor| {
        let runtime = flavor.build();
        let (drops, seed) = (Drops::new(), rng.bits());
        let probes = drops.clone();
        let main = async move {
            let mut rng = Rng::new(seed);
            let (mut set, mut spawned, mut ended) = (JoinSet::new(), 0, 0);
            for _ in 0..300 {
                match rng.below(5) {
                    0 | 1 => {
                        set.spawn(wanderer(Rng::new(rng.bits()), probes.probe()));
                        spawned += 1;
                    }
                    2 => ended += usize::from(set.try_join_next().is_some()),
                    3 => ended += usize::from(set.join_next().await.is_some()),
                    _ => {
                        let held = probes.probe();
                        let abort = set.spawn(async move {
                            pending::<()>().await;
                            held
                        });
                        spawned += 1;
                        abort.abort();
                    }
                }
            }
            while set.join_next().await.is_some() {
                ended += 1;
            }
            assert_eq!(spawned, ended);
        };
        runtime.block_on(async { runtime::spawn(main).await.unwrap() });
        drop(runtime);
        assert_eq!(drops.alive(), 0);
    });
}

#[test]
fn runtimes_end_in_the_middle_of_it_all() {
    storm("runtimes_end_in_the_middle_of_it_all", |rng, flavor| {
        let runtime = flavor.build();
        let drops = Drops::new();
        for _ in 0..rng.below(60) {
            let future = wanderer(Rng::new(rng.bits()), drops.probe());
            drop(runtime.spawn(future));
        }
        for _ in 0..rng.below(5) {
            let held = drops.probe();
            drop(runtime.spawn_blocking(move || held));
        }
        match rng.below(4) {
            0 => {}
            1 => runtime.block_on(task::yield_now()),
            2 => runtime.block_on(async {
                for _ in 0..10 {
                    task::yield_now().await;
                }
            }),
            _ => std::thread::yield_now(),
        }
        match rng.below(3) {
            0 => drop(runtime),
            1 => runtime.shutdown_timeout(Duration::from_secs(20)),
            _ => runtime.shutdown_background(),
        }
        wait_until("the end of all that was spawned", || drops.alive() == 0);
    });
}
