//! What both kinds of mpsc channel share: the queue, the receiver's waker, the counts of senders.
//!
//! Owns: [`Chan`], [`Gate`], [`Reader`].
//! Not here: the public types (`bounded`, `unbounded`).
//!
//! The channel ends for the receiver in one of two ways. The last sender goes: it writes END behind all values. Or the
//! receiver closes: then nothing new gets in, and the end is reached when what was let in before is settled: for an
//! unbounded channel when the tail of that moment is read, for a bounded one when every permit is back.
//!
//! The danger: the receiver sleeps, and the last thing to happen is no value but a permit that comes back unused
//! (museum LW14). So whoever gives permits back to a closed channel calls [`Chan::wake_if_settled`] afterwards.

use super::queue::{Outlet, Popped, Pushed, Queue};
use crate::engine::atomics::{Arc, AtomicUsize, Ordering, spin_pause};
use crate::engine::budget;
use crate::sync::first_panic::FirstPanic;
use crate::sync::notify::Notify;
use crate::sync::waiters::WakerSlot;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Poll, ready};

/// Values per block: one allocation per 32 messages, and a block of small values is a few lines of cache.
pub(super) const BLOCK: usize = 32;

/// How a channel lets values in.
pub(super) trait Gate {
    /// `n` values were received.
    fn received(&self, n: usize);
    /// Lets no more in.
    fn close(&self);
    /// Is it closed, and has everything that was let in been received or given back? Always `false` for a gate that
    /// counts nothing.
    fn is_settled(&self) -> bool;
    /// Do senders need a permit, rather than just an index?
    const COUNTS: bool;
}

pub(super) struct Chan<T, G> {
    pub(super) queue: Queue<T, BLOCK>,
    pub(super) gate: G,
    rx_waker: WakerSlot,
    rx_closed: Notify,
    strong: AtomicUsize,
    weak: AtomicUsize,
}

// Consistent at every point where foreign code (a waker, a destructor of a `T`) could panic.
impl<T, G> UnwindSafe for Chan<T, G> {}
impl<T, G> RefUnwindSafe for Chan<T, G> {}

/// The receiver's side.
pub(super) struct Reader<T, G: Gate> {
    pub(super) chan: Arc<Chan<T, G>>,
    /// `None` only while it is dropped.
    outlet: Option<Outlet<T, BLOCK>>,
    /// After `close`: the index from which senders write nothing. None of them, where permits decide.
    limit: Option<u64>,
}

/// A channel with one sender.
pub(super) fn channel<T, G: Gate>(gate: G) -> (Arc<Chan<T, G>>, Reader<T, G>) {
    let (queue, outlet) = Queue::new();
    let chan = Arc::new(Chan {
        queue,
        gate,
        rx_waker: WakerSlot::new(),
        rx_closed: Notify::new(),
        strong: AtomicUsize::new(1),
        weak: AtomicUsize::new(0),
    });
    (Arc::clone(&chan), Reader { chan, outlet: Some(outlet), limit: None })
}

impl<T, G: Gate> Chan<T, G> {
    /// What the writer of a value does next.
    #[inline]
    pub(super) fn after(&self, pushed: Pushed) {
        if pushed == Pushed::ReaderWaits {
            self.rx_waker.wake();
        }
    }

    /// Something came back to a closed channel.
    pub(super) fn wake_if_settled(&self) {
        if self.gate.is_settled() {
            self.rx_waker.wake();
        }
    }

