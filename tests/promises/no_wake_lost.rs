//! P10: a task that was woken is polled, whatever the workers are doing at that instant.

use parking_lot::Mutex;
use runtime::runtime::Runtime;
use runtime_tests::{Event, Flavor, Rng, wait_until, watchdog};
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};
use std::time::Duration;

/// Tasks that count the tokens which others leave for them; one thread leaves a token, wakes, and waits for the count.
fn every_token_is_counted(runtime: &Runtime, rounds: usize, pause: usize) {
    let mut rng = Rng::from_env("no_wake_lost");
    let stop = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..3)
        .map(|_| {
            let (token, counted) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
            let (waker, stop) = (Arc::new(Mutex::new(None::<Waker>)), stop.clone());
            let (takes, counts, own) = (token.clone(), counted.clone(), waker.clone());
            let handle = runtime.spawn(poll_fn(move |cx| {
                if own.lock().is_none() {
                    *own.lock() = Some(cx.waker().clone());
                }
                counts.fetch_add(takes.swap(0, Ordering::SeqCst), Ordering::SeqCst);
                if stop.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
            }));
            (handle, token, counted, waker)
        })
        .collect();
    wait_until("the first polls", || tasks.iter().all(|task| task.3.lock().is_some()));
    let wakers: Vec<_> = tasks.iter().filter_map(|task| task.3.lock().clone()).collect();
    for _ in 0..rounds {
        let (_, token, counted, _) = &tasks[rng.below(tasks.len())];
        let before = counted.load(Ordering::SeqCst);
        token.fetch_add(1, Ordering::SeqCst);
        // Two of three wakes are for somebody else: they make the workers search and go back to sleep.
        wakers.iter().for_each(Waker::wake_by_ref);
        wait_until("the woken task's poll", || counted.load(Ordering::SeqCst) > before);
        for _ in 0..rng.below(pause) {
            std::hint::spin_loop();
        }
    }
    stop.store(true, Ordering::SeqCst);
    wakers.iter().for_each(Waker::wake_by_ref);
    runtime.block_on(async {
        for (handle, ..) in tasks {
            handle.await.unwrap();
        }
    });
}

#[test]
fn while_workers_search_and_fall_asleep() {
    let _watch = watchdog();
    for workers in [1, 2, 3, 8] {
        every_token_is_counted(&Flavor::MultiThread(workers).build(), 1_000, 300);
    }
}

#[test]
fn while_workers_sleep_deeply() {
    let _watch = watchdog();
    every_token_is_counted(&Flavor::MultiThread(2).build(), 100, 1_000_000);
}

/// The guarantor would find whatever was lost, within milliseconds.
///
/// Fault: a push from outside wakes nobody; with rescues nothing fails then.
#[test]
#[cfg(not(feature = "oracle"))]
fn without_rescue() {
    let _watch = watchdog();
    for workers in [1, 2, 3, 8] {
        every_token_is_counted(&Flavor::MultiThread(workers).build_without_rescue(), 1_000, 300);
    }
    every_token_is_counted(&Flavor::MultiThread(2).build_without_rescue(), 100, 1_000_000);
}

/// The worker that the thread inside `block_on` was is gone; another must take what it left, without the guarantor.
#[test]
fn what_is_left_behind_is_run_by_another_worker() {
    let _watch = watchdog();
    for _ in 0..20 {
        let runtime = Flavor::MultiThread(1).builder().without_rescue().build().unwrap();
        let done = Event::new();
        let sets = done.clone();
        runtime.block_on(async { drop(runtime::spawn(async move { sets.set() })) });
        done.wait_blocking();
    }
}

/// Two tasks come from outside while both workers sleep, and the first one waits for the second one on its thread. Without
/// the guarantor, which would find the second one a millisecond later.
///
/// Fault: a searcher that was the last one, and has found something, wakes nobody for what is left.
#[test]
fn the_last_searcher_hands_the_search_on() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).builder().without_rescue().build().unwrap();
    for round in 0..300 {
        let still = runtime.metrics();
        wait_until("both workers to sleep", || {
            still.worker_park_unpark_count(0) % 2 == 1 && still.worker_park_unpark_count(1) % 2 == 1
        });
        let ran = Event::new();
        let sets = ran.clone();
        let first = runtime.spawn(async move { ran.wait_blocking_for(Duration::from_secs(5)) });
        let second = runtime.spawn(async move { sets.set() });
        wait_until("both", || first.is_finished() && second.is_finished());
        assert!(
            runtime.block_on(first).unwrap(),
            "round {round}: a task waited behind one that blocks, and a worker slept"
        );
    }
}
