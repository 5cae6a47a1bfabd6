//! What a descriptor is ready for.

use crate::engine;
use std::cmp::Ordering;
use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

/// What a descriptor is ready for: a set of flags.
///
/// A flag is a hint. An operation may still say `WouldBlock`, and a closed flag may show before the last bytes have been
/// read; but no event is ever missing.
///
/// ```
/// use runtime::io::Ready;
///
/// let ready = Ready::READABLE | Ready::READ_CLOSED;
/// assert!(ready.is_readable() && ready.is_read_closed() && !ready.is_writable());
/// assert!((ready - ready).is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Ready(engine::Ready);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(engine::Ready::EMPTY);
    /// A read can make progress.
    pub const READABLE: Ready = Ready(engine::Ready::READABLE);
    /// A write can make progress.
    pub const WRITABLE: Ready = Ready(engine::Ready::WRITABLE);
    /// The peer writes no more: after the last bytes, reads give 0.
    pub const READ_CLOSED: Ready = Ready(engine::Ready::READ_CLOSED);
    /// The peer reads no more: writes fail.
    pub const WRITE_CLOSED: Ready = Ready(engine::Ready::WRITE_CLOSED);
    /// There is priority data.
    pub const PRIORITY: Ready = Ready(engine::Ready::PRIORITY);
    /// There is an error to fetch.
    pub const ERROR: Ready = Ready(engine::Ready::ERROR);
    /// Everything.
    pub const ALL: Ready = Ready(engine::Ready::ALL);

    pub(crate) const fn new(ready: engine::Ready) -> Ready {
        Ready(ready)
    }

    pub(crate) const fn get(self) -> engine::Ready {
        self.0
    }

    /// Is nothing ready?
    pub fn is_empty(self) -> bool {
        self.0.is_empty()
    }

    /// Is a read worth trying: is there something to read, or the end?
    pub fn is_readable(self) -> bool {
        self.0.is_readable()
    }

    /// Is a write worth trying: is there room, or nobody left who reads?
    pub fn is_writable(self) -> bool {
        self.0.is_writable()
    }

    /// Does the peer write no more?
    pub fn is_read_closed(self) -> bool {
        self.0.is_read_closed()
    }

    /// Does the peer read no more?
    pub fn is_write_closed(self) -> bool {
        self.0.is_write_closed()
    }

    /// Is there priority data?
    pub fn is_priority(self) -> bool {
        self.0.is_priority()
    }

    /// Is there an error to fetch?
    pub fn is_error(self) -> bool {
        self.0.is_error()
    }

    /// The flags in the order of the constants, lowest first.
    fn bits(self) -> u8 {
        let flags =
            [Ready::READABLE, Ready::WRITABLE, Ready::READ_CLOSED, Ready::WRITE_CLOSED, Ready::PRIORITY, Ready::ERROR];
        flags.iter().rev().fold(0, |bits, flag| bits << 1 | u8::from(self.0.contains(flag.0)))
    }
}

impl PartialOrd for Ready {
    fn partial_cmp(&self, other: &Ready) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// As numbers, for sorted collections; no set is "less ready" than another.
impl Ord for Ready {
    fn cmp(&self, other: &Ready) -> Ordering {
        self.bits().cmp(&other.bits())
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        Ready(self.0.union(other.0))
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        *self = *self | other;
    }
}

impl BitAnd for Ready {
    type Output = Ready;

    fn bitand(self, other: Ready) -> Ready {
        Ready(self.0.intersection(other.0))
    }
}

impl Sub for Ready {
    type Output = Ready;

    fn sub(self, other: Ready) -> Ready {
        Ready(self.0.difference(other.0))
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready")
            .field("is_readable", &self.is_readable())
            .field("is_writable", &self.is_writable())
            .field("is_read_closed", &self.is_read_closed())
            .field("is_write_closed", &self.is_write_closed())
            .field("is_error", &self.is_error())
            .field("is_priority", &self.is_priority())
            .finish()
    }
}
