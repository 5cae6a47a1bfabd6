//! A registered descriptor: its readiness and who waits for it.
//!
//! Owns: the source cell (readiness words, waiters under their lock).
//! Not here: the table of all sources (`registry`); the future of `ready` (`wait`).
//!
//! Nobody sleeps on a ready source:
//!
//! ```text
//! event:  mark the word  -  lock, take the wakers, unlock  -  call them
//! wait:                     lock, arm the waker, look at the word once more, unlock
//! ```
//!
//! If the event's lock comes second, it finds the armed waker. If it comes first, the waiter's second look finds the
//! mark. `model.rs` runs both orders.
//!
//! User code (a waker's clone, wake and drop) never runs under the lock: wakers are cloned before it, and moved out of
//! it to be called or dropped. Nor does a driver clone any: who waits puts a clone there, and the event takes it away, so
//! that a turn's caller can collect wakers under a lock of its own.
//!
//! After the shutdown no source keeps a waker. One that owns its source would keep both alive for ever:
//!
//! ```text
//! shutdown:  mark the word  -  lock, take all wakers, unlock  -  call them
//! wait:                        lock, arm the waker, look at the word once more, take it back if that is marked, unlock
//! ```
//!
//! Whoever locks second sees what the first has done.
//!
//! Rejected: a waker that stays in its seat, disarmed, for the next wait. It saves the clone only if the turn's caller needs
//! none of its own, and an idle source keeps the memory of its last task.

use std::io;
use std::sync::atomic::AtomicBool;
use std::task::{Context, Poll, Waker};

use crate::base::{Arc, Mutex, Ordering};
use crate::error;
use crate::prefetch;
use crate::readiness::{Look, Readiness};
use crate::ready::{Direction, Interest, Ready, ReadyEvent};
use crate::registry::Registry;
use crate::slots::Key;
use crate::wait::Wait;
use crate::waiters::Waiters;

/// As much of what a waker points to as is asked for. A guess: the state of a task, and where its future begins.
const TASK: usize = 256;

/// What a [`Source`] and the driver's table share.
#[derive(Debug)]
pub(crate) struct SourceCell {
    pub(crate) readiness: Readiness,
    /// Has the kernel not been told yet that somebody writes?
    pub(crate) assumes_writable: AtomicBool,
    pub(crate) waiters: Mutex<Waiters>,
}

impl SourceCell {
    pub(crate) fn new() -> SourceCell {
        SourceCell {
            readiness: Readiness::new(),
            assumes_writable: AtomicBool::new(false),
            waiters: Mutex::new(Waiters::new()),
        }
    }

    /// The caller is about to use this source, after others.
    pub(crate) fn ask_for_memory(&self) {
        // In its `Arc`, behind the counts.
        const COUNTS: usize = 2 * size_of::<usize>();
        let start = std::ptr::from_ref(self).cast::<u8>().wrapping_sub(COUNTS);
        prefetch::ask_for(start, COUNTS + size_of::<SourceCell>());
    }

    /// The caller is about to wake who reads from it, after others.
    pub(crate) fn ask_for_task(&self) {
        if let Some(waker) = &self.waiters.lock().seat(Direction::Read) {
            prefetch::ask_for(waker.data().cast(), TASK);
        }
    }

    /// An event came: marks the readiness and gives `wake` each waker it concerns.
    ///
    /// If `wake` panics, the wakers not yet given to it stay in `called`.
    pub(crate) fn deliver(&self, ready: Ready, called: &mut Vec<Waker>, wake: &mut impl FnMut(Waker)) {
        let mut ready = ready;
        if self.assumes_writable.load(Ordering::Relaxed) && !ready.is_read_closed() {
            // An error beside nothing else means that writing has ended, where the kernel was asked about writing.
            ready = ready.difference(Ready::WRITE_CLOSED);
        }
        self.readiness.mark(ready);
        self.waiters.lock().call(ready, called);
        tell_all(called, wake);
    }

