//! Does it pay to take tasks from another worker?
//!
//! Owns: what a thief has learned, and the rules by which it takes or leaves.   Imports: `base`.
//! Not here: the taking itself (`search`).
//!
//! Tasks that share something (a lock, a channel, a list of waiters) run faster one after the other on one worker than
//! at once on two: each then waits for the other's cache lines, and a step of 20 ns takes 200. Tasks that share
//! nothing run twice as fast on two. Nobody can see which kind they are, but a thief can measure it. Before a theft it
//! looks how long a poll takes at the victim's; afterwards, how long those polls took that it ran itself, and how often
//! they found a lock of ours taken. If they took half as long again, or every second one met somebody, the theft was a
//! loss: the victim was slowed down as well. So the thief keeps a score, and while that is bad it leaves short work
//! alone:
//!
//! * a backlog that takes less than [`WORTH`] at the victim's pace, as long as
//! * the victim goes on: while it is in a poll that takes much longer than usual, the backlog is taken.
//!
//! Now and then it tries all the same, since work changes. In good times one theft in some is measured, the others
//! cost nothing.
//!
//! The danger: a task that waits although a worker is idle. It waits for [`WORTH`] and a look at most: a longer
//! backlog is taken whatever the score, and one behind a long poll much sooner.
//!
//! Rejected: always taking; and leaving every backlog of less than 20 us. `docs/design/rejected.md` has the numbers.

use crate::engine::base::contention;
use std::cell::Cell;
use std::time::{Duration, Instant};

/// How long a thief looks before it judges.
const LOOK: Duration = Duration::from_micros(2);
/// After so long it was not looking but sleeping, and so was the victim, perhaps.
const STALE: Duration = Duration::from_micros(100);
/// A backlog that takes so long is always worth a theft.
const WORTH: Duration = Duration::from_micros(50);
/// Polls that take longer than this, and than so many usual ones, are not slow for having been stolen: they are others.
const TINY: Duration = Duration::from_micros(2);
const OTHERS: u64 = 8;
/// In bad times a poll that takes so many usual ones is a long one, within these bounds.
const USUAL_POLLS: u32 = 4;
const LONG_POLL: (Duration, Duration) = (Duration::from_micros(5), Duration::from_micros(20));
/// In good times, one theft after so many others is measured; after so many where polls were found to be long.
const UNMEASURED: u32 = 8;
const UNMEASURED_LONG: u32 = 64;
/// In bad times, a theft is tried so often; half as often after each that was a loss, down to the second.
const TRIAL: Duration = Duration::from_millis(1);
const TRIAL_SELDOM: Duration = Duration::from_millis(16);
/// What a theft does to the score, which is bad below 0, and how far it goes either way. A loss weighs more: where two
/// workers share something, many a theft seems to go well, and where they do not, few go wrong.
const LOSS: i32 = -2;
const GAIN: i32 = 1;
const MOST: i32 = 4;

/// A victim, seen by a thief.
#[derive(Clone, Copy)]
pub(in crate::engine::sched) struct Victim {
    pub(in crate::engine::sched) place: usize,
    /// How many tasks lie in its queue; not 0.
    pub(in crate::engine::sched) waiting: usize,
    /// How many polls it has begun so far.
    pub(in crate::engine::sched) polls: u32,
}

/// The beginning of a look.
#[derive(Clone, Copy)]
struct Look {
    place: usize,
    polls: u32,
    begun: Instant,
}

/// A theft whose tasks are run now.
#[derive(Clone, Copy)]
struct Theft {
    begun: Instant,
    /// The thief's polls before it, and what they had met.
    polls: u32,
    met: u32,
}

/// See the module's head. Each worker has one.
pub(in crate::engine::sched) struct Thrift {
    score: Cell<i32>,
    look: Cell<Option<Look>>,
    theft: Cell<Option<Theft>>,
    /// In good times, how many thefts need no look.
    blind: Cell<u32>,
    /// How long a poll takes where nothing was stolen lately. 0: never seen.
    usual_ns: Cell<u64>,
    /// When a theft was tried last in bad times; `None` before the first.
    tried: Cell<Option<Instant>>,
    trial: Cell<Duration>,
}

impl Thrift {
    pub(in crate::engine::sched) fn new() -> Self {
        Thrift {
            score: Cell::new(0),
            look: Cell::new(None),
            theft: Cell::new(None),
            blind: Cell::new(UNMEASURED),
            usual_ns: Cell::new(0),
            tried: Cell::new(None),
            trial: Cell::new(TRIAL),
        }
    }

