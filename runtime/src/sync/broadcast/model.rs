//! send, subscribe and close in every order.

use super::channel;
use super::error::{RecvError, TryRecvError};
use crate::engine::atomics::{Arc, AtomicU32, Ordering};
use crate::sync::model::kit::{block_on, check};
use loom::thread;

/// A value in whose clone others can run: loom sees no need to switch threads while a lock is held, unless the threads meet
/// at something else. They do so here, in the clone and in [`Crowded::look`].
struct Crowded {
    value: u32,
    tracer: std::sync::Arc<()>,
    met: Arc<AtomicU32>,
}

impl Crowded {
    fn new(value: u32) -> Self {
        Crowded { value, tracer: std::sync::Arc::new(()), met: Arc::new(AtomicU32::new(0)) }
    }

    fn with(&self, value: u32) -> Self {
        Crowded { value, tracer: std::sync::Arc::new(()), met: self.met.clone() }
    }

    fn copy(&self) -> Self {
        Crowded { value: self.value, tracer: self.tracer.clone(), met: self.met.clone() }
    }

    fn look(&self) {
        self.met.load(Ordering::Relaxed);
    }

    /// Are there other copies?
    fn is_alone(&self) -> bool {
        std::sync::Arc::strong_count(&self.tracer) == 1
    }
}

impl Clone for Crowded {
    fn clone(&self) -> Self {
        self.met.fetch_add(1, Ordering::Relaxed);
        self.copy()
    }
}

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

// Planted fault: in `RingSlot::settle`, do not count down: the tracer stays in the ring.
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

// Planted fault: in `RingSlot::pass`, do not ask for which position the place was filled: the receiver gets 2 for 1.
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

// Planted faults: in `Drop for Visit`, do not read the notes, or leave out the fence there, or the one in `RingSlot::after_note`: the
// tracer stays in the ring.
#[test]
fn museum_y5_model_broadcast_a_value_overwritten_while_it_is_received_is_not_kept() {
    check(|| {
        let first = Crowded::new(1);
        let (tx, mut rx) = channel(1);
        // Wants the first value for ever, so that nobody gets the original.
        let slow = tx.subscribe();
        let _ = tx.send(first.copy());
        let receiver = thread::spawn(move || {
            let got = rx.try_recv().is_ok();
            (rx, got)
        });
        first.look();
        let _ = tx.send(first.with(2));
        let (mut rx, got) = receiver.join().unwrap();
        assert!(first.is_alone());
        // The first one or the second; a loss is told before the second.
        assert!(got || rx.try_recv().is_ok_and(|second| second.value == 2));
        drop((tx, slow));
    });
}

// Planted faults: as before.
#[test]
fn museum_y5_model_broadcast_a_value_that_one_receives_while_the_other_leaves_is_not_kept() {
    check(|| {
        let tracer = std::sync::Arc::new(());
        let (tx, mut rx) = channel(1);
        let other = tx.subscribe();
        let _ = tx.send(tracer.clone());
        let leaver = thread::spawn(move || drop(other));
        assert!(rx.try_recv().is_ok());
        leaver.join().unwrap();
        assert_eq!(std::sync::Arc::strong_count(&tracer), 1);
        assert!(tx.is_empty());
        drop(tx);
    });
}

// Planted faults: in `Ring::take_spare`, find nothing: it looks for the value for ever. In `Ring::push`, leave the spare place
// where it is: the second value is not alone.
#[test]
fn model_broadcast_a_value_in_a_spare_place_is_received_and_then_taken_away() {
    check(|| {
        let first = Crowded::new(1);
        let (second, third) = (first.with(2), first.with(3));
        let (tx, mut rx) = channel(1);
        let mut other = tx.subscribe();
        let _ = tx.send(first.copy());
        let receiver = thread::spawn(move || {
            let got = rx.try_recv().map(|it| it.value);
            (rx, got)
        });
        first.look();
        let _ = tx.send(second.copy());
        assert!(matches!(other.try_recv(), Err(TryRecvError::Lagged(1))));
        assert_eq!(other.try_recv().unwrap().value, 2);
        let (mut rx, got) = receiver.join().unwrap();
        assert!(matches!(got, Ok(1) | Err(TryRecvError::Lagged(1))));
        let _ = tx.send(third.copy());
        assert!(second.is_alone());
        assert!(matches!(rx.try_recv(), Err(TryRecvError::Lagged(1))));
        assert_eq!((rx.try_recv().unwrap().value, other.try_recv().unwrap().value), (3, 3));
        assert!(first.is_alone() && second.is_alone() && third.is_alone());
        drop(tx);
    });
}
