//! The channel that never makes a sender wait.

use super::chan::{self, Chan, Gate, Reader};
use super::error::{SendError, TryRecvError};
use crate::engine::atomics::Arc;
use crate::sync::blocking;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll};

/// Everybody gets in until the receiver closes; the queue's own tail knows that.
struct Open;

impl Gate for Open {
    const COUNTS: bool = false;

    fn received(&self, _n: usize) {}

    fn close(&self) {}

    fn is_settled(&self) -> bool {
        false
    }
}

/// Sends into an unbounded channel; clone it for more senders. See [`unbounded_channel`].
pub struct UnboundedSender<T> {
    chan: Arc<Chan<T, Open>>,
}

/// A sender that does not keep the channel open. From [`UnboundedSender::downgrade`].
pub struct WeakUnboundedSender<T> {
    chan: Arc<Chan<T, Open>>,
}

/// Receives from an unbounded channel. See [`unbounded_channel`].
pub struct UnboundedReceiver<T> {
    reader: Reader<T, Open>,
}

// It holds no `T` in place.
impl<T> Unpin for UnboundedReceiver<T> {}

/// A channel that holds as many values as there is memory.
///
/// Nothing slows its senders down: if they are faster than the receiver for long, the process dies. Use it where
/// something else bounds what is in it.
///
/// ```
/// let (tx, mut rx) = runtime::sync::mpsc::unbounded_channel();
/// (0..1000).for_each(|n| tx.send(n).unwrap());
/// drop(tx);
/// let mut all = Vec::new();
/// assert_eq!(rx.blocking_recv_many(&mut all, 5000), 1000);
/// assert_eq!(rx.blocking_recv(), None);
/// ```
pub fn unbounded_channel<T>() -> (UnboundedSender<T>, UnboundedReceiver<T>) {
    let (chan, reader) = chan::channel(Open);
    (UnboundedSender { chan }, UnboundedReceiver { reader })
}

impl<T> UnboundedSender<T> {
    /// Sends `message`. It can always be done at once.
    ///
    /// # Errors
    /// If the receiver is closed or dropped; the value comes back.
    pub fn send(&self, message: T) -> Result<(), SendError<T>> {
        self.chan.after(self.chan.queue.push_if_open(message).map_err(SendError)?);
        Ok(())
    }

    /// Waits until the receiver is closed or dropped.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn closed(&self) {
        self.chan.closed(|chan| chan.queue.is_closed()).await;
    }

    /// Is the receiver closed or dropped?
    pub fn is_closed(&self) -> bool {
        self.chan.queue.is_closed()
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// A sender that does not keep the channel open.
    #[must_use = "this does not turn the sender itself into a weak one"]
    pub fn downgrade(&self) -> WeakUnboundedSender<T> {
        self.chan.add_weak();
        WeakUnboundedSender { chan: Arc::clone(&self.chan) }
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.chan.strong_count()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak_count()
    }
}

impl<T> Clone for UnboundedSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_sender();
        UnboundedSender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for UnboundedSender<T> {
    fn drop(&mut self) {
        self.chan.remove_sender();
    }
}

impl<T> fmt::Debug for UnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedSender").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> WeakUnboundedSender<T> {
    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<UnboundedSender<T>> {
        self.chan.try_add_sender().then(|| UnboundedSender { chan: Arc::clone(&self.chan) })
    }

    /// How many senders there are.
    pub fn strong_count(&self) -> usize {
        self.chan.strong_count()
    }

    /// How many weak senders there are.
    pub fn weak_count(&self) -> usize {
        self.chan.weak_count()
    }
}

impl<T> Clone for WeakUnboundedSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_weak();
        WeakUnboundedSender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for WeakUnboundedSender<T> {
    fn drop(&mut self) {
        self.chan.remove_weak();
    }
}

impl<T> fmt::Debug for WeakUnboundedSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakUnboundedSender").finish_non_exhaustive()
    }
}

impl<T> UnboundedReceiver<T> {
    /// Receives the next value; `None` once the channel has ended and is empty.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: a value leaves the channel only when this returns it.
    pub async fn recv(&mut self) -> Option<T> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// Receives at least one and at most `limit` values, and appends them to `buffer`. Says how many; 0 once the
    /// channel has ended and is empty, or if `limit` is 0.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        poll_fn(|cx| self.poll_recv_many(cx, buffer, limit)).await
    }

    /// Receives the next value if there is one now.
    ///
    /// Takes no part in the budget of a task.
    ///
    /// # Errors
    /// [`TryRecvError`] says whether one may still come.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.reader.try_recv() {
            Ok(Some(value)) => Ok(value),
            Ok(None) => Err(TryRecvError::Empty),
            Err(()) => Err(TryRecvError::Disconnected),
        }
    }

    /// Like [`recv`](Self::recv), blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_recv(&mut self) -> Option<T> {
        blocking::assert_may_block("mpsc::UnboundedReceiver::blocking_recv");
        blocking::wait(self.recv())
    }

    /// Like [`recv_many`](Self::recv_many), blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        blocking::assert_may_block("mpsc::UnboundedReceiver::blocking_recv_many");
        blocking::wait(self.recv_many(buffer, limit))
    }

    /// Lets no more in. What is in the channel, and what permits that are out will send, can still be received.
    pub fn close(&mut self) {
        self.reader.close();
    }

    /// Is the channel closed by its receiver, or by the drop of the last sender?
    pub fn is_closed(&self) -> bool {
        self.reader.chan.queue.is_closed() || self.sender_strong_count() == 0
    }

    /// Is there nothing to receive now?
    pub fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// How many values are in the channel.
    pub fn len(&self) -> usize {
        self.reader.backlog()
    }

    /// The poll behind [`recv`](Self::recv); only the last waker it saw is woken.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        self.reader.poll_recv(cx)
    }

    /// The poll behind [`recv_many`](Self::recv_many); only the last waker it saw is woken.
    pub fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
        self.reader.poll_recv_many(cx, buffer, limit)
    }

    /// How many senders there are.
    pub fn sender_strong_count(&self) -> usize {
        self.reader.chan.strong_count()
    }

    /// How many weak senders there are.
    pub fn sender_weak_count(&self) -> usize {
        self.reader.chan.weak_count()
    }
}

impl<T> fmt::Debug for UnboundedReceiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnboundedReceiver")
            .field("len", &self.len())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
