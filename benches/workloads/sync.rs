//! Channels, locks and signals: ours on our runtime against tokio's on tokio's.
//!
//! Unlike in `messages`, the channel is the thing under test, so each peer uses its own. All run the same lines: the
//! macros at the end compile them once over each crate's `sync` module. smol has no such module; its users take
//! `async-channel` and `async-lock`, where those have the type.

#[macro_use]
mod common;
mod smol;

use runtime_benches::{InTask, Ours, Passes, Peer, Smol, Spawn, Tokio, Workload, Wrong, check};

/// Tasks that compete for one object.
const TASKS: u64 = 8;

/// What only an object whose other side is gone could say.
const GONE: &str = "the other side lives until the pass ends";

/// Room in the bounded channels: what tokio's own examples use, and small enough that senders wait now and then.
const ROOM: usize = 100;

pub(crate) fn workloads() -> Vec<Workload> {
    macro_rules! table {
        ($($name:literal, $about:literal, $load:expr $(, $smol:ident)?;)*) => {
            vec![$(
                Workload::new($name, $about)
                    .on::<Ours, _>(InTask({ use ours::*; $load }))
                    .on::<Tokio, _>(InTask({ use theirs::*; $load }))
                    $(.on::<Smol, _>(InTask({ use $smol::*; $load })))?,
            )*]
        };
    }
    table! {
        "sync-mpsc-bounded-1", "one task sends 4000 messages to another, 100 fit", MpscBounded { senders: 1 }, smols;
        "sync-mpsc-bounded-4", "four tasks send 4000 messages to another, 100 fit", MpscBounded { senders: 4 }, smols;
        "sync-mpsc-unbounded-1", "one task sends 4000 messages to another", MpscUnbounded { senders: 1 }, smols;
        "sync-mpsc-unbounded-4", "four tasks send 4000 messages to another", MpscUnbounded { senders: 4 }, smols;
        "sync-oneshot", "200 questions, each answered by a task through a oneshot of its own", Oneshot;
        "sync-mutex-free", "one task locks and unlocks 5000 times", MutexFree, smols;
        "sync-mutex-contended", "8 tasks lock and unlock 500 times each", MutexContended { across_yield: false }, smols;
        "sync-mutex-queued", "8 tasks lock 100 times each and yield with the guard", MutexContended { across_yield: true }, smols;
        "sync-rwlock-read", "8 tasks lock 500 times each, one time in 16 for writing", RwLockReadMostly, smols;
        "sync-semaphore-free", "one task takes and gives back a permit 5000 times", SemaphoreFree, smols;
        "sync-semaphore-contended", "8 tasks take one of 2 permits 500 times each", SemaphoreContended { across_yield: false }, smols;
        "sync-semaphore-queued", "8 tasks take one of 2 permits 100 times each and yield", SemaphoreContended { across_yield: true }, smols;
        "sync-semaphore-64x8-yield", "64 tasks take one of 8 permits 50 times each and yield", SemaphoreCrowd, smols;
        "sync-notify-one", "two tasks wake each other 1000 times", NotifyOne;
        "sync-notify-waiters", "one task wakes 100 others, ten times", NotifyWaiters { waiters: 100 };
        "sync-notify-waiters-500", "one task wakes 500 others, ten times", NotifyWaiters { waiters: 500 };
        "sync-broadcast-1", "2000 values for one receiver", Broadcast { receivers: 1, values: 2000 };
        "sync-broadcast-10", "500 values for each of 10 receivers", Broadcast { receivers: 10, values: 500 };
        "sync-broadcast-100", "100 values for each of 100 receivers", Broadcast { receivers: 100, values: 100 };
        "sync-watch", "one task changes a value 1000 times, 10 others look", Watch;
    }
}

