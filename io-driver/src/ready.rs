//! The vocabulary: what a descriptor is ready for, what a waiter is interested in, and what it was told.
//!
//! Plain values without any shared state. A [`ReadyEvent`] is the receipt of one look at a source; handing it back to
//! [`Source::clear`](crate::Source::clear) withdraws exactly what was seen, and nothing that came later.

use std::fmt;
use std::ops::{BitAnd, BitOr, BitOrAssign, Sub};

/// A set of things a descriptor is ready for.
///
/// The flags are hints: an operation may still answer `WouldBlock`, and a closed flag may be seen before the last
/// bytes have been read. No event is ever missing, though.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Ready(u8);

impl Ready {
    /// Nothing.
    pub const EMPTY: Ready = Ready(0);
    /// A read may make progress (an error to be collected counts as progress).
    pub const READABLE: Ready = Ready(1);
    /// A write may make progress (an error to be collected counts as progress).
    pub const WRITABLE: Ready = Ready(1 << 1);
    /// The peer has closed its writing side: after the buffered bytes, reads return 0. Stays set once it was seen.
    pub const READ_CLOSED: Ready = Ready(1 << 2);
    /// The peer will read nothing more: writes fail. Stays set once it was seen.
    pub const WRITE_CLOSED: Ready = Ready(1 << 3);
    /// There is urgent data, or what the descriptor's driver reports as priority.
    pub const PRIORITY: Ready = Ready(1 << 4);
    /// The descriptor has an error to report.
    pub const ERROR: Ready = Ready(1 << 5);
    /// Everything.
    pub const ALL: Ready = Ready(0b11_1111);

    /// What belongs to the reading direction.
    pub(crate) const OF_READ: Ready = Ready(0b11_0101);
    /// What belongs to the writing direction.
    pub(crate) const OF_WRITE: Ready = Ready(0b00_1010);
    /// What no [`clear`](crate::Source::clear) takes back: an edge is reported once, and these states do not end.
    pub(crate) const STICKY: Ready = Ready(0b00_1100);

    pub(crate) const fn from_bits(bits: u8) -> Ready {
        Ready(bits & Ready::ALL.0)
    }

    pub(crate) const fn bits(self) -> u8 {
        self.0
    }

    /// Whether no flag is set.
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Whether every flag of `other` is set.
    pub const fn contains(self, other: Ready) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether any flag of `other` is set.
    pub const fn intersects(self, other: Ready) -> bool {
        self.0 & other.0 != 0
    }

    /// The flags in both sets.
    pub const fn intersection(self, other: Ready) -> Ready {
        Ready(self.0 & other.0)
    }

    /// The flags in either set.
    pub const fn union(self, other: Ready) -> Ready {
        Ready(self.0 | other.0)
    }

    /// The flags of `self` that are not in `other`.
    pub const fn difference(self, other: Ready) -> Ready {
        Ready(self.0 & !other.0)
    }

    /// Whether a read is worth trying: readable, or closed for reading.
    pub const fn is_readable(self) -> bool {
        self.intersects(Ready(Ready::READABLE.0 | Ready::READ_CLOSED.0))
    }

    /// Whether a write is worth trying: writable, or closed for writing.
    pub const fn is_writable(self) -> bool {
        self.intersects(Ready(Ready::WRITABLE.0 | Ready::WRITE_CLOSED.0))
    }

    /// Whether the peer has closed its writing side.
    pub const fn is_read_closed(self) -> bool {
        self.contains(Ready::READ_CLOSED)
    }

    /// Whether the peer will read nothing more.
    pub const fn is_write_closed(self) -> bool {
        self.contains(Ready::WRITE_CLOSED)
    }

    /// Whether there is priority data.
    pub const fn is_priority(self) -> bool {
        self.contains(Ready::PRIORITY)
    }

    /// Whether there is an error to report.
    pub const fn is_error(self) -> bool {
        self.contains(Ready::ERROR)
    }
}

impl BitOr for Ready {
    type Output = Ready;

    fn bitor(self, other: Ready) -> Ready {
        self.union(other)
    }
}

impl BitOrAssign for Ready {
    fn bitor_assign(&mut self, other: Ready) {
        *self = self.union(other);
    }
}

impl BitAnd for Ready {
    type Output = Ready;

    fn bitand(self, other: Ready) -> Ready {
        self.intersection(other)
    }
}

impl Sub for Ready {
    type Output = Ready;

    fn sub(self, other: Ready) -> Ready {
        self.difference(other)
    }
}

impl fmt::Debug for Ready {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = [
            (Ready::READABLE, "READABLE"),
            (Ready::WRITABLE, "WRITABLE"),
            (Ready::READ_CLOSED, "READ_CLOSED"),
            (Ready::WRITE_CLOSED, "WRITE_CLOSED"),
            (Ready::PRIORITY, "PRIORITY"),
            (Ready::ERROR, "ERROR"),
        ];
        write_flags(f, names.iter().filter(|(flag, _)| self.contains(*flag)).map(|(_, name)| *name))
    }
}

/// What a source is registered for, or what a waiter waits for. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Interest(u8);

impl Interest {
    /// Reads, and the end of the stream.
    pub const READABLE: Interest = Interest(1);
    /// Writes, and the peer's refusal to read.
    pub const WRITABLE: Interest = Interest(1 << 1);
    /// Urgent data (on Linux; other systems do not report it).
    pub const PRIORITY: Interest = Interest(1 << 2);
    /// Errors. A source reports them whatever it is registered for.
    pub const ERROR: Interest = Interest(1 << 3);

