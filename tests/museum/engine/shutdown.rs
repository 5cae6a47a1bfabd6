//! Shutdown (S).

use super::Sleeper;
use parking_lot::Mutex;
use runtime::task::{self, LocalSet};
use runtime_tests::probe::OnDrop;
use runtime_tests::{Drops, Event, Flavor, for_each_flavor, wait_until, watchdog};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

fn museum_s1_drops_that_use_the_runtime(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let sleepers: Vec<_> = (0..20).map(|_| Sleeper::default()).collect();
    let aborts: Arc<Mutex<Vec<task::AbortHandle>>> = Arc::default();
    for (number, sleeper) in sleepers.iter().enumerate() {
        let other = sleepers[(number + 7) % sleepers.len()].waker.clone();
        let (run, held, probes) = (sleeper.clone().run(), drops.probe(), drops.clone());
        let (door, others) = (runtime.handle().clone(), aborts.clone());
        let guard = OnDrop(move || {
            let waker = other.lock().clone();
            waker.into_iter().for_each(Waker::wake);
            let late = probes.probe();
            drop(door.spawn(async move { drop(late) }));
            let others = others.lock().clone();
            others.iter().for_each(task::AbortHandle::abort);
        });
        let handle = runtime.spawn(async move {
            let _held = (held, guard);
            run.await;
        });
        aborts.lock().push(handle.abort_handle());
    }
    runtime.block_on(async {
        for _ in 0..5 {
            task::yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!((drops.made(), drops.alive()), (40, 0));
}

fn museum_s2_spawns_and_wakes_race_with_the_end(flavor: Flavor) {
    for _ in 0..100 {
        let runtime = flavor.build();
        let door = runtime.handle().clone();
        let drops = Drops::new();
        let probes = drops.clone();
        let started = Event::new();
        let starts = started.clone();
        let spawner = std::thread::spawn(move || {
            let spawn = |number: usize| {
                let held = probes.probe();
                door.spawn(async move {
                    let _held = held;
                    if number.is_multiple_of(3) {
                        pending::<()>().await;
                    }
                    task::yield_now().await;
                })
            };
            let mut handles = vec![spawn(1)];
            starts.set();
            handles.extend((0..100).map(spawn));
            handles
        });
        started.wait_blocking();
        drop(runtime);
        let handles = spawner.join().unwrap();
        // Every one of them resolves, with a value or as cancelled.
        Flavor::CurrentThread.build().block_on(async {
            for handle in handles {
                if let Err(error) = handle.await {
                    assert!(error.is_cancelled());
                }
            }
        });
        assert_eq!((drops.made(), drops.alive()), (101, 0));
    }
}

#[test]
fn museum_s3_a_blocked_task_waits_for_the_drop_of_another_at_shutdown() {
    let _watch = watchdog();
    for workers in [2, 3, 4, 8] {
        let runtime = Flavor::MultiThread(workers).build();
        for _ in 0..workers - 1 {
            let (dropped, blocked) = (Event::new(), Event::new());
            let (sets, waits) = (dropped.clone(), blocked.clone());
            let guard = OnDrop(move || sets.set());
            drop(runtime.spawn(async move {
                let _guard = guard;
                pending::<()>().await;
            }));
            drop(runtime.spawn(async move {
                task::block_in_place(|| {
                    waits.set();
                    dropped.wait_blocking();
                })
            }));
            blocked.wait_blocking();
        }
        drop(runtime);
    }
}

// beyond tokio: it panics, ours hands the join to a background thread.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn museum_s4_the_last_handle_on_the_runtime_is_dropped_by_its_own_task() {
    let _watch = watchdog();
    for workers in [1, 2] {
        let runtime = Arc::new(Flavor::MultiThread(workers).build());
        let drops = Drops::new();
        let (own, held, gate) = (runtime.clone(), drops.probe(), Event::new());
        let go = gate.clone();
        drop(runtime.spawn(async move {
            let _held = held;
            go.wait().await;
            drop(own);
        }));
        drop(runtime);
        gate.set();
        wait_until("the task's drop", || drops.alive() == 0);
    }
}

fn museum_s5_local_set_dropped_with_notified_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let set = LocalSet::new();
    let sleepers: Vec<_> = (0..20).map(|_| Sleeper::default()).collect();
    for sleeper in &sleepers {
        let (run, held) = (sleeper.clone().run(), drops.probe());
        set.spawn_local(async move {
            let _held = held;
            run.await;
        });
    }
    set.block_on(&runtime, async {
        while sleepers.iter().any(|sleeper| sleeper.waker.lock().is_none()) {
            task::yield_now().await;
        }
    });
    let wakers: Vec<_> = sleepers.iter().map(Sleeper::waker).collect();
    std::thread::spawn(move || wakers.into_iter().for_each(Waker::wake)).join().unwrap();
    drop(set);
    assert_eq!(drops.alive(), 0);
}

fn museum_s6_stuck_closures_and_the_end(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(2).build().unwrap();
    let (gate, running) = (Event::new(), Arc::new(AtomicUsize::new(0)));
    let drops = Drops::new();
    for _ in 0..8 {
        let (waits, held, runs) = (gate.clone(), drops.probe(), running.clone());
        drop(runtime.spawn_blocking(move || {
            runs.fetch_add(1, Ordering::SeqCst);
            waits.wait_blocking();
            drop(held);
        }));
    }
    wait_until("two running closures", || running.load(Ordering::SeqCst) == 2);
    let (door, before) = (runtime.handle().clone(), std::time::Instant::now());
    runtime.shutdown_timeout(Duration::from_millis(20));
    assert!(before.elapsed() < Duration::from_secs(2));
    let late = door.spawn_blocking(|| ());
    assert!(Flavor::CurrentThread.build().block_on(late).unwrap_err().is_cancelled());
    gate.set();
    wait_until("every closure's drop", || drops.alive() == 0);
    if cfg!(not(feature = "oracle")) {
        // beyond tokio: its busy threads run what is queued, although its documentation says that it is aborted.
        assert_eq!(running.load(Ordering::SeqCst), 2, "a queued closure ran after the shutdown");
    }
}

fn museum_s7_shutdown_with_extreme_limits(flavor: Flavor) {
    for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::MAX, Duration::from_secs(u64::MAX)] {
        let runtime = flavor.build();
        drop(runtime.spawn(pending::<()>()));
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        runtime.shutdown_timeout(limit);
    }
}

fn museum_s14_idle_closure_threads_leave_while_the_runtime_ends(flavor: Flavor) {
    for round in 0..200 {
        let runtime = flavor.builder().thread_keep_alive(Duration::from_micros(1)).build().unwrap();
        let closure = runtime.spawn_blocking(move || round);
        assert_eq!(runtime.block_on(closure).unwrap(), round);
        drop(runtime.spawn_blocking(|| ()));
        drop(runtime);
    }
}

for_each_flavor!(
    museum_s1_drops_that_use_the_runtime,
    museum_s2_spawns_and_wakes_race_with_the_end,
    museum_s5_local_set_dropped_with_notified_tasks,
    museum_s6_stuck_closures_and_the_end,
    museum_s7_shutdown_with_extreme_limits,
    museum_s14_idle_closure_threads_leave_while_the_runtime_ends,
);
