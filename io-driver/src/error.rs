//! What this crate's errors say.

use std::fmt;
use std::io;

use crate::ready::Interest;

/// The driver was shut down; found inside the [`io::Error`] of every operation after [`shutdown`].
///
/// ```
/// # use std::io;
/// fn is_end_of_driver(error: &io::Error) -> bool {
///     error.get_ref().is_some_and(|inner| inner.is::<io_driver::ShutDown>())
/// }
/// ```
///
/// [`shutdown`]: crate::Driver::shutdown
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[non_exhaustive]
pub struct ShutDown;

impl fmt::Display for ShutDown {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(
            "the I/O driver was shut down: no event will come for this descriptor any more. \
             Finish I/O before the driver (or the runtime that owns it) stops",
        )
    }
}

impl std::error::Error for ShutDown {}

pub(crate) fn shut_down() -> io::Error {
    io::Error::other(ShutDown)
}

#[cold]
pub(crate) fn not_registered_for(beyond: Interest, registered: Interest) -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        format!(
            "waiting for {beyond:?} on a source registered for {registered:?} would never end. \
             Register the descriptor with that interest"
        ),
    )
}

#[cold]
pub(crate) fn too_many() -> io::Error {
    io::Error::new(
        io::ErrorKind::QuotaExceeded,
        "the I/O driver has no key left for another descriptor. Deregister descriptors that are no longer used",
    )
}

#[cold]
pub(crate) fn forked() -> io::Error {
    io::Error::other(
        "this I/O driver belongs to the process that forked this one, and shares the parent's kernel queue: \
         registering here would change the parent's. Make a new driver in the child",
    )
}

#[cold]
pub(crate) fn other_driver() -> io::Error {
    io::Error::new(
        io::ErrorKind::InvalidInput,
        "the source belongs to another I/O driver, which still has the descriptor in its kernel queue. \
         Deregister it with the driver that registered it",
    )
}

#[cold]
pub(crate) fn no_edges() -> io::Error {
    io::Error::new(
        io::ErrorKind::Unsupported,
        "this system's poller reports no edges, and the I/O driver registers each descriptor once, in edge mode. \
         epoll (Linux, Android) and kqueue (macOS, the BSDs) do",
    )
}
