use runtime::sync::broadcast::error::{RecvError, TryRecvError};
use runtime::sync::broadcast::{self, Sender};
use runtime_tests::hostile::{Wakes, block_on, now, poll, poll_with};
use std::cell::Cell;
use std::marker::PhantomData;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

#[test]
fn every_receiver_gets_every_value_from_its_start() {
    let (tx, mut first) = broadcast::channel(4);
    assert_eq!(tx.send(1).unwrap(), 1);
    let mut second = tx.subscribe();
    assert_eq!(tx.send(2).unwrap(), 2);
    assert_eq!((tx.len(), first.len(), second.len()), (2, 2, 1));
    assert_eq!((now(first.recv()), now(first.recv())), (Ok(1), Ok(2)));
    assert_eq!(tx.len(), 1);
    assert_eq!(second.try_recv(), Ok(2));
    assert!(tx.is_empty() && second.is_empty());
    assert_eq!(second.try_recv(), Err(TryRecvError::Empty));
    assert!(first.same_channel(&second));
    drop(tx);
    assert_eq!(now(first.recv()), Err(RecvError::Closed));
    assert_eq!(second.try_recv(), Err(TryRecvError::Closed));
    assert!(second.is_closed());
}

#[test]
fn a_slow_receiver_learns_how_many_it_lost() {
    let (tx, mut rx) = broadcast::channel(3);
    for n in 0..7 {
        tx.send(n).unwrap();
    }
    assert_eq!(rx.len(), 7);
    assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(3)));
    assert_eq!(rx.try_recv(), Ok(3));
    tx.send(7).unwrap();
    tx.send(8).unwrap();
    assert_eq!(now(rx.recv()), Err(RecvError::Lagged(1)));
    for n in 5..9 {
        assert_eq!(now(rx.recv()), Ok(n));
    }
}

#[test]
fn without_receivers_values_come_back_and_the_channel_stays_open() {
    let tx = Sender::new(2);
    assert_eq!(tx.send(1).unwrap_err().0, 1);
    now(tx.closed());
    let mut rx = tx.subscribe();
    tx.send(2).unwrap();
    assert_eq!(rx.try_recv(), Ok(2));
    let wakes = Wakes::new();
    let mut closed = pin!(tx.closed());
    assert!(poll_with(closed.as_mut(), &wakes.waker()).is_pending());
    drop(rx);
    assert_eq!((wakes.count(), tx.receiver_count()), (1, 0));
    assert!(poll(closed).is_ready());
}

#[test]
fn weak_senders_and_counts() {
    let (tx, rx) = broadcast::channel::<u8>(1);
    let weak = tx.downgrade();
    let other = weak.upgrade().unwrap();
    assert_eq!((rx.sender_strong_count(), rx.sender_weak_count()), (2, 1));
    assert!(other.same_channel(&tx));
    drop((tx, other));
    assert!(weak.clone().upgrade().is_none() && rx.is_closed());
}

#[test]
fn recv_is_woken_by_send_and_by_the_end() {
    let (tx, mut rx) = broadcast::channel(2);
    let (old, new) = (Wakes::new(), Wakes::new());
    {
        let mut recv = pin!(rx.recv());
        assert!(poll_with(recv.as_mut(), &old.waker()).is_pending());
        assert!(poll_with(recv.as_mut(), &new.waker()).is_pending());
        tx.send(1).unwrap();
        assert_eq!((old.count(), new.count()), (0, 1));
        assert_eq!(poll(recv), Poll::Ready(Ok(1)));
    }
    let mut recv = pin!(rx.recv());
    assert!(poll_with(recv.as_mut(), &new.waker()).is_pending());
    drop(tx);
    assert_eq!(new.count(), 2);
    assert_eq!(poll(recv), Poll::Ready(Err(RecvError::Closed)));
}

