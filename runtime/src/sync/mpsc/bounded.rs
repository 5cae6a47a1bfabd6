//! The channel with a capacity.

use super::chan::{self, Chan, Gate, Reader};
use super::error::{SendError, TryRecvError, TrySendError};
use super::permit::{OwnedPermit, Permit, PermitIterator};
use crate::engine::atomics::Arc;
use crate::sync::blocking;
use crate::sync::permits::{MAX_PERMITS, Permits, Refusal};
use std::fmt;
use std::future::poll_fn;
use std::panic::Location;
use std::task::{Context, Poll};

/// One permit for each value that fits. A value keeps its permit until it is received.
pub(super) struct Capacity {
    pub(super) permits: Permits,
    pub(super) max: usize,
}

impl Gate for Capacity {
    const COUNTS: bool = true;

    #[inline]
    fn received(&self, n: usize) {
        self.permits.release(n);
    }

    fn close(&self) {
        self.permits.close();
    }

    fn is_settled(&self) -> bool {
        self.permits.is_closed() && self.permits.available() == self.max
    }
}

pub(super) type Bounded<T> = Chan<T, Capacity>;

/// Sends into a bounded channel; clone it for more senders. See [`channel`].
pub struct Sender<T> {
    pub(super) chan: Arc<Bounded<T>>,
}

/// A sender that does not keep the channel open. From [`Sender::downgrade`].
pub struct WeakSender<T> {
    chan: Arc<Bounded<T>>,
}

/// Receives from a bounded channel. See [`channel`].
pub struct Receiver<T> {
    reader: Reader<T, Capacity>,
}

// It holds no `T` in place.
impl<T> Unpin for Receiver<T> {}

/// A channel that holds at most `buffer` values.
///
/// ```
/// let (tx, mut rx) = runtime::sync::mpsc::channel(2);
/// tx.blocking_send("one").unwrap();
/// tx.try_send("two").unwrap();
/// assert!(tx.try_send("three").is_err());
/// assert_eq!((rx.blocking_recv(), rx.len()), (Some("one"), 1));
/// ```
///
/// # Panics
/// If `buffer` is 0 or greater than [`Semaphore::MAX_PERMITS`](crate::sync::Semaphore::MAX_PERMITS).
#[track_caller]
pub fn channel<T>(buffer: usize) -> (Sender<T>, Receiver<T>) {
    assert!(
        0 < buffer && buffer <= MAX_PERMITS,
        "an mpsc channel with room for {buffer} values was asked for.\n  A value is put into the channel before it is \
         received, so there must be room for one: give a number from 1 to {MAX_PERMITS}."
    );
    let (chan, reader) = chan::channel(Capacity { permits: Permits::new(buffer), max: buffer });
    (Sender { chan }, Receiver { reader })
}

/// While a sender waits for room: if it is cancelled, room it had been given comes back, and that may be what a
/// receiver that has closed waits for. Dropped after the waiting future.
struct Reserving<'a, T>(&'a Bounded<T>);

impl<T> Drop for Reserving<'_, T> {
    fn drop(&mut self) {
        if self.0.gate.permits.is_closed() {
            self.0.wake_if_settled();
        }
    }
}

impl<T> Sender<T> {
    pub(super) async fn take_room(&self, n: usize, place: &'static Location<'static>) -> Result<(), SendError<()>> {
        let cancelled = Reserving(&self.chan);
        let taken = self.chan.gate.permits.acquire_at(n, place).await;
        std::mem::forget(cancelled);
        taken.map_err(|_| SendError(()))
    }

    /// Puts a value where room was taken for it.
    pub(super) fn push(&self, value: T) {
        self.chan.after(self.chan.queue.push(value));
    }

