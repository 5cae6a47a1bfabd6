//! For how long does a thread of the crew look at the queue before it sleeps?
//!
//! Owns: what one thread has learned of its idle times; whether looking is polite at the moment.   Imports: `base`.
//! Not here: the looking, the sleep (`crew`). Workers learn in the same way (`sched/spin`).
//!
//! A look spares a futex call and a slow waking, and costs a `sched_yield`. So a thread looks while its last idle times
//! say that this pays, and half as often after each one that says no, down to not at all. An idle time that was short
//! begins it anew, also one that was slept through.
//!
//! The danger: the CPU is given away between looks. Somebody who computes keeps it for a slice of milliseconds, while a
//! thread that sleeps would be scheduled at once. So each look is timed: one that took too long has met such a one, and
//! the whole crew goes straight to sleep for a while; for twice as long if the next trial meets him again.

use crate::engine::base::atomics::now;
use std::time::{Duration, Instant};

/// About 20 us where nobody else wants the CPU. One and one more are all that a model needs to see.
const MOST: u32 = if cfg!(test) { 2 } else { 40 };
/// Idle times that `MOST` looks would have seen the end of, waking included.
const SHORT: Duration = Duration::from_micros(50);
/// A look that has met somebody who computes. Threads of ours that work for a moment are faster.
const LOST: Duration = Duration::from_micros(500);
/// One trial is a slice lost, 3 to 4 ms: two percent of this, and less of what follows.
const ABSTAIN: Duration = Duration::from_millis(200);
const ABSTAIN_MOST: Duration = Duration::from_secs(10);

/// Each thread has one.
pub(super) struct Looks(u32);

impl Default for Looks {
    fn default() -> Self {
        Looks(MOST)
    }
}

impl Looks {
    /// How often to look.
    pub(super) fn count(&self) -> u32 {
        self.0
    }

    /// There is a job for this thread, after an idle time; `slept`: looks did not find it.
    pub(super) fn learn(&mut self, idle: Duration, slept: bool) {
        // Looks in full that have missed it are not repeated at once, however late they were.
        let pay = !slept || (idle <= SHORT && self.0 < MOST);
        self.0 = if pay { MOST } else { self.0 / 2 };
    }

    #[cfg(test)]
    pub(super) fn none() -> Self {
        Looks(0)
    }
}

/// Does somebody who computes want the CPUs? The crew has one, under its lock.
pub(super) struct Neighbours {
    abstain_until: Option<Instant>,
    abstain_for: Duration,
}

impl Neighbours {
    pub(super) fn new() -> Self {
        Neighbours { abstain_until: None, abstain_for: ABSTAIN }
    }

    pub(super) fn let_look(&self, now: Instant) -> bool {
        self.abstain_until.is_none_or(|until| now >= until)
    }

    /// The last look ended now, and took so long; no time: there was none.
    pub(super) fn looked(&mut self, now: Instant, took: Duration) {
        // Where several look at once, the first one speaks for all.
        if took.is_zero() || !self.let_look(now) {
            return;
        }
        if took >= LOST {
            self.abstain_until = Some(now + self.abstain_for);
            self.abstain_for = (self.abstain_for * 2).min(ABSTAIN_MOST);
        } else {
            self.abstain_for = ABSTAIN;
        }
    }
}

/// Looks until `found`, until a look is lost, or so often. When the last one ended, and how long it took.
pub(super) fn look(count: u32, from: Instant, found: impl Fn() -> bool, pause: impl Fn()) -> (Instant, Duration) {
    let (mut last, mut took) = (from, Duration::ZERO);
    for _ in 0..count {
        if found() {
            break;
        }
        pause();
        let now = now();
        took = now.saturating_duration_since(last);
        last = now;
        if took >= LOST {
            break;
        }
    }
    (last, took)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::thread::sleep;

    #[test]
    fn long_idle_times_end_the_looking() {
        let mut looks = Looks::default();
        let counts: Vec<_> = (0..4)
            .map(|_| {
                looks.learn(SHORT * 2, true);
                looks.count()
            })
            .collect();
        assert_eq!(counts, [MOST / 2, MOST / 4, 0, 0]);
    }

    #[test]
    fn one_short_idle_time_begins_it_anew_also_after_a_sleep() {
        let mut looks = Looks::none();
        looks.learn(SHORT, true);
        assert_eq!(looks.count(), MOST);
        let mut looks = Looks(1);
        looks.learn(SHORT * 2, false);
        assert_eq!(looks.count(), MOST, "it was found by looking");
    }

    /// Else a thread whose idle times are a little longer than its looks would look in vain each time.
    #[test]
    fn looks_in_full_and_in_vain_are_not_repeated_at_once() {
        let mut looks = Looks::default();
        looks.learn(SHORT, true);
        assert_eq!(looks.count(), MOST / 2);
    }

    #[test]
    fn who_meets_somebody_who_computes_abstains_for_longer_and_longer() {
        let (mut neighbours, mut now) = (Neighbours::new(), Instant::now());
        assert!(neighbours.let_look(now));
        for expected in [200, 400, 800, 1_600, 3_200, 6_400, 10_000, 10_000].map(Duration::from_millis) {
            neighbours.looked(now, LOST);
            // Other threads were looking at the same time: those are no trials.
            neighbours.looked(now, LOST);
            neighbours.looked(now, Duration::from_nanos(1));
            assert!(!neighbours.let_look(now + expected - Duration::from_millis(1)), "{expected:?}");
            now += expected;
            assert!(neighbours.let_look(now), "{expected:?}");
            // Nobody looked.
            neighbours.looked(now, Duration::ZERO);
        }
        neighbours.looked(now, LOST - Duration::from_nanos(1));
        neighbours.looked(now, LOST);
        assert!(neighbours.let_look(now + ABSTAIN), "the trial before has met nobody");
    }

    #[test]
    fn a_look_that_takes_long_is_the_last_one() {
        let looks = Cell::new(0);
        let pause = || {
            looks.set(looks.get() + 1);
            if looks.get() == 3 {
                sleep(LOST);
            }
        };
        let (_, took) = look(4, Instant::now(), || false, pause);
        assert!(took >= LOST);
        assert!(looks.get() <= 3, "it may have met somebody earlier");
        let (_, took) = look(0, Instant::now(), || unreachable!(), || unreachable!());
        assert_eq!(took, Duration::ZERO);
        look(9, Instant::now(), || true, || unreachable!());
    }
}
