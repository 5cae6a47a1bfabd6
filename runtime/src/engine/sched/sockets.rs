//! Registering a descriptor with the runtime that this thread is inside of.

use crate::engine::drive::{Interest, Registration};
use crate::engine::entered::with_engine;
use std::io;
use std::os::fd::BorrowedFd;

/// This thread is inside of no runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoDriver;

/// Registers a non-blocking descriptor for all its life; [`Registration::end`] before it is closed.
pub(crate) fn register(fd: BorrowedFd<'_>, interest: Interest) -> Result<io::Result<Registration>, NoDriver> {
    with_engine(|engine| engine.map(|engine| engine.drive.register(fd, interest)).ok_or(NoDriver))
}
