//! A descriptor's registration, for as long as somebody uses it.
//!
//! Owns: the source and a count of the driver; what a `WouldBlock` does to the readiness ([`Registration::settle`]).
//! Not here: the descriptor, which its owner closes *after* [`Registration::end`].
//!
//! A registration outlives its runtime without harm: its driver was shut down, and every wait ends with that error.

use io_driver::{Direction, Driver, Interest, Ready, ReadyEvent, Source, Wait};
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll};

/// How far an operation's `WouldBlock` is believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trust {
    /// It is a system call of ours: nothing of the event is so, its end neither.
    Full,
    /// It is a user's, or may have blocked for another reason: the readiness is used up, but no end is taken back.
    KeepsEnds,
}

/// An operation would block, and its readiness was taken back.
pub(crate) struct Blocked(pub(crate) io::Error);

#[derive(Debug)]
pub(crate) struct Registration {
    source: Source,
    driver: Arc<Driver>,
}

impl Registration {
    pub(super) fn new(source: Source, driver: Arc<Driver>) -> Self {
        Registration { source, driver }
    }

    pub(super) fn is_with(&self, driver: &Arc<Driver>) -> bool {
        Arc::ptr_eq(&self.driver, driver)
    }

    /// Ends it, before the descriptor is closed.
    pub(crate) fn end(self, fd: BorrowedFd<'_>) -> io::Result<()> {
        self.driver.deregister(self.source, fd)
    }

    /// One task per direction; the last one that asked is woken.
    #[inline]
    pub(crate) fn poll_ready(&self, direction: Direction, cx: &mut Context<'_>) -> Poll<io::Result<ReadyEvent>> {
        self.source.poll_ready(direction, cx)
    }

    /// Any number of tasks.
    pub(crate) fn ready(&self, interest: Interest) -> Wait<'_> {
        self.source.ready(interest)
    }

    /// What is ready now.
    #[inline]
    pub(crate) fn look(&self, interest: Interest) -> io::Result<ReadyEvent> {
        self.source.look(interest)
    }

    /// An operation on `fd` has found the readiness used up. The closed flags stay.
    #[inline]
    pub(crate) fn clear(&self, event: ReadyEvent, fd: impl AsFd) {
        self.source.clear(event);
        self.watch_writes(event, fd);
    }

    /// It is not writable any more, perhaps, and the kernel is to say when it is.
    #[inline]
    fn watch_writes(&self, event: ReadyEvent, fd: impl AsFd) {
        if event.ready().is_writable() && self.driver.watch_writes(&self.source, fd.as_fd()).is_err() {
            // Whoever waits would wait for ever: they try again instead.
            self.set(Ready::WRITABLE);
        }
    }

    /// Marks it ready as if the kernel had said so.
    pub(crate) fn set(&self, ready: Ready) {
        self.source.set(ready, std::task::Waker::wake);
    }

    /// Takes the readiness back if the operation that `event` was for has said `WouldBlock`; other answers pass. (No event:
    /// there is nothing left to take back.)
    #[inline]
    pub(crate) fn settle<R>(
        &self,
        fd: impl AsFd,
        event: impl Into<Option<ReadyEvent>>,
        trust: Trust,
        said: io::Result<R>,
    ) -> Result<io::Result<R>, Blocked> {
        match said {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                match (event.into(), trust) {
                    (Some(event), Trust::Full) => {
                        self.source.disprove(event);
                        self.watch_writes(event, fd);
                    }
                    (Some(event), Trust::KeepsEnds) => self.clear(event, fd),
                    (None, _) => {}
                }
                Err(Blocked(error))
            }
            done => Ok(done),
        }
    }

    /// Tries `operation` if the readiness says that it may succeed.
    #[inline]
    pub(crate) fn try_io<O: AsFd, R>(
        &self,
        mut object: O,
        interest: Interest,
        trust: Trust,
        operation: impl FnOnce(&mut O) -> io::Result<R>,
    ) -> io::Result<R> {
        let event = self.look(interest)?;
        if event.ready().is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let said = operation(&mut object);
        self.settle(object, event, trust, said).unwrap_or_else(|Blocked(error)| Err(error))
    }

    /// As `poll_io`, for a stream whose reads end short only when there is nothing left, or at urgent data. `operation`
    /// says whether its read was short: then the next one would find nothing, and is spared.
    ///
    /// What arrives between the event and a short read is an edge of its own, and comes as a new event: either its tick
    /// voids the receipt, or it marks the source again. (`epoll(7)` recommends the short read as a sign for that reason.)
    /// The end of the stream is never taken back. Where the driver does not tell ends apart from data, one event may have
    /// brought both, and a short read is like any other.
    #[inline]
    pub(crate) fn poll_short_reads<S: AsFd, R>(
        &self,
        object: &S,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<(R, bool)>,
    ) -> Poll<io::Result<R>> {
        loop {
            let event = std::task::ready!(self.poll_ready(Direction::Read, cx))?;
            let Ok(said) = self.settle(object, event, Trust::Full, operation(object)) else { continue };
            return Poll::Ready(said.map(|(done, short)| {
                if short
                    && self.driver.reports_ends()
                    && self.look(Interest::PRIORITY).is_ok_and(|urgent| urgent.ready().is_empty())
                {
                    self.source.clear(event);
                }
                done
            }));
        }
    }

    /// Tries `operation`, a system call of our own, until it does not say `WouldBlock`.
    #[inline]
    pub(crate) fn poll_io<S: AsFd, R>(
        &self,
        object: &S,
        direction: Direction,
        cx: &mut Context<'_>,
        mut operation: impl FnMut(&S) -> io::Result<R>,
    ) -> Poll<io::Result<R>> {
        loop {
            let event = std::task::ready!(self.poll_ready(direction, cx))?;
            if let Ok(done) = self.settle(object, event, Trust::Full, operation(object)) {
                return Poll::Ready(done);
            }
        }
    }
}
