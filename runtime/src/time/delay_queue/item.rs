//! What goes in and what comes out.
//!
//! Owns: [`Key`], [`Expired`], how an item lies in the wheel.

use crate::engine::WheelKey;
use crate::time::Instant;

/// Names one item of one [`DelayQueue`](super::DelayQueue), from when it was put in until it is out.
///
/// A key is a plain number that may be copied and kept. Once its item is out it is stale for good: it never names a later
/// item. To another queue it means nothing: there it may be stale, or name anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key(pub(super) WheelKey);

/// An item as it lies in the wheel.
#[derive(Debug)]
pub(super) struct Waiting<T> {
    pub(super) value: T,
    pub(super) deadline: Instant,
    /// `None` only until the wheel has given it one.
    pub(super) key: Option<WheelKey>,
}

/// An item that is out of its [`DelayQueue`](super::DelayQueue).
#[derive(Debug)]
pub struct Expired<T> {
    value: T,
    deadline: Instant,
    key: Key,
}

impl<T> Expired<T> {
    pub(super) fn new(item: Waiting<T>) -> Self {
        let key = item.key.expect("BUG: an item came out of the wheel before it was in");
        Expired { value: item.value, deadline: item.deadline, key: Key(key) }
    }

    /// The value.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// The value.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// The value.
    pub fn into_inner(self) -> T {
        self.value
    }

    /// When its time is, or was, up.
    pub fn deadline(&self) -> Instant {
        self.deadline
    }

    /// The key it had. It is stale.
    pub fn key(&self) -> Key {
        self.key
    }
}
