//! Room for values in a bounded channel, taken before the values are there.

use super::bounded::{Bounded, Sender};
use std::fmt;
use std::iter::FusedIterator;

/// Gives `n` permits back, and tells a receiver that has closed and waits for the last of them.
pub(super) fn give_back<T>(chan: &Bounded<T>, n: usize) {
    let was_closed = chan.gate.permits.release(n);
    if was_closed {
        chan.wake_if_settled();
    }
}

/// Room for one value; dropping it gives the room back. From [`Sender::reserve`].
///
/// ```
/// let (tx, mut rx) = runtime::sync::mpsc::channel(1);
/// let permit = tx.try_reserve().unwrap();
/// assert!(tx.try_send("no room").is_err());
/// permit.send("value"); // cannot fail, and does not wait
/// assert_eq!(rx.try_recv(), Ok("value"));
/// ```
pub struct Permit<'a, T> {
    chan: &'a Bounded<T>,
}

impl<'a, T> Permit<'a, T> {
    pub(super) fn new(chan: &'a Bounded<T>) -> Self {
        Permit { chan }
    }

    /// Sends `value` into the room. Works also after the receiver has closed; it still receives this one.
    pub fn send(self, value: T) {
        let chan = self.chan;
        // The room is used, not given back.
        std::mem::forget(self);
        chan.after(chan.queue.push(value));
    }
}

impl<T> Drop for Permit<'_, T> {
    fn drop(&mut self) {
        give_back(self.chan, 1);
    }
}

impl<T> fmt::Debug for Permit<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Permit").finish_non_exhaustive()
    }
}

/// Room for several values, as an iterator of [`Permit`]s. From [`Sender::reserve_many`].
///
/// ```
/// let (tx, mut rx) = runtime::sync::mpsc::channel(3);
/// for (permit, word) in tx.try_reserve_many(2).unwrap().zip(["a", "pair"]) {
///     permit.send(word);
/// }
/// assert_eq!((rx.try_recv(), rx.try_recv(), tx.capacity()), (Ok("a"), Ok("pair"), 3));
/// ```
pub struct PermitIterator<'a, T> {
    chan: &'a Bounded<T>,
    left: usize,
}

impl<'a, T> PermitIterator<'a, T> {
    pub(super) fn new(chan: &'a Bounded<T>, left: usize) -> Self {
        PermitIterator { chan, left }
    }
}

impl<'a, T> Iterator for PermitIterator<'a, T> {
    type Item = Permit<'a, T>;

    fn next(&mut self) -> Option<Permit<'a, T>> {
        self.left = self.left.checked_sub(1)?;
        Some(Permit::new(self.chan))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl<T> ExactSizeIterator for PermitIterator<'_, T> {}

impl<T> FusedIterator for PermitIterator<'_, T> {}

impl<T> Drop for PermitIterator<'_, T> {
    fn drop(&mut self) {
        if self.left > 0 {
            give_back(self.chan, self.left);
        }
    }
}

impl<T> fmt::Debug for PermitIterator<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PermitIterator").field("left", &self.left).finish_non_exhaustive()
    }
}

/// Room for one value, together with the sender it was reserved by. From [`Sender::reserve_owned`].
///
/// ```
/// let (tx, mut rx) = runtime::sync::mpsc::channel(1);
/// let permit = tx.try_reserve_owned().unwrap();
/// let tx = permit.send(1);
/// assert_eq!(rx.try_recv(), Ok(1));
/// let tx = tx.try_reserve_owned().unwrap().release();
/// assert_eq!(tx.capacity(), 1);
/// ```
pub struct OwnedPermit<T> {
    // `None` once the room is used or given back.
    sender: Option<Sender<T>>,
}

impl<T> OwnedPermit<T> {
    pub(super) fn new(sender: Sender<T>) -> Self {
        OwnedPermit { sender: Some(sender) }
    }

    fn take(&mut self) -> Sender<T> {
        self.sender.take().expect("BUG: an owned permit has its sender until it is consumed")
    }

    /// Sends `value` into the room and gives the sender back.
    pub fn send(mut self, value: T) -> Sender<T> {
        let sender = self.take();
        sender.chan.after(sender.chan.queue.push(value));
        sender
    }

    /// Gives the room back, and the sender to the caller.
    pub fn release(mut self) -> Sender<T> {
        let sender = self.take();
        give_back(&sender.chan, 1);
        sender
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        match (&self.sender, &other.sender) {
            (Some(mine), Some(theirs)) => mine.same_channel(theirs),
            _ => false,
        }
    }

    /// Is `sender` of the same channel?
    pub fn same_channel_as_sender(&self, sender: &Sender<T>) -> bool {
        self.sender.as_ref().is_some_and(|mine| mine.same_channel(sender))
    }
}

impl<T> Drop for OwnedPermit<T> {
    fn drop(&mut self) {
        if let Some(sender) = self.sender.take() {
            give_back(&sender.chan, 1);
        }
    }
}

impl<T> fmt::Debug for OwnedPermit<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OwnedPermit").finish_non_exhaustive()
    }
}
