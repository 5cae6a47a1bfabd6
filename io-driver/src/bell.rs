//! Who rings, who sleeps: the word that makes `notify` cheap and loses no ring.
//!
//! Owns: the bell word.
//! Not here: the descriptor that ends a sleep in the kernel (`sys`).
//!
//! | bits | name  | true while                                             | set by  | cleared by                      |
//! |------|-------|--------------------------------------------------------|---------|---------------------------------|
//! | 0    | RUNG  | somebody rang and no waiting turn has reported it yet  | `ring`  | `lie_down` (no sleep), `get_up` |
//! | 1..  | count | so many turns are asleep in the kernel, or about to be | `lie_down` | `get_up`                     |
//!
//! B1. A ring before `lie_down` is seen by it: that turn does not sleep.
//! B2. A ring while the count is above 0 finds RUNG clear exactly once until it is reported; that ringer writes the
//!     kernel's descriptor. All others do nothing: a thousand rings cost one system call, and none while nobody sleeps.
//! B3. A turn that does not wait may read the descriptor's event away from the sleeper. It asks `must_ring_again`
//!     afterwards: a ring not yet reported and a sleeper in the count mean that it writes the descriptor once more.
//!
//! The danger is B3's: the leader announces itself, somebody rings, another thread's quick look at the kernel gets the
//! event, and the leader sleeps on. All four steps are read-modify-writes or an ordered load of one word, so their
//! order is total and no fence is needed; `model.rs` runs them against a kernel that gives each event to one turn.
//!
//! Limits: 2^31 sleeping turns on 32-bit targets.

mod model;

use crate::base::{AtomicUsize, Ordering};

const RUNG: usize = 1;
const ONE_SLEEPER: usize = 2;

/// What a turn may do.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
#[must_use]
pub(crate) enum Rest {
    /// Sleep in the kernel, then `get_up`.
    Sleep,
    /// Somebody rang already, and this turn is the one to report it: look at the kernel without waiting.
    Rung,
}

#[derive(Debug)]
pub(crate) struct Bell(AtomicUsize);

fn rung(word: usize) -> (usize, bool) {
    (word | RUNG, word & RUNG == 0 && word >= ONE_SLEEPER)
}

fn lain_down(word: usize) -> (usize, Rest) {
    if word & RUNG != 0 { (word & !RUNG, Rest::Rung) } else { (word + ONE_SLEEPER, Rest::Sleep) }
}

fn got_up(word: usize) -> (usize, bool) {
    debug_assert!(word >= ONE_SLEEPER, "BUG: a turn gets up that did not lie down: {word:#x}");
    ((word - ONE_SLEEPER) & !RUNG, word & RUNG != 0)
}

impl Bell {
    pub(crate) fn new() -> Bell {
        Bell(AtomicUsize::new(0))
    }

    /// True: the caller must write the kernel's descriptor.
    #[must_use]
    pub(crate) fn ring(&self) -> bool {
        // The release half publishes what the ringer did before to the turn that reports the ring, also when RUNG was
        // set already: the report is a read-modify-write later in this word's order.
        rung(self.0.fetch_or(RUNG, Ordering::AcqRel)).1
    }

    /// A turn is about to wait.
    pub(crate) fn lie_down(&self) -> Rest {
        self.step(lain_down)
    }

    /// The wait is over, for whatever reason. True: somebody rang.
    pub(crate) fn get_up(&self) -> bool {
        self.step(got_up)
    }

    /// A turn that did not wait has read the descriptor's event. True: it belonged to a sleeper, write again.
    #[must_use]
    pub(crate) fn must_ring_again(&self) -> bool {
        let word = self.0.load(Ordering::Acquire);
        word & RUNG != 0 && word >= ONE_SLEEPER
    }

    fn step<R: Copy>(&self, f: impl Fn(usize) -> (usize, R)) -> R {
        let mut word = self.0.load(Ordering::Relaxed);
        loop {
            let (new, answer) = f(word);
            match self.0.compare_exchange_weak(word, new, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return answer,
                Err(now) => word = now,
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_small_words() {
        for sleepers in 0..4 {
            for rung_before in [0, RUNG] {
                let word = (sleepers * ONE_SLEEPER) | rung_before;
                assert_eq!(rung(word), (word | RUNG, rung_before == 0 && sleepers > 0));
                let (after, rest) = lain_down(word);
                match rest {
                    Rest::Rung => assert!(rung_before == RUNG && after == word - RUNG),
                    Rest::Sleep => assert!(rung_before == 0 && after == word + ONE_SLEEPER),
                }
                if sleepers > 0 {
                    assert_eq!(got_up(word), ((sleepers - 1) * ONE_SLEEPER, rung_before == RUNG));
                }
            }
        }
    }

    #[test]
    fn nobody_asleep_costs_no_write() {
        let bell = Bell::new();
        assert!(!bell.ring() && !bell.ring());
        assert_eq!(bell.lie_down(), Rest::Rung);
        assert_eq!(bell.lie_down(), Rest::Sleep, "one report for any number of rings");
        assert!(bell.ring(), "the sleeper must be woken");
        assert!(!bell.ring(), "and only once");
        assert!(bell.must_ring_again(), "whoever reads its event must hand it on");
        assert!(bell.get_up());
        assert!(!bell.must_ring_again());
    }
}