#[test]
fn museum_y5_no_value_is_kept_longer_than_wanted() {
    let tracer = Arc::new(());
    let (tx, mut first) = broadcast::channel(4);
    let second = tx.subscribe();
    tx.send(tracer.clone()).unwrap();
    tx.send(tracer.clone()).unwrap();
    drop(first.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&tracer), 3);
    drop(second);
    assert_eq!(Arc::strong_count(&tracer), 2);
    drop(first.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&tracer), 1);
    tx.send(tracer.clone()).unwrap();
    drop((tx, first));
    assert_eq!(Arc::strong_count(&tracer), 1);
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio clones for the last one too")]
fn the_last_receiver_gets_the_original() {
    #[derive(Debug)]
    struct Counted(Arc<std::sync::atomic::AtomicUsize>);
    impl Clone for Counted {
        fn clone(&self) -> Self {
            self.0.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            Counted(self.0.clone())
        }
    }
    let clones = Arc::default();
    let (tx, mut first) = broadcast::channel(1);
    let mut second = tx.subscribe();
    tx.send(Counted(Arc::clone(&clones))).unwrap();
    let _values = (first.try_recv().unwrap(), second.try_recv().unwrap());
    assert_eq!(clones.load(std::sync::atomic::Ordering::SeqCst), 1);
}

#[test]
fn between_threads_everything_arrives_in_order() {
    let (tx, _) = broadcast::channel(16_384);
    let receivers: Vec<_> = (0..3)
        .map(|_| {
            let mut rx = tx.subscribe();
            std::thread::spawn(move || (0..10_000).all(|n| block_on(rx.recv()) == Ok(n)))
        })
        .collect();
    (0..10_000).for_each(|n| assert_eq!(tx.send(n).unwrap_or(3), 3));
    assert!(receivers.into_iter().all(|receiver| receiver.join().unwrap()));
}

#[test]
#[should_panic(expected = "broadcast channel")]
fn no_capacity_is_refused() {
    let _ = broadcast::channel::<u8>(0);
}

/// Not `Sync`, and knows when it is cloned.
struct Alone {
    cloned: Arc<AtomicBool>,
    _not_sync: PhantomData<Cell<()>>,
}

impl Clone for Alone {
    fn clone(&self) -> Self {
        assert!(!self.cloned.swap(true, Ordering::SeqCst), "two threads clone one value that is not `Sync`");
        std::thread::yield_now();
        self.cloned.store(false, Ordering::SeqCst);
        Alone { cloned: self.cloned.clone(), _not_sync: PhantomData }
    }
}

#[test]
fn a_value_that_is_not_sync_is_cloned_by_one_thread_at_a_time() {
    const VALUES: usize = 200;
    let (tx, _keep) = broadcast::channel(VALUES);
    std::thread::scope(|threads| {
        let received: Vec<_> = (0..3)
            .map(|_| {
                let mut rx = tx.subscribe();
                threads.spawn(move || (0..VALUES).filter(|_| rx.blocking_recv().is_ok()).count())
            })
            .collect();
        for _ in 0..VALUES {
            assert!(tx.send(Alone { cloned: Arc::default(), _not_sync: PhantomData }).is_ok());
        }
        for received in received {
            assert_eq!(received.join().unwrap(), VALUES);
        }
    });
}

thread_local! {
    static OTHER: Cell<Option<broadcast::Receiver<Nosy>>> = const { Cell::new(None) };
}

/// Its clone receives the same value once more, through another receiver.
struct Nosy(u8);

impl Clone for Nosy {
    fn clone(&self) -> Self {
        if let Some(mut other) = OTHER.take() {
            assert_eq!(other.try_recv().map(|nosy| nosy.0), Ok(self.0));
        }
        Nosy(self.0)
    }
}

// Beyond tokio, which clones with the place locked.
#[cfg(not(feature = "oracle"))]
#[test]
fn a_clone_may_receive_the_value_that_it_is_made_of() {
    let _watch = runtime_tests::watchdog();
    let (tx, mut rx) = broadcast::channel(2);
    let _third = tx.subscribe();
    OTHER.set(Some(tx.subscribe()));
    assert!(tx.send(Nosy(7)).is_ok());
    assert_eq!(rx.try_recv().map(|nosy| nosy.0), Ok(7));
    assert!(OTHER.take().is_none(), "the clone has received");
}

