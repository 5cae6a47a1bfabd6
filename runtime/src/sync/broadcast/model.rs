//! send, subscribe and close in every order.

use super::channel;
use super::error::{RecvError, TryRecvError};
use crate::sync::model::kit::{block_on, check};
use loom::thread;

// Planted fault: in `Sender::send`, fire nobody: deadlock.
#[test]
fn model_broadcast_two_receivers_get_the_value_and_the_end() {
    check(|| {
        let (tx, mut first) = channel(2);
        let mut second = tx.subscribe();
        let other = thread::spawn(move || {
            assert_eq!(block_on(second.recv()), Ok(1));
            second
        });
        tx.send(1).unwrap();
        assert_eq!(block_on(first.recv()), Ok(1));
        // The end comes after both have the value, so that it wakes nobody who waits for that.
        let mut second = other.join().unwrap();
        let closer = thread::spawn(move || drop(tx));
        assert_eq!(block_on(first.recv()), Err(RecvError::Closed));
        assert_eq!(block_on(second.recv()), Err(RecvError::Closed));
        closer.join().unwrap();
    });
}

// Planted fault: in `Sender::drop`, set `closed` without the lock, or not at all: deadlock (museum LW15).
#[test]
fn museum_lw15_model_broadcast_subscribe_against_close() {
    check(|| {
        let (tx, rx) = channel::<u8>(2);
        let closer = thread::spawn(move || drop(tx));
        let mut late = rx.resubscribe();
        drop(rx);
        assert_eq!(block_on(late.recv()), Err(RecvError::Closed));
        closer.join().unwrap();
    });
}

// Planted fault: in `Ring::leave`, do not count down: the tracer stays in the ring.
#[test]
fn museum_y5_model_broadcast_leaving_receivers_keep_no_value() {
    check(|| {
        let tracer = std::sync::Arc::new(());
        let (tx, rx) = channel(2);
        let receiver = thread::spawn(move || drop(rx));
        let _ = tx.send(tracer.clone());
        receiver.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&tracer), 1);
        drop(tx);
    });
}

// Planted fault: in `Ring::take`, do not ask for which position the place was filled: the receiver gets 2 for 1.
#[test]
fn model_broadcast_a_place_filled_anew_is_a_lost_value() {
    check(|| {
        let (tx, mut rx) = channel(1);
        tx.send(1).unwrap();
        let sender = thread::spawn(move || {
            tx.send(2).unwrap();
            tx
        });
        let first = rx.try_recv();
        let tx = sender.join().unwrap();
        match first {
            Ok(1) => assert_eq!(rx.try_recv(), Ok(2)),
            Err(TryRecvError::Lagged(1)) => assert_eq!(rx.try_recv(), Ok(2)),
            other => panic!("got {other:?}"),
        }
        assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
        drop(tx);
        assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    });
}
