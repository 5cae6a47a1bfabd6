//! The poller, how this system waits on it, and the process it belongs to.
//!
//! Owns: the `Poller`.
//! Not here: sources and wakers (`driver`).
//!
//! The danger is fork. A child has the same epoll instance as its parent, and removing a descriptor there removes the
//! parent's registration, because the instance knows files, not processes; `Poller`'s own `Drop` does just that. So
//! whoever is not the maker leaves the kernel's side alone, and forgets the poller instead of dropping it: the
//! descriptors stay open in the child until it ends or executes another program.

use std::io;
use std::mem;
use std::os::fd::BorrowedFd;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use polling::Poller;

use crate::error;
use crate::events::Batch;
use crate::ready::Interest;
use crate::register;
use crate::slots::Key;
use crate::sys::Direct;

#[derive(Debug)]
pub(crate) struct Kernel {
    /// `None` only while it is dropped.
    poller: Option<Poller>,
    /// `None`: wait through `Poller::wait`.
    direct: Option<Direct>,
    /// The process that made it. An atomic because tests play fork with it.
    maker: AtomicU32,
}

impl Kernel {
    /// The best way this system offers.
    pub(crate) fn new() -> io::Result<Kernel> {
        let mut kernel = Kernel::portable()?;
        kernel.direct = Direct::new(kernel.poller())?;
        Ok(kernel)
    }

    /// Through `Poller::wait` and `Poller::notify` only.
    pub(crate) fn portable() -> io::Result<Kernel> {
        let poller = Poller::new()?;
        if !poller.supports_edge() {
            return Err(error::no_edges());
        }
        Ok(Kernel { poller: Some(poller), direct: None, maker: AtomicU32::new(std::process::id()) })
    }

    fn poller(&self) -> &Poller {
        self.poller.as_ref().expect("BUG: the poller leaves only when the kernel side is dropped")
    }

    pub(crate) fn is_direct(&self) -> bool {
        self.direct.is_some()
    }

    fn is_ours(&self) -> bool {
        self.maker.load(Ordering::Relaxed) == std::process::id()
    }

    pub(crate) fn add(&self, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
        if !self.is_ours() {
            return Err(error::forked());
        }
        match &self.direct {
            Some(direct) => direct.add(self.poller(), fd, key, interest),
            None => register::add(self.poller(), fd, key, interest),
        }
    }

    pub(crate) fn modify(&self, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
        if !self.is_ours() {
            return Err(error::forked());
        }
        match &self.direct {
            Some(direct) => direct.modify(self.poller(), fd, key, interest),
            None => register::modify(self.poller(), fd, key, interest),
        }
    }

    /// Does nothing in a forked child.
    pub(crate) fn delete(&self, fd: BorrowedFd<'_>) -> io::Result<()> {
        if self.is_ours() { self.poller().delete(fd) } else { Ok(()) }
    }

    /// Waits for a batch. An interrupted wait is an empty batch. True: the bell was rung (a portable wait cannot tell
    /// and always says so).
    pub(crate) fn wait(&self, batch: &mut Batch, timeout: Option<Duration>) -> io::Result<bool> {
        batch.forget();
        let result = match &self.direct {
            Some(direct) => direct.wait(self.poller(), batch.direct(), timeout),
            None => self.poller().wait(batch.portable(), timeout).map(|_| true),
        };
        match result {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {
                batch.forget();
                Ok(true)
            }
            Err(error) => {
                batch.forget();
                Err(error)
            }
            rung => rung,
        }
    }

    /// Ends a wait, or the next one.
    pub(crate) fn ring(&self) -> io::Result<()> {
        match &self.direct {
            Some(direct) => direct.ring(),
            None => self.poller().notify(),
        }
    }

    #[cfg(test)]
    pub(crate) fn play_forked(&self) {
        self.maker.fetch_add(1, Ordering::Relaxed);
    }

    #[cfg(test)]
    pub(crate) fn raw_poller(&self) -> &Poller {
        self.poller()
    }
}

impl Drop for Kernel {
    fn drop(&mut self) {
        if !self.is_ours() {
            mem::forget(self.poller.take());
        }
    }
}