    /// Both interests together.
    #[must_use]
    pub const fn add(self, other: Interest) -> Interest {
        Interest(self.0 | other.0)
    }

    /// This interest without `other`; `None` where nothing would be left.
    #[must_use]
    pub const fn remove(self, other: Interest) -> Option<Interest> {
        match self.0 & !other.0 {
            0 => None,
            rest => Some(Interest(rest)),
        }
    }

    /// Whether reads are included.
    pub const fn is_readable(self) -> bool {
        self.0 & Interest::READABLE.0 != 0
    }

    /// Whether writes are included.
    pub const fn is_writable(self) -> bool {
        self.0 & Interest::WRITABLE.0 != 0
    }

    /// Whether priority data is included.
    pub const fn is_priority(self) -> bool {
        self.0 & Interest::PRIORITY.0 != 0
    }

    /// Whether errors are included.
    pub const fn is_error(self) -> bool {
        self.0 & Interest::ERROR.0 != 0
    }

    /// The readiness that ends a wait for this interest.
    pub const fn mask(self) -> Ready {
        let mut mask = Ready::EMPTY;
        if self.is_readable() {
            mask = mask.union(Ready::READABLE).union(Ready::READ_CLOSED);
        }
        if self.is_writable() {
            mask = mask.union(Ready::WRITABLE).union(Ready::WRITE_CLOSED);
        }
        if self.is_priority() {
            mask = mask.union(Ready::PRIORITY).union(Ready::READ_CLOSED);
        }
        if self.is_error() {
            mask = mask.union(Ready::ERROR);
        }
        mask
    }

    /// What of this interest a source registered for `registered` would never report.
    pub(crate) const fn beyond(self, registered: Interest) -> Option<Interest> {
        self.remove(registered.add(Interest::ERROR))
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
        let names = [
            (self.is_readable(), "READABLE"),
            (self.is_writable(), "WRITABLE"),
            (self.is_priority(), "PRIORITY"),
            (self.is_error(), "ERROR"),
        ];
        write_flags(f, names.iter().filter(|(set, _)| *set).map(|(_, name)| *name))
    }
}

fn write_flags<'a>(f: &mut fmt::Formatter<'_>, names: impl Iterator<Item = &'a str>) -> fmt::Result {
    let mut empty = true;
    for name in names {
        f.write_str(if empty { "" } else { " | " })?;
        f.write_str(name)?;
        empty = false;
    }
    f.write_str(if empty { "(empty)" } else { "" })
}

/// One of the two directions, each of which has one seat for a `poll_*` style waiter.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Direction {
    /// Reads: waits for readable or closed for reading.
    Read,
    /// Writes: waits for writable or closed for writing.
    Write,
}

impl Direction {
    /// The interest of this direction.
    pub const fn interest(self) -> Interest {
        match self {
            Direction::Read => Interest::READABLE,
            Direction::Write => Interest::WRITABLE,
        }
    }
}

/// What one look at a source saw, and when.
///
/// The ticks count the kernel's events for each direction. [`Source::clear`](crate::Source::clear) compares them, so
/// an event that came after the look is never withdrawn by it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct ReadyEvent {
    pub(crate) ready: Ready,
    pub(crate) read_tick: u64,
    pub(crate) write_tick: u64,
}

impl ReadyEvent {
    /// What was ready, of that which was asked for.
    pub const fn ready(&self) -> Ready {
        self.ready
    }

    /// The same look, but only the part in `ready`: for clearing some flags and keeping others.
    #[must_use]
    pub const fn with_ready(self, ready: Ready) -> ReadyEvent {
        ReadyEvent { ready: self.ready.intersection(ready), ..self }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_directions_divide_the_flags() {
        assert_eq!(Ready::OF_READ | Ready::OF_WRITE, Ready::ALL);
        assert!(!Ready::OF_READ.intersects(Ready::OF_WRITE));
        assert!(Direction::Read.interest().mask() - Ready::OF_READ == Ready::EMPTY);
        assert!(Direction::Write.interest().mask() - Ready::OF_WRITE == Ready::EMPTY);
    }

    #[test]
    fn an_interest_is_never_empty() {
        let both = Interest::READABLE | Interest::WRITABLE;
        assert_eq!(both.remove(Interest::READABLE), Some(Interest::WRITABLE));
        assert_eq!(both.remove(both), None);
        for bits in 1..16 {
            assert!(!Interest(bits).mask().is_empty(), "{bits:#b} waits for nothing");
        }
    }

    #[test]
    fn errors_are_within_every_registration() {
        assert_eq!(Interest::ERROR.beyond(Interest::WRITABLE), None);
        assert_eq!(Interest::READABLE.beyond(Interest::WRITABLE), Some(Interest::READABLE));
    }

    #[test]
    fn debug_names_the_flags() {
        assert_eq!(format!("{:?}", Ready::READABLE | Ready::ERROR), "READABLE | ERROR");
        assert_eq!(format!("{:?}", Ready::EMPTY), "(empty)");
        assert_eq!(format!("{:?}", Interest::WRITABLE | Interest::PRIORITY), "WRITABLE | PRIORITY");
    }
}
