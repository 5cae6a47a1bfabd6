//! Timers and clocks (T). Those that a wheel without a clock can have are in the tests of `timer-wheel`, those that need a
//! crowd in `stress/`.

mod runtimes;
mod system;

use parking_lot::Mutex;
use runtime::runtime::Runtime;
use runtime::sync::{Semaphore, mpsc};
use runtime::task;
use runtime::time::{
    Duration, Instant, MissedTickBehavior, Sleep, advance, interval, pause, sleep, sleep_until, timeout, timeout_at,
};
use runtime_tests::{Event, Flavor, Rng, WakeCount, for_each_flavor, in_still_time, still, wait_until};
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

/// A sleep of that runtime's.
fn nap_of(runtime: &Runtime, time: Duration) -> Pin<Box<Sleep>> {
    let _inside = runtime.enter();
    Box::pin(sleep(time))
}

/// Everybody sleeps until a far deadline; then a nearer timer is set, by a task and from outside.
fn museum_t3_a_nearer_timer_is_seen_by_sleepers(flavor: Flavor) {
    let runtime = flavor.build();
    let far: Vec<_> = (0..4).map(|_| runtime.spawn(async { sleep(HOUR).await })).collect();
    let handle = runtime.handle().clone();
    let stop = Event::new();
    let stopped = stop.clone();
    let outsider = std::thread::spawn(move || {
        for _ in 0..100 {
            handle.block_on(async { sleep(MILLI / 10).await });
            handle.block_on(handle.spawn(async { sleep(MILLI / 10).await })).unwrap();
        }
        stopped.set();
    });
    runtime.block_on(async {
        for _ in 0..100 {
            sleep(MILLI / 10).await;
            runtime::spawn(sleep(MILLI / 10)).await.unwrap();
        }
        stop.wait().await;
        far.iter().for_each(task::JoinHandle::abort);
    });
    outsider.join().unwrap();
}

/// Each of three behaviours, stalled for shorter and longer than the tolerance, a period, and many periods.
fn museum_t10_ticks_after_a_stall(flavor: Flavor) {
    use MissedTickBehavior::{Burst, Delay, Skip};
    in_still_time(flavor, || async {
        let period = MILLI * 20;
        for behavior in [Burst, Delay, Skip] {
            for stall in [1, 5, 6, 19, 20, 21, 39, 40, 41, 100, 1_000, 12_345] {
                let start = Instant::now();
                let mut every = interval(period);
                every.set_missed_tick_behavior(behavior);
                every.tick().await;
                advance(period + MILLI * stall).await;
                // The tick at 20 is taken at 20 + stall; which ones follow, and when?
                let taken = 20 + u64::from(stall);
                assert_eq!(every.tick().await, start + period);
                for n in 0..3 {
                    every.tick().await;
                    let expected = match behavior {
                        _ if stall <= 5 => 40 + n * 20,
                        Burst => (40 + n * 20).max(taken),
                        Delay => taken + 20 + n * 20,
                        Skip => taken - taken % 20 + 20 + n * 20,
                    };
                    let when = start.elapsed().as_millis() as u64;
                    let late_again = stall <= 5 || behavior == Burst;
                    let expected = if late_again { expected.max(taken) } else { expected };
                    assert_eq!(when, expected, "tick {n} of {behavior:?} after {stall} ms");
                }
            }
        }
    });
}

