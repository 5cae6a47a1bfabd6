//! `time::{sleep, sleep_until, Sleep}`.

use parking_lot::Mutex;
use runtime::task;
use runtime::time::{Duration, Instant, sleep, sleep_until};
use runtime_tests::{Flavor, Rng, WakeCount, for_each_flavor, in_still_time, still, wait_until};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn it_never_ends_early(flavor: Flavor) {
    let runtime = flavor.build();
    let mut rng = Rng::from_env("it_never_ends_early");
    let waits: Vec<_> = (0..200).map(|_| Duration::from_micros(rng.below(20_000) as u64)).collect();
    runtime.block_on(async {
        let sleepers: Vec<_> = waits
            .into_iter()
            .map(|wait| {
                runtime::spawn(async move {
                    let before = std::time::Instant::now();
                    sleep(wait).await;
                    assert!(before.elapsed() >= wait, "{:?} instead of {wait:?}", before.elapsed());
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
        let deadline = Instant::now() + MILLI * 3;
        sleep_until(deadline).await;
        assert!(Instant::now() >= deadline);
    });
}

fn the_past_does_not_wait(flavor: Flavor) {
    let long_ago = Instant::now();
    flavor.build().block_on(async move {
        sleep(Duration::ZERO).await;
        sleep(Duration::from_nanos(1)).await;
        sleep_until(long_ago).await;
        if let Some(before) = long_ago.checked_sub(Duration::from_secs(10)) {
            sleep_until(before).await;
        }
    });
}

fn it_knows_its_deadline_and_whether_that_has_passed(flavor: Flavor) {
    in_still_time(flavor, || async {
        let deadline = Instant::now() + HOUR;
        let mut far = Box::pin(sleep_until(deadline));
        assert_eq!(far.deadline(), deadline);
        assert!(!far.is_elapsed());
        assert!(WakeCount::new().poll(&mut far).is_pending());
        assert!(!far.is_elapsed());
        far.as_mut().await;
        assert!(far.is_elapsed());
        assert_eq!((far.deadline(), Instant::now()), (deadline, deadline));
        // Ready again and again.
        far.as_mut().await;
        let mut near = Box::pin(sleep(MILLI * 7));
        assert_eq!(near.deadline(), deadline + MILLI * 7);
        near.as_mut().await;
    });
}

fn reset_before_while_and_after_it_waits(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let mut nap = Box::pin(sleep(HOUR));
        nap.as_mut().reset(start + MILLI);
        nap.as_mut().await;
        assert_eq!(start.elapsed(), MILLI, "before its first poll");
        nap.as_mut().reset(start + MILLI * 5);
        assert!(!nap.is_elapsed());
        nap.as_mut().await;
        assert_eq!(start.elapsed(), MILLI * 5, "after it was done");
        for (first, second) in [(MILLI * 10, MILLI * 20), (MILLI * 20, MILLI * 10)] {
            let from = Instant::now();
            nap.as_mut().reset(from + first);
            assert!(WakeCount::new().poll(&mut nap).is_pending());
            nap.as_mut().reset(from + second);
            nap.as_mut().await;
            assert_eq!(from.elapsed(), second, "while it waited");
        }
        nap.as_mut().reset(start);
        assert_eq!(nap.deadline(), start);
        nap.as_mut().await;
    });
}

/// Also while nobody looks at the timers.
///
/// Fault: what is due is woken by the next look at the wheel.
fn reset_to_a_moment_that_has_passed_wakes_at_once(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let start = Instant::now();
        let mut nap = Box::pin(sleep(HOUR));
        let woken = WakeCount::new();
        assert!(woken.poll(&mut nap).is_pending());
        nap.as_mut().reset(start);
        assert_eq!(woken.wakes(), 1);
        assert!(nap.is_elapsed());
        assert!(woken.poll(&mut nap).is_ready());
        assert_eq!(woken.wakes(), 1);
    });
}

/// A task sleeps; another one, or a thread, resets its sleep.
fn reset_to_an_earlier_time_wakes(flavor: Flavor) {
    let runtime = flavor.build();
    let nap = Arc::new(Mutex::new({
        let _inside = runtime.enter();
        Box::pin(sleep(HOUR))
    }));
    for past in [false, true] {
        nap.lock().as_mut().reset(Instant::now() + HOUR);
        let shared = nap.clone();
        let polls = Arc::new(Mutex::new(0));
        let counts = polls.clone();
        let sleeper = runtime.spawn(std::future::poll_fn(move |cx| {
            *counts.lock() += 1;
            std::future::Future::poll(shared.lock().as_mut(), cx)
        }));
        let resets = nap.clone();
        let resetter = std::thread::spawn(move || {
            wait_until("the sleeper's first poll", || *polls.lock() > 0);
            let now = Instant::now();
            resets.lock().as_mut().reset(if past { now } else { now + MILLI });
        });
        runtime.block_on(sleeper).unwrap();
        resetter.join().unwrap();
    }
}

