//! The shortest and the longest times through every entry point: nothing panics, wraps, or fires early.

use runtime::sync::mpsc;
use runtime::time::{Duration, Instant, advance, interval, interval_at, sleep, sleep_until, timeout, timeout_at};
use runtime_tests::{Flavor, WakeCount, for_each_flavor, still};
use std::future::pending;
use std::task::{Context, Poll};

const DAY: Duration = Duration::from_secs(86_400);

/// Each is beyond what some integer of some runtime held.
const TIMES: [Duration; 8] = [
    Duration::ZERO,
    Duration::from_nanos(1),
    Duration::from_millis(24 * 86_400_000 + 77_760_000),
    Duration::from_millis(i32::MAX as u64 + 1),
    Duration::from_millis(u32::MAX as u64 + 1),
    Duration::from_millis(1 << 36),
    Duration::from_millis(u64::MAX),
    Duration::MAX,
];

fn far(from: Instant, time: Duration) -> Instant {
    from.checked_add(time).unwrap_or(from + DAY * 365 * 30)
}

/// Polls each with every time; those of a day and more must not be ready.
async fn every_entry_point(time: Duration) {
    let (count, now, long) = (WakeCount::new(), Instant::now(), time >= DAY);
    let moment = far(now, time);
    let waker = count.waker();
    let waits = |ready: bool| assert!(!(long && ready), "ready early with {time:?}");

    let mut nap = Box::pin(sleep(time));
    waits(count.poll(&mut nap).is_ready());
    assert!(nap.deadline() >= far(now, time.min(DAY)));
    nap.as_mut().reset(moment);
    waits(count.poll(&mut nap).is_ready());
    waits(count.poll(&mut Box::pin(sleep_until(moment))).is_ready());
    waits(count.poll(&mut Box::pin(timeout(time, pending::<()>()))).is_ready());
    waits(count.poll(&mut Box::pin(timeout_at(moment, pending::<()>()))).is_ready());
    assert!(count.poll(&mut Box::pin(timeout(time, std::future::ready(1)))) == Poll::Ready(Ok(1)));

    let (tx, _rx) = mpsc::channel(1);
    tx.send_timeout(1, time).await.unwrap();
    waits(count.poll(&mut Box::pin(tx.send_timeout(2, time))).is_ready());

    if !time.is_zero() {
        let mut every = interval(time);
        every.tick().await;
        waits(every.poll_tick(&mut Context::from_waker(&waker)).is_ready());
        // tokio adds without a look there.
        if cfg!(not(feature = "oracle")) || now.checked_add(time).is_some() {
            every.reset();
            waits(every.poll_tick(&mut Context::from_waker(&waker)).is_ready());
            every.reset_after(time);
            waits(every.poll_tick(&mut Context::from_waker(&waker)).is_ready());
        }
        every.reset_at(moment);
        waits(every.poll_tick(&mut Context::from_waker(&waker)).is_ready());
    }
    let mut every = interval_at(moment, Duration::MAX);
    waits(every.poll_tick(&mut Context::from_waker(&waker)).is_ready());
    drop(nap);
}

fn in_time_that_flows(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        for time in TIMES {
            every_entry_point(time).await;
            runtime::spawn(every_entry_point(time)).await.unwrap();
        }
    });
}

fn in_time_that_stands_still(flavor: Flavor) {
    for time in TIMES {
        let Some(runtime) = still(flavor) else { return };
        runtime.block_on(every_entry_point(time));
    }
}

/// Time jumps to the deadline, however far that is.
fn slept_through(flavor: Flavor) {
    // What tokio does beyond 2^36 ms is its own business.
    let times = if cfg!(feature = "oracle") { &TIMES[..5] } else { &TIMES[..] };
    for &time in times {
        let Some(runtime) = still(flavor) else { return };
        runtime.block_on(async {
            let start = Instant::now();
            sleep(time).await;
            // The last tick there is lies a millisecond before u64::MAX.
            let least = time.min(far(start, time) - start).saturating_sub(Duration::from_millis(u64::from(time > DAY)));
            assert!(start.elapsed() >= least, "{:?} instead of {time:?}", start.elapsed());
        });
    }
}

fn moved_by_hand(flavor: Flavor) {
    for time in TIMES {
        if cfg!(feature = "oracle") && time > DAY * 365 {
            continue;
        }
        let Some(runtime) = still(flavor) else { return };
        runtime.block_on(async {
            let (start, count) = (Instant::now(), WakeCount::new());
            let mut nap = Box::pin(sleep(DAY));
            let polled = count.poll(&mut nap);
            assert!(polled.is_pending());
            match start.checked_add(time) {
                Some(_) => {
                    advance(time).await;
                    assert_eq!(start.elapsed(), time);
                }
                None => {
                    let refused = runtime_tests::catch(|| runtime_tests::poll_once(&mut Box::pin(advance(time))));
                    assert!(refused.is_err_and(|panic| panic.message.contains("so far")), "out of range");
                    assert_eq!(start.elapsed(), Duration::ZERO);
                }
            }
            assert_eq!(count.poll(&mut nap).is_ready(), start.elapsed() >= DAY);
            // And timers work from there on.
            sleep(Duration::from_millis(1)).await;
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
        });
    }
}

for_each_flavor!(in_time_that_flows, in_time_that_stands_still, slept_through, moved_by_hand);
