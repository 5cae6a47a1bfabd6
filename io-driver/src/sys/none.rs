//! Systems on which every wait goes through `polling`.

use std::convert::Infallible;
use std::io;
use std::os::fd::BorrowedFd;
use std::time::Duration;

use polling::Poller;

use crate::ready::{Interest, Ready};
use crate::slots::Key;

/// There is none.
#[derive(Debug)]
pub(crate) struct Direct(Infallible);

#[derive(Debug)]
pub(crate) struct DirectBatch;

impl Direct {
    pub(crate) fn new(_: &Poller) -> io::Result<Option<Direct>> {
        Ok(None)
    }

    pub(crate) fn add(&self, _: &Poller, _: BorrowedFd<'_>, _: Key, _: Interest) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn modify(&self, _: &Poller, _: BorrowedFd<'_>, _: Key, _: Interest) -> io::Result<()> {
        match self.0 {}
    }

    pub(crate) fn wait(&self, _: &Poller, _: &mut DirectBatch, _: Option<Duration>) -> io::Result<bool> {
        match self.0 {}
    }

    pub(crate) fn ring(&self) -> io::Result<()> {
        match self.0 {}
    }
}

impl DirectBatch {
    pub(crate) fn new() -> DirectBatch {
        DirectBatch
    }

    pub(crate) fn prepare(&mut self, _: usize) {}

    pub(crate) fn clear(&mut self) {}

    pub(crate) fn for_each(&self, _: &mut dyn FnMut(u64, Ready)) {}
}