    pub(crate) fn poll_seat(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<Look> {
        let mask = direction.interest().mask();
        let seen = self.readiness.look(mask);
        if !matches!(seen, Look::Nothing(_)) {
            return Poll::Ready(seen);
        }
        let mut waiters = self.waiters.lock();
        let mut left = None;
        if !waiters.seat(direction).as_ref().is_some_and(|held| held.will_wake(cx.waker())) {
            drop(waiters);
            let waker = cx.waker().clone();
            waiters = self.waiters.lock();
            left = waiters.seat(direction).replace(waker);
        }
        // The second look of the protocol above. It must be under the lock.
        let seen = self.readiness.look(mask);
        let pending = matches!(seen, Look::Nothing(_));
        let too_late = if pending { None } else { waiters.seat(direction).take() };
        drop(waiters);
        drop((left, too_late));
        if pending { Poll::Pending } else { Poll::Ready(seen) }
    }

    /// After a shutdown: takes every waker.
    pub(crate) fn take_wakers(&self, called: &mut Vec<Waker>) {
        self.waiters.lock().take_all(called);
    }

    /// Empties both seats. What they held is dropped here, after the lock.
    pub(crate) fn empty_seats(&self) {
        let mut waiters = self.waiters.lock();
        let held = [Direction::Read, Direction::Write].map(|direction| waiters.seat(direction).take());
        drop(waiters);
        drop(held);
    }
}

/// Gives `wake` what `called` holds, one by one: a panic leaves the rest in it.
pub(crate) fn tell_all(called: &mut Vec<Waker>, wake: &mut impl FnMut(Waker)) {
    while let Some(waker) = called.pop() {
        wake(waker);
    }
}

/// A descriptor's registration with a [`Driver`](crate::Driver).
///
/// It does not own the descriptor. Give it back with [`Driver::deregister`](crate::Driver::deregister) *before* the
/// descriptor is closed. A source that is merely dropped frees its memory and is never woken again, but the kernel
/// keeps its side until the descriptor and all its duplicates are closed, and registering the same descriptor again
/// fails with `AlreadyExists` meanwhile.
#[derive(Debug)]
pub struct Source {
    pub(crate) cell: Arc<SourceCell>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) key: Key,
    pub(crate) interest: Interest,
}

impl Source {
    /// What the source was registered for.
    pub fn interest(&self) -> Interest {
        self.interest
    }

    /// Waits until the direction is ready. The last caller's task is the one that is woken; use [`Source::ready`]
    /// where several tasks wait.
    ///
    /// A ready source answers without taking a lock, and a task that comes back before the event clones nothing.
    ///
    /// # Errors
    ///
    /// After the driver's shutdown (a [`ShutDown`](crate::ShutDown) inside), and if the source was registered without
    /// this direction, which then would never become ready.
    pub fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        if let Some(beyond) = direction.interest().beyond(self.interest) {
            return Poll::Ready(Err(error::not_registered_for(beyond, self.interest)));
        }
        self.cell.poll_seat(direction, cx).map(|seen| match seen {
            Look::Event(event) => Ok(event),
            Look::Shut => Err(error::shut_down()),
            Look::Nothing(event) => unreachable!("BUG: a poll that saw nothing must wait: {event:?}"),
        })
    }

    /// Waits until something of `interest` is ready. Any number of such futures may wait at once, in any number of
    /// tasks; an event wakes all those it concerns.
    ///
    /// The flags of the answer are those of the event that ended the wait, even if another task has cleared them in the
    /// meantime.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future loses nothing: readiness stays with the source until it is cleared.
    ///
    /// # Errors
    ///
    /// As for [`Source::poll_ready`].
    pub fn ready(&self, interest: Interest) -> Wait<'_> {
        Wait::new(self, interest)
    }

    /// What of `interest` is ready now, without waiting. The answer may be empty.
    ///
    /// # Errors
    ///
    /// After the driver's shutdown.
    pub fn look(&self, interest: Interest) -> io::Result<ReadyEvent> {
        match self.cell.readiness.look(interest.mask()) {
            Look::Event(event) | Look::Nothing(event) => Ok(event),
            Look::Shut => Err(error::shut_down()),
        }
    }

    /// Withdraws what `event` reported, because an operation has just found it used up (`WouldBlock`).
    ///
    /// If the kernel has reported anything to the same direction since, nothing happens: try the operation again. The
    /// closed flags are not withdrawn (see [`disprove`](Source::disprove)). Harmless after a shutdown.
    ///
    /// Clear only after `WouldBlock`. A short read is no proof that the descriptor is drained.
    pub fn clear(&self, event: ReadyEvent) {
        self.cell.readiness.clear(&event);
    }

    /// [`clear`](Source::clear) that also withdraws the closed flags: for an operation of this source's own that has said
    /// `WouldBlock` although `event` called it closed.
    ///
    /// A named pipe does that when its last writer has left and another one comes. Without this, who waits for it would be
    /// told "closed" again and again. Not for operations that a user vouches for: a `WouldBlock` that is not the system's
    /// would withdraw the end of a stream, which is reported once.
    pub fn disprove(&self, event: ReadyEvent) {
        self.cell.readiness.disprove(&event);
    }

    /// Marks the source ready as if the kernel had said so, and gives `wake` each waker this concerns.
    ///
    /// For layers above that know more than the kernel tells, and for simulations.
    pub fn set(&self, ready: Ready, mut wake: impl FnMut(Waker)) {
        self.cell.deliver(ready, &mut Vec::new(), &mut wake);
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let left = self.registry.strike(self.key);
        self.cell.empty_seats();
        drop(left);
    }
}
