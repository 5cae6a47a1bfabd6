//! A closure that comes back.

use crate::engine::Refused;
use std::error::Error;
use std::fmt;

/// Why a closure was not taken; here it is. See [`try_spawn_blocking`](super::try_spawn_blocking).
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum TrySpawnError<F> {
    /// All threads that there may be have a closure, and as many wait as may.
    Full(F),
    /// The runtime has shut down, or the pool was closed.
    Closed(F),
}

impl<F> TrySpawnError<F> {
    pub(crate) fn new((why, closure): (Refused, F)) -> Self {
        match why {
            Refused::Full => TrySpawnError::Full(closure),
            Refused::Closed => TrySpawnError::Closed(closure),
        }
    }

    /// The closure that was not taken.
    pub fn into_inner(self) -> F {
        match self {
            TrySpawnError::Full(closure) | TrySpawnError::Closed(closure) => closure,
        }
    }
}

impl<F> fmt::Debug for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySpawnError::Full(_) => "Full(..)",
            TrySpawnError::Closed(_) => "Closed(..)",
        })
    }
}

impl<F> fmt::Display for TrySpawnError<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TrySpawnError::Full(_) => "no room for a blocking closure: all threads are busy, and the queue is full",
            TrySpawnError::Closed(_) => {
                "no thread for a blocking closure: the runtime has shut down, or the pool was closed"
            }
        })
    }
}

impl<F> Error for TrySpawnError<F> {}
