//! Every value to every receiver.
//!
//! Owns: [`Sender`], [`WeakSender`], [`Receiver`].
//! Not here: the ring (`ring`), a value's place in it (`place`).
//!
//! The channel keeps the last `capacity` values (rounded up to a power of two). A receiver that is further behind has
//! lost the older ones, and is told how many by [`RecvError::Lagged`]. Senders never wait.
//!
//! The danger: `T::clone` and `T::drop` are the user's code and may call back into the channel, or take long. Values are
//! dropped with nothing locked, and cloned with a lock for which only receivers of the same value wait, and not the thread
//! that holds it (`place`). The last receiver of a value gets the original, not a clone.
//!
//! # Examples
//!
//! ```
//! use runtime::sync::broadcast;
//!
//! let (tx, mut first) = broadcast::channel(16);
//! let mut second = tx.subscribe();
//! assert_eq!(tx.send("hello")?, 2);
//! assert_eq!(first.try_recv()?, "hello");
//! assert_eq!(second.blocking_recv()?, "hello");
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod error;
#[cfg(all(test, loom))]
mod model;
mod place;
mod ring;

use self::error::{RecvError, SendError, TryRecvError};
use self::ring::{Found, Ring};
use super::blocking;
use super::notify::Notify;
use super::waiters::Key;
use super::wake::WakeBatch;
use crate::engine::atomics::{Arc, AtomicUsize, Ordering};
use crate::engine::budget;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

struct Chan<T> {
    ring: Ring<T>,
    /// The last receiver left.
    deserted: Notify,
    strong: AtomicUsize,
    weak: AtomicUsize,
}

impl<T> std::panic::UnwindSafe for Chan<T> {}
impl<T> std::panic::RefUnwindSafe for Chan<T> {}

/// Sends to all receivers. Clones send into the same channel. See [`channel`].
pub struct Sender<T> {
    chan: Arc<Chan<T>>,
}

/// A sender that does not keep the channel open. From [`Sender::downgrade`].
pub struct WeakSender<T> {
    chan: Arc<Chan<T>>,
}

/// Receives all values that are sent after it was made.
pub struct Receiver<T> {
    chan: Arc<Chan<T>>,
    position: u64,
}

/// A channel that keeps the last `capacity` values, rounded up to a power of two.
///
/// ```
/// use runtime::sync::broadcast::{self, error::TryRecvError};
/// let (tx, mut rx) = broadcast::channel(2);
/// (1..=3).for_each(|n| drop(tx.send(n)));
/// assert_eq!(rx.try_recv(), Err(TryRecvError::Lagged(1)));
/// assert_eq!((rx.try_recv(), rx.try_recv()), (Ok(2), Ok(3)));
/// ```
///
/// # Panics
/// If `capacity` is 0 or greater than `usize::MAX / 2`.
#[track_caller]
pub fn channel<T: Clone>(capacity: usize) -> (Sender<T>, Receiver<T>) {
    let sender = Sender::with_receivers(capacity, 1);
    let receiver = Receiver { chan: Arc::clone(&sender.chan), position: 0 };
    (sender, receiver)
}

impl<T> Sender<T> {
    /// A channel without a receiver yet; [`subscribe`](Self::subscribe) makes them.
    ///
    /// # Panics
    /// If `capacity` is 0 or greater than `usize::MAX / 2`.
    #[track_caller]
    pub fn new(capacity: usize) -> Self {
        Self::with_receivers(capacity, 0)
    }

    #[track_caller]
    fn with_receivers(capacity: usize, receivers: usize) -> Self {
        assert!(
            0 < capacity && capacity <= usize::MAX / 2,
            "a broadcast channel that keeps {capacity} values was asked for; give a number from 1 to usize::MAX / 2"
        );
        Sender {
            chan: Arc::new(Chan {
                ring: Ring::new(capacity, receivers),
                deserted: Notify::new(),
                strong: AtomicUsize::new(1),
                weak: AtomicUsize::new(0),
            }),
        }
    }

