use runtime::sync::mpsc::error::{TryRecvError, TrySendError};
use runtime::sync::mpsc::{self, Receiver, Sender};
use runtime::sync::oneshot;
use runtime_tests::hostile::{Script, Wakes, block_on, hostile, now, poll, poll_with};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

#[test]
fn bounded_keeps_order_and_capacity() {
    let (tx, mut rx) = mpsc::channel(2);
    assert_eq!((tx.capacity(), tx.max_capacity()), (2, 2));
    now(tx.send(1)).unwrap();
    tx.try_send(2).unwrap();
    assert_eq!(tx.try_send(3), Err(TrySendError::Full(3)));
    assert_eq!((tx.capacity(), rx.capacity(), rx.len()), (0, 0, 2));
    assert_eq!(now(rx.recv()), Some(1));
    assert_eq!(tx.capacity(), 1);
    tx.try_send(3).unwrap();
    assert_eq!((now(rx.recv()), now(rx.recv())), (Some(2), Some(3)));
    assert!(rx.is_empty());
    assert_eq!(rx.try_recv(), Err(TryRecvError::Empty));
    drop(tx);
    assert_eq!(now(rx.recv()), None);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
    assert!(rx.is_closed());
}

#[test]
fn waiting_senders_are_served_in_order() {
    let (tx, mut rx) = mpsc::channel(1);
    tx.try_send(0).unwrap();
    let wakes: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    let mut sends: Vec<_> = (1..4).map(|n| Box::pin(tx.send(n))).collect();
    for (send, wakes) in sends.iter_mut().zip(&wakes) {
        assert!(poll_with(send.as_mut(), &wakes.waker()).is_pending());
    }
    for n in 0..3 {
        assert_eq!(now(rx.recv()), Some(n));
        assert_eq!(wakes.iter().map(|wakes| wakes.count()).sum::<usize>(), n + 1);
        assert_eq!(wakes[n].count(), 1);
        assert_eq!(tx.try_send(9), Err(TrySendError::Full(9)), "nobody overtakes the queue");
        assert_eq!(poll(sends[n].as_mut()), Poll::Ready(Ok(())));
    }
    assert_eq!(now(rx.recv()), Some(3));
}

#[test]
fn a_cancelled_sender_passes_its_room_on() {
    let (tx, mut rx) = mpsc::channel(1);
    tx.try_send(0).unwrap();
    let mut first = Box::pin(tx.send(1));
    let mut second = Box::pin(tx.send(2));
    let wakes = Wakes::new();
    assert!(poll(first.as_mut()).is_pending());
    assert!(poll_with(second.as_mut(), &wakes.waker()).is_pending());
    assert_eq!(now(rx.recv()), Some(0));
    drop(first);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(second.as_mut()), Poll::Ready(Ok(())));
    assert_eq!(now(rx.recv()), Some(2));
}

#[test]
fn permits_hold_room_and_give_it_back() {
    let (tx, mut rx) = mpsc::channel(3);
    let permit = now(tx.reserve()).unwrap();
    let owned = now(tx.clone().reserve_owned()).unwrap();
    assert!(owned.same_channel_as_sender(&tx) && tx.capacity() == 1);
    permit.send("a");
    let tx2 = owned.send("b");
    assert!(tx2.same_channel(&tx));
    drop(tx2.try_reserve_owned().unwrap().release());
    assert_eq!(tx.capacity(), 1);
    drop(tx.try_reserve().unwrap());
    assert_eq!(tx.capacity(), 1);
    assert!(matches!(tx.try_reserve_many(2), Err(TrySendError::Full(()))));
    assert_eq!((now(rx.recv()), now(rx.recv())), (Some("a"), Some("b")));

    let mut many = now(tx.reserve_many(3)).unwrap();
    assert_eq!((many.len(), tx.capacity()), (3, 0));
    many.next().unwrap().send("c");
    drop(many);
    assert_eq!(tx.capacity(), 2);
    assert!(now(tx.reserve_many(4)).is_err(), "there is never so much room");
    assert!(matches!(tx.try_reserve_many(4), Err(TrySendError::Full(()))));
    assert_eq!(now(tx.reserve_many(0)).unwrap().count(), 0);
}

