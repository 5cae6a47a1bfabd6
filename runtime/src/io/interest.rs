//! What a waiter wants of a descriptor.

use crate::engine;
use std::fmt;
use std::ops::{BitOr, BitOrAssign};

/// What a task waits for: that a descriptor can be read, written, has priority data or an error. Never empty.
///
/// ```
/// use runtime::io::Interest;
///
/// let both = Interest::READABLE | Interest::WRITABLE;
/// assert!(both.is_readable() && both.is_writable());
/// assert_eq!(both.remove(Interest::READABLE), Some(Interest::WRITABLE));
/// assert_eq!(format!("{both:?}"), "READABLE | WRITABLE");
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Interest(engine::Interest);

impl Interest {
    /// A read can make progress, the end of the stream included.
    pub const READABLE: Interest = Interest(engine::Interest::READABLE);
    /// A write can make progress, a failing one included.
    pub const WRITABLE: Interest = Interest(engine::Interest::WRITABLE);
    /// There is an error to fetch. Reported whatever a descriptor was registered for.
    pub const ERROR: Interest = Interest(engine::Interest::ERROR);
    /// There is priority data, such as urgent bytes of a TCP stream. Reported on Linux.
    pub const PRIORITY: Interest = Interest(engine::Interest::PRIORITY);

    pub(crate) const fn get(self) -> engine::Interest {
        self.0
    }

    /// Are reads included?
    pub const fn is_readable(self) -> bool {
        self.0.is_readable()
    }

    /// Are writes included?
    pub const fn is_writable(self) -> bool {
        self.0.is_writable()
    }

    /// Are errors included?
    pub const fn is_error(self) -> bool {
        self.0.is_error()
    }

    /// Is priority data included?
    pub const fn is_priority(self) -> bool {
        self.0.is_priority()
    }

    /// Both together.
    #[must_use = "this returns the result, without modifying the original"]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0.add(other.0))
    }

    /// This one without `other`; `None` if nothing is left.
    #[must_use = "this returns the result, without modifying the original"]
    pub fn remove(self, other: Interest) -> Option<Interest> {
        self.0.remove(other.0).map(Interest)
    }
}

impl BitOr for Interest {
    type Output = Interest;

    fn bitor(self, other: Interest) -> Interest {
        self.add(other)
    }
}

impl BitOrAssign for Interest {
    fn bitor_assign(&mut self, other: Interest) {
        *self = self.add(other);
    }
}

impl fmt::Debug for Interest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