    /// Sends `value`, waiting for room.
    ///
    /// # Errors
    /// If the receiver is closed or dropped; the value comes back.
    ///
    /// # Cancel safety
    /// Dropping it sends nothing, and drops the value. To keep the value, [`reserve`](Self::reserve) first.
    #[track_caller]
    pub fn send(&self, value: T) -> impl Future<Output = Result<(), SendError<T>>> {
        let place = Location::caller();
        async move {
            match self.take_room(1, place).await {
                Ok(()) => {
                    self.push(value);
                    Ok(())
                }
                Err(_) => Err(SendError(value)),
            }
        }
    }

    /// Waits until the receiver is closed or dropped.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn closed(&self) {
        self.chan.closed(|chan| chan.gate.permits.is_closed()).await;
    }

    /// Sends `message` if there is room now.
    ///
    /// # Errors
    /// [`TrySendError`] says why not; the value comes back.
    pub fn try_send(&self, message: T) -> Result<(), TrySendError<T>> {
        match self.chan.gate.permits.try_acquire(1) {
            Ok(()) => {
                self.chan.after(self.chan.queue.push(message));
                Ok(())
            }
            Err(Refusal::Closed) => Err(TrySendError::Closed(message)),
            Err(Refusal::NoPermits) => Err(TrySendError::Full(message)),
        }
    }

    /// Like [`send`](Self::send), blocking the thread.
    ///
    /// # Errors
    /// If the receiver is closed or dropped; the value comes back.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_send(&self, value: T) -> Result<(), SendError<T>> {
        blocking::assert_may_block("mpsc::Sender::blocking_send");
        blocking::wait(self.send(value))
    }

    /// Is the receiver closed or dropped?
    pub fn is_closed(&self) -> bool {
        self.chan.gate.permits.is_closed()
    }

    /// Waits for room for one value, and takes it.
    ///
    /// # Errors
    /// If the receiver is closed or dropped.
    ///
    /// # Cancel safety
    /// Dropping it takes no room and loses the place in the queue.
    #[track_caller]
    pub fn reserve(&self) -> impl Future<Output = Result<Permit<'_, T>, SendError<()>>> {
        let place = Location::caller();
        async move {
            self.take_room(1, place).await?;
            Ok(Permit::new(&self.chan))
        }
    }

    /// Waits for room for `n` values, and takes it all at once.
    ///
    /// # Errors
    /// If the receiver is closed or dropped, or there can never be so much room.
    ///
    /// # Cancel safety
    /// Dropping it takes no room and loses the place in the queue.
    #[track_caller]
    pub fn reserve_many(&self, n: usize) -> impl Future<Output = Result<PermitIterator<'_, T>, SendError<()>>> {
        let place = Location::caller();
        async move {
            if n > self.max_capacity() {
                return Err(SendError(()));
            }
            self.take_room(n, place).await?;
            Ok(PermitIterator::new(&self.chan, n))
        }
    }

    /// Waits for room for one value, and takes it together with this sender.
    ///
    /// # Errors
    /// If the receiver is closed or dropped.
    ///
    /// # Cancel safety
    /// Dropping it takes no room, loses the place in the queue, and drops this sender: clone it first.
    #[track_caller]
    pub fn reserve_owned(self) -> impl Future<Output = Result<OwnedPermit<T>, SendError<()>>> {
        let place = Location::caller();
        async move {
            self.take_room(1, place).await?;
            Ok(OwnedPermit::new(self))
        }
    }

    /// Takes room for one value if there is some now.
    ///
    /// # Errors
    /// [`TrySendError`] says why not.
    pub fn try_reserve(&self) -> Result<Permit<'_, T>, TrySendError<()>> {
        self.try_room(1).map_err(|refusal| refused(refusal, ()))?;
        Ok(Permit::new(&self.chan))
    }

    /// Takes room for `n` values if there is enough now.
    ///
    /// # Errors
    /// [`TrySendError`] says why not.
    pub fn try_reserve_many(&self, n: usize) -> Result<PermitIterator<'_, T>, TrySendError<()>> {
        self.try_room(n).map_err(|refusal| refused(refusal, ()))?;
        Ok(PermitIterator::new(&self.chan, n))
    }

    /// Takes room for one value, together with this sender, if there is some now.
    ///
    /// # Errors
    /// [`TrySendError`] says why not, and gives the sender back.
    pub fn try_reserve_owned(self) -> Result<OwnedPermit<T>, TrySendError<Self>> {
        match self.try_room(1) {
            Ok(()) => Ok(OwnedPermit::new(self)),
            Err(refusal) => Err(refused(refusal, self)),
        }
    }

    fn try_room(&self, n: usize) -> Result<(), Refusal> {
        if n > self.max_capacity() && !self.is_closed() {
            return Err(Refusal::NoPermits);
        }
        self.chan.gate.permits.try_acquire(n)
    }

    /// Is `other` of the same channel?
    pub fn same_channel(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.chan, &other.chan)
    }

    /// How many values fit now.
    pub fn capacity(&self) -> usize {
        self.chan.gate.permits.available()
    }

    /// How many values fit when the channel is empty.
    pub fn max_capacity(&self) -> usize {
        self.chan.gate.max
    }

    /// A sender that does not keep the channel open.
    #[must_use = "this does not turn the sender itself into a weak one"]
    pub fn downgrade(&self) -> WeakSender<T> {
        self.chan.add_weak();
        WeakSender { chan: Arc::clone(&self.chan) }
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

fn refused<V>(refusal: Refusal, value: V) -> TrySendError<V> {
    match refusal {
        Refusal::Closed => TrySendError::Closed(value),
        Refusal::NoPermits => TrySendError::Full(value),
    }
}

impl<T> Clone for Sender<T> {
    fn clone(&self) -> Self {
        self.chan.add_sender();
        Sender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        self.chan.remove_sender();
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender")
            .field("capacity", &self.capacity())
            .field("max_capacity", &self.max_capacity())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

impl<T> WeakSender<T> {
    /// A sender, unless the last one is gone.
    pub fn upgrade(&self) -> Option<Sender<T>> {
        self.chan.try_add_sender().then(|| Sender { chan: Arc::clone(&self.chan) })
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

impl<T> Clone for WeakSender<T> {
    fn clone(&self) -> Self {
        self.chan.add_weak();
        WeakSender { chan: Arc::clone(&self.chan) }
    }
}

impl<T> Drop for WeakSender<T> {
    fn drop(&mut self) {
        self.chan.remove_weak();
    }
}

impl<T> fmt::Debug for WeakSender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakSender").finish_non_exhaustive()
    }
}

impl<T> Receiver<T> {
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
        blocking::assert_may_block("mpsc::Receiver::blocking_recv");
        blocking::wait(self.recv())
    }

    /// Like [`recv_many`](Self::recv_many), blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_recv_many(&mut self, buffer: &mut Vec<T>, limit: usize) -> usize {
        blocking::assert_may_block("mpsc::Receiver::blocking_recv_many");
        blocking::wait(self.recv_many(buffer, limit))
    }

    /// Lets no more in. What is in the channel, and what permits that are out will send, can still be received.
    pub fn close(&mut self) {
        self.reader.close();
    }

    /// Is the channel closed by its receiver, or by the drop of the last sender?
    pub fn is_closed(&self) -> bool {
        self.reader.chan.gate.permits.is_closed() || self.sender_strong_count() == 0
    }

    /// Is there nothing to receive now?
    pub fn is_empty(&self) -> bool {
        self.reader.is_empty()
    }

    /// How many values are in the channel.
    pub fn len(&self) -> usize {
        self.reader.backlog()
    }

    /// How many values fit now.
    pub fn capacity(&self) -> usize {
        self.reader.chan.gate.permits.available()
    }

    /// How many values fit when the channel is empty.
    pub fn max_capacity(&self) -> usize {
        self.reader.chan.gate.max
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

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("len", &self.len())
            .field("max_capacity", &self.max_capacity())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}