/// What happened when, by the clock of a runtime that was paused somewhere within a millisecond.
fn trace(flavor: Flavor, seed: u64) -> Vec<(u64, Duration)> {
    let runtime = flavor.build();
    let log = Arc::new(Mutex::new(Vec::new()));
    runtime.block_on(async {
        let began = std::time::Instant::now();
        while began.elapsed() < Duration::from_micros(seed % 1_000) {
            std::hint::spin_loop();
        }
        pause();
        let start = Instant::now();
        let mut rng = Rng::new(42);
        let tasks: Vec<_> = (0..50)
            .map(|id| {
                let (log, mut rng) = (log.clone(), Rng::new(rng.bits()));
                runtime::spawn(async move {
                    for _ in 0..5 {
                        sleep(Duration::from_micros(rng.below(5_000) as u64)).await;
                        log.lock().push((id, start.elapsed()));
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
    });
    let mut log = log.lock().clone();
    if flavor.is_multi_thread() {
        // Among those that are due at one moment, two workers have no order.
        log.sort_by_key(|&(id, when)| (when, id));
    }
    log
}

fn museum_t13_the_same_steps_each_time(flavor: Flavor) {
    if cfg!(feature = "oracle") {
        return;
    }
    let first = trace(flavor, 0);
    for seed in [123, 456, 789, 999] {
        assert_eq!(trace(flavor, seed), first);
    }
}

/// Resets while it expires, from another thread; then a great many, of which only the last counts.
fn museum_t14_resets_while_it_expires(flavor: Flavor) {
    let runtime = flavor.build();
    let nap = Arc::new(Mutex::new(nap_of(&runtime, MILLI)));
    let (resets, polled) = (2_000, nap.clone());
    let fired = Arc::new(AtomicUsize::new(0));
    let counts = fired.clone();
    let sleeper = runtime.spawn(poll_fn(move |cx| {
        let mut nap = polled.lock();
        while nap.as_mut().poll(cx).is_ready() {
            counts.fetch_add(1, Ordering::SeqCst);
            if Arc::strong_count(&polled) == 1 {
                return Poll::Ready(());
            }
            nap.as_mut().reset(Instant::now() + MILLI / 4);
        }
        Poll::Pending
    }));
    let resetter = std::thread::spawn(move || {
        let mut rng = Rng::from_env("museum_t14_resets_while_it_expires");
        for _ in 0..resets {
            let deadline = Instant::now() + Duration::from_micros(rng.below(1_500) as u64);
            nap.lock().as_mut().reset(deadline);
            for _ in 0..rng.below(2_000) {
                std::hint::spin_loop();
            }
        }
    });
    runtime.block_on(sleeper).unwrap();
    resetter.join().unwrap();
    assert!(fired.load(Ordering::SeqCst) > 0);
}

fn museum_t14_a_great_many_resets_are_one_timer(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (count, start) = (WakeCount::new(), Instant::now());
        let mut nap = Box::pin(sleep(HOUR));
        assert!(count.poll(&mut nap).is_pending());
        for n in 0..100_000 {
            nap.as_mut().reset(start + MILLI * (n % 1_000 + 2));
        }
        nap.as_mut().reset(start + MILLI * 5);
        sleep_until(start + MILLI * 4).await;
        assert_eq!(count.wakes(), 0);
        sleep_until(start + HOUR).await;
        assert_eq!(count.wakes(), 1);
        assert!(count.poll(&mut nap).is_ready());
    });
}

/// The nearer timer is set by the task that the far one's sleeper woke, and so on: each makes the sleeper look again.
fn museum_t15_each_nearer_timer_is_told(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        for _ in 0..20 {
            let sleepers: Vec<_> = [HOUR, HOUR / 60, Duration::from_secs(30), MILLI * 3, MILLI]
                .map(|time| runtime::spawn(async move { sleep(time).await }))
                .into();
            while sleepers.iter().filter(|sleeper| sleeper.is_finished()).count() < 2 {
                sleep(MILLI / 5).await;
            }
            sleepers.iter().for_each(task::JoinHandle::abort);
        }
    });
}

/// A value that is sent in the millisecond in which the receiver's time is up: received, or still there.
fn museum_t17_a_value_and_the_deadline_in_one_tick(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (tx, mut rx) = mpsc::unbounded_channel();
        let (mut received, mut timed_out) = (0, 0);
        for n in 0..300 {
            let (tx, moment) = (tx.clone(), Instant::now() + MILLI * 2);
            let sender = runtime::spawn(async move {
                sleep_until(moment).await;
                for _ in 0..n % 3 {
                    task::yield_now().await;
                }
                tx.send(n).unwrap();
            });
            match timeout_at(moment, rx.recv()).await {
                Ok(value) => {
                    assert_eq!(value, Some(n));
                    received += 1;
                }
                Err(_) => {
                    timed_out += 1;
                    assert_eq!(rx.recv().await, Some(n), "the value was lost");
                }
            }
            sender.await.unwrap();
        }
        assert_eq!(received + timed_out, 300);
    });
}

