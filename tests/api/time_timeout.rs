//! `time::{timeout, timeout_at, Timeout}`, and what they return when time is up.

use runtime::sync::{mpsc, oneshot};
use runtime::task;
use runtime::time::error::{Elapsed, Error};
use runtime::time::{Duration, Instant, sleep, timeout, timeout_at};
use runtime_tests::{Drops, Flavor, WakeCount, for_each_flavor, in_still_time, still};
use std::future::{IntoFuture, Ready, pending, poll_fn, ready};
use std::task::Poll;

const MILLI: Duration = Duration::from_millis(1);
const HOUR: Duration = Duration::from_secs(3600);

fn what_is_ready_comes_through(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(timeout(HOUR, ready(1)).await, Ok(1));
        assert_eq!(timeout(Duration::ZERO, async { 2 }).await, Ok(2));
        assert_eq!(timeout_at(Instant::now(), ready(3)).await, Ok(3));
        let (tx, rx) = oneshot::channel();
        let sender = runtime::spawn(async move {
            task::yield_now().await;
            tx.send(4).unwrap();
        });
        assert_eq!(timeout(HOUR, rx).await, Ok(Ok(4)));
        sender.await.unwrap();
    });
}

fn what_is_not_does_not(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        assert!(timeout(MILLI * 30, pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), MILLI * 30);
        assert!(timeout_at(start + MILLI * 50, pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), MILLI * 50);
        assert!(timeout_at(start, pending::<()>()).await.is_err(), "a moment that has passed");
        assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
        assert_eq!(start.elapsed(), MILLI * 50);
    });
}

/// Time flows.
fn it_ends_in_real_time_too(flavor: Flavor) {
    flavor.build().block_on(async {
        let before = std::time::Instant::now();
        assert!(timeout(MILLI * 5, pending::<()>()).await.is_err());
        assert!(before.elapsed() >= MILLI * 5);
        assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
    });
}

fn nested_ones_end_at_the_earlier_deadline(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        assert!(timeout(HOUR, timeout(MILLI, pending::<()>())).await.unwrap().is_err());
        assert!(timeout(MILLI, timeout(HOUR, pending::<()>())).await.is_err());
        assert_eq!(start.elapsed(), MILLI * 2);
    });
}

fn the_future_goes_with_it(flavor: Flavor) {
    in_still_time(flavor, || async {
        let drops = Drops::new();
        let held = drops.probe();
        let timed = timeout(MILLI, async move {
            pending::<()>().await;
            drop(held);
        });
        assert!(timed.await.is_err());
        assert_eq!(drops.alive(), 0);
        let mut unfinished = Box::pin(timeout(MILLI, pending::<()>()));
        let count = WakeCount::new();
        assert!(count.poll(&mut unfinished).is_pending());
        drop(unfinished);
        sleep(MILLI * 2).await;
        assert_eq!((count.wakes(), count.alive()), (0, 0));
    });
}

fn the_future_inside_can_be_reached(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut timed = timeout(HOUR, ready(1));
        assert_eq!(format!("{:?}", timed.get_ref()), format!("{:?}", ready(1)));
        *timed.get_mut() = ready(2);
        assert_eq!(timed.into_inner().await, 2);
        assert!(format!("{:?}", timeout(HOUR, ready(1))).contains("Timeout"));
    });
}

struct Order(u8);

impl IntoFuture for Order {
    type Output = u8;
    type IntoFuture = Ready<u8>;

    fn into_future(self) -> Ready<u8> {
        ready(self.0)
    }
}

fn it_takes_what_becomes_a_future(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(timeout(HOUR, Order(7)).await, Ok(7));
        assert_eq!(timeout_at(Instant::now() + HOUR, Order(8)).await, Ok(8));
    });
}

