//! What a wait for an `AsyncFd` gives: the readiness it saw, to be taken back when it turns out to be used up.

use super::{AsyncFd, TryIoError};
use crate::engine::{Blocked, ReadyEvent};
use crate::io::Ready;
use std::fmt;
use std::io;
use std::os::fd::AsRawFd;

/// A descriptor was ready. Whoever finds that it is not, takes that back: with [`try_io`](Self::try_io), or with
/// [`clear_ready`](Self::clear_ready).
#[must_use = "call `try_io`, or `clear_ready` after an operation that would block, or `retain_ready` to keep it"]
pub struct AsyncFdReadyGuard<'a, T: AsRawFd> {
    fd: &'a AsyncFd<T>,
    event: Option<ReadyEvent>,
}

/// [`AsyncFdReadyGuard`] through which the object can be changed.
#[must_use = "call `try_io`, or `clear_ready` after an operation that would block, or `retain_ready` to keep it"]
pub struct AsyncFdReadyMutGuard<'a, T: AsRawFd> {
    fd: &'a mut AsyncFd<T>,
    event: Option<ReadyEvent>,
}

macro_rules! readiness {
    () => {
        /// Takes all of the readiness back that this guard saw. What was reported since stays.
        ///
        /// Only after an operation that said `WouldBlock`: the system reports a descriptor once each time it *becomes*
        /// ready, so readiness that is taken back too early may not come again.
        pub fn clear_ready(&mut self) {
            if let Some(event) = self.event.take() {
                self.fd.watched().clear(event);
            }
        }

        /// Takes a part of the readiness back: for a guard that waited for reads and writes, when one of them would
        /// block.
        pub fn clear_ready_matching(&mut self, ready: Ready) {
            if let Some(event) = self.event {
                self.fd.watched().clear(event.with_ready(ready.get()));
                self.event = Some(event.with_ready(event.ready().difference(ready.get())));
            }
        }

        /// Keeps the readiness. This does nothing; it says so in the caller's code.
        pub fn retain_ready(&mut self) {}

        /// What this guard saw and has not taken back.
        pub fn ready(&self) -> Ready {
            self.event.as_ref().map_or(Ready::EMPTY, |event| Ready::new(event.ready()))
        }

        fn judge<R>(&mut self, result: io::Result<R>) -> Result<io::Result<R>, TryIoError> {
            self.fd.watched().users_settle(self.event, result).map_err(|Blocked(_)| {
                self.event = None;
                TryIoError(())
            })
        }
    };
}

impl<'a, T: AsRawFd> AsyncFdReadyGuard<'a, T> {
    pub(super) fn new(fd: &'a AsyncFd<T>, event: ReadyEvent) -> Self {
        AsyncFdReadyGuard { fd, event: Some(event) }
    }

    readiness!();

    /// Calls `f`, and takes the readiness back if it says `WouldBlock`.
    ///
    /// # Errors
    /// If it said so; wait again then. All other results of `f` are inside the `Ok`.
    pub fn try_io<R>(&mut self, f: impl FnOnce(&'a AsyncFd<T>) -> io::Result<R>) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.fd);
        self.judge(result)
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &'a AsyncFd<T> {
        self.fd
    }

    /// The object in the `AsyncFd`.
    pub fn get_inner(&self) -> &'a T {
        self.fd.get_ref()
    }
}

impl<'a, T: AsRawFd> AsyncFdReadyMutGuard<'a, T> {
    pub(super) fn new(fd: &'a mut AsyncFd<T>, event: ReadyEvent) -> Self {
        AsyncFdReadyMutGuard { fd, event: Some(event) }
    }

    readiness!();

    /// Calls `f`, and takes the readiness back if it says `WouldBlock`.
    ///
    /// # Errors
    /// If it said so; wait again then. All other results of `f` are inside the `Ok`.
    pub fn try_io<R>(&mut self, f: impl FnOnce(&mut AsyncFd<T>) -> io::Result<R>) -> Result<io::Result<R>, TryIoError> {
        let result = f(self.fd);
        self.judge(result)
    }

    /// The `AsyncFd`.
    pub fn get_ref(&self) -> &AsyncFd<T> {
        self.fd
    }

    /// The `AsyncFd`.
    pub fn get_mut(&mut self) -> &mut AsyncFd<T> {
        self.fd
    }

    /// The object in the `AsyncFd`.
    pub fn get_inner(&self) -> &T {
        self.fd.get_ref()
    }

    /// The object in the `AsyncFd`. It must keep its descriptor.
    pub fn get_inner_mut(&mut self) -> &mut T {
        self.fd.get_mut()
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFdReadyGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyGuard").field("async_fd", &self.fd).field("ready", &self.ready()).finish()
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFdReadyMutGuard<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFdReadyMutGuard").field("async_fd", &self.fd).field("ready", &self.ready()).finish()
    }
}
