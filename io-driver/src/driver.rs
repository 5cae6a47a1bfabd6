//! The driver: registration, turns, shutdown.
//!
//! Owns: the kernel side, the bell, the registry.
//! Not here: who turns when, threads, time, tasks (the caller's affair).
//!
//! A turn: wait; look up the batch's keys under the table's lock; without any lock mark each source and give its wakers
//! away. A key that names nobody is counted and ignored. The order of events within a batch is the kernel's.
//!
//! Rejected: `Poller::wait` on Linux. It makes five system calls where one is enough (810 ns against 97 ns measured),
//! and a second thread in it returns at once. Rejected: lending the sink its wakers. One that batches would have to clone
//! them, which is user code, perhaps under a lock of its own.

use std::io;
use std::os::fd::BorrowedFd;
use std::task::Waker;
use std::time::Duration;

use crate::base::{Arc, Ordering};
use crate::bell::{Bell, Rest};
use crate::error;
use crate::events::Events;
use crate::kernel::Kernel;
use crate::ready::{Interest, Ready};
use crate::registry::Registry;
use crate::slots::Refused;
use crate::source::Source;

/// What a turn did.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct Turn {
    /// How many events the kernel reported. As many as the buffer holds: there may be more, turn again.
    pub events: usize,
    /// Whether a [`Driver::notify`] ended this turn. Only ever true for a turn that was allowed to wait.
    pub notified: bool,
}

/// The kernel's queue of readiness events, and everything registered with it.
///
/// Shared by reference or in an `Arc`; sources may outlive it (they are then never woken again; call
/// [`Driver::shutdown`] first to have that reported).
#[derive(Debug)]
pub struct Driver {
    kernel: Kernel,
    bell: Bell,
    registry: Arc<Registry>,
}

impl Driver {
    /// Makes the kernel's queue, and tries out that a notification ends a wait.
    ///
    /// # Errors
    ///
    /// The system's, where it is out of descriptors or memory; `Unsupported` where it has no edge-triggered poller.
    pub fn new() -> io::Result<Driver> {
        Ok(Driver::over(Kernel::new()?))
    }

    /// A driver that waits through [`polling::Poller::wait`] also where a faster way exists.
    ///
    /// For sandboxes in which the faster way misbehaves, and for tests. Closed flags are not reported (see
    /// [`reports_ends`](Driver::reports_ends)).
    ///
    /// # Errors
    ///
    /// As for [`Driver::new`].
    pub fn portable() -> io::Result<Driver> {
        Ok(Driver::over(Kernel::portable()?))
    }

    fn over(kernel: Kernel) -> Driver {
        Driver { kernel, bell: Bell::new(), registry: Arc::new(Registry::new()) }
    }

    /// Registers a descriptor for all its life. It must be non-blocking, and stay open until [`Driver::deregister`].
    ///
    /// Events come for the directions in `interest`. What is ready at this moment comes as an event of the next turn.
    ///
    /// # Errors
    ///
    /// After a shutdown (a [`ShutDown`](crate::ShutDown) inside) and in a forked child. `AlreadyExists` if the
    /// descriptor is registered, `PermissionDenied` if it is of a kind that is always ready (a regular file), and
    /// whatever else the system says. Nothing stays behind then.
    pub fn register(&self, fd: BorrowedFd<'_>, interest: Interest) -> io::Result<Source> {
        self.enter(interest, |kernel, source| kernel.add(fd, source.key, interest))
    }

    fn enter(&self, interest: Interest, add: impl FnOnce(&Kernel, &Source) -> io::Result<()>) -> io::Result<Source> {
        let (key, cell) = self.registry.enter().map_err(|refused| match refused {
            Refused::ShutDown => error::shut_down(),
            Refused::Full => error::too_many(),
        })?;
        // Published in the table first: the event may come before `add` has returned. On failure the source's drop
        // gives the slot back.
        let source = Source { cell, registry: Arc::clone(&self.registry), key, interest };
        add(&self.kernel, &source)?;
        Ok(source)
    }

    /// [`register`](Driver::register) for a descriptor that can be written now.
    ///
    /// The source is ready for writing at once, and the kernel is not asked about writing before
    /// [`watch_writes`](Driver::watch_writes). Most descriptors never need that, and a datagram or a unix socket that is
    /// asked from the start gives an event, and a turn, for each message that its peer takes.
    ///
    /// # Errors
    ///
    /// As for [`register`](Driver::register).
    pub fn register_writable(&self, fd: BorrowedFd<'_>, interest: Interest) -> io::Result<Source> {
        let Some(told) = interest.remove(Interest::WRITABLE).filter(|_| interest.is_writable()) else {
            return self.register(fd, interest);
        };
        self.enter(interest, |kernel, source| {
            source.cell.assumes_writable.store(true, Ordering::Relaxed);
            source.cell.readiness.mark(Ready::WRITABLE);
            kernel.add(fd, source.key, told)
        })
    }