macro_rules! loads {
    ($module:ident, $krate:ident) => {
        mod $module {
            use super::*;
            use ::$krate::sync::{Notify, broadcast, oneshot, watch};

            common_loads!(::$krate::sync);

            #[derive(Clone, Copy)]
            pub(super) struct Oneshot;

            impl Passes for Oneshot {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (tx, mut rx) = mpsc::unbounded_channel::<(u64, oneshot::Sender<u64>)>();
                    let server = here.spawn(async move {
                        let mut answered = 0;
                        while let Some((n, answer)) = rx.recv().await {
                            answer.send(n + 1).expect(GONE);
                            answered += 1;
                        }
                        answered
                    });
                    let mut sum = 0;
                    for n in 0..200 {
                        let (answer, answered) = oneshot::channel();
                        tx.send((n, answer)).expect(GONE);
                        sum += answered.await.expect(GONE);
                    }
                    drop(tx);
                    check("the sum", sum, 200 * 201 / 2)?;
                    Ok(server.await)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct NotifyOne;

            impl Passes for NotifyOne {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (ping, pong) = (Arc::new(Notify::new()), Arc::new(Notify::new()));
                    let (pinged, ponged) = (ping.clone(), pong.clone());
                    let other = here.spawn(async move {
                        for _ in 0..1000 {
                            pinged.notified().await;
                            pong.notify_one();
                        }
                        1000
                    });
                    for _ in 0..1000 {
                        ping.notify_one();
                        ponged.notified().await;
                    }
                    Ok(2 * other.await)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct NotifyWaiters {
                pub(super) waiters: u32,
            }

            impl Passes for NotifyWaiters {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (go, there) = (Arc::new(Notify::new()), Arc::new(Semaphore::new(0)));
                    let joins = (0..self.waiters).map(|_| {
                        let (go, there) = (go.clone(), there.clone());
                        here.spawn(async move {
                            for _ in 0..10 {
                                let notified = go.notified();
                                there.add_permits(1);
                                notified.await;
                            }
                            10
                        })
                    });
                    let joins = joins.collect();
                    for _ in 0..10 {
                        there.acquire_many(self.waiters).await.expect(GONE).forget();
                        go.notify_waiters();
                    }
                    let woken = join_all(joins).await;
                    check("the number of wakes", woken, u64::from(self.waiters) * 10)?;
                    Ok(woken)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct Broadcast {
                pub(super) receivers: u64,
                pub(super) values: u64,
            }

            impl Passes for Broadcast {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    // Room for all: nobody lags, so every peer does the same work.
                    let (tx, _) = broadcast::channel(2048);
                    let joins = (0..self.receivers).map(|_| {
                        let mut rx = tx.subscribe();
                        here.spawn(async move {
                            let mut sum = 0;
                            while let Ok(n) = rx.recv().await {
                                sum += n;
                            }
                            sum
                        })
                    });
                    let joins = joins.collect();
                    for n in 0..self.values {
                        tx.send(n).expect(GONE);
                        // Lets receivers go to sleep and be woken, as they are between the messages of a server.
                        if n % 16 == 0 {
                            P::yield_now().await;
                        }
                    }
                    drop(tx);
                    let sum = join_all(joins).await;
                    check("the sum", sum, self.receivers * (self.values * (self.values - 1) / 2))?;
                    Ok(self.receivers * self.values)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct Watch;

            impl Passes for Watch {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (tx, rx) = watch::channel(0);
                    let joins = (0..10).map(|_| {
                        let mut rx = rx.clone();
                        here.spawn(async move {
                            while rx.changed().await.is_ok() {
                                if *rx.borrow_and_update() == 1000 {
                                    return 1;
                                }
                            }
                            0
                        })
                    });
                    let joins = joins.collect();
                    drop(rx);
                    for n in 1..=1000 {
                        tx.send(n).expect(GONE);
                        P::yield_now().await;
                    }
                    check("who saw the last value", join_all(joins).await, 10)?;
                    Ok(1000)
                }
            }
        }
    };
}

loads!(ours, runtime);
loads!(theirs, tokio);

mod smols {
    use super::*;

    common_loads!(super::smol);
}
