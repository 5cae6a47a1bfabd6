//! The latest value, for whoever wants to look.
//!
//! Owns: [`Sender`], [`Receiver`], [`Ref`].
//! Not here: the queues of those who wait (`crowd`); history. A receiver that is slow sees the newest value only.
//!
//! The value lies in a readers-writer lock; a [`Ref`] is its read guard. Beside it stands the version word: bit 0 says
//! that the last sender is gone, the rest counts the sends. Each receiver remembers the version it has seen.
//!
//! The danger: the sender writes, bumps the version and wakes between a receiver's look and its sleep. So a receiver
//! makes its [`Notify`] future first, looks at the version after, and waits only then.
//!
//! Two locks, two kinds of code: the closures of [`Sender::send_modify`], [`Sender::send_if_modified`] and
//! [`Receiver::wait_for`] run with the value locked, as does everything while a [`Ref`] is held, and must not call back
//! into the same channel. Wakers, and the drop of an old value in `send` and `send_replace`, run with nothing locked.
//!
//! # Examples
//!
//! ```
//! use runtime::sync::watch;
//!
//! let (tx, mut rx) = watch::channel("starting");
//! tx.send("ready")?;
//! assert!(rx.has_changed()?);
//! assert_eq!(*rx.borrow_and_update(), "ready");
//! assert!(!rx.has_changed()?);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

mod crowd;
pub mod error;
#[cfg(all(test, loom))]
mod model;

use self::crowd::Crowd;
use self::error::{RecvError, SendError};
use super::notify::Notify;
use super::unit::take_unit;
use crate::engine::atomics::{Arc, AtomicUsize, Ordering};
use crate::engine::{ValueLock, ValueRef};
use std::fmt;
use std::ops::Deref;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// In the version word: the last sender is gone.
const CLOSED: usize = 1;
const ONE: usize = 2;

struct Chan<T> {
    value: ValueLock<T>,
    version: AtomicUsize,
    changed: Crowd,
    receivers: AtomicUsize,
    senders: AtomicUsize,
    /// The last receiver left.
    deserted: Notify,
}

impl<T> Chan<T> {
    fn version(&self) -> usize {
        self.version.load(Ordering::Acquire)
    }

    /// Waits for another version than `seen`, and notes it there.
    async fn change(&self, number: usize, seen: &mut usize) -> Result<(), RecvError> {
        loop {
            // First the future, then the look: a send in between completes it.
            let notified = self.changed.notified(number);
            let version = self.version();
            if version & !CLOSED != *seen {
                *seen = version & !CLOSED;
                return Ok(());
            }
            if version & CLOSED != 0 {
                return Err(RecvError(()));
            }
            notified.await;
        }
    }
}

/// Publishes values. Clones publish into the same channel. See [`channel`].
pub struct Sender<T> {
    chan: Arc<Chan<T>>,
}

/// Looks at the latest value, and waits for the next. Clones have seen what their original has.
pub struct Receiver<T> {
    chan: Arc<Chan<T>>,
    /// The version that was seen last, without the CLOSED bit.
    seen: usize,
    /// Says which of the queues for a change is ours.
    number: usize,
}

/// The value, locked for reading. Senders wait for it (blocking their thread): drop it soon, and never hold it across
/// an `.await`. To read twice at once from one thread can deadlock with a sender between.
pub struct Ref<'a, T> {
    value: ValueRef<'a, T>,
    has_changed: bool,
}

/// A channel whose latest value is `init`, which its receiver has seen.
///
/// ```
/// let (tx, mut rx) = runtime::sync::watch::channel(1);
/// assert!(!rx.has_changed().unwrap());
/// tx.send(2).unwrap();
/// assert!(rx.has_changed().unwrap());
/// assert_eq!(*rx.borrow_and_update(), 2);
/// ```
pub fn channel<T>(init: T) -> (Sender<T>, Receiver<T>) {
    let chan = Arc::new(Chan {
        value: ValueLock::new(init),
        version: AtomicUsize::new(0),
        changed: Crowd::new(),
        receivers: AtomicUsize::new(1),
        senders: AtomicUsize::new(1),
        deserted: Notify::new(),
    });
    (Sender { chan: Arc::clone(&chan) }, Receiver { chan, seen: 0, number: 0 })
}

