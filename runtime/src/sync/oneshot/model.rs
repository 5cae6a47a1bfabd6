//! Every order of send, receive, close, drop, wait for close.

use super::channel;
use crate::sync::model::kit::{block_on, check, poll_once};
use loom::thread;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;

// Planted fault: in `slot::register`, skip the look at `taken` after `fetch_or(waits)`: deadlock.
#[test]
fn model_oneshot_send_against_recv() {
    check(|| {
        let (tx, rx) = channel();
        let sender = thread::spawn(move || assert_eq!(tx.send(7), Ok(())));
        assert_eq!(block_on(rx), Ok(7));
        sender.join().unwrap();
    });
}

// Planted fault: in `TxEnd::finish`, take no waker: deadlock.
#[test]
fn model_oneshot_drop_of_the_sender_against_recv() {
    check(|| {
        let (tx, rx) = channel::<u8>();
        let sender = thread::spawn(move || drop(tx));
        assert!(block_on(rx).is_err());
        sender.join().unwrap();
    });
}

// Planted fault: in `TxEnd::send`, set DONE without a look at RX_CLOSED: the value is in two places or none.
#[test]
fn model_oneshot_send_against_close_conserves_the_value() {
    check(|| {
        let tracer = Arc::new(());
        let (tx, mut rx) = channel();
        let mine = Arc::clone(&tracer);
        let sender = thread::spawn(move || tx.send(mine).is_ok());
        rx.close();
        let received = rx.try_recv().is_ok();
        let sent = sender.join().unwrap();
        assert!(sent == (received || rx.try_recv().is_ok()));
        drop(rx);
        assert_eq!(Arc::strong_count(&tracer), 1);
    });
}

// Planted fault: in `SlotPtr::leave`, do not free after `fetch_or`: the memory stays, and the waker in it.
#[test]
fn model_oneshot_the_second_to_leave_frees() {
    check(|| {
        let tracer = Arc::new(Tracer);
        let (tx, rx) = channel::<u8>();
        let mut rx = Box::pin(rx);
        let waker = std::task::Waker::from(Arc::clone(&tracer));
        let _ = rx.as_mut().poll(&mut std::task::Context::from_waker(&waker));
        rx.close();
        let sender = thread::spawn(move || assert_eq!(tx.send(1), Err(1)));
        drop((rx, waker));
        sender.join().unwrap();
        assert_eq!(Arc::strong_count(&tracer), 1);
    });
}

struct Tracer;

impl std::task::Wake for Tracer {
    fn wake(self: Arc<Self>) {}
}

// Planted fault: in `RxEnd::leave`, take the own waker without `reclaim`: a race on its cell.
#[test]
fn model_oneshot_drop_of_a_waiting_receiver_against_send() {
    check(|| {
        let tracer = Arc::new(());
        let (tx, rx) = channel();
        let mine = Arc::clone(&tracer);
        let sender = thread::spawn(move || drop(tx.send(mine)));
        {
            let mut rx = pin!(rx);
            let _ = poll_once(rx.as_mut());
        }
        sender.join().unwrap();
        assert_eq!(Arc::strong_count(&tracer), 1);
    });
}

// Planted fault: in `RxEnd::leave`, do not wake the sender: deadlock.
#[test]
fn model_oneshot_closed_against_drop_of_the_receiver() {
    check(|| {
        let (mut tx, rx) = channel::<u8>();
        let receiver = thread::spawn(move || drop(rx));
        block_on(tx.closed());
        assert_eq!(tx.send(1), Err(1));
        receiver.join().unwrap();
    });
}

// Planted fault: in `TxEnd::send_and_wake`, take the own waker without `reclaim`: a race on its cell.
#[test]
fn model_oneshot_send_after_waiting_for_close_against_close() {
    check(|| {
        let (mut tx, mut rx) = channel();
        let sender = thread::spawn(move || {
            let _ = tx.poll_closed(&mut std::task::Context::from_waker(std::task::Waker::noop()));
            tx.send(1).is_ok()
        });
        rx.close();
        let received = rx.try_recv().is_ok();
        let sent = sender.join().unwrap();
        assert!(sent == (received || rx.try_recv().is_ok()));
    });
}
