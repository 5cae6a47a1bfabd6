use runtime::sync::{Barrier, OnceCell, SetError, SetOnce};
use runtime_tests::hostile::{Wakes, block_on, now, poll, poll_with};
use std::cell::Cell;
use std::future::pending;
use std::pin::pin;
use std::task::Poll;

static CELL: OnceCell<u8> = OnceCell::const_new_with(4);
static SET: SetOnce<u8> = SetOnce::const_new();

#[test]
fn once_cell_is_made_once() {
    assert_eq!(CELL.get(), Some(&4));
    let cell = OnceCell::new();
    let calls = Cell::new(0);
    for _ in 0..3 {
        let value = now(cell.get_or_init(async || {
            calls.set(calls.get() + 1);
            "made"
        }));
        assert_eq!(*value, "made");
    }
    assert_eq!(calls.get(), 1);
    assert!(cell.set("late").unwrap_err().is_already_init_err());
    assert_eq!(cell.into_inner(), Some("made"));
}

#[test]
fn a_failed_or_cancelled_making_lets_the_next_try() {
    let cell = OnceCell::new();
    assert_eq!(now(cell.get_or_try_init(async || Err::<u8, _>("no"))), Err("no"));
    let mut stuck = Box::pin(cell.get_or_init(pending));
    assert!(poll(stuck.as_mut()).is_pending());
    assert_eq!(cell.set(1), Err(SetError::InitializingError(1)));
    let wakes = Wakes::new();
    let mut next = pin!(cell.get_or_init(async || 7));
    assert!(poll_with(next.as_mut(), &wakes.waker()).is_pending());
    drop(stuck);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(next), Poll::Ready(&7));
    assert!(cell.initialized());
}

#[test]
fn all_who_wait_get_the_value() {
    let cell = OnceCell::new();
    let (tx, rx) = runtime::sync::oneshot::channel();
    let mut maker = pin!(cell.get_or_init(async || rx.await.unwrap()));
    assert!(poll(maker.as_mut()).is_pending());
    let wakes = Wakes::new();
    let mut waiting: Vec<_> = (0..5).map(|_| Box::pin(cell.get_or_init(async || unreachable!()))).collect();
    assert!(waiting.iter_mut().all(|waiting| poll_with(waiting.as_mut(), &wakes.waker()).is_pending()));
    tx.send(3).unwrap();
    assert_eq!(poll(maker), Poll::Ready(&3));
    assert_eq!(wakes.count(), 5);
    assert!(waiting.iter_mut().all(|waiting| poll(waiting.as_mut()) == Poll::Ready(&3)));
}

#[test]
fn once_cell_as_a_value() {
    let mut cell = OnceCell::from(1);
    assert_eq!((cell.clone(), OnceCell::new_with(None::<u8>)), (OnceCell::new_with(Some(1)), OnceCell::default()));
    *cell.get_mut().unwrap() = 2;
    assert_eq!(cell.take(), Some(2));
    assert!(!cell.initialized() && cell.set(3).is_ok());
}

#[test]
fn set_once_wakes_all_and_keeps_the_first() {
    let wakes = Wakes::new();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(SET.wait())).collect();
    assert!(waiting.iter_mut().all(|waiting| poll_with(waiting.as_mut(), &wakes.waker()).is_pending()));
    SET.set(1).unwrap();
    assert_eq!(SET.set(2).unwrap_err().0, 2);
    assert_eq!(wakes.count(), 3);
    assert!(waiting.iter_mut().all(|waiting| poll(waiting.as_mut()) == Poll::Ready(&1)));
    assert_eq!(now(SET.wait()), &1);
    let threads: Vec<_> = (0..4)
        .map(|_| {
            static CELL: SetOnce<usize> = SetOnce::const_new();
            std::thread::spawn(|| {
                let _ = CELL.set(5);
                *block_on(CELL.wait())
            })
        })
        .collect();
    assert!(threads.into_iter().all(|thread| thread.join().unwrap() == 5));
}

#[test]
fn a_barrier_lets_all_go_with_one_leader_each_round() {
    let barrier = Barrier::new(3);
    for _ in 0..3 {
        let wakes = Wakes::new();
        let mut first = pin!(barrier.wait());
        let mut second = pin!(barrier.wait());
        assert!(poll_with(first.as_mut(), &wakes.waker()).is_pending());
        assert!(poll_with(second.as_mut(), &wakes.waker()).is_pending());
        assert!(poll(first.as_mut()).is_pending());
        assert!(poll_with(first.as_mut(), &wakes.waker()).is_pending());
        assert!(now(barrier.wait()).is_leader());
        assert_eq!(wakes.count(), 2);
        assert!(matches!(poll(first), Poll::Ready(result) if !result.is_leader()));
        assert!(matches!(poll(second), Poll::Ready(result) if !result.is_leader()));
    }
    assert!(now(Barrier::new(0).wait()).is_leader() && now(Barrier::new(1).wait()).is_leader());
}
