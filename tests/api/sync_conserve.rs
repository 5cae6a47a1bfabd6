//! Nothing is lost when futures are dropped at any point: permits, values and places before = after, over 100,000
//! cancels of each primitive.

use runtime::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
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
    drop((waiting, kept));
    assert_eq!(std::sync::Arc::strong_count(&wakes), 1, "somebody kept a waker");
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

/// Receivers are alone, so theirs are given up one at a time, before the first poll or after it.
#[test]
fn receives_that_are_given_up() {
    let mut dice = Dice(9);
    let wakes = Wakes::new();
    let (tx, mut rx) = mpsc::channel(8);
    let (unbounded, mut unbounded_rx) = mpsc::unbounded_channel();
    let (mut sent, mut received) = ([0; 2], [0; 2]);
    let mut cancelled = [0; 2];
    let mut buffer = Vec::new();
    while cancelled[0] < CANCELS || cancelled[1] < CANCELS {
        if dice.below(3) == 0 {
            sent[0] += usize::from(tx.try_send(()).is_ok());
            unbounded.send(()).unwrap();
            sent[1] += 1;
        }
        let many = dice.below(2) == 0;
        let polls = dice.below(3);
        let mut go = |which: usize, mut recv: Pending<'_, usize>| {
            for _ in 0..polls {
                if let std::task::Poll::Ready(n) = poll_with(recv.as_mut(), &wakes.waker()) {
                    received[which] += n;
                    return;
                }
            }
            drop(recv);
            cancelled[which] += 1;
        };
        if many {
            go(0, Box::pin(rx.recv_many(&mut buffer, 4)));
            go(1, Box::pin(unbounded_rx.recv_many(&mut buffer, 4)));
        } else {
            go(0, Box::pin(async { usize::from(rx.recv().await.is_some()) }));
            go(1, Box::pin(async { usize::from(unbounded_rx.recv().await.is_some()) }));
        }
        buffer.clear();
    }
    assert_eq!(sent, [received[0] + rx.len(), received[1] + unbounded_rx.len()]);
    drop((rx, unbounded_rx));
    assert_eq!(std::sync::Arc::strong_count(&wakes), 1, "somebody kept a waker");
}

/// A visitor counts from its first poll on, also one that leaves; each round of three has one leader.
#[test]
fn barrier_visits() {
    let barrier = Barrier::new(3);
    let (visits, leaders) = (std::cell::Cell::new(0_usize), std::cell::Cell::new(0));
    churn(
        10,
        |_| {
            Box::pin(async {
                visits.set(visits.get() + 1);
                let leads = barrier.wait().await.is_leader();
                leaders.set(leaders.get() + usize::from(leads));
            })
        },
        |_| {},
    );
    assert_eq!(leaders.get(), visits.get() / 3);
    assert!((visits.get()..).take(3).filter(|_| poll(std::pin::pin!(barrier.wait())).is_ready()).count() == 1);
}

/// Whoever makes the value may be dropped while it does; somebody else then makes it, once.
#[test]
fn values_that_are_made_once() {
    let (cell, set) = (OnceCell::new(), SetOnce::new());
    churn(11, |_| Box::pin(async { _ = cell.get_or_init(std::future::pending).await }), |_| {});
    assert!(!cell.initialized());
    assert_eq!(now(cell.get_or_init(async || 5)), &5);
    churn(12, |_| Box::pin(set.wait()), |_| assert_eq!(set.get(), None));
    set.set(6).unwrap();
    assert_eq!(now(set.wait()), &6);
}

#[cfg(not(feature = "oracle"))]
mod beyond_tokio {
    use super::{CANCELS, Pending, churn, now, poll};
    use runtime::sync::queue::{LifoQueue, PriorityQueue};
    use runtime::sync::{Borrower, CancellationToken, CapacityLimiter, Condvar, Event, Mutex, TaskTracker};
    use std::cell::Cell;
    use std::pin::pin;

    #[test]
    fn limiter_tokens() {
        let limiter = CapacityLimiter::new(3);
        churn(
            13,
            |_| Box::pin(limiter.acquire_on_behalf_of(Borrower::new())),
            |dice| limiter.set_total_tokens(1 + dice.below(3)),
        );
        limiter.set_total_tokens(3);
        let statistics = limiter.statistics();
        assert_eq!((limiter.borrowed_tokens(), statistics.waiting, statistics.borrowers.len()), (0, 0, 0));
        let tokens: Vec<_> = (0..3).map(|_| now(limiter.acquire_on_behalf_of(Borrower::new())).unwrap()).collect();
        assert_eq!((tokens.len(), limiter.available_tokens()), (3, 0));
    }

    #[test]
    fn event_calls() {
        let event = Event::new();
        churn(14, |_| Box::pin(event.wait()), |dice| _ = if dice.below(2) == 0 { event.set() } else { event.clear() });
        event.clear();
        assert!(poll(pin!(event.wait())).is_pending());
        event.set();
        now(event.wait());
    }

    /// The lock is free whenever nobody holds a guard, and a call that nobody takes is lost on purpose.
    #[test]
    fn condvar_locks() {
        let (mutex, condvar) = (Mutex::new(()), Condvar::new());
        churn(
            15,
            |_| Box::pin(async { drop(condvar.wait(mutex.lock().await).await) }) as Pending<'_, ()>,
            |dice| if dice.below(8) == 0 { condvar.notify_all() } else { _ = condvar.notify_one() },
        );
        assert!(mutex.try_lock().is_ok());
        let mut next = Box::pin(async { drop(condvar.wait(mutex.lock().await).await) });
        assert!(poll(next.as_mut()).is_pending());
        assert!(condvar.notify_one() && poll(next.as_mut()).is_ready());
    }

    #[test]
    fn waits_for_tokens_and_trackers() {
        let token = CancellationToken::new();
        churn(16, |_| Box::pin(token.cancelled()), |_| drop(token.child_token()));
        churn(17, |_| Box::pin(async { token.child_token().cancelled_owned().await }), |_| {});
        token.cancel();
        now(token.cancelled());
        let tracker = TaskTracker::new();
        churn(18, |_| Box::pin(tracker.wait()), |_| drop(tracker.token()));
        tracker.close();
        now(tracker.wait());
    }

    #[test]
    fn items_of_other_queues() {
        macro_rules! conserves {
            ($queue:expr, $seed:literal) => {{
                let queue = $queue;
                let (put, got) = (Cell::new(0_usize), Cell::new(0));
                churn(
                    $seed,
                    |dice| match dice.below(3) {
                        0 => Box::pin(async {
                            assert_eq!(queue.get().await, Ok(7));
                            got.set(got.get() + 1);
                            queue.task_done();
                        }) as Pending<'_, ()>,
                        1 => Box::pin(async {
                            queue.put(7).await.unwrap();
                            put.set(put.get() + 1);
                        }),
                        _ => Box::pin(queue.join()),
                    },
                    |_| {},
                );
                assert_eq!(put.get(), got.get() + queue.len(), "over {CANCELS} cancels");
                while queue.try_get().is_ok() {
                    queue.task_done();
                }
                now(queue.join());
                (0..3).for_each(|n| queue.try_put(n).expect("room was lost"));
            }};
        }
        conserves!(LifoQueue::new(3), 19);
        conserves!(PriorityQueue::new(3), 20);
    }
}
