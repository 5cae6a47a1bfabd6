//! How long somebody looks before he queues: learned from how it went before.
//!
//! Owns: [`Patience`].   Imports: the door.
//! Not here: the looks (`permits`).
//!
//! Two kinds of locks. One guards a few lines: its holder is done in nanoseconds, and who looks a few times more
//! spares itself, and everybody who would have come after it, a queue. The other is held across awaits: looking is in
//! vain, and every look costs. Which kind it is, only the lock's past can tell. So it keeps an average of the pauses
//! that were needed, goes on for twice as long, and halves it when that was not enough.
//!
//! The number is a hint, written by everybody without care: a lost update makes it a little less right.

use crate::engine::atomics::PAUSES_MOST;
use std::sync::atomic::{AtomicU32, Ordering};

/// The average is counted in such parts of a pause.
const PART: u32 = 8;
/// Where nothing has been learned yet.
const FIRST: u32 = 4;

#[derive(Debug)]
pub(super) struct Patience(AtomicU32);

impl Patience {
    pub(super) const fn new() -> Self {
        Patience(AtomicU32::new(FIRST * PART))
    }

    /// So many pauses are worth it; at most a little more than a queue costs.
    pub(super) fn pauses(&self) -> u32 {
        (2 * self.0.load(Ordering::Relaxed) / PART + 1).min(PAUSES_MOST)
    }

    /// So many were enough.
    pub(super) fn paid(&self, pauses: u32) {
        let average = self.0.load(Ordering::Relaxed);
        self.0.store(average - average / PART + pauses, Ordering::Relaxed);
    }

    pub(super) fn was_in_vain(&self) {
        self.0.store(self.0.load(Ordering::Relaxed) / 2, Ordering::Relaxed);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn it_is_lost_where_looking_is_in_vain_and_regained_where_it_pays() {
        let patience = Patience::new();
        assert_eq!(patience.pauses(), 2 * FIRST + 1);
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
        assert!((2..=4).contains(&patience.pauses()), "{}", patience.pauses());
    }
}