    fn pays(&self) -> bool {
        self.score.get() >= 0
    }

    /// The thief has run what it had; `polls` it has begun so far.
    #[inline]
    pub(in crate::engine::sched) fn settle(&self, polls: u32) {
        if let Some(theft) = self.theft.take() {
            self.judge(theft, polls, contention::met(), Instant::now());
        }
    }

    fn judge(&self, theft: Theft, polls: u32, met: u32, now: Instant) {
        let polls = u64::from(polls.wrapping_sub(theft.polls));
        let met = u64::from(met.wrapping_sub(theft.met));
        // None: nothing came of it.
        let Some(each) = nanos(theft.begun, now).checked_div(polls) else { return };
        let usual = self.usual_ns.get();
        let slower = each * 2 > usual * 3 && each < (OTHERS * usual).max(TINY.as_nanos() as u64);
        if slower || met * 2 >= polls {
            self.score.set((self.score.get() + LOSS).max(-MOST));
            self.trial.set((self.trial.get() * 2).min(TRIAL_SELDOM));
        } else {
            self.score.set((self.score.get() + GAIN).min(MOST));
            self.trial.set(TRIAL);
        }
    }

    /// May a thief that has begun `polls` polls take what lies at `victim`'s?
    #[inline]
    pub(in crate::engine::sched) fn allows(&self, victim: Victim, polls: u32) -> bool {
        if self.pays()
            && let Some(left) = self.blind.get().checked_sub(1)
        {
            self.blind.set(left);
            return true;
        }
        self.looks(victim, polls, Instant::now())
    }

    fn looks(&self, victim: Victim, polls: u32, now: Instant) -> bool {
        let look = self.look.get().filter(|look| look.place == victim.place);
        let Some(look) = look else {
            self.begin_look(victim, now);
            return false;
        };
        let looked = now.saturating_duration_since(look.begun);
        if looked < LOOK {
            return false;
        }
        let done = victim.polls.wrapping_sub(look.polls);
        if done == 0 {
            let takes = self.pays() || looked >= self.long_poll();
            if takes {
                self.look.set(None);
                // A long poll among short ones says nothing about those.
                let short = 1..TINY.as_nanos() as u64;
                self.blind.set(if short.contains(&self.usual_ns.get()) { UNMEASURED } else { UNMEASURED_LONG });
            }
            return takes;
        }
        if looked > STALE {
            self.begin_look(victim, now);
            return false;
        }
        let usual = self.learn(nanos(look.begun, now) / u64::from(done));
        let backlog = victim.waiting as u64 * usual;
        let time_to_try = self.tried.get().is_none_or(|tried| now.saturating_duration_since(tried) >= self.trial.get());
        if self.pays() || time_to_try || backlog >= WORTH.as_nanos() as u64 {
            self.look.set(None);
            self.blind.set(UNMEASURED);
            self.tried.set(Some(now));
            self.theft.set(Some(Theft { begun: now, polls, met: contention::met() }));
            return true;
        }
        self.begin_look(victim, now);
        false
    }

    fn begin_look(&self, victim: Victim, now: Instant) {
        self.look.set(Some(Look { place: victim.place, polls: victim.polls, begun: now }));
    }

    fn long_poll(&self) -> Duration {
        let usual = Duration::from_nanos(self.usual_ns.get());
        usual.saturating_mul(USUAL_POLLS).clamp(LONG_POLL.0, LONG_POLL.1)
    }

    /// Down fast and up slowly: what makes a look show too much (a long poll among short ones, cache lines that come
    /// back from an earlier theft) is more frequent than what makes it show too little.
    fn learn(&self, seen: u64) -> u64 {
        let before = self.usual_ns.get();
        let usual = match before {
            0 => seen,
            _ if seen < before => before.midpoint(seen),
            _ => before + (seen - before) / 8,
        };
        self.usual_ns.set(usual);
        usual
    }
}