type Hook = Box<dyn FnOnce()>;

thread_local! {
    static IN_CLONE: Cell<Option<Hook>> = const { Cell::new(None) };
}

/// Its next clone on this thread does what `IN_CLONE` says.
#[derive(Debug)]
struct Busy(Arc<u32>);

impl Clone for Busy {
    fn clone(&self) -> Self {
        if let Some(hook) = IN_CLONE.take() {
            hook();
        }
        Busy(self.0.clone())
    }
}

// Beyond tokio, as before.
#[cfg(not(feature = "oracle"))]
#[test]
fn a_clone_may_overwrite_the_value_that_it_is_made_of() {
    let _watch = runtime_tests::watchdog();
    let values: Vec<_> = (0..4).map(Arc::new).collect();
    let (tx, mut rx) = broadcast::channel(1);
    let mut other = tx.subscribe();
    tx.send(Busy(values[0].clone())).unwrap();
    let (sender, later) = (tx.clone(), values[1..3].to_vec());
    IN_CLONE.set(Some(Box::new(move || {
        later.into_iter().for_each(|value| assert_eq!(sender.send(Busy(value)).unwrap(), 2))
    })));
    assert_eq!(*rx.try_recv().unwrap().0, 0);
    assert_eq!(Arc::strong_count(&values[0]), 1, "nobody can want the overwritten value");
    assert_eq!(Arc::strong_count(&values[1]), 1);
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Lagged(1));
    assert_eq!(other.try_recv().unwrap_err(), TryRecvError::Lagged(2));
    assert_eq!((*rx.try_recv().unwrap().0, *other.try_recv().unwrap().0), (2, 2));
    assert_eq!(Arc::strong_count(&values[2]), 1);
    tx.send(Busy(values[3].clone())).unwrap();
    assert_eq!((*rx.try_recv().unwrap().0, *other.try_recv().unwrap().0), (3, 3));
}

// Beyond tokio, as before.
#[cfg(not(feature = "oracle"))]
#[test]
fn a_clone_may_drop_the_other_receivers() {
    let _watch = runtime_tests::watchdog();
    let value = Arc::new(0);
    let (tx, mut rx) = broadcast::channel(1);
    let others = [tx.subscribe(), tx.subscribe()];
    tx.send(Busy(value.clone())).unwrap();
    IN_CLONE.set(Some(Box::new(move || drop(others))));
    drop(rx.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&value), 1);
    assert_eq!((tx.len(), tx.receiver_count()), (0, 1));
}

#[test]
fn a_clone_that_panics_loses_one_value_for_one_receiver() {
    let value = Arc::new(0);
    let (tx, mut rx) = broadcast::channel(1);
    let mut other = tx.subscribe();
    tx.send(Busy(value.clone())).unwrap();
    IN_CLONE.set(Some(Box::new(|| panic!("on purpose"))));
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| rx.try_recv()));
    assert!(panicked.is_err());
    drop(other.try_recv().unwrap());
    assert_eq!(Arc::strong_count(&value), 1);
    let next = Arc::new(1);
    tx.send(Busy(next.clone())).unwrap();
    assert_eq!((*rx.try_recv().unwrap().0, *other.try_recv().unwrap().0), (1, 1));
    assert_eq!(Arc::strong_count(&next), 1);
}

