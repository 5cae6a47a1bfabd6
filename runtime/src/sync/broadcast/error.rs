//! What can go wrong on a broadcast channel.

use std::error::Error;
use std::fmt;

/// No receiver is there; here is the value.
#[derive(Debug)]
pub struct SendError<T>(pub T);

/// Why nothing was received.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum RecvError {
    /// The last sender is gone, and everything has been received.
    Closed,
    /// The receiver was too slow: so many values were overwritten. The next receive gives the oldest that is left.
    Lagged(u64),
}

/// Why nothing was received at once.
#[derive(Debug, PartialEq, Eq, Clone)]
pub enum TryRecvError {
    /// Nothing new is there now, but senders are.
    Empty,
    /// The last sender is gone, and everything has been received.
    Closed,
    /// The receiver was too slow: so many values were overwritten. The next receive gives the oldest that is left.
    Lagged(u64),
}

impl<T> fmt::Display for SendError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed: no receiver is there")
    }
}

impl<T: fmt::Debug> Error for SendError<T> {}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RecvError::Closed => f.write_str("channel closed: the last sender is gone"),
            RecvError::Lagged(n) => write!(f, "receiver too slow: {n} values were overwritten"),
        }
    }
}

impl Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryRecvError::Empty => f.write_str("channel empty: nothing new was sent"),
            TryRecvError::Closed => f.write_str("channel closed: the last sender is gone"),
            TryRecvError::Lagged(n) => write!(f, "receiver too slow: {n} values were overwritten"),
        }
    }
}

impl Error for TryRecvError {}
