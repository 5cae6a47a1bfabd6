//! send, changed and close in every order.

use super::channel;
use crate::sync::model::kit::{block_on, check};
use loom::thread;

// Planted fault: in `Chan::change`, make the future after the look at the version: deadlock.
#[test]
fn model_watch_send_against_changed() {
    check(|| {
        let (tx, mut rx) = channel(0);
        let sender = thread::spawn(move || {
            tx.send(1).unwrap();
            tx
        });
        block_on(rx.changed()).unwrap();
        assert_eq!(*rx.borrow(), 1);
        drop(sender.join().unwrap());
        assert!(block_on(rx.changed()).is_err());
    });
}

// Planted fault: in `Sender::drop`, set CLOSED after `notify_waiters`: deadlock. In `change`, ask for CLOSED before
// the version: the last value is missed.
#[test]
fn museum_y4_model_watch_last_value_then_close() {
    check(|| {
        let (tx, mut rx) = channel(0);
        let sender = thread::spawn(move || drop(tx.send(1)));
        assert!(block_on(rx.changed()).is_ok());
        assert_eq!(*rx.borrow_and_update(), 1);
        assert!(block_on(rx.changed()).is_err());
        sender.join().unwrap();
    });
}

// Planted fault: in `borrow_and_update`, read the version before the value is locked: the last assertion fails.
#[test]
fn model_watch_value_and_version_belong_together() {
    check(|| {
        let (tx, mut rx) = channel(0);
        let sender = thread::spawn(move || {
            tx.send(1).unwrap();
            tx
        });
        let seen = *rx.borrow_and_update();
        let tx = sender.join().unwrap();
        assert_eq!(rx.has_changed().unwrap(), seen == 0);
        drop(tx);
    });
}

// Planted fault: in `Receiver::drop`, no `notify_waiters`: deadlock.
#[test]
fn model_watch_closed_against_drop_of_the_receiver() {
    check(|| {
        let (tx, rx) = channel(());
        let receiver = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        receiver.join().unwrap();
    });
}