#[test]
fn close_waits_for_permits_that_are_out() {
    let (tx, mut rx) = mpsc::channel(2);
    let used = tx.try_reserve().unwrap();
    let unused = tx.try_reserve().unwrap();
    rx.close();
    assert!(tx.is_closed());
    assert_eq!(tx.try_send(0), Err(TrySendError::Closed(0)));
    assert!(now(tx.send(0)).is_err());
    let wakes = Wakes::new();
    {
        let mut recv = pin!(rx.recv());
        assert!(poll_with(recv.as_mut(), &wakes.waker()).is_pending());
        used.send(7);
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll(recv), Poll::Ready(Some(7)));
    }
    let mut recv = pin!(rx.recv());
    assert!(poll_with(recv.as_mut(), &wakes.waker()).is_pending());
    drop(unused);
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll(recv), Poll::Ready(None));
}

#[test]
fn dropping_the_receiver_fails_senders_and_drops_values() {
    let tracer = Arc::new(());
    let (tx, rx) = mpsc::channel(1);
    tx.try_send(tracer.clone()).unwrap();
    let wakes = Wakes::new();
    let mut send = Box::pin(tx.send(tracer.clone()));
    let mut closed = Box::pin(tx.closed());
    assert!(poll_with(send.as_mut(), &wakes.waker()).is_pending());
    assert!(poll_with(closed.as_mut(), &wakes.waker()).is_pending());
    drop(rx);
    assert_eq!(wakes.count(), 2);
    assert!(matches!(poll(send.as_mut()), Poll::Ready(Err(_))));
    assert!(poll(closed.as_mut()).is_ready());
    drop(send);
    assert_eq!(Arc::strong_count(&tracer), 1);
}

#[test]
fn recv_many_takes_what_is_there_up_to_its_limit() {
    let (tx, mut rx) = mpsc::channel(100);
    let mut buffer = vec![99];
    assert_eq!(now(rx.recv_many(&mut buffer, 0)), 0);
    for n in 0..70 {
        tx.try_send(n).unwrap();
    }
    assert_eq!(now(rx.recv_many(&mut buffer, 50)), 50);
    assert_eq!(tx.capacity(), 80);
    assert_eq!(now(rx.recv_many(&mut buffer, 50)), 20);
    assert!(buffer[1..].iter().copied().eq(0..70));
    assert!(poll(pin!(rx.recv_many(&mut buffer, 1))).is_pending());
    drop(tx);
    assert_eq!(now(rx.recv_many(&mut buffer, 1)), 0);
}

#[test]
fn weak_senders_do_not_keep_the_channel_open() {
    let (tx, mut rx) = mpsc::channel::<u8>(1);
    let weak = tx.downgrade();
    assert_eq!((tx.strong_count(), tx.weak_count()), (1, 1));
    let second = weak.upgrade().unwrap();
    assert_eq!((rx.sender_strong_count(), rx.sender_weak_count()), (2, 1));
    drop((tx, second));
    assert!(weak.upgrade().is_none());
    assert_eq!(now(rx.recv()), None);
    let (tx, mut rx) = mpsc::unbounded_channel::<u8>();
    let weak = tx.downgrade().clone();
    assert_eq!((weak.strong_count(), weak.weak_count()), (1, 1));
    drop(tx);
    assert!(weak.upgrade().is_none() && now(rx.recv()).is_none());
}

#[test]
fn unbounded_keeps_all_and_refuses_after_close() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    for n in 0..1_000 {
        tx.send(n).unwrap();
    }
    assert_eq!(rx.len(), 1_000);
    assert_eq!(now(rx.recv()), Some(0));
    rx.close();
    assert!(tx.is_closed());
    now(tx.closed());
    assert_eq!(tx.send(5).unwrap_err().0, 5);
    assert_eq!(rx.len(), 999);
    let mut buffer = Vec::new();
    assert_eq!(now(rx.recv_many(&mut buffer, 2_000)), 999);
    assert_eq!(now(rx.recv()), None);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Disconnected));
}