fn nanos(from: Instant, to: Instant) -> u64 {
    to.saturating_duration_since(from).as_nanos() as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// A thief in a world of its own time.
    struct World {
        thrift: Thrift,
        now: Instant,
        victim: Victim,
        polls: u32,
    }

    impl World {
        fn new(waiting: usize) -> Self {
            let now = Instant::now();
            let thrift = Thrift { tried: Cell::new(Some(now)), ..Thrift::new() };
            World { thrift, now, victim: Victim { place: 1, waiting, polls: u32::MAX - 5 }, polls: u32::MAX - 1 }
        }

        fn pass(&mut self, time: Duration, polls: u32) {
            self.now += time;
            self.victim.polls = self.victim.polls.wrapping_add(polls);
        }

        /// Looks at a victim that does a poll each `pace`, until the thief takes; for how long?
        fn steal(&mut self, pace: Duration) -> Duration {
            let begun = self.now;
            while !self.thrift.looks(self.victim, self.polls, self.now) {
                assert!(self.now - begun < 2 * TRIAL_SELDOM, "the task waits for ever");
                self.pass(pace * 10, 10);
            }
            self.now - begun
        }

        /// Runs what it took, `pace` for each poll.
        fn run(&mut self, pace: Duration) {
            self.run_and_meet(pace, 0);
        }

        /// The same, where so many polls find something taken.
        fn run_and_meet(&mut self, pace: Duration, met: u32) {
            let theft = self.thrift.theft.take().expect("a measured theft");
            self.now += pace * 50;
            self.polls = self.polls.wrapping_add(50);
            self.thrift.judge(theft, self.polls, theft.met.wrapping_add(met), self.now);
        }
    }

    const STEP: Duration = Duration::from_nanos(100);

    #[test]
    fn in_good_times_most_thefts_are_not_even_looked_at() {
        let world = World::new(3);
        for _ in 0..UNMEASURED {
            assert!(world.thrift.allows(world.victim, 0));
        }
        assert!(!world.thrift.allows(world.victim, 0), "now it looks");
    }

    #[test]
    fn short_work_is_left_alone_where_theft_is_a_loss_until_it_is_tried_again() {
        let mut world = World::new(3);
        assert!(world.steal(STEP) < 2 * LOOK);
        world.run(STEP * 4);
        assert!(!world.thrift.pays());
        let waited = world.steal(STEP);
        assert!(waited > TRIAL / 2, "{waited:?}");
        // The work has changed: it pays again.
        world.run(STEP);
        world.steal(STEP);
        world.run(STEP);
        assert!(world.thrift.pays());
        assert!(world.steal(STEP) < 2 * LOOK);
    }

    #[test]
    fn work_that_runs_as_fast_at_the_thiefs_is_always_taken() {
        let mut world = World::new(3);
        for _ in 0..20 {
            assert!(world.steal(STEP) < 2 * LOOK);
            world.run(STEP * 5 / 4);
        }
    }

    #[test]
    fn polls_that_meet_others_are_a_loss_however_fast() {
        let mut world = World::new(3);
        world.steal(STEP);
        world.run_and_meet(STEP / 2, 24);
        assert!(world.thrift.pays(), "few do");
        world.steal(STEP);
        world.run_and_meet(STEP / 2, 25);
        assert!(!world.thrift.pays());
    }

    #[test]
    fn the_more_losses_the_fewer_trials() {
        let mut world = World::new(3);
        world.steal(STEP);
        world.run(STEP * 4);
        let waited: Vec<_> = (0..6)
            .map(|_| {
                let waited = world.steal(STEP);
                world.run(STEP * 4);
                (waited.as_micros() + 500) / 1000
            })
            .collect();
        assert_eq!(waited, [2, 4, 8, 16, 16, 16]);
    }

    #[test]
    fn long_polls_are_no_loss_however_short_the_victims_were() {
        let mut world = World::new(3);
        for _ in 0..20 {
            assert!(world.steal(STEP) < 2 * LOOK);
            world.run(TINY);
        }
    }

    #[test]
    fn a_long_backlog_is_taken_in_bad_times() {
        let mut world = World::new(501);
        world.thrift.score.set(-MOST);
        assert!(world.steal(STEP) < 2 * LOOK);
    }

    #[test]
    fn a_backlog_behind_a_long_poll_is_taken_in_bad_times() {
        let mut world = World::new(1);
        world.thrift.score.set(-MOST);
        world.thrift.usual_ns.set(u64::MAX);
        let begun = world.now;
        while !world.thrift.looks(world.victim, 0, world.now) {
            world.pass(Duration::from_micros(1), 0);
        }
        assert_eq!(world.now - begun, LONG_POLL.1);
    }

    #[test]
    fn another_victim_is_looked_at_anew() {
        let mut world = World::new(1);
        assert!(!world.thrift.looks(world.victim, 0, world.now));
        world.pass(2 * LOOK, 1);
        let other = Victim { place: 2, ..world.victim };
        assert!(!world.thrift.looks(other, 0, world.now), "nothing is known of this one");
    }
}
