//! `Barrier`: wait until enough tasks have come.
//!
//! Owns: [`Barrier`].
//!
//! The danger: tasks that come round again before all of the last round have left. Each waiter has a node of its own,
//! which is fired once, so a round cannot be taken for the next.

use super::waiters::{Key, Waiters};
use super::wake::WakeBatch;
use crate::engine::budget;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Lets `n` tasks wait for each other, round after round.
///
/// # Examples
///
/// ```
/// use runtime::sync::Barrier;
/// use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
///
/// let barrier = Barrier::new(2);
/// let (mut first, mut second) = (pin!(barrier.wait()), pin!(barrier.wait()));
/// let mut cx = Context::from_waker(Waker::noop());
/// assert!(first.as_mut().poll(&mut cx).is_pending());
/// assert!(matches!(second.as_mut().poll(&mut cx), Poll::Ready(result) if result.is_leader()));
/// assert!(matches!(first.as_mut().poll(&mut cx), Poll::Ready(result) if !result.is_leader()));
/// ```
pub struct Barrier {
    n: usize,
    /// The payload is nothing: those of this round are queued, those of past rounds are fired.
    waiters: Waiters<()>,
    arrived: crate::engine::atomics::AtomicUsize,
}

/// What [`Barrier::wait`] gives.
#[derive(Debug, Clone)]
pub struct BarrierWaitResult(bool);

impl BarrierWaitResult {
    /// `true` for exactly one task of each round: the one that came last.
    pub fn is_leader(&self) -> bool {
        self.0
    }
}

/// One task's visit. A visit that is cancelled has still arrived; see [`Barrier::wait`].
struct Visit<'a> {
    barrier: &'a Barrier,
    key: Option<Key>,
}

impl Barrier {
    /// A barrier for `n` tasks. 0 is the same as 1: nobody waits.
    pub fn new(n: usize) -> Barrier {
        Barrier { n: n.max(1), waiters: Waiters::new(), arrived: crate::engine::atomics::AtomicUsize::new(0) }
    }

    /// Arrives, and waits until `n` tasks have.
    ///
    /// # Cancel safety
    /// Not cancel safe: once polled, it has arrived, and its round counts it even if it is dropped.
    pub async fn wait(&self) -> BarrierWaitResult {
        let mut visit = Visit { barrier: self, key: None };
        poll_fn(|cx| visit.poll(cx)).await
    }

    /// Arrives. `None`: this task completed its round.
    fn arrive(&self, cx: &mut Context<'_>) -> Option<Key> {
        use crate::engine::atomics::Ordering;
        let waker = cx.waker().clone();
        let mut batch = WakeBatch::new();
        let mut list = self.waiters.lock();
        // Changed under the lock only.
        let arrived = self.arrived.load(Ordering::Relaxed) + 1;
        if arrived < self.n {
            self.arrived.store(arrived, Ordering::Relaxed);
            return Some(list.push_back(Some(waker), ()));
        }
        self.arrived.store(0, Ordering::Relaxed);
        list.fire_all(&mut batch, |()| {});
        drop(list);
        batch.wake_all();
        None
    }
}

impl Visit<'_> {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<BarrierWaitResult> {
        let Poll::Ready(unit) = budget::poll_proceed(cx) else { return Poll::Pending };
        let Some(key) = self.key else {
            self.key = self.barrier.arrive(cx);
            return match self.key {
                Some(_) => Poll::Pending,
                None => {
                    unit.made_progress();
                    Poll::Ready(BarrierWaitResult(true))
                }
            };
        };
        let done = self.barrier.waiters.check_or_wait(key, cx, |list, key| {
            // A fired node has no waker, so nothing foreign is dropped here.
            (!list.is_queued(key)).then(|| drop(list.remove(key)))
        });
        if done.is_none() {
            return Poll::Pending;
        }
        self.key = None;
        unit.made_progress();
        Poll::Ready(BarrierWaitResult(false))
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            let node = self.barrier.waiters.lock().remove(key);
            drop(node);
        }
    }
}

impl fmt::Debug for Barrier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Barrier").field("n", &self.n).finish_non_exhaustive()
    }
}