#[test]
fn a_receiver_is_woken_by_the_first_value_and_by_the_end() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let (old, new) = (Wakes::new(), Wakes::new());
    {
        let mut recv = pin!(rx.recv());
        assert!(poll_with(recv.as_mut(), &old.waker()).is_pending());
        assert!(poll_with(recv.as_mut(), &new.waker()).is_pending());
        tx.send(1).unwrap();
        tx.send(2).unwrap();
        assert_eq!((old.count(), new.count()), (0, 1));
        assert_eq!(poll(recv), Poll::Ready(Some(1)));
    }
    assert_eq!(now(rx.recv()), Some(2));
    assert!(poll_with(pin!(rx.recv()), &new.waker()).is_pending());
    drop(tx);
    assert_eq!(new.count(), 2);
}

fn consume(mut rx: Receiver<usize>) -> Vec<usize> {
    let mut received = Vec::new();
    while let Some(value) = block_on(rx.recv()) {
        received.push(value);
    }
    received
}

fn produce(tx: Sender<usize>, from: usize) {
    for n in 0..5_000 {
        if n % 3 == 0 { block_on(tx.send(from + n)).unwrap() } else { tx.blocking_send(from + n).unwrap() }
    }
}

#[test]
fn many_senders_on_threads_lose_and_reorder_nothing() {
    for capacity in [1, 3, 64, 10_000] {
        let (tx, rx) = mpsc::channel(capacity);
        let senders: Vec<_> = (0..4)
            .map(|s| {
                let tx = tx.clone();
                std::thread::spawn(move || produce(tx, s * 10_000))
            })
            .collect();
        drop(tx);
        let received = consume(rx);
        senders.into_iter().for_each(|sender| sender.join().unwrap());
        for s in 0..4 {
            let of_one = received.iter().copied().filter(|n| n / 10_000 == s);
            assert!(of_one.eq((0..5_000).map(|n| s * 10_000 + n)), "capacity {capacity}, sender {s}");
        }
        assert_eq!(received.len(), 20_000);
    }
}

#[test]
fn try_recv_sees_every_finished_send() {
    let (tx, mut rx) = mpsc::unbounded_channel();
    let noise: Vec<_> = (0..2)
        .map(|_| {
            let tx = tx.clone();
            std::thread::spawn(move || (0..20_000).for_each(|_| tx.send(0_u8).unwrap()))
        })
        .collect();
    for _ in 0..20_000 {
        tx.send(1).unwrap();
        while rx.try_recv().expect("a value was sent before") != 1 {}
    }
    noise.into_iter().for_each(|thread| thread.join().unwrap());
}

#[test]
#[should_panic(expected = "0")]
fn no_capacity_is_refused() {
    let _ = mpsc::channel::<u8>(0);
}

#[test]
fn values_are_dropped_by_the_receiver_even_if_one_panics() {
    struct Bomb {
        _tracer: Arc<()>,
        armed: bool,
    }
    impl Drop for Bomb {
        fn drop(&mut self) {
            assert!(!self.armed, "bomb");
        }
    }
    let tracer = Arc::new(());
    let (tx, rx) = mpsc::unbounded_channel();
    for n in 0..3 {
        assert!(tx.send(Bomb { _tracer: tracer.clone(), armed: n == 0 }).is_ok());
    }
    assert!(std::panic::catch_unwind(move || drop(rx)).is_err());
    drop(tx);
    assert_eq!(Arc::strong_count(&tracer), 1);
}

#[test]
fn a_receiver_whose_end_wakes_a_panicking_waker_leaves_nothing_behind() {
    let value = Arc::new(());
    let (tx, rx) = mpsc::channel(2);
    assert!(tx.try_send(value.clone()).is_ok());
    let waker = hostile(Script { on_wake: Some(Box::new(|| panic!("hostile waker"))), ..Script::default() });
    let mut closed = Box::pin(tx.closed());
    assert!(poll_with(closed.as_mut(), &waker).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err(), "the panic is passed on");
    drop(closed);
    drop(tx);
    assert_eq!(Arc::strong_count(&value), 1);
}

