use runtime::sync::watch;
use runtime_tests::hostile::{Wakes, now, poll, poll_with};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::task::Poll;

#[test]
fn the_first_value_is_seen_and_later_ones_are_not() {
    let (tx, mut rx) = watch::channel(0);
    assert!(!rx.has_changed().unwrap() && !rx.borrow().has_changed());
    let wakes = Wakes::new();
    {
        let mut changed = pin!(rx.changed());
        assert!(poll_with(changed.as_mut(), &wakes.waker()).is_pending());
        tx.send(1).unwrap();
        tx.send(2).unwrap();
        assert_eq!(wakes.count(), 1);
        assert!(matches!(poll(changed), Poll::Ready(Ok(()))));
    }
    assert_eq!(*rx.borrow(), 2);
    assert!(poll(pin!(rx.changed())).is_pending());
    tx.send(3).unwrap();
    assert!(rx.borrow().has_changed() && rx.borrow().has_changed());
    assert!(rx.borrow_and_update().has_changed() && !rx.borrow().has_changed());
}

#[test]
fn the_last_value_comes_before_the_end() {
    let (tx, mut rx) = watch::channel(0);
    tx.send(1).unwrap();
    drop(tx);
    assert!(rx.is_closed() && rx.has_changed().is_err());
    assert!(now(rx.changed()).is_ok() && now(rx.changed()).is_err());
    assert_eq!(*rx.borrow(), 1);
    assert_eq!(*now(rx.wait_for(|n| *n == 1)).unwrap(), 1);
}

#[test]
fn marks_change_what_counts_as_seen() {
    let (tx, mut rx) = watch::channel(0);
    rx.mark_changed();
    assert!(rx.has_changed().unwrap() && now(rx.changed()).is_ok());
    tx.send(1).unwrap();
    rx.mark_unchanged();
    assert!(!rx.has_changed().unwrap());
    let clone = rx.clone();
    tx.send(2).unwrap();
    assert!(clone.has_changed().unwrap() && rx.same_channel(&clone) && tx.receiver_count() == 2);
    assert!(!tx.subscribe().has_changed().unwrap());
}

/// Fault: the version that is noted keeps the bit which says that the last sender is gone.
#[test]
fn what_is_marked_unchanged_after_the_end_has_not_changed() {
    let (tx, mut rx) = watch::channel(1);
    tx.send(2).unwrap();
    drop(tx);
    rx.mark_unchanged();
    assert!(now(rx.changed()).is_err(), "the last value was marked as seen, and no other comes");
}

#[test]
fn send_needs_a_receiver_and_the_other_sends_do_not() {
    let tx = watch::Sender::new(0);
    assert_eq!(tx.send(1).unwrap_err().0, 1);
    assert_eq!(tx.send_replace(2), 0);
    tx.send_modify(|n| *n += 1);
    assert!(!tx.send_if_modified(|n| *n == 0));
    assert_eq!(*tx.borrow(), 3);
    assert!(tx.is_closed());
    now(tx.closed());
    let rx = tx.subscribe();
    let wakes = Wakes::new();
    let mut closed = pin!(tx.closed());
    assert!(poll_with(closed.as_mut(), &wakes.waker()).is_pending());
    drop(rx);
    assert_eq!(wakes.count(), 1);
    assert!(poll(closed).is_ready());
    let other = tx.clone();
    assert!(other.same_channel(&tx) && tx.sender_count() == 2);
}

#[test]
fn send_if_modified_wakes_only_when_it_says_so() {
    let (tx, mut rx) = watch::channel(0);
    let wakes = Wakes::new();
    let mut changed = pin!(rx.changed());
    assert!(poll_with(changed.as_mut(), &wakes.waker()).is_pending());
    tx.send_if_modified(|n| {
        *n = 7;
        false
    });
    assert_eq!((wakes.count(), *tx.borrow()), (0, 7));
}

#[test]
fn wait_for_sees_the_present_and_every_wake() {
    let (tx, mut rx) = watch::channel(1);
    assert_eq!(*now(rx.wait_for(|n| *n == 1)).unwrap(), 1);
    let wakes = Wakes::new();
    let mut seen = Vec::new();
    {
        let mut wait = pin!(rx.wait_for(|n| {
            seen.push(*n);
            *n == 3
        }));
        assert!(poll_with(wait.as_mut(), &wakes.waker()).is_pending());
        tx.send(2).unwrap();
        assert!(poll_with(wait.as_mut(), &wakes.waker()).is_pending());
        tx.send(3).unwrap();
        assert!(matches!(poll(wait), Poll::Ready(Ok(value)) if *value == 3));
    }
    assert_eq!(seen, [1, 2, 3]);
    assert!(!rx.has_changed().unwrap());
    drop(tx);
    assert!(now(rx.wait_for(|n| *n == 9)).is_err());
}

#[test]
fn museum_y4_panicking_closures_poison_nothing() {
    let (tx, mut rx) = watch::channel(1);
    assert!(catch_unwind(AssertUnwindSafe(|| now(rx.wait_for(|_| panic!("no"))).is_ok())).is_err());
    assert!(
        catch_unwind(AssertUnwindSafe(|| tx.send_modify(|n| {
            *n = 5;
            panic!("no")
        })))
        .is_err()
    );
    assert_eq!(*rx.borrow(), 5);
    assert!(!rx.has_changed().unwrap(), "nobody is told");
    tx.send(6).unwrap();
    assert_eq!(*now(rx.wait_for(|n| *n == 6)).unwrap(), 6);
}