/// Both are ready in the same poll: the value goes first.
fn museum_t17_a_value_that_is_there_is_returned(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (tx, mut rx) = mpsc::channel(1);
        let count = WakeCount::new();
        let mut receive = Box::pin(timeout(MILLI, rx.recv()));
        assert!(count.poll(&mut receive).is_pending());
        tx.send(7).await.unwrap();
        advance(HOUR).await;
        assert_eq!(receive.await, Ok(Some(7)));
    });
}

/// What was acquired when time is up is not kept by a future that is gone.
fn museum_t17_a_permit_and_the_deadline_in_one_tick(flavor: Flavor) {
    in_still_time(flavor, || async {
        let semaphore = Arc::new(Semaphore::new(0));
        for n in 0..300 {
            let (adds, moment) = (semaphore.clone(), Instant::now() + MILLI * 2);
            let releaser = runtime::spawn(async move {
                sleep_until(moment).await;
                if n % 2 == 0 {
                    task::yield_now().await;
                }
                adds.add_permits(1);
            });
            let permit = timeout_at(moment, semaphore.acquire()).await;
            releaser.await.unwrap();
            match permit {
                Ok(permit) => permit.unwrap().forget(),
                Err(_) => semaphore.try_acquire().expect("the permit was lost").forget(),
            }
            assert_eq!(semaphore.available_permits(), 0);
        }
    });
}

/// The inner future is never at an end, and always ready until the budget is used up.
fn museum_t18_a_busy_future_times_out(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let semaphore = Semaphore::new(1);
        let busy = async {
            loop {
                drop(semaphore.acquire().await.unwrap());
            }
        };
        let timed: Result<(), _> = timeout(MILLI * 10, busy).await;
        assert!(timed.is_err());
        let task = runtime::spawn(async {
            let (tx, mut rx) = mpsc::channel(1);
            let echo = async {
                loop {
                    tx.send(()).await.unwrap();
                    rx.recv().await.unwrap();
                }
            };
            let timed: Result<(), _> = timeout(MILLI * 10, timeout(HOUR, echo)).await.map(|_| ());
            timed.is_err()
        });
        assert!(task.await.unwrap());
    });
}

/// A deadline counts from the call that says it, as documented; a call inside of an `async` block is made when that runs.
fn museum_t19_time_counts_from_the_call(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let made = timeout(MILLI * 1_500, std::future::pending::<()>());
        let later = async { timeout(MILLI * 1_500, std::future::pending::<()>()).await };
        let nap = sleep(MILLI * 200);
        sleep(MILLI * 1_000).await;
        nap.await;
        assert_eq!(start.elapsed(), MILLI * 1_000);
        assert!(made.await.is_err());
        assert_eq!(start.elapsed(), MILLI * 1_500);
        assert!(later.await.is_err());
        assert_eq!(start.elapsed(), MILLI * 3_000);
    });
}

/// Blocking closures and time that stands still: it moves on when the last one is done, not before.
fn museum_t13_time_moves_on_after_the_last_closure(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    runtime.block_on(async {
        let (start, gate) = (Instant::now(), Event::new());
        let closures: Vec<_> = (0..3)
            .map(|_| {
                let gate = gate.clone();
                task::spawn_blocking(move || gate.wait_blocking())
            })
            .collect();
        let napper = runtime::spawn(async move {
            sleep(HOUR).await;
            start.elapsed()
        });
        let opener = std::thread::spawn(move || gate.set());
        for closure in closures {
            closure.await.unwrap();
        }
        assert_eq!(napper.await.unwrap(), HOUR);
        opener.join().unwrap();
    });
    wait_until("its end", || runtime.metrics().num_alive_tasks() == 0);
}

for_each_flavor!(
    museum_t3_a_nearer_timer_is_seen_by_sleepers,
    museum_t10_ticks_after_a_stall,
    museum_t13_the_same_steps_each_time,
    museum_t13_time_moves_on_after_the_last_closure,
    museum_t14_resets_while_it_expires,
    museum_t14_a_great_many_resets_are_one_timer,
    museum_t15_each_nearer_timer_is_told,
    museum_t17_a_value_and_the_deadline_in_one_tick,
    museum_t17_a_value_that_is_there_is_returned,
    museum_t17_a_permit_and_the_deadline_in_one_tick,
    museum_t18_a_busy_future_times_out,
    museum_t19_time_counts_from_the_call,
);