/// What its drop does, and who waits for what is in it.
struct Message {
    panics: Option<&'static str>,
    _reply: oneshot::Sender<()>,
}

impl Drop for Message {
    fn drop(&mut self) {
        if let Some(message) = self.panics {
            panic!("{message}");
        }
    }
}

fn messages() -> (Vec<Message>, Vec<oneshot::Receiver<()>>) {
    let panics = [None, Some("first"), None, Some("second"), None];
    let message = |panics| {
        let (reply, replied) = oneshot::channel();
        (Message { panics, _reply: reply }, replied)
    };
    panics.into_iter().map(message).unzip()
}

#[track_caller]
fn assert_all_gone(replied: Vec<oneshot::Receiver<()>>) {
    for (n, mut replied) in replied.into_iter().enumerate() {
        assert_eq!(replied.try_recv(), Err(oneshot::error::TryRecvError::Closed), "message {n}");
    }
}

fn said(panic: Box<dyn std::any::Any + Send>) -> String {
    panic.downcast_ref::<String>().cloned().expect("a text")
}

// tokio ends the process at the second panic.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn d11_a_message_whose_drop_panics_keeps_none_behind_it() {
    let (tx, rx) = mpsc::unbounded_channel();
    let (all, replied) = messages();
    all.into_iter().for_each(|message| assert!(tx.send(message).is_ok()));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(rx))).expect_err("the panic goes on");
    assert_eq!(said(panic), "first");
    assert_all_gone(replied);
    drop(tx);

    let (tx, mut rx) = mpsc::channel(8);
    let (all, replied) = messages();
    all.into_iter().for_each(|message| assert!(tx.try_send(message).is_ok()));
    rx.close();
    let panic = catch_unwind(AssertUnwindSafe(|| drop(rx))).expect_err("the panic goes on");
    assert_eq!(said(panic), "first");
    assert_all_gone(replied);
    assert_eq!(tx.capacity(), 8);
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn d11_messages_go_when_a_panic_drops_the_receiver() {
    let (tx, rx) = mpsc::unbounded_channel();
    let (all, replied) = messages();
    all.into_iter().for_each(|message| assert!(tx.send(message).is_ok()));
    let panic = catch_unwind(AssertUnwindSafe(move || {
        let _rx = rx;
        panic!("{}", "outer");
    }));
    assert_eq!(said(panic.expect_err("it panics")), "outer");
    assert_all_gone(replied);
    drop(tx);
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn d11_messages_go_when_a_waker_panics() {
    let (tx, rx) = mpsc::channel(1);
    let (reply, replied) = oneshot::channel();
    assert!(tx.try_send(Message { panics: None, _reply: reply }).is_ok());
    let panicking = || hostile(Script { on_wake: Some(Box::new(|| panic!("hostile waker"))), ..Script::default() });
    let (wakes, hostile) = (Wakes::new(), panicking());
    let mut sends = Box::pin(tx.reserve());
    let mut closed = Box::pin(tx.closed());
    assert!(poll_with(sends.as_mut(), &hostile).is_pending());
    assert!(poll_with(closed.as_mut(), &wakes.waker()).is_pending());
    assert!(catch_unwind(AssertUnwindSafe(|| drop(rx))).is_err(), "the panic goes on");
    assert_all_gone(vec![replied]);
    assert_eq!(wakes.count(), 1, "one that panics keeps no other from its wake");
}

// Permits that were out when the receiver left: what they send stays until the last sender goes.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn d11_messages_that_came_too_late_all_go_with_the_channel() {
    let (tx, rx) = mpsc::channel(8);
    let permits: Vec<_> = (0..5).map(|_| tx.clone().try_reserve_owned().expect("there is room")).collect();
    drop(rx);
    let (all, replied) = messages();
    permits.into_iter().zip(all).for_each(|(permit, message)| drop(permit.send(message)));
    let panic = catch_unwind(AssertUnwindSafe(|| drop(tx))).expect_err("the panic goes on");
    assert_eq!(said(panic), "first");
    assert_all_gone(replied);
}
