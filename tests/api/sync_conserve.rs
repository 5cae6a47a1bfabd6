//! Nothing is lost when futures are dropped at any point: permits, values and places before = after, over 100,000
//! cancels of each primitive.

use runtime::sync::{Mutex, Notify, RwLock, Semaphore, broadcast, mpsc, oneshot, watch};
use runtime_tests::hostile::{Dice, Wakes, now, poll, poll_with};
use std::future::Future;
use std::pin::Pin;

const CANCELS: usize = 100_000;

type Pending<'a, T> = Pin<Box<dyn Future<Output = T> + 'a>>;

/// Starts, polls and drops futures of `start` in random order until enough of them were dropped unfinished. `finish`
/// gets each output, and may keep it (a guard) for a while in `kept`.
fn churn<'a, T: 'a>(seed: u64, start: impl Fn(&mut Dice) -> Pending<'a, T>, mut between: impl FnMut(&mut Dice)) {
    let mut dice = Dice(seed);
    let wakes = Wakes::new();
    let mut waiting: Vec<Pending<'a, T>> = Vec::new();
    let mut kept: Vec<T> = Vec::new();
    let mut cancelled = 0;
    while cancelled < CANCELS {
        match dice.below(8) {
            0..3 if waiting.len() < 12 => {
                let future = start(&mut dice);
                waiting.push(future);
            }
            3..5 if !waiting.is_empty() => {
                let index = dice.below(waiting.len());
                if let std::task::Poll::Ready(output) = poll_with(waiting[index].as_mut(), &wakes.waker()) {
                    drop(waiting.swap_remove(index));
                    kept.push(output);
                }
            }
            5 if !kept.is_empty() => {
                let index = dice.below(kept.len());
                drop(kept.swap_remove(index));
            }
            6 if !waiting.is_empty() => {
                let index = dice.below(waiting.len());
                drop(waiting.swap_remove(index));
                cancelled += 1;
            }
            _ => between(&mut dice),
        }
    }
}

#[test]
fn semaphore_permits() {
    let semaphore = Semaphore::new(5);
    churn(1, |dice| Box::pin(semaphore.acquire_many(dice.below(6) as u32)), |_| {});
    assert_eq!(semaphore.available_permits(), 5);
    assert!(semaphore.try_acquire_many(5).is_ok());
}

#[test]
fn mutex_lock() {
    let mutex = Mutex::new(());
    churn(2, |_| Box::pin(mutex.lock()), |_| {});
    assert!(mutex.try_lock().is_ok());
}

#[test]
fn rwlock_locks() {
    let lock = RwLock::new(());
    churn(
        3,
        |dice| match dice.below(3) {
            0 => Box::pin(async { drop(lock.write().await.downgrade()) }) as Pending<'_, ()>,
            _ => Box::pin(async {
                let _read = lock.read().await;
                std::future::pending::<()>().await;
            }),
        },
        |_| {},
    );
    assert!(lock.try_write().is_ok());
}

#[test]
fn notify_permits() {
    let notify = Notify::new();
    churn(
        4,
        |_| Box::pin(notify.notified()),
        |dice| {
            if dice.below(2) == 0 { notify.notify_one() } else { notify.notify_last() }
        },
    );
    // Nobody waits any more; the permit, if any, is one.
    notify.notify_one();
    now(notify.notified());
    assert!(poll(std::pin::pin!(notify.notified())).is_pending());
}

#[test]
fn mpsc_room_and_values() {
    let (tx, mut rx) = mpsc::channel(4);
    let sent = std::cell::Cell::new(0_usize);
    let mut received = 0;
    churn(
        5,
        |dice| match dice.below(3) {
            0 => Box::pin(async {
                tx.send(1).await.unwrap();
                sent.set(sent.get() + 1);
            }),
            1 => Box::pin(async { drop(tx.reserve().await.unwrap()) }) as Pending<'_, ()>,
            _ => Box::pin(async {
                let mut permits = tx.reserve_many(3).await.unwrap();
                permits.next().unwrap().send(1);
                sent.set(sent.get() + 1);
            }),
        },
        |dice| {
            if dice.below(2) == 0 {
                received += rx.try_recv().unwrap_or(0);
            }
            // A cancelled receive takes nothing.
            let mut recv = Box::pin(rx.recv());
            if let std::task::Poll::Ready(value) = poll(recv.as_mut()) {
                received += value.unwrap();
            }
        },
    );
    while let Ok(value) = rx.try_recv() {
        received += value;
    }
    assert_eq!((received, tx.capacity()), (sent.get(), 4));
}

#[test]
fn watch_and_broadcast_and_oneshot() {
    let (tx, rx) = watch::channel(0_u32);
    churn(
        6,
        |_| {
            let mut rx = rx.clone();
            Box::pin(async move { rx.changed().await.is_ok() })
        },
        |_| tx.send_modify(|n| *n = n.wrapping_add(1)),
    );
    assert_eq!(tx.receiver_count(), 1);

    let (tx, mut rx) = broadcast::channel(CANCELS * 8);
    let mut sent = 0;
    churn(
        7,
        |_| {
            let mut rx = rx.resubscribe();
            Box::pin(async move { rx.recv().await.is_ok() })
        },
        |_| {
            tx.send(sent).unwrap();
            sent += 1;
        },
    );
    assert_eq!(tx.receiver_count(), 1);
    assert!((0..sent).all(|n| rx.try_recv() == Ok(n)) && tx.is_empty());

    let mut dice = Dice(8);
    let tracer = std::sync::Arc::new(());
    for _ in 0..CANCELS {
        let (tx, mut rx) = oneshot::channel();
        if dice.below(2) == 0 {
            let _ = poll(Pin::new(&mut rx));
        }
        match dice.below(3) {
            0 => drop(tx),
            1 => drop(tx.send(tracer.clone())),
            _ => {
                let mut tx = tx;
                assert!(poll(std::pin::pin!(tx.closed())).is_pending());
                drop(tx.send(tracer.clone()));
            }
        }
        if dice.below(2) == 0 {
            let _ = poll(Pin::new(&mut rx));
        }
    }
    assert_eq!(std::sync::Arc::strong_count(&tracer), 1);
}
