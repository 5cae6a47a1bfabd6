//! `time::{interval, interval_at, Interval, MissedTickBehavior}`.

use runtime::task;
use runtime::time::{Duration, Instant, MissedTickBehavior, advance, interval, interval_at, sleep};
use runtime_tests::{Flavor, WakeCount, for_each_flavor, in_still_time, still};
use std::pin::pin;
use std::task::{Context, Poll};

const MILLI: Duration = Duration::from_millis(1);
const PERIOD: Duration = Duration::from_millis(50);

fn it_ticks_at_once_and_then_each_period(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let mut every = interval(PERIOD);
        assert_eq!((every.period(), every.missed_tick_behavior()), (PERIOD, MissedTickBehavior::Burst));
        for n in 0..20 {
            assert_eq!(every.tick().await, start + PERIOD * n);
            assert_eq!(start.elapsed(), PERIOD * n);
        }
    });
}

fn it_ticks_from_a_start(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let mut every = interval_at(start + MILLI * 7, PERIOD);
        for n in 0..5 {
            assert_eq!(every.tick().await, start + MILLI * 7 + PERIOD * n);
            assert_eq!(start.elapsed(), MILLI * 7 + PERIOD * n);
        }
        // A start that has passed: ticks are made good.
        let late = Instant::now();
        let mut every = interval_at(late - PERIOD * 2, PERIOD);
        for n in 0..4 {
            assert_eq!(every.tick().await, late - PERIOD * 2 + PERIOD * n);
        }
        assert_eq!(late.elapsed(), PERIOD);
    });
}

/// Time flows.
fn it_never_ticks_early(flavor: Flavor) {
    flavor.build().block_on(async {
        let before = Instant::now();
        let mut every = interval(MILLI * 2);
        let first = every.tick().await;
        assert!(first >= before);
        for n in 1..10 {
            assert_eq!(every.tick().await, first + MILLI * 2 * n);
            assert!(Instant::now() >= first + MILLI * 2 * n);
        }
    });
}

fn work_between_ticks_does_not_add_up(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let mut every = interval(PERIOD);
        for n in 0..10 {
            every.tick().await;
            assert_eq!(start.elapsed(), PERIOD * n);
            sleep(MILLI * 30).await;
        }
    });
}

fn resets(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let at = |millis: u32| start + MILLI * millis;
        let mut every = interval(PERIOD);
        every.tick().await;
        sleep(MILLI * 20).await;
        every.reset();
        assert_eq!(every.tick().await, at(70));
        sleep(MILLI * 5).await;
        every.reset_immediately();
        assert_eq!(every.tick().await, at(75));
        assert_eq!(start.elapsed(), MILLI * 75, "at once");
        every.reset_after(MILLI * 10);
        assert_eq!(every.tick().await, at(85));
        every.reset_at(at(100));
        assert_eq!(every.tick().await, at(100));
        assert_eq!(every.tick().await, at(150), "the period is what it was");
        every.reset_at(at(0));
        assert_eq!(every.tick().await, at(0));
    });
}

fn a_reset_reaches_who_waits(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (start, count) = (Instant::now(), WakeCount::new());
        let mut every = interval_at(start + PERIOD * 100, PERIOD);
        assert!(every.poll_tick(&mut Context::from_waker(&count.waker())).is_pending());
        every.reset_at(start + MILLI);
        sleep(MILLI * 2).await;
        while count.wakes() == 0 {
            task::yield_now().await;
        }
        assert!(every.poll_tick(&mut Context::from_waker(&count.waker())).is_ready());
    });
}

fn a_cancelled_tick_is_not_lost(flavor: Flavor) {
    in_still_time(flavor, || async {
        let (start, count) = (Instant::now(), WakeCount::new());
        let mut every = interval_at(start + PERIOD, PERIOD);
        {
            let mut tick = pin!(every.tick());
            assert!(tick.as_mut().poll(&mut Context::from_waker(&count.waker())).is_pending());
        }
        sleep(PERIOD * 2).await;
        assert_eq!(every.tick().await, start + PERIOD);
        drop(every);
        // Nobody is left who would be woken.
        sleep(PERIOD * 2).await;
        assert_eq!(count.alive(), 0);
    });
}

fn it_takes_part_in_the_budget(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    let spinner = runtime.spawn(async {
        let mut every = interval(MILLI);
        loop {
            every.reset_immediately();
            every.tick().await;
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

/// What it says it will do about missed ticks.
fn missed_ticks(flavor: Flavor) {
    use MissedTickBehavior::{Burst, Delay, Skip};
    in_still_time(flavor, || async {
        for (behavior, taken) in [
            (Burst, [0, 50, 175, 175, 200, 250, 300]),
            (Delay, [0, 50, 175, 225, 275, 325, 375]),
            (Skip, [0, 50, 175, 200, 250, 300, 350]),
        ] {
            let start = Instant::now();
            let mut every = interval(PERIOD);
            every.set_missed_tick_behavior(behavior);
            assert_eq!(every.missed_tick_behavior(), behavior);
            for (n, millis) in taken.into_iter().enumerate() {
                every.tick().await;
                assert_eq!(start.elapsed(), MILLI * millis, "tick {n} of {behavior:?}");
                if n == 1 {
                    advance(MILLI * 125).await;
                }
            }
        }
    });
}

for_each_flavor!(
    it_ticks_at_once_and_then_each_period,
    it_ticks_from_a_start,
    it_never_ticks_early,
    work_between_ticks_does_not_add_up,
    resets,
    a_reset_reaches_who_waits,
    a_cancelled_tick_is_not_lost,
    it_takes_part_in_the_budget,
    missed_ticks,
);

#[test]
fn small_things() {
    let runtime = Flavor::CurrentThread.build();
    let _inside = runtime.enter();
    assert!(format!("{:?}", interval(PERIOD)).contains("Interval"));
    assert_eq!(MissedTickBehavior::default(), MissedTickBehavior::Burst);
    let count = WakeCount::new();
    let mut every = interval(PERIOD);
    let first = every.poll_tick(&mut Context::from_waker(&count.waker()));
    // tokio says so, too, but may take a millisecond for it.
    assert!(cfg!(feature = "oracle") || matches!(first, Poll::Ready(_)));
}
