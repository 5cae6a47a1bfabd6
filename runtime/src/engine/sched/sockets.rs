//! Registering a descriptor with the runtime that this thread is inside of, and what its tasks are told of its end.

use crate::engine::cell::current;
use crate::engine::drive::{Interest, Registration, ShutDown};
use crate::engine::entered::with_engine;
use crate::engine::sched::engine::Engine;
use std::future::pending;
use std::io;
use std::os::fd::BorrowedFd;

/// This thread is inside of no runtime.
#[derive(Clone, Copy, Debug)]
pub(crate) struct NoDriver;

/// Registers a non-blocking descriptor for all its life; [`Registration::end`] before it is closed. `writable`: it can be
/// written now.
pub(crate) fn register(
    fd: BorrowedFd<'_>,
    interest: Interest,
    writable: bool,
) -> Result<io::Result<Registration>, NoDriver> {
    with_engine(|engine| engine.map(|engine| engine.drive.register(fd, interest, writable)).ok_or(NoDriver))
}

/// Is it registered with the runtime that this thread has entered?
pub(crate) fn is_here(registration: &Registration) -> bool {
    with_engine(|engine| engine.is_some_and(|engine| engine.drive.owns(registration)))
}

/// Did an operation on `registration` fail because its runtime ends, inside a task that this end is about to drop? Such a
/// task waits instead: it has nobody to tell, and most would panic. Everybody else is told.
#[cold]
pub(crate) fn ends_with_its_task(registration: &Registration, error: &io::Error) -> bool {
    is_the_end(error, |engine| engine.drive.owns(registration))
}

/// The same for a socket that could not be registered, since the runtime that this thread is inside of ends.
pub(crate) async fn unless_it_ends_with_its_task<R>(made: io::Result<R>) -> io::Result<R> {
    match made {
        Err(error) if is_the_end(&error, |_| true) => pending().await,
        made => made,
    }
}

/// A destructor is told, too: nothing comes after the drop of the task, and one that blocks until its socket has answered
/// would keep the runtime from ending.
fn is_the_end(error: &io::Error, concerns: impl FnOnce(&Engine) -> bool) -> bool {
    let waits = |engine: &Engine| concerns(engine) && engine.is_about_to_drop_this_task() && current::is_polled();
    error.get_ref().is_some_and(|inner| inner.is::<ShutDown>()) && with_engine(|engine| engine.is_some_and(waits))
}
