//! What can go wrong with time.

use std::fmt;
use std::io;

/// The deadline of a [`timeout`](super::timeout()), or of a [`scope::fail_after`](crate::scope::fail_after), passed before its
/// future was ready.
#[derive(Debug, PartialEq, Eq)]
pub struct Elapsed(());

impl Elapsed {
    pub(crate) fn new() -> Elapsed {
        Elapsed(())
    }
}

impl fmt::Display for Elapsed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("timed out: the deadline passed before the future was ready")
    }
}

impl std::error::Error for Elapsed {}

/// Of kind [`TimedOut`](io::ErrorKind::TimedOut).
impl From<Elapsed> for io::Error {
    fn from(elapsed: Elapsed) -> io::Error {
        io::Error::new(io::ErrorKind::TimedOut, elapsed)
    }
}

/// Why there is no timer to be had.
///
/// No function of this module returns it: a timer for which there is no runtime panics, and there is no limit to their
/// number or to how far away a deadline is. It exists, as in tokio, for code that passes such errors on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Error(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Shutdown,
    AtCapacity,
    Invalid,
}

impl Error {
    /// The timers' runtime is shut down.
    pub fn shutdown() -> Error {
        Error(Kind::Shutdown)
    }

    /// Is the timers' runtime shut down?
    pub fn is_shutdown(&self) -> bool {
        self.0 == Kind::Shutdown
    }

    /// There are too many timers.
    pub fn at_capacity() -> Error {
        Error(Kind::AtCapacity)
    }

    /// Are there too many timers?
    pub fn is_at_capacity(&self) -> bool {
        self.0 == Kind::AtCapacity
    }

    /// A timer with this deadline cannot be.
    pub fn invalid() -> Error {
        Error(Kind::Invalid)
    }

    /// Is the deadline one that cannot be?
    pub fn is_invalid(&self) -> bool {
        self.0 == Kind::Invalid
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Kind::Shutdown => "no timer: the runtime is shut down, or timers are not enabled in it",
            Kind::AtCapacity => "no timer: there are too many of them already",
            Kind::Invalid => "no timer: its deadline is out of range",
        })
    }
}

impl std::error::Error for Error {}