    /// A write to the descriptor of `source` has found no room, and that was [taken back](Source::clear) before this call:
    /// from now on events come for writing, too. The first one comes at once if there is room by now. Does nothing where
    /// they come already.
    ///
    /// # Errors
    ///
    /// The system's. The next call tries again.
    pub fn watch_writes(&self, source: &Source, fd: BorrowedFd<'_>) -> io::Result<()> {
        let assumes = &source.cell.assumes_writable;
        if assumes.load(Ordering::Relaxed) {
            // Two threads may do this at once: the second time it says the same.
            self.kernel.modify(fd, source.key, source.interest)?;
            assumes.store(false, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Ends a registration; call it before `fd`, which must be the registered descriptor, is closed.
    ///
    /// Events already read for the source hit nobody. Tasks that were waiting are not woken: as the source is given
    /// back by value, nobody can be waiting for it but by mistake. Their wakers are dropped by this call.
    ///
    /// # Errors
    ///
    /// The system's, usually because `fd` was closed before (`NotFound`, or a bad descriptor); the memory is freed all
    /// the same. `InvalidInput` if the source belongs to another driver. In a forked child the kernel is left alone.
    pub fn deregister(&self, source: Source, fd: BorrowedFd<'_>) -> io::Result<()> {
        if !Arc::ptr_eq(&source.registry, &self.registry) {
            return Err(error::other_driver());
        }
        let result = self.kernel.delete(fd);
        drop(source);
        result
    }

    /// Waits for events, marks the sources, and gives `wake` every waker that is to be woken.
    ///
    /// It waits until an event or a notification comes, at most for `timeout`: `None` without a limit, zero not at all.
    /// A timeout is never cut short by rounding; below 16 ms it is as exact as the system's timers, above it may take up
    /// to a millisecond longer. Very long ones (over 24 days) end early. Any turn may come back with nothing to report,
    /// for instance because a signal interrupted it: look at the clock and turn again.
    ///
    /// `wake` runs outside all locks, on this thread, and may collect the wakers for later. If it panics, what has not
    /// been delivered stays in `events` for the next turn with the same buffer.
    ///
    /// One thread may wait at a time; see the crate's contract.
    ///
    /// # Errors
    ///
    /// The system's, except for an interruption. No event is lost by that.
    pub fn turn(
        &self,
        events: &mut Events,
        timeout: Option<Duration>,
        mut wake: impl FnMut(Waker),
    ) -> io::Result<Turn> {
        let cut_off = events.is_cut_off();
        if cut_off {
            events.deliver(&mut wake);
        }
        let may_wait = !cut_off && timeout != Some(Duration::ZERO);
        let notified = if may_wait { self.wait(events, timeout)? } else { self.look(events)? };
        let Events { batch, due, .. } = events;
        let count = self.registry.resolve(|each| batch.for_each(each), |cell, ready| due.push_back((cell, ready)));
        events.deliver(&mut wake);
        Ok(Turn { events: count, notified })
    }

    fn wait(&self, events: &mut Events, timeout: Option<Duration>) -> io::Result<bool> {
        match self.bell.lie_down() {
            Rest::Rung => self.look(events).map(|_| true),
            Rest::Sleep => {
                let result = self.kernel.wait(&mut events.batch, timeout);
                let notified = self.bell.get_up();
                result.map(|_| notified)
            }
        }
    }

    /// Reads what is there, and gives back a ring that was meant for a sleeper.
    fn look(&self, events: &mut Events) -> io::Result<bool> {
        let rung = self.kernel.wait(&mut events.batch, Some(Duration::ZERO))?;
        if rung && self.bell.must_ring_again() {
            self.kernel.ring()?;
        }
        Ok(false)
    }

    /// Ends the turn that waits; if none does, the next one that would. From any thread, at any time.
    ///
    /// Many notifications before a turn reports them count as one and cost one system call, or none if no turn waits.
    /// What was done before the call is visible to the thread whose turn reports it.
    ///
    /// # Errors
    ///
    /// Only if somebody else has closed the driver's descriptors.
    pub fn notify(&self) -> io::Result<()> {
        if self.bell.ring() { self.kernel.ring() } else { Ok(()) }
    }

    /// Ends I/O: every source reports [`ShutDown`](crate::ShutDown) from now on, nothing can be registered any more,
    /// and `wake` is given every waker that waits. A waiting turn is ended. No source keeps a waker afterwards.
    ///
    /// Sources may still be deregistered, and turns be made. `wake` runs outside all locks; if it panics, wakers that
    /// have not been called are lost. To repeat a shutdown does nothing.
    pub fn shutdown(&self, wake: impl FnMut(Waker)) {
        self.registry.shut(wake);
        // A ring can fail only if the descriptor is gone, and then no turn can be waiting on it.
        let _ = self.notify();
    }

    /// Whether [`Driver::shutdown`] was called.
    pub fn is_shut_down(&self) -> bool {
        self.registry.is_shut()
    }

    /// Whether an end that comes together with data is told apart from the data, by the closed flags.
    ///
    /// Where it is not, one event may stand for both, and a read that has taken the data has not seen the end: only
    /// `WouldBlock` says that nothing is left.
    pub fn reports_ends(&self) -> bool {
        self.kernel.is_direct()
    }

    /// How many sources are registered.
    pub fn sources(&self) -> usize {
        self.registry.sources()
    }

    /// How many registrations there have been, those included that the system refused in the end.
    pub fn registrations(&self) -> u64 {
        self.registry.counts().entered
    }

    /// How many of them are over. The difference to [`Driver::registrations`] is what [`Driver::sources`] says.
    pub fn deregistrations(&self) -> u64 {
        self.registry.counts().left
    }

    /// How many events have named a source.
    pub fn events(&self) -> u64 {
        self.registry.counts().named
    }

    /// How many events named no source: their source had left, or the descriptor was closed without
    /// [`Driver::deregister`] and a duplicate of it still lives. The former are rare; a count that climbs points to the
    /// latter.
    pub fn stale_events(&self) -> u64 {
        self.registry.stale()
    }
}

#[cfg(test)]
mod tests;