    pub(super) fn add_sender(&self) {
        self.strong.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_sender(&self) {
        if self.strong.fetch_sub(1, Ordering::AcqRel) == 1 {
            let pushed = self.queue.push_end();
            self.after(pushed);
        }
    }

    /// A new sender, unless the last one is gone: that is for ever.
    pub(super) fn try_add_sender(&self) -> bool {
        let mut strong = self.strong.load(Ordering::Acquire);
        while strong != 0 {
            match self.strong.compare_exchange_weak(strong, strong + 1, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => strong = now,
            }
        }
        false
    }

    pub(super) fn add_weak(&self) {
        self.weak.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn remove_weak(&self) {
        self.weak.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn strong_count(&self) -> usize {
        self.strong.load(Ordering::Acquire)
    }

    pub(super) fn weak_count(&self) -> usize {
        self.weak.load(Ordering::Acquire)
    }

    /// Waits until `is_closed` says so.
    pub(super) async fn closed(&self, is_closed: impl Fn(&Self) -> bool) {
        loop {
            // First the future, then the look: a close in between completes it.
            let notified = self.rx_closed.notified();
            if is_closed(self) {
                return;
            }
            notified.await;
        }
    }
}

impl<T, G: Gate> Reader<T, G> {
    fn outlet(&self) -> &Outlet<T, BLOCK> {
        self.outlet.as_ref().expect("BUG: a reader has its outlet until it is dropped")
    }

    fn pop(&mut self) -> Popped<T> {
        let outlet = self.outlet.as_mut().expect("BUG: a reader has its outlet until it is dropped");
        // SAFETY: both were made by one call of `channel`.
        unsafe { self.chan.queue.pop(outlet) }
    }

    /// Asks to be woken by the next writer. `false`: it has written.
    fn wait(&self) -> bool {
        // SAFETY: both were made by one call of `channel`.
        unsafe { self.chan.queue.wait(self.outlet()) }
    }

    pub(super) fn is_empty(&self) -> bool {
        // SAFETY: both were made by one call of `channel`.
        unsafe { self.chan.queue.is_empty(self.outlet()) }
    }

    /// Values that are there, or have an index and are about to be.
    pub(super) fn backlog(&self) -> usize {
        self.chan.queue.len(self.outlet(), self.limit.unwrap_or(u64::MAX))
    }

    /// Closed by us, and nothing is left or on its way?
    fn is_over(&self) -> bool {
        match self.limit {
            None => false,
            Some(limit) => self.outlet().is_past(limit) || self.chan.gate.is_settled(),
        }
    }

    pub(super) fn close(&mut self) {
        if self.limit.is_none() {
            self.limit = Some(if G::COUNTS { u64::MAX } else { self.chan.queue.close() });
            let mut first = FirstPanic::default();
            first.catch(|| self.chan.gate.close());
            first.catch(|| self.chan.rx_closed.notify_waiters());
            first.resume();
        }
    }

    /// Takes up to `max` values that are there. `Err`: none is, and none will be.
    fn take(&mut self, max: usize, mut sink: impl FnMut(T)) -> Result<usize, ()> {
        let mut taken = 0;
        let end = loop {
            if taken == max {
                break false;
            }
            match self.pop() {
                Popped::Value(value) => {
                    sink(value);
                    taken += 1;
                }
                Popped::Empty => break false,
                Popped::End => break true,
            }
        };
        if taken > 0 {
            self.chan.gate.received(taken);
            return Ok(taken);
        }
        if end { Err(()) } else { Ok(0) }
    }

    /// `Ready(0)`: nothing will come any more.
    #[inline]
    fn poll_take(&mut self, cx: &mut Context<'_>, max: usize, mut sink: impl FnMut(T)) -> Poll<usize> {
        let unit = ready!(budget::poll_proceed(cx));
        loop {
            match self.take(max, &mut sink) {
                Ok(0) => {}
                Ok(taken) => {
                    unit.made_progress();
                    return Poll::Ready(taken);
                }
                Err(()) => break,
            }
            if self.is_over() {
                break;
            }
            // First the waker, then the request: a writer that sees the request finds the waker.
            self.chan.rx_waker.register(cx);
            if !self.wait() {
                continue;
            }
            // A permit may have come back after the look above and before the waker was there.
            if !self.is_over() {
                return Poll::Pending;
            }
            break;
        }
        unit.made_progress();
        Poll::Ready(0)
    }

    pub(super) fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let mut received = None;
        ready!(self.poll_take(cx, 1, |value| received = Some(value)));
        Poll::Ready(received)
    }

    pub(super) fn poll_recv_many(&mut self, cx: &mut Context<'_>, buffer: &mut Vec<T>, limit: usize) -> Poll<usize> {
        if limit == 0 {
            return Poll::Ready(0);
        }
        self.poll_take(cx, limit, |value| buffer.push(value))
    }

    /// `Ok(None)`: nothing is there now. `Err`: nothing will come any more.
    pub(super) fn try_recv(&mut self) -> Result<Option<T>, ()> {
        let mut received = None;
        loop {
            if self.take(1, |value| received = Some(value))? > 0 {
                return Ok(received);
            }
            if self.is_over() {
                // What was let in before the close may have been written since the look above.
                return if self.take(1, |value| received = Some(value))? > 0 { Ok(received) } else { Err(()) };
            }
            if self.backlog() == 0 {
                return Ok(None);
            }
            // A sender has its place and is about to write; others behind it may have finished their `send`, so
            // "empty" would be wrong. It needs a few instructions, or a time slice if the OS stopped it there.
            spin_pause();
        }
    }
}

impl<T, G: Gate> Reader<T, G> {
    /// Drops the next value. `false`: there is none, and no sender is about to write one.
    fn discard(&mut self) -> bool {
        loop {
            match self.pop() {
                Popped::Value(value) => {
                    self.chan.gate.received(1);
                    drop(value);
                    return true;
                }
                Popped::End => return false,
                Popped::Empty if self.backlog() == 0 => return false,
                // As in `try_recv`. Left behind, it would stay until the last sender goes.
                Popped::Empty => spin_pause(),
            }
        }
    }
}

impl<T, G: Gate> Drop for Reader<T, G> {
    /// Drops all that is in the channel, whatever panics: a value's drop, or the waker of a sender. A value that stayed
    /// would stay until the last sender goes, and whoever waits for what is in it would wait as long.
    fn drop(&mut self) {
        let mut first = FirstPanic::default();
        first.catch(|| self.close());
        while first.catch(|| self.discard()).unwrap_or(true) {}
        if let Some(outlet) = self.outlet.take() {
            // SAFETY: both were made by one call of `channel`.
            unsafe { self.chan.queue.leave(outlet) };
        }
        first.catch(|| drop(self.chan.rx_waker.take()));
        first.resume();
    }
}