impl<T> Ref<'_, T> {
    /// Was this value new to the receiver that borrowed it? Always `false` for a sender's borrow.
    pub fn has_changed(&self) -> bool {
        self.has_changed
    }
}

impl<T> Deref for Ref<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Ref<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ref").field("value", &*self.value).field("has_changed", &self.has_changed).finish()
    }
}

impl<T> Receiver<T> {
    /// The latest value. It counts as seen only by [`borrow_and_update`](Self::borrow_and_update).
    pub fn borrow(&self) -> Ref<'_, T> {
        let value = self.chan.value.read();
        let has_changed = self.chan.version() & !CLOSED != self.seen;
        Ref { value, has_changed }
    }

    /// The latest value, which counts as seen from now on.
    pub fn borrow_and_update(&mut self) -> Ref<'_, T> {
        let value = self.chan.value.read();
        // Read with the value locked: it is this value's version.
        let version = self.chan.version() & !CLOSED;
        let has_changed = version != std::mem::replace(&mut self.seen, version);
        Ref { value, has_changed }
    }

    /// Is there a value that was not seen?
    ///
    /// # Errors
    /// If the last sender is gone, whether or not its last value was seen.
    pub fn has_changed(&self) -> Result<bool, RecvError> {
        let version = self.chan.version();
        if version & CLOSED != 0 {
            return Err(RecvError(()));
        }
        Ok(version != self.seen)
    }

    /// Is the last sender gone?
    pub fn is_closed(&self) -> bool {
        self.chan.version() & CLOSED != 0
    }

    /// Makes the latest value count as not seen.
    pub fn mark_changed(&mut self) {
        self.seen = (self.chan.version() & !CLOSED).wrapping_sub(ONE);
    }

    /// Makes the latest value count as seen.
    pub fn mark_unchanged(&mut self) {
        self.seen = self.chan.version() & !CLOSED;
    }

    /// Waits for a value that was not seen, and makes it count as seen.
    ///
    /// # Errors
    /// If there is none and the last sender is gone.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: no value counts as seen.
    pub async fn changed(&mut self) -> Result<(), RecvError> {
        take_unit().await;
        self.chan.change(self.number, &mut self.seen).await
    }

    /// Waits for a value that `f` accepts, and makes it count as seen. `f` gets the current value first, seen or not,
    /// and then the latest one after each change. It runs with the value locked.
    ///
    /// # Errors
    /// If the last sender is gone and `f` has not accepted its last value.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing but the calls of `f`: what counts as seen was refused by it.
    ///
    /// # Panics
    /// If `f` does. The channel stays usable.
    pub async fn wait_for(&mut self, mut f: impl FnMut(&T) -> bool) -> Result<Ref<'_, T>, RecvError> {
        take_unit().await;
        let Receiver { chan, seen, number } = self;
        let seen_before = *seen;
        loop {
            {
                let value = chan.value.read();
                let version = chan.version() & !CLOSED;
                *seen = version;
                // AssertUnwindSafe: `f` sees its own state and a `&T`; caught so that the lock is released cleanly.
                match catch_unwind(AssertUnwindSafe(|| f(&value))) {
                    Ok(true) => return Ok(Ref { value, has_changed: version != seen_before }),
                    Ok(false) => {}
                    Err(panic) => {
                        drop(value);
                        resume_unwind(panic);
                    }
                }
            }
            chan.change(*number, seen).await?;
        }
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T> Clone for Receiver<T> {
    fn clone(&self) -> Self {
        let number = self.chan.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { chan: Arc::clone(&self.chan), seen: self.seen, number }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if self.chan.receivers.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.chan.deserted.notify_waiters();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("has_changed", &(self.chan.version() & !CLOSED != self.seen))
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T> Sender<T> {
    /// A channel without a receiver yet; [`subscribe`](Self::subscribe) makes them.
    pub fn new(init: T) -> Self {
        let (sender, _) = channel(init);
        sender
    }

    /// Publishes `value`.
    ///
    /// # Errors
    /// If there is no receiver: nothing is published, and the value comes back. To publish for receivers to come,
    /// use [`send_replace`](Self::send_replace).
    pub fn send(&self, value: T) -> Result<(), SendError<T>> {
        if self.is_closed() {
            return Err(SendError(value));
        }
        self.send_replace(value);
        Ok(())
    }

    /// Changes the value in place and publishes it, with or without receivers. `modify` runs with the value locked.
    ///
    /// # Panics
    /// If `modify` does; what it had changed is there to see, but nobody is woken.
    pub fn send_modify<F>(&self, modify: F)
    where
        F: FnOnce(&mut T),
    {
        self.send_if_modified(|value| {
            modify(value);
            true
        });
    }

    /// Like [`send_modify`](Self::send_modify), publishing only if `modify` says so. Gives its answer.
    ///
    /// # Panics
    /// If `modify` does; what it had changed is there to see, but nobody is woken.
    pub fn send_if_modified<F>(&self, modify: F) -> bool
    where
        F: FnOnce(&mut T) -> bool,
    {
        {
            let mut value = self.chan.value.write();
            // AssertUnwindSafe: the docs say what is seen after a panic; caught so that the lock is released first.
            match catch_unwind(AssertUnwindSafe(|| modify(&mut value))) {
                Ok(false) => return false,
                Ok(true) => {}
                Err(panic) => {
                    drop(value);
                    resume_unwind(panic);
                }
            }
            // Still locked: value and version change together for those who lock.
            self.chan.version.fetch_add(ONE, Ordering::AcqRel);
        }
        self.chan.changed.notify_waiters();
        true
    }

    /// Publishes `value`, with or without receivers, and gives the old one back.
    pub fn send_replace(&self, mut value: T) -> T {
        self.send_modify(|place| std::mem::swap(place, &mut value));
        value
    }

    /// The latest value.
    pub fn borrow(&self) -> Ref<'_, T> {
        Ref { value: self.chan.value.read(), has_changed: false }
    }

    /// Is there no receiver?
    pub fn is_closed(&self) -> bool {
        self.receiver_count() == 0
    }

    /// Waits until there is no receiver.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn closed(&self) {
        take_unit().await;
        loop {
            let notified = self.chan.deserted.notified();
            if self.is_closed() {
                return;
            }
            notified.await;
        }
    }

    /// A new receiver, which has seen the latest value.
    pub fn subscribe(&self) -> Receiver<T> {
        let seen = self.chan.version() & !CLOSED;
        let number = self.chan.receivers.fetch_add(1, Ordering::Relaxed);
        Receiver { chan: Arc::clone(&self.chan), seen, number }
    }

    /// How many receivers there are.
    pub fn receiver_count(&self) -> usize {
        self.chan.receivers.load(Ordering::Acquire)
    }

    /// How many senders there are.
    pub fn sender_count(&self) -> usize {
        self.chan.senders.load(Ordering::Acquire)
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.chan.senders.fetch_add(1, Ordering::Relaxed);
        Sender { chan: Arc::clone(&self.chan) }
    }
}

impl<T: Default> Default for Sender<T> {
    fn default() -> Self {
        Sender::new(T::default())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if self.chan.senders.fetch_sub(1, Ordering::AcqRel) == 1 {
            self.chan.version.fetch_or(CLOSED, Ordering::AcqRel);
            self.chan.changed.notify_waiters();
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("receivers", &self.receiver_count())
            .field("senders", &self.sender_count())
            .finish_non_exhaustive()
    }
}
