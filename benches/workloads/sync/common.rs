//! The workloads over what every peer has: a channel with one receiver, locks, a semaphore.

/// What every peer has, over its `$sync`.
macro_rules! common_loads {
    ($sync:path) => {
            use $sync::{Mutex, RwLock, Semaphore, mpsc};
            use std::sync::Arc;

            async fn join_all<J: Future<Output = u64>>(joins: Vec<J>) -> u64 {
                let mut sum = 0;
                for join in joins {
                    sum += join.await;
                }
                sum
            }

            #[derive(Clone, Copy)]
            pub(super) struct MpscBounded {
                pub(super) senders: u64,
            }

            impl Passes for MpscBounded {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (tx, mut rx) = mpsc::channel(ROOM);
                    let each = 4000 / self.senders;
                    for _ in 0..self.senders {
                        let tx = tx.clone();
                        here.detach(async move {
                            for n in 0..each {
                                tx.send(n).await.expect(GONE);
                            }
                        });
                    }
                    drop(tx);
                    let mut sum = 0;
                    while let Some(n) = rx.recv().await {
                        sum += n;
                    }
                    check("the sum", sum, self.senders * (each * (each - 1) / 2))?;
                    Ok(each * self.senders)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct MpscUnbounded {
                pub(super) senders: u64,
            }

            impl Passes for MpscUnbounded {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let (tx, mut rx) = mpsc::unbounded_channel();
                    let each = 4000 / self.senders;
                    for _ in 0..self.senders {
                        let tx = tx.clone();
                        here.detach(async move {
                            for n in 0..each {
                                tx.send(n).expect(GONE);
                            }
                        });
                    }
                    drop(tx);
                    let mut sum = 0;
                    while let Some(n) = rx.recv().await {
                        sum += n;
                    }
                    check("the sum", sum, self.senders * (each * (each - 1) / 2))?;
                    Ok(each * self.senders)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct MutexFree;

            impl Passes for MutexFree {
                async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
                    let mutex = Mutex::new(0);
                    for _ in 0..5000 {
                        *mutex.lock().await += 1;
                    }
                    Ok(mutex.into_inner())
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct MutexContended {
                pub(super) across_yield: bool,
            }

            impl Passes for MutexContended {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let mutex = Arc::new(Mutex::new(0));
                    let each = if self.across_yield { 100 } else { 500 };
                    let joins = (0..TASKS).map(|_| {
                        let mutex = mutex.clone();
                        here.spawn(async move {
                            for _ in 0..each {
                                let mut guard = mutex.lock().await;
                                *guard += 1;
                                if self.across_yield {
                                    P::yield_now().await;
                                }
                            }
                            each
                        })
                    });
                    let locked = join_all(joins.collect()).await;
                    check("the count", *mutex.lock().await, locked)?;
                    Ok(locked)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct RwLockReadMostly;

            impl Passes for RwLockReadMostly {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let lock = Arc::new(RwLock::new(0));
                    let joins = (0..TASKS).map(|_| {
                        let lock = lock.clone();
                        here.spawn(async move {
                            let mut seen = 0;
                            for n in 0..500 {
                                if n % 16 == 0 {
                                    *lock.write().await += 1;
                                } else {
                                    seen = seen.max(*lock.read().await);
                                }
                            }
                            seen
                        })
                    });
                    let seen = join_all(joins.collect()).await;
                    let written = *lock.read().await;
                    check("the count", (written, seen <= TASKS * written), (TASKS * 32, true))?;
                    Ok(TASKS * 500)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct SemaphoreFree;

            impl Passes for SemaphoreFree {
                async fn pass<P: Peer>(self, _: P::Here) -> Result<u64, Wrong> {
                    let semaphore = Semaphore::new(1);
                    for _ in 0..5000 {
                        drop(semaphore.acquire().await.expect(GONE));
                    }
                    check("free permits", semaphore.available_permits(), 1)?;
                    Ok(5000)
                }
            }

            #[derive(Clone, Copy)]
            pub(super) struct SemaphoreContended {
                pub(super) across_yield: bool,
            }

            impl Passes for SemaphoreContended {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let semaphore = Arc::new(Semaphore::new(2));
                    let each = if self.across_yield { 100 } else { 500 };
                    let joins = (0..TASKS).map(|_| {
                        let semaphore = semaphore.clone();
                        here.spawn(async move {
                            for _ in 0..each {
                                let _permit = semaphore.acquire().await.expect(GONE);
                                if self.across_yield {
                                    P::yield_now().await;
                                }
                            }
                            each
                        })
                    });
                    let acquired = join_all(joins.collect()).await;
                    check("free permits", semaphore.available_permits(), 2)?;
                    Ok(acquired)
                }
            }

            /// Many more tasks than permits: nearly all of them wait in the queue.
            #[derive(Clone, Copy)]
            pub(super) struct SemaphoreCrowd;

            impl Passes for SemaphoreCrowd {
                async fn pass<P: Peer>(self, here: P::Here) -> Result<u64, Wrong> {
                    let semaphore = Arc::new(Semaphore::new(8));
                    let joins = (0..64).map(|_| {
                        let semaphore = semaphore.clone();
                        here.spawn(async move {
                            for _ in 0..50 {
                                let _permit = semaphore.acquire().await.expect(GONE);
                                P::yield_now().await;
                            }
                            50
                        })
                    });
                    let acquired = join_all(joins.collect()).await;
                    check("free permits", semaphore.available_permits(), 8)?;
                    Ok(acquired)
                }
            }
    };
}
