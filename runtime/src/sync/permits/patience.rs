//! How long somebody looks before he queues: learned from how it went before.
//!
//! Owns: [`Patience`].
//! Not here: the looks (`permits`).
//!
//! Two kinds of locks. One guards a few lines: its holder is done in nanoseconds, and who looks a few times more
//! spares itself, and everybody who would have come after it, a queue. The other is held across awaits: looking is in
//! vain, and every look costs. Which kind it is, only the lock's past can tell. So it keeps an average of the pauses
//! that were needed, goes on for twice as long, and halves it when that was not enough.
//!
//! Sometimes no look is needed to know: permits that were handed to a waiter come back after that has run, and it may
//! wait for the very worker that would look.
//!
//! Both are hints. The number is written by everybody without care: a lost update makes it a little less right.

use crate::engine::atomics::PAUSES_MOST;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

/// The average is counted in such parts of a pause.
const PART: u32 = 8;
/// Where nothing has been learned yet.
const FIRST: u32 = 4;
/// How much longer than usual one goes on.
const TIMES: u32 = 4;

#[derive(Debug)]
pub(super) struct Patience {
    /// Of pauses, in parts.
    average: AtomicU32,
    /// A waiter has been given permits and has not run since.
    handed_over: AtomicBool,
}

impl Patience {
    pub(super) const fn new() -> Self {
        Patience { average: AtomicU32::new(FIRST * PART), handed_over: AtomicBool::new(false) }
    }

    /// So many pauses are worth it; at most a little more than a queue costs.
    pub(super) fn pauses(&self) -> u32 {
        (TIMES * self.average.load(Ordering::Relaxed) / PART + 1).min(PAUSES_MOST)
    }

    /// Is looking useless now, whatever it was before?
    pub(super) fn is_pointless(&self) -> bool {
        self.handed_over.load(Ordering::Relaxed)
    }

    /// The caller has the queue's lock.
    pub(super) fn note_handed_over(&self, any: bool) {
        if self.handed_over.load(Ordering::Relaxed) != any {
            self.handed_over.store(any, Ordering::Relaxed);
        }
    }

    /// So many were enough.
    pub(super) fn paid(&self, pauses: u32) {
        let average = self.average.load(Ordering::Relaxed);
        self.average.store(average - average / PART + pauses, Ordering::Relaxed);
    }

    pub(super) fn was_in_vain(&self) {
        self.average.store(self.average.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_lost_where_looking_is_in_vain_and_regained_where_it_pays() {
        let patience = Patience::new();
        assert_eq!(patience.pauses(), TIMES * FIRST + 1);
        for _ in 0..10 {
            patience.was_in_vain();
        }
        assert_eq!(patience.pauses(), 1, "one stays, or nothing would ever be learned again");
        for _ in 0..200 {
            patience.paid(patience.pauses());
        }
        assert_eq!(patience.pauses(), PAUSES_MOST);
        for _ in 0..100 {
            patience.paid(1);
        }
        assert!((TIMES..=2 * TIMES).contains(&patience.pauses()), "{}", patience.pauses());
    }
}
