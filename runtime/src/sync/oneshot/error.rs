//! What can go wrong on a oneshot channel.

use std::error::Error;
use std::fmt;

/// The sender was dropped without sending.
#[derive(Debug, Eq, PartialEq, Clone)]
pub struct RecvError(pub(super) ());

/// Why [`try_recv`](super::Receiver::try_recv) got nothing.
#[derive(Debug, Eq, PartialEq, Clone)]
pub enum TryRecvError {
    /// Nothing has been sent yet.
    Empty,
    /// Nothing will be sent any more, or the value has been received before.
    Closed,
}

impl fmt::Display for RecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("channel closed: the sender was dropped without sending")
    }
}

impl Error for RecvError {}

impl fmt::Display for TryRecvError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryRecvError::Empty => "channel empty: nothing has been sent yet",
            TryRecvError::Closed => "channel closed: nothing will be sent any more",
        })
    }
}

impl Error for TryRecvError {}