// Beyond tokio, as before.
#[cfg(not(feature = "oracle"))]
#[test]
fn a_clone_that_takes_long_holds_up_no_sender_and_no_other_value() {
    let _watch = runtime_tests::watchdog();
    let (tx, mut rx) = broadcast::channel(2);
    let mut other = tx.subscribe();
    let value = Arc::new(0);
    tx.send(Busy(value.clone())).unwrap();
    let (started, has_started) = std::sync::mpsc::channel();
    let (finish, may_finish) = std::sync::mpsc::channel();
    let slow = std::thread::spawn(move || {
        IN_CLONE.set(Some(Box::new(move || {
            started.send(()).unwrap();
            may_finish.recv().unwrap();
        })));
        (*rx.try_recv().unwrap().0, rx)
    });
    has_started.recv().unwrap();
    // Round and round the ring.
    (1..=9).for_each(|n| assert_eq!(tx.send(Busy(Arc::new(n))).unwrap(), 2));
    assert_eq!(other.try_recv().unwrap_err(), TryRecvError::Lagged(8));
    assert_eq!((*other.try_recv().unwrap().0, *other.try_recv().unwrap().0), (8, 9));
    drop(tx.subscribe());
    assert_eq!(tx.len(), 2);
    drop(other);
    finish.send(()).unwrap();
    let (first, mut rx) = slow.join().unwrap();
    assert_eq!((first, Arc::strong_count(&value)), (0, 1));
    assert_eq!(rx.try_recv().unwrap_err(), TryRecvError::Lagged(7));
    assert_eq!((*rx.try_recv().unwrap().0, *rx.try_recv().unwrap().0), (8, 9));
}

/// Small rings, clones that give their core away, receivers that come and go: whoever stays gets each value in order or is
/// told how many it has lost, and nothing is kept.
#[test]
fn crowded_rings_lose_only_what_they_tell() {
    const VALUES: u64 = 3_000;
    #[derive(Debug)]
    struct Slow(u64, Arc<()>);
    impl Clone for Slow {
        fn clone(&self) -> Self {
            if self.0.is_multiple_of(3) {
                std::thread::yield_now();
            }
            Slow(self.0, self.1.clone())
        }
    }
    let _watch = runtime_tests::watchdog();
    for capacity in [1, 2, 8] {
        let tracer = Arc::new(());
        let (tx, _) = broadcast::channel::<Slow>(capacity);
        std::thread::scope(|threads| {
            for _ in 0..3 {
                let mut rx = tx.subscribe();
                threads.spawn(move || {
                    let mut expected = 0;
                    loop {
                        match rx.blocking_recv() {
                            Ok(value) => {
                                assert_eq!(value.0, expected);
                                expected += 1;
                            }
                            Err(RecvError::Lagged(missed)) => expected += missed,
                            Err(RecvError::Closed) => break,
                        }
                    }
                    assert_eq!(expected, VALUES);
                });
            }
            let visited = tx.downgrade();
            threads.spawn(move || {
                while let Some(tx) = visited.upgrade() {
                    let mut rx = tx.subscribe();
                    drop(tx);
                    let _ = rx.try_recv();
                }
            });
            (0..VALUES).for_each(|n| assert!(tx.send(Slow(n, tracer.clone())).unwrap() >= 3));
            drop(tx);
        });
        assert_eq!(Arc::strong_count(&tracer), 1);
    }
}

// tokio ends the process at the second panic.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn d11_a_value_whose_drop_panics_keeps_none_behind_it() {
    #[derive(Clone)]
    struct Value(Option<&'static str>, #[expect(dead_code, reason = "it is counted")] Arc<()>);
    impl Drop for Value {
        fn drop(&mut self) {
            if let Some(message) = self.0 {
                panic!("{message}");
            }
        }
    }
    let tracer = Arc::new(());
    let (tx, rx) = broadcast::channel(8);
    for panics in [None, Some("first"), None, Some("second"), None] {
        assert!(tx.send(Value(panics, tracer.clone())).is_ok());
    }
    let drops = std::panic::AssertUnwindSafe(|| drop(rx));
    let panic = std::panic::catch_unwind(drops).expect_err("the panic goes on");
    assert_eq!(panic.downcast_ref::<String>().expect("a text"), "first");
    assert_eq!(Arc::strong_count(&tracer), 1);
    drop(tx);
}
