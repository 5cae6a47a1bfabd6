//! A source's state words: what it is ready for, in which count of events.
//!
//! Owns: two words, one for each direction.
//! Not here: waiters (`waiters`); who calls `mark` and when (`source`, `driver`).
//!
//! One word per direction:
//!
//! | bits  | name   | true while                                             | set by  | cleared by                     |
//! |-------|--------|--------------------------------------------------------|---------|--------------------------------|
//! | 0-5   | flags  | the kernel reported it and nobody found it used up     | `mark`  | `clear` with the current tick  |
//! | 2, 3  | closed | until disproved: the kernel reports the edge only once | `mark`  | `disprove`, current tick       |
//! | 7     | SHUT   | for ever: the driver was shut down                     | `shut`  | never                          |
//! | 8-63  | tick   | counts the marks of this direction                     | `mark`  | -                              |
//!
//! W1. A `clear` changes a word only if no `mark` of that direction came after the look whose receipt it holds.
//! W2. A mark of one direction never changes the other word: write events cannot keep a reader from clearing.
//! W3. The tick has 56 bits. At one event each 10 ns it repeats after 22 years, and only a receipt exactly that old
//!     could be taken for a new one.
//!
//! Orderings: `mark` releases, `look` acquires: what the thread that turned the driver did before (such as publishing
//! the source in its table) is visible to whoever sees the flag, although the kernel orders it in practice anyway.
//!
//! The danger: a task reads until `WouldBlock`; new data arrives; only then does the task clear "readable". Edge mode
//! will not repeat the event, so the task would sleep on data for ever. Hence the tick.
//!
//! Rejected: both directions packed into one word. It saves one read-modify-write for an event that reports both
//! (about 5 ns) and leaves 26 bits for each tick, which a busy socket wraps within minutes; an 8-bit and a shared tick
//! are two real bugs of this field (a stale clear after 2^k events; write events that stop the read side from
//! clearing).

use crate::base::{AtomicU64, Ordering};
use crate::ready::{Ready, ReadyEvent};

const FLAG_BITS: u32 = 8;
const SHUT: u64 = 1 << 7;
const TICK_MAX: u64 = u64::MAX >> FLAG_BITS;

/// Test builds start just below the end, so that every test also crosses the wrap.
const FIRST_TICK: u64 = if cfg!(test) { TICK_MAX - 2 } else { 0 };

/// One direction's state as a value; the steps are pure.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct Word(u64);

impl Word {
    const FIRST: Word = Word(FIRST_TICK << FLAG_BITS);

    #[cfg(test)]
    const fn new(tick: u64, ready: Ready) -> Word {
        Word(tick << FLAG_BITS | ready.bits() as u64)
    }

    const fn ready(self) -> Ready {
        Ready::from_bits(self.0 as u8)
    }

    const fn tick(self) -> u64 {
        self.0 >> FLAG_BITS
    }

    const fn is_shut(self) -> bool {
        self.0 & SHUT != 0
    }

    /// An event came: its flags are added, and receipts given out before it are void.
    #[must_use]
    const fn marked(self, ready: Ready) -> Word {
        let flags = self.0 & ((1 << FLAG_BITS) - 1);
        // The shift drops the carry out of the tick: it wraps to 0 and leaves the flags alone.
        Word((self.tick().wrapping_add(1) << FLAG_BITS) | flags | ready.bits() as u64)
    }

    /// What was seen at `tick` is used up. `None`: nothing changes, because an event came since, or nothing was set.
    #[must_use]
    const fn cleared(self, tick: u64, ready: Ready) -> Option<Word> {
        self.disproved(tick, ready.difference(Ready::STICKY))
    }

    /// What was seen at `tick` is not so, the closed flags included. `None`: nothing changes, as above.
    #[must_use]
    const fn disproved(self, tick: u64, ready: Ready) -> Option<Word> {
        let taken = ready.intersection(self.ready());
        if self.tick() != tick || taken.is_empty() {
            return None;
        }
        Some(Word(self.0 & !(taken.bits() as u64)))
    }

    #[must_use]
    const fn shut(self) -> Word {
        Word(self.0 | SHUT)
    }
}

/// What a look at a source found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Look {
    /// Nothing of what was asked for; the receipt is empty but its ticks are current.
    Nothing(ReadyEvent),
    Event(ReadyEvent),
    /// The driver was shut down.
    Shut,
}

#[derive(Debug)]
pub(crate) struct Readiness {
    read: AtomicU64,
    write: AtomicU64,
}

impl Readiness {
    pub(crate) fn new() -> Readiness {
        Readiness { read: AtomicU64::new(Word::FIRST.0), write: AtomicU64::new(Word::FIRST.0) }
    }

    /// Adds what the kernel reported, to the directions it concerns.
    pub(crate) fn mark(&self, ready: Ready) {
        for (word, side) in self.sides() {
            let reported = ready & side;
            if !reported.is_empty() {
                step(word, |old| Some(old.marked(reported)));
            }
        }
    }

    /// Takes back what `event` saw, but for the closed flags, unless a newer event came to that direction.
    pub(crate) fn clear(&self, event: &ReadyEvent) {
        self.take_back(event, Word::cleared);
    }

    /// Takes back all that `event` saw, unless a newer event came to that direction.
    pub(crate) fn disprove(&self, event: &ReadyEvent) {
        self.take_back(event, Word::disproved);
    }

    fn take_back(&self, event: &ReadyEvent, take: impl Fn(Word, u64, Ready) -> Option<Word>) {
        for ((word, side), tick) in self.sides().into_iter().zip([event.read_tick, event.write_tick]) {
            let seen = event.ready & side;
            if !seen.is_empty() {
                step(word, |old| take(old, tick, seen));
            }
        }
    }

    pub(crate) fn shut(&self) {
        for (word, _) in self.sides() {
            step(word, |old| Some(old.shut()));
        }
    }

    /// What of `mask` is ready now, with the ticks of the directions that `mask` touches.
    pub(crate) fn look(&self, mask: Ready) -> Look {
        let mut event = ReadyEvent { ready: Ready::EMPTY, read_tick: 0, write_tick: 0 };
        if mask.intersects(Ready::OF_READ) {
            let word = Word(self.read.load(Ordering::Acquire));
            if word.is_shut() {
                return Look::Shut;
            }
            event.ready |= word.ready() & mask & Ready::OF_READ;
            event.read_tick = word.tick();
        }
        if mask.intersects(Ready::OF_WRITE) {
            let word = Word(self.write.load(Ordering::Acquire));
            if word.is_shut() {
                return Look::Shut;
            }
            event.ready |= word.ready() & mask & Ready::OF_WRITE;
            event.write_tick = word.tick();
        }
        if event.ready.is_empty() { Look::Nothing(event) } else { Look::Event(event) }
    }

    fn sides(&self) -> [(&AtomicU64, Ready); 2] {
        [(&self.read, Ready::OF_READ), (&self.write, Ready::OF_WRITE)]
    }
}

fn step(word: &AtomicU64, f: impl Fn(Word) -> Option<Word>) {
    // An `Err` says that `f` had nothing to change, which is as good.
    let _ = word.fetch_update(Ordering::AcqRel, Ordering::Acquire, |old| f(Word(old)).map(|new| new.0));
}

#[cfg(test)]
mod tests;
