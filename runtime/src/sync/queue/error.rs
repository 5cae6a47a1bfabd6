//! Errors of the queues.

use std::error::Error;
use std::fmt;

/// The queue is closed; the item comes back.
#[derive(Clone, PartialEq, Eq)]
pub struct PutError<T>(pub T);

/// Why a `try_put` put nothing in; the item comes back.
#[derive(Clone, PartialEq, Eq)]
pub enum TryPutError<T> {
    /// There is no room, or others wait for it.
    Full(T),
    /// The queue is closed.
    Closed(T),
}

/// The queue is closed and empty; no item will come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GetError(pub(super) ());

/// Why a `try_get` got nothing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TryGetError {
    /// There is no item, or those that are there are promised to others who wait.
    Empty,
    /// The queue is closed and empty; no item will come.
    Closed,
}

impl<T> TryPutError<T> {
    /// The item.
    pub fn into_inner(self) -> T {
        match self {
            TryPutError::Full(item) | TryPutError::Closed(item) => item,
        }
    }
}

impl<T> fmt::Debug for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PutError(..)")
    }
}

impl<T> fmt::Debug for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "Full(..)",
            TryPutError::Closed(_) => "Closed(..)",
        })
    }
}

impl<T> fmt::Display for PutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is closed and takes no more items")
    }
}

impl<T> fmt::Display for TryPutError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryPutError::Full(_) => "the queue is full, or others wait for room in it",
            TryPutError::Closed(_) => "the queue is closed and takes no more items",
        })
    }
}

impl fmt::Display for GetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the queue is closed and empty")
    }
}

impl fmt::Display for TryGetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryGetError::Empty => "no item is there, or those that are belong to others who wait",
            TryGetError::Closed => "the queue is closed and empty",
        })
    }
}

impl<T> Error for PutError<T> {}
impl<T> Error for TryPutError<T> {}
impl Error for GetError {}
impl Error for TryGetError {}
