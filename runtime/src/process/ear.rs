//! How a child's end is heard of: by its pidfd, or by SIGCHLD.
//!
//! Owns: the pidfd and its registration, or the listener.
//! Not here: the child (`child`), orphans, which no runtime listens for.
//!
//! Either says only when to look; `look` says what is so. It registers first and looks then: `docs/design/process.md`.

use super::sys;
use crate::engine::{self, Direction, ShutDown};
use crate::io::{Interest, Watched};
use crate::signal::unix::{Signal, SignalKind, signal};
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::task::{Context, Poll, ready};

#[derive(Debug)]
pub(super) enum Ear {
    Pidfd(Watched<OwnedFd>),
    /// Registered with no runtime: the one that it was with has ended.
    Apart(OwnedFd),
    Signal(Signal),
}

impl Ear {
    /// For a child of this process that nobody has reaped. `what` is the public function that spawns.
    #[track_caller]
    pub(super) fn of(id: u32, what: &str) -> io::Result<Ear> {
        if let Some(pidfd) = sys::open(id)
            && let Ok(watched) = Watched::with_interest(pidfd, Interest::READABLE, what)
        {
            return Ok(Ear::Pidfd(watched));
        }
        signal(SignalKind::child()).map(Ear::Signal)
    }

    /// Ready when `look` says something.
    pub(super) fn poll<R>(
        &mut self,
        cx: &mut Context<'_>,
        mut look: impl FnMut() -> io::Result<Option<R>>,
    ) -> Poll<io::Result<R>> {
        loop {
            match self {
                Ear::Pidfd(watched) => {
                    let once = |_: &OwnedFd| look()?.ok_or_else(|| io::ErrorKind::WouldBlock.into());
                    match ready!(watched.poll_io(Direction::Read, cx, once)) {
                        Err(error) if is_the_end_of_its_runtime(&error) => self.move_here(error)?,
                        said => return Poll::Ready(said),
                    }
                }
                Ear::Apart(_) => self.move_here(io::ErrorKind::NotConnected.into())?,
                Ear::Signal(listener) => {
                    let heard = listener.poll_recv(cx).is_ready();
                    if let Some(said) = look()? {
                        return Poll::Ready(Ok(said));
                    }
                    if !heard {
                        return Poll::Pending;
                    }
                }
            }
        }
    }

    /// From the runtime that has ended to the one that polls. `ended` is the error where there is none.
    fn move_here(&mut self, ended: io::Error) -> io::Result<()> {
        if !engine::is_entered() {
            return Err(ended);
        }
        let apart = match self {
            Ear::Pidfd(watched) => watched.take_apart(),
            Ear::Apart(pidfd) => Some(pidfd.try_clone()?),
            Ear::Signal(_) => None,
        };
        let Some(pidfd) = apart else { return Err(ended) };
        match Watched::with_interest(pidfd, Interest::READABLE, "Child::wait") {
            Ok(watched) => *self = Ear::Pidfd(watched),
            Err((pidfd, error)) => {
                *self = Ear::Apart(pidfd);
                return Err(error);
            }
        }
        Ok(())
    }

    /// Of the process, where there is one.
    pub(super) fn pidfd(&self) -> Option<BorrowedFd<'_>> {
        match self {
            Ear::Pidfd(watched) => Some(watched.get().as_fd()),
            Ear::Apart(pidfd) => Some(pidfd.as_fd()),
            Ear::Signal(_) => None,
        }
    }

    /// Ends the registration.
    pub(super) fn into_pidfd(self) -> Option<OwnedFd> {
        match self {
            Ear::Pidfd(watched) => Some(watched.into_inner()),
            Ear::Apart(pidfd) => Some(pidfd),
            Ear::Signal(_) => None,
        }
    }
}

fn is_the_end_of_its_runtime(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ShutDown>())
}