/// E22: its entry stays in the wheel and fires at the first deadline. Fault: an entry that has fired is a sleep that is over.
fn it_is_put_off_again_and_again(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut nap = Box::pin(sleep(MILLI * 4));
        for _ in 0..12 {
            let other = poll_fn(|cx| {
                assert!(nap.as_mut().poll(cx).is_pending() || nap.deadline() <= Instant::now(), "too early");
                Poll::Ready(())
            });
            other.await;
            sleep(MILLI).await;
            nap.as_mut().reset(Instant::now() + MILLI * 4);
            assert!(!nap.is_elapsed() || nap.deadline() <= Instant::now());
        }
        nap.as_mut().await;
        assert!(nap.deadline() <= Instant::now() && nap.is_elapsed());
    });
}

/// Put off while nobody polls it, then waited for: by then its entry has fired. And put off, then brought forward.
fn one_that_was_put_off_waits_for_its_last_deadline(flavor: Flavor) {
    flavor.build().block_on(async {
        for (later, last) in [(MILLI * 8, MILLI * 8), (HOUR, MILLI * 6)] {
            let mut nap = Box::pin(sleep(MILLI));
            assert!(WakeCount::new().poll(&mut nap).is_pending());
            let from = Instant::now();
            nap.as_mut().reset(from + later);
            sleep(MILLI * 3).await;
            assert!(!nap.is_elapsed() || nap.deadline() <= Instant::now(), "only the first deadline has passed");
            nap.as_mut().reset(from + last);
            nap.as_mut().await;
            assert!(from.elapsed() >= last);
        }
    });
}

fn the_last_waker_is_woken(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (first, second) = (WakeCount::new(), WakeCount::new());
        let mut nap = Box::pin(sleep(MILLI));
        assert!(first.poll(&mut nap).is_pending());
        assert!(second.poll(&mut nap).is_pending());
        sleep(MILLI * 2).await;
        assert_eq!((first.wakes(), first.alive()), (0, 0));
        while second.wakes() == 0 {
            task::yield_now().await;
        }
        assert!(second.poll(&mut nap).is_ready());
        assert_eq!(second.wakes(), 1);
    });
}

fn one_that_is_dropped_wakes_nobody_and_keeps_nothing(flavor: Flavor) {
    in_still_time(flavor, || async {
        let count = WakeCount::new();
        for _ in 0..1_000 {
            let mut nap = Box::pin(sleep(MILLI * 10));
            assert!(count.poll(&mut nap).is_pending());
        }
        sleep(MILLI * 20).await;
        assert_eq!((count.wakes(), count.alive()), (0, 0));
    });
}

fn they_end_in_the_order_of_their_deadlines(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    let ended = Arc::new(Mutex::new(Vec::new()));
    let mut rng = Rng::from_env("they_end_in_the_order_of_their_deadlines");
    runtime.block_on(async {
        let sleepers: Vec<_> = (0..300)
            .map(|_| {
                let (millis, ended) = (rng.below(100_000) as u64, ended.clone());
                runtime::spawn(async move {
                    sleep(Duration::from_millis(millis)).await;
                    ended.lock().push(millis);
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
    let ended = ended.lock();
    assert!(ended.len() == 300 && ended.is_sorted(), "{ended:?}");
}

/// A task whose sleeps are always over yields now and then.
fn it_takes_part_in_the_budget(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    let spinner = runtime.spawn(async {
        loop {
            sleep(Duration::ZERO).await;
        }
    });
    let others: Vec<_> = (0..10).map(|_| runtime.spawn(task::yield_now())).collect();
    runtime.block_on(async {
        for other in others {
            other.await.unwrap();
        }
        spinner.abort();
        assert!(spinner.await.unwrap_err().is_cancelled());
    });
}

fn without_budget_it_is_polled_again(flavor: Flavor) {
    in_still_time(flavor, || async {
        let mut over = pin!(sleep(Duration::ZERO));
        std::future::poll_fn(|cx| {
            while let Poll::Ready(unit) = task::coop::poll_proceed(cx) {
                unit.made_progress();
            }
            assert!(over.as_mut().poll(cx).is_pending(), "ready without a unit");
            Poll::Ready(())
        })
        .await;
        task::yield_now().await;
        over.await;
    });
}

fn thousands_of_tasks_sleep_at_once(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let sleepers: Vec<_> = (0..5_000)
            .map(|n| {
                runtime::spawn(async move {
                    for step in 0..3 {
                        sleep(Duration::from_micros((n * 7 + step * 13) % 3_000)).await;
                    }
                })
            })
            .collect();
        for sleeper in sleepers {
            sleeper.await.unwrap();
        }
    });
}

for_each_flavor!(
    it_never_ends_early,
    the_past_does_not_wait,
    it_knows_its_deadline_and_whether_that_has_passed,
    reset_before_while_and_after_it_waits,
    reset_to_a_moment_that_has_passed_wakes_at_once,
    reset_to_an_earlier_time_wakes,
    it_is_put_off_again_and_again,
    one_that_was_put_off_waits_for_its_last_deadline,
    the_last_waker_is_woken,
    one_that_is_dropped_wakes_nobody_and_keeps_nothing,
    they_end_in_the_order_of_their_deadlines,
    it_takes_part_in_the_budget,
    without_budget_it_is_polled_again,
    thousands_of_tasks_sleep_at_once,
);

#[test]
fn debug_shows_something() {
    let runtime = Flavor::CurrentThread.build();
    let _inside = runtime.enter();
    assert!(format!("{:?}", sleep(HOUR)).contains("Sleep"));
}
