//! What a worker keeps in mind of itself, for those who look from outside.
//!
//! Owns: the counts that are not worth a store at each poll, and the mean time of a poll.
//! Not here: when they are written and passed on (`busy`), the counters that all see (`places/stats`).

use crate::engine::base::budget;
use std::cell::Cell;

/// The mean time of a poll leans to the newest so many.
const POLLS_IN_MEAN: u64 = 16;

/// What was booked when the worker ran dry last.
pub(in crate::engine::sched) struct Accounts {
    pub(super) busy_ns: Cell<u64>,
    pub(super) polls: Cell<u64>,
    /// The count of polls when the worker woke up, unless it has found work since.
    pub(super) woke_at: Cell<Option<u64>>,
    /// Tasks that were queued here, and not passed on yet.
    pub(super) schedules: Cell<u64>,
    /// The thread's count of forced yields that has been passed on.
    pub(super) forced_yields: Cell<u64>,
}

impl Accounts {
    pub(in crate::engine::sched) fn new() -> Self {
        Accounts {
            busy_ns: Cell::new(0),
            polls: Cell::new(0),
            woke_at: Cell::new(None),
            schedules: Cell::new(0),
            forced_yields: Cell::new(budget::forced_yields()),
        }
    }

    /// A task is queued here.
    #[inline]
    pub(in crate::engine::sched) fn count_schedule(&self) {
        self.schedules.set(self.schedules.get() + 1);
    }
}

/// An average of which the last `polls` took `each`.
pub(super) fn mean(before: u64, each: u64, polls: u64) -> u64 {
    let weight = u128::from(if before == 0 { POLLS_IN_MEAN } else { polls.min(POLLS_IN_MEAN) });
    let all = u128::from(POLLS_IN_MEAN);
    ((u128::from(before) * (all - weight) + u128::from(each) * weight) / all) as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn d33_the_mean_follows_the_newest_polls() {
        assert_eq!(mean(0, 800, 1), 800, "the first one is all there is");
        assert_eq!(mean(1600, 0, 1), 1500);
        assert_eq!(mean(1600, 320, POLLS_IN_MEAN), 320);
        assert_eq!(mean(1600, 320, u64::MAX), 320);
        assert_eq!(mean(u64::MAX, u64::MAX, 3), u64::MAX);
    }
}
