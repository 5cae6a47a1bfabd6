use runtime::sync::oneshot::{self, error::TryRecvError};
use runtime_tests::hostile::{Wakes, block_on, now, poll, poll_with};
use std::pin::Pin;
use std::sync::Arc;
use std::task::Poll;

#[test]
fn a_value_sent_before_or_after_the_first_poll_arrives() {
    let (tx, rx) = oneshot::channel();
    tx.send(1).unwrap();
    assert_eq!(now(rx), Ok(1));

    let (tx, mut rx) = oneshot::channel();
    let wakes = Wakes::new();
    assert!(poll_with(Pin::new(&mut rx), &wakes.waker()).is_pending());
    tx.send(2).unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!(now(&mut rx), Ok(2));
    assert!(rx.is_terminated());
}

#[test]
fn dropping_the_sender_wakes_and_fails_the_receiver() {
    let (tx, mut rx) = oneshot::channel::<u8>();
    let wakes = Wakes::new();
    assert!(poll_with(Pin::new(&mut rx), &wakes.waker()).is_pending());
    drop(tx);
    assert_eq!(wakes.count(), 1);
    let error = now(&mut rx).unwrap_err();
    assert!(error.to_string().starts_with("channel closed"));
}

#[test]
fn try_recv_tells_empty_from_closed_and_never_panics() {
    let (tx, mut rx) = oneshot::channel();
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    tx.send(5).unwrap();
    assert!(!rx.is_empty());
    assert_eq!(rx.try_recv(), Ok(5));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert!(rx.is_terminated() && rx.is_empty());

    let (tx, mut rx) = oneshot::channel::<u8>();
    drop(tx);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
    assert_eq!(rx.try_recv(), Err(TryRecvError::Closed));
}

#[test]
fn close_refuses_what_comes_later_and_keeps_what_came_before() {
    let (tx, mut rx) = oneshot::channel();
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.send(1), Err(1));
    assert!(now(rx).is_err());

    let (tx, mut rx) = oneshot::channel();
    tx.send(1).unwrap();
    rx.close();
    assert_eq!(now(rx), Ok(1));

    let (tx, mut rx) = oneshot::channel::<u8>();
    rx.close();
    assert!(now(&mut rx).is_err(), "closed by itself: it waits for nobody");
    drop(tx);
}

#[test]
fn closed_is_woken_by_close_and_by_drop() {
    for by_drop in [false, true] {
        let (mut tx, mut rx) = oneshot::channel::<u8>();
        let wakes = Wakes::new();
        {
            let mut closed = std::pin::pin!(tx.closed());
            assert!(poll_with(closed.as_mut(), &wakes.waker()).is_pending());
            if by_drop {
                drop(rx);
            } else {
                rx.close();
            }
            assert_eq!(wakes.count(), 1);
            assert!(poll(closed).is_ready());
        }
        assert!(tx.is_closed());
    }
}

#[test]
fn the_last_waker_is_the_one_that_counts() {
    let (tx, mut rx) = oneshot::channel();
    let (old, new) = (Wakes::new(), Wakes::new());
    assert!(poll_with(Pin::new(&mut rx), &old.waker()).is_pending());
    assert!(poll_with(Pin::new(&mut rx), &new.waker()).is_pending());
    assert_eq!(Arc::strong_count(&old), 1, "the old waker is not kept");
    tx.send(()).unwrap();
    assert_eq!((old.count(), new.count()), (0, 1));
}

#[test]
fn a_dropped_receiver_keeps_neither_waker_nor_value() {
    let (tx, mut rx) = oneshot::channel::<u8>();
    let wakes = Wakes::new();
    let waker = wakes.waker();
    assert!(poll_with(Pin::new(&mut rx), &waker).is_pending());
    drop((rx, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
    drop(tx);

    let tracer = Arc::new(());
    let (tx, rx) = oneshot::channel();
    tx.send(Arc::clone(&tracer)).unwrap();
    drop(rx);
    assert_eq!(Arc::strong_count(&tracer), 1);
}

#[test]
#[should_panic(expected = "after")]
fn a_poll_after_the_outcome_panics() {
    let (tx, mut rx) = oneshot::channel();
    tx.send(1).unwrap();
    let _ = now(&mut rx);
    let _ = poll(Pin::new(&mut rx));
}

#[test]
fn between_threads() {
    for n in 0..2_000 {
        let (tx, rx) = oneshot::channel();
        let sender = std::thread::spawn(move || tx.send(Box::new(n)));
        let received = if n % 2 == 0 { block_on(rx) } else { rx.blocking_recv() };
        assert_eq!(*received.unwrap(), n);
        sender.join().unwrap().unwrap();
    }
}

#[test]
fn poll_closed_is_ready_once_closed() {
    let (mut tx, rx) = oneshot::channel::<u8>();
    let mut cx = std::task::Context::from_waker(std::task::Waker::noop());
    assert!(tx.poll_closed(&mut cx).is_pending());
    drop(rx);
    assert_eq!(tx.poll_closed(&mut cx), Poll::Ready(()));
    assert_eq!(tx.send(3), Err(3));
}