    /// Sends `value` to all receivers of now, and says how many they are.
    ///
    /// # Errors
    /// If there is none; the value comes back. Later receivers may come, so a later call can succeed.
    pub fn send(&self, value: T) -> Result<usize, SendError<T>> {
        let mut batch = WakeBatch::new();
        let mut tail = self.chan.ring.lock_tail();
        let receivers = tail.receivers();
        if receivers == 0 {
            drop(tail);
            return Err(SendError(value));
        }
        let overwritten = self.chan.ring.push(&mut tail, value);
        tail.waiters.fire_all(&mut batch, |()| {});
        drop(tail);
        batch.wake_all();
        drop(overwritten);
        Ok(receivers)
    }

    /// A new receiver, for what is sent from now on.
    ///
    /// # Panics
    /// If there are 2^31 of them.
    #[track_caller]
    pub fn subscribe(&self) -> Receiver<T> {
        let position = self.chan.ring.join();
        Receiver { chan: Arc::clone(&self.chan), position }
    }

    /// A sender that does not keep the channel open.
    #[must_use = "this does not turn the sender itself into a weak one"]
    pub fn downgrade(&self) -> WeakSender<T> {
        self.chan.weak.fetch_add(1, Ordering::Relaxed);
        WeakSender { chan: Arc::clone(&self.chan) }
    }

    /// How many values are kept that some receiver has yet to receive.
    pub fn len(&self) -> usize {
        let tail = self.chan.ring.lock_tail();
        self.chan.ring.len(&tail)
    }

    /// Has every receiver received everything?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.chan.ring.lock_tail().receivers()
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn closed(&self) {
        loop {
            let notified = self.chan.deserted.notified();
            if self.receiver_count() == 0 {
                return;
            }
            notified.await;
        }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.chan.strong.load(Ordering::Acquire)
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak.load(Ordering::Acquire)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.chan.strong.fetch_add(1, Ordering::Relaxed);
        Sender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.chan.strong.fetch_sub(1, Ordering::AcqRel) == 1 {
            let mut batch = WakeBatch::new();
            let mut tail = self.chan.ring.lock_tail();
            tail.closed = true;
            tail.waiters.fire_all(&mut batch, |()| {});
            drop(tail);
            batch.wake_all();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("receivers", &self.receiver_count()).finish_non_exhaustive()
    }
}

impl<T> WeakSender<T> {
    /// A sender, unless the last one is gone.
    #[must_use]
    pub fn upgrade(&self) -> Option<Sender<T>> {
        let mut strong = self.chan.strong.load(Ordering::Acquire);
        while strong != 0 {
            match self.chan.strong.compare_exchange_weak(strong, strong + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Some(Sender { chan: Arc::clone(&self.chan) }),
                Err(now) => strong = now,
            }
        }
        None
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.chan.strong.load(Ordering::Acquire)
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak.load(Ordering::Acquire)
    }
}

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        self.chan.weak.fetch_add(1, Ordering::Relaxed);
        WeakSender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.chan.weak.fetch_sub(1, Ordering::AcqRel);
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T> Receiver<T> {
    /// How many values were sent that this receiver has not received, with those it has lost.
    pub fn len(&self) -> usize {
        self.chan.ring.ahead_of(self.position)
    }

    /// Has this receiver received everything?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.chan.strong.load(Ordering::Acquire)
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.chan.weak.load(Ordering::Acquire)
    }

    /// Is the last sender gone? Values may still be there.
    pub fn is_closed(&self) -> bool {
        self.chan.ring.lock_tail().closed
    }
}

impl<T: Clone> Receiver<T> {
    /// A new receiver of the same channel, for what is sent from now on.
    ///
    /// # Panics
    /// If there are 2^31 of them.
    #[track_caller]
    pub fn resubscribe(&self) -> Self {
        let position = self.chan.ring.join();
        Receiver { chan: Arc::clone(&self.chan), position }
    }

    /// Receives the next value.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] if values were lost, [`RecvError::Closed`] at the end.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: a value counts as received only when this returns it.
    pub async fn recv(&mut self) -> Result<T, RecvError> {
        Recv { receiver: self, key: None }.await
    }