/// A loop of timeouts that are up at once yields now and then.
fn it_takes_part_in_the_budget(flavor: Flavor) {
    let Some(runtime) = still(flavor) else { return };
    let spinner = runtime.spawn(async {
        loop {
            assert!(timeout(Duration::ZERO, pending::<()>()).await.is_err());
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

fn send_timeout_waits_for_room_and_no_longer(flavor: Flavor) {
    in_still_time(flavor, || async {
        let start = Instant::now();
        let (tx, mut rx) = mpsc::channel(1);
        tx.send_timeout(1, Duration::ZERO).await.unwrap();
        let refused = tx.send_timeout(2, MILLI * 10).await.unwrap_err();
        assert!(matches!(refused, mpsc::error::SendTimeoutError::Timeout(2)));
        assert_eq!(start.elapsed(), MILLI * 10);
        let receiver = runtime::spawn(async move {
            sleep(MILLI * 5).await;
            let first = rx.recv().await;
            (first, rx.recv().await, rx)
        });
        tx.send_timeout(3, HOUR).await.unwrap();
        assert_eq!(start.elapsed(), MILLI * 15);
        let (first, second, rx) = receiver.await.unwrap();
        assert_eq!((first, second), (Some(1), Some(3)));
        tx.send_timeout(4, HOUR).await.unwrap();
        // No room is lost by those who gave up.
        assert!(tx.send_timeout(5, MILLI).await.is_err());
        assert_eq!((tx.capacity(), rx.len()), (0, 1));
        drop(rx);
        let refused = tx.send_timeout(6, HOUR).await.unwrap_err();
        assert!(matches!(refused, mpsc::error::SendTimeoutError::Closed(6)));
        assert_eq!(refused.into_inner(), 6);
        assert_eq!(start.elapsed(), MILLI * 16);
    });
}

fn the_channel_closes_while_a_sender_waits(flavor: Flavor) {
    flavor.build().block_on(async {
        let (tx, rx) = mpsc::channel(1);
        tx.send(1).await.unwrap();
        let closer = runtime::spawn(async move {
            task::yield_now().await;
            drop(rx);
        });
        let refused = tx.send_timeout(2, HOUR).await.unwrap_err();
        assert!(matches!(refused, mpsc::error::SendTimeoutError::Closed(2)));
        closer.await.unwrap();
    });
}

for_each_flavor!(
    what_is_ready_comes_through,
    what_is_not_does_not,
    it_ends_in_real_time_too,
    nested_ones_end_at_the_earlier_deadline,
    the_future_goes_with_it,
    the_future_inside_can_be_reached,
    it_takes_what_becomes_a_future,
    it_takes_part_in_the_budget,
    send_timeout_waits_for_room_and_no_longer,
    the_channel_closes_while_a_sender_waits,
);

#[test]
fn elapsed_is_an_error_of_its_kind() {
    let runtime = Flavor::CurrentThread.build();
    let elapsed: Elapsed = runtime.block_on(async { timeout(Duration::ZERO, pending::<()>()).await.unwrap_err() });
    assert!(format!("{elapsed:?}").contains("Elapsed") && !elapsed.to_string().is_empty());
    let again = runtime.block_on(async { timeout(Duration::ZERO, pending::<()>()).await.unwrap_err() });
    assert_eq!(elapsed, again);
    let boxed: Box<dyn std::error::Error + Send + Sync> = Box::new(again);
    assert!(boxed.is::<Elapsed>());
    let io = std::io::Error::from(elapsed);
    assert_eq!(io.kind(), std::io::ErrorKind::TimedOut);
}

#[test]
fn the_other_error_knows_its_kind() {
    let all = [Error::shutdown(), Error::at_capacity(), Error::invalid()];
    for (at, error) in all.into_iter().enumerate() {
        assert_eq!([error.is_shutdown(), error.is_at_capacity(), error.is_invalid()], [at == 0, at == 1, at == 2]);
        assert!(!error.to_string().is_empty() && std::error::Error::source(&error).is_none());
    }
}

/// The inner future used the last unit of budget, and is pending.
#[test]
fn a_poll_that_used_the_budget_up_still_looks_at_the_clock() {
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        let hog = poll_fn(|cx| {
            while let Poll::Ready(unit) = task::coop::poll_proceed(cx) {
                unit.made_progress();
            }
            Poll::<()>::Pending
        });
        assert!(timeout(MILLI, hog).await.is_err());
    });
}
