use runtime::sync::Notify;
use runtime_tests::hostile::{Wakes, now, poll, poll_with};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

static NOTIFY: Notify = Notify::const_new();

#[test]
fn one_permit_is_kept_and_no_more() {
    NOTIFY.notify_one();
    NOTIFY.notify_one();
    now(NOTIFY.notified());
    assert!(poll(pin!(NOTIFY.notified())).is_pending());
}

#[test]
fn first_come_first_served_and_notify_last_from_the_other_end() {
    let notify = Notify::new();
    let wakes: Vec<_> = (0..4).map(|_| Wakes::new()).collect();
    let mut waiting: Vec<_> = (0..4).map(|_| Box::pin(notify.notified())).collect();
    for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    }
    let counts = || wakes.iter().map(|wakes| wakes.count()).collect::<Vec<_>>();
    notify.notify_one();
    assert_eq!(counts(), [1, 0, 0, 0]);
    notify.notify_last();
    assert_eq!(counts(), [1, 0, 0, 1]);
    notify.notify_waiters();
    assert_eq!(counts(), [1, 1, 1, 1]);
    assert!(waiting.iter_mut().all(|waiting| poll(waiting.as_mut()).is_ready()));
    assert!(poll(pin!(notify.notified())).is_pending(), "no permit is left");
}

#[test]
fn a_cancelled_waiter_passes_its_notification_on_from_the_same_end() {
    for last in [false, true] {
        let notify = Notify::new();
        let wakes: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
        let mut waiting: Vec<_> = (0..3).map(|_| Some(Box::pin(notify.notified()))).collect();
        for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
            assert!(poll_with(waiting.as_mut().unwrap().as_mut(), &wakes.waker()).is_pending());
        }
        if last {
            notify.notify_last();
            waiting[2] = None;
        } else {
            notify.notify_one();
            waiting[0] = None;
        }
        assert_eq!(wakes[1].count(), 1);
        waiting.clear();
        now(notify.notified());
    }
}

#[test]
fn notify_waiters_reaches_a_future_that_was_never_polled_and_takes_no_permit() {
    let notify = Notify::new();
    let early = notify.notified();
    notify.notify_waiters();
    notify.notify_one();
    let late = notify.notified();
    now(early);
    now(late);
    assert!(poll(pin!(notify.notified())).is_pending());
}

#[test]
fn enable_takes_a_place_or_the_permit() {
    let notify = Notify::new();
    let mut first = pin!(notify.notified());
    assert!(!first.as_mut().enable());
    notify.notify_one();
    assert!(first.as_mut().enable());
    assert_eq!(poll(first), Poll::Ready(()));

    notify.notify_one();
    let mut second = pin!(notify.notified());
    assert!(second.as_mut().enable());
    assert!(poll(pin!(notify.notified())).is_pending());
    assert!(poll(second).is_ready());
}

#[test]
fn the_owned_future_is_the_same_and_keeps_the_notify() {
    let notify = Arc::new(Notify::new());
    let mut waiting = Box::pin(Arc::clone(&notify).notified_owned());
    let wakes = Wakes::new();
    assert!(!waiting.as_mut().enable());
    assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    notify.notify_one();
    assert_eq!(wakes.count(), 1);
    drop(waiting);
    now(notify.notified());
    assert_eq!(Arc::strong_count(&notify), 1);
}