    /// Receives the next value if there is one now.
    ///
    /// # Errors
    /// [`TryRecvError`] says why there is none.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        loop {
            return match self.chan.ring.take(&mut self.position) {
                Found::Value(value) => Ok(value),
                Found::Lagged(missed) => Err(TryRecvError::Lagged(missed)),
                Found::Nothing => {
                    let tail = self.chan.ring.lock_tail();
                    match (self.chan.ring.is_at_end(&tail, self.position), tail.closed) {
                        (true, true) => Err(TryRecvError::Closed),
                        (true, false) => Err(TryRecvError::Empty),
                        // Sent since the look.
                        (false, _) => continue,
                    }
                }
            };
        }
    }

    /// Like [`recv`](Self::recv), blocking the thread.
    ///
    /// # Errors
    /// [`RecvError::Lagged`] if values were lost, [`RecvError::Closed`] at the end.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Result<T, RecvError> {
        blocking::assert_may_block("broadcast::Receiver::blocking_recv");
        blocking::wait(self.recv())
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        let mut tail = self.chan.ring.lock_tail();
        let unwanted = self.chan.ring.leave(&mut tail, self.position);
        let was_last = tail.receivers() == 0;
        drop(tail);
        if was_last {
            self.chan.deserted.notify_waiters();
        }
        drop(unwanted);
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver").field("len", &self.len()).finish_non_exhaustive()
    }
}

/// Waits for the next value.
struct Recv<'a, T> {
    receiver: &'a mut Receiver<T>,
    key: Option<Key>,
}

impl<T: Clone> Recv<'_, T> {
    /// Looks; with nothing there, registers `fresh` or says that a waker is needed.
    fn look(&mut self, waker: &Waker, fresh: &mut Option<Waker>) -> Look<T> {
        let ring = &self.receiver.chan.ring;
        loop {
            let found = ring.take(&mut self.receiver.position);
            if !matches!(found, Found::Nothing) {
                // A queued waker is dropped by the caller, outside of the lock.
                let old = self.key.take().and_then(|key| ring.lock_tail().waiters.remove(key).1);
                return Look::Found(found, old);
            }
            let mut tail = ring.lock_tail();
            if !ring.is_at_end(&tail, self.receiver.position) {
                // Sent since the look.
                continue;
            }
            if tail.closed {
                let old = self.key.take().and_then(|key| tail.waiters.remove(key).1);
                return Look::Closed(old);
            }
            // A fired node is of no use any more: its waker is gone, and it is in no queue.
            return match self.key.filter(|key| tail.waiters.is_queued(*key)) {
                Some(key) if tail.waiters.will_wake(key, waker) => Look::Registered(None),
                registered => {
                    let Some(fresh) = fresh.take() else { return Look::NeedsWaker };
                    if let Some(key) = registered {
                        return Look::Registered(tail.waiters.set_waker(key, fresh));
                    }
                    let fired = self.key.take().map(|key| tail.waiters.remove(key));
                    debug_assert!(fired.is_none_or(|(_, waker)| waker.is_none()));
                    self.key = Some(tail.waiters.push_back(Some(fresh), ()));
                    Look::Registered(None)
                }
            };
        }
    }
}

enum Look<T> {
    Found(Found<T>, Option<Waker>),
    Closed(Option<Waker>),
    Registered(Option<Waker>),
    NeedsWaker,
}

impl<T: Clone> Future for Recv<'_, T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_proceed(cx));
        let mut fresh = None;
        loop {
            match self.look(cx.waker(), &mut fresh) {
                Look::NeedsWaker => fresh = Some(cx.waker().clone()),
                Look::Registered(old) => {
                    drop(old);
                    return Poll::Pending;
                }
                Look::Closed(old) => {
                    unit.made_progress();
                    drop(old);
                    return Poll::Ready(Err(RecvError::Closed));
                }
                Look::Found(found, old) => {
                    unit.made_progress();
                    drop(old);
                    return Poll::Ready(match found {
                        Found::Value(value) => Ok(value),
                        Found::Lagged(missed) => Err(RecvError::Lagged(missed)),
                        Found::Nothing => unreachable!("BUG: nothing is not found"),
                    });
                }
            }
        }
    }
}

impl<T> Drop for Recv<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.receiver.chan.forget(key);
        }
    }
}

impl<T> Chan<T> {
    #[cold]
    fn forget(&self, key: Key) {
        let node = self.ring.lock_tail().waiters.remove(key);
        drop(node);
    }
}
