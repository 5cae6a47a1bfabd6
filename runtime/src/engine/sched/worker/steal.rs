//! From whom does a worker steal, and what does it leave where it is?
//!
//! Owns: the order of a thief's visits, its judgement of a victim, what it learns from its thefts.
//! Not here: the taking itself, and what a victim looks like (`search`); who may search (`idle`), for how long (`spin`).
//!
//! **Whom.** A search begins at a random place and visits [`VISITS`] places in each of its rounds, one after the other, so
//! that it has been everywhere after a number of rounds that anybody can count; and everybody once more before it ends.
//!
//! **What.** A task in a queue is somebody's waiting, so it is taken at once. Two exceptions:
//!
//! * *The next-task slot* holds what its worker runs next. It is taken only where that worker is in one long poll.
//! * *Short work that shares something* (a lock, a list of waiters) runs faster on one worker than on two: each then
//!   waits for the other's cache lines. Nobody sees which kind a task is. But it shows when stolen tasks run: many of their
//!   polls find a lock of ours taken (`base/contention`). A thief that has seen this is under a *veto* for a while. Then it takes
//!   only what would wait for long: a backlog of [`WORTH`] at its worker's pace, or one behind a long poll. A veto
//!   that was followed by such thefts again is followed by one of twice the length.
//!
//! Each visit is judged by itself, from what the victim shows at that moment. The one thing that needs two looks is a long
//! poll: the victim's count of polls stands still between them. So a thief *watches* one victim at a time, looks at it in each round,
//! and watches another one when that has moved. Other victims that are visited meanwhile change nothing.
//!
//! The danger: a task that waits although a worker is idle. Without a veto it waits for a visit. Under one it waits for
//! [`WORTH`] at its worker's pace, or for [`LONG_POLL`] once the thief watches.
//!
//! Rejected: a judgement by two looks at each victim, with a score (`docs/design/rejected.md`).

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Places that a search visits in a round. Each visit takes a cache line from somebody who is busy: with all of them in
/// each round, 64 searchers over 127 places move 24,000 lines a round. With one, a lone victim is found half as soon.
pub(in crate::engine::sched) const VISITS: usize = 2;
/// A poll that has gone on for so long is a long one. Below, slots are taken from tasks that wake each other in turn.
const LONG_POLL: Duration = Duration::from_micros(20);
/// Under a veto, a backlog that takes so long is taken all the same. Above, tasks wait; far below, there is no veto.
const WORTH: Duration = Duration::from_micros(50);
/// Thefts are judged by so many polls together: of few, chance decides.
const JUDGED: u32 = 32;
/// The part of those polls that meets somebody where tasks share something: one in so many.
const MEETS: u32 = 4;
/// How long a veto lasts: the first, so that trying again costs a percent, and the longest, after which work that has
/// changed is stolen again.
const VETO: (Duration, Duration) = (Duration::from_millis(1), Duration::from_millis(16));

/// What a thief sees of a worker.
pub(in crate::engine::sched) trait Victim {
    /// How many tasks lie in its queue.
    fn waiting(&self) -> usize;
    /// Does a task lie in its slot?
    fn has_next(&self) -> bool;
    /// How many polls it has begun so far.
    fn polls(&self) -> u64;
    /// How long a poll took there lately, in ns. 0: not known.
    fn pace_ns(&self) -> u64;
}

/// What a thief does at a victim's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::sched) enum Verdict {
    Leave,
    TakeFromQueue,
    TakeNext,
}

/// What a worker has begun and met so far, by its own counts.
#[derive(Clone, Copy, Default)]
pub(in crate::engine::sched) struct Counts {
    pub(in crate::engine::sched) polls: u32,
    pub(in crate::engine::sched) met: u32,
}

impl Counts {
    fn since(self, before: Counts) -> Counts {
        Counts { polls: self.polls.wrapping_sub(before.polls), met: self.met.wrapping_sub(before.met) }
    }
}

/// The victim of which a thief wants to know whether it is in a long poll.
#[derive(Clone, Copy)]
struct Watch {
    place: usize,
    polls: u64,
    since: Instant,
}

/// See the module's head. Each worker has one.
pub(in crate::engine::sched) struct Thief {
    /// The place that was visited last.
    at: Cell<usize>,
    watch: Cell<Option<Watch>>,
    /// Short work is left alone until then.
    veto: Cell<Option<Instant>>,
    /// How long the next veto is.
    next_veto: Cell<Duration>,
    /// The counts at a theft whose tasks are run now.
    theft: Cell<Option<Counts>>,
    /// Of thefts that were not judged yet.
    seen: Cell<Counts>,
}

impl Thief {
    pub(in crate::engine::sched) fn new() -> Self {
        Thief {
            at: Cell::new(0),
            watch: Cell::new(None),
            veto: Cell::new(None),
            next_veto: Cell::new(VETO.0),
            theft: Cell::new(None),
            seen: Cell::new(Counts::default()),
        }
    }

    /// A search begins, at a place that chance has chosen.
    #[inline]
    pub(in crate::engine::sched) fn begin_search(&self, at: usize) {
        self.at.set(at);
        self.watch.set(None);
    }

    /// The next of `places` to visit.
    #[inline]
    pub(in crate::engine::sched) fn next_place(&self, places: usize) -> usize {
        let next = self.at.get() + 1;
        let next = if next < places { next } else { 0 };
        self.at.set(next);
        next
    }

    /// The place to visit in each round.
    #[inline]
    pub(in crate::engine::sched) fn watched(&self) -> Option<usize> {
        self.watch.get().map(|watch| watch.place)
    }

    /// What to do at `place`, whose worker is `victim`.
    #[inline]
    pub(in crate::engine::sched) fn judge(
        &self,
        place: usize,
        victim: &impl Victim,
        clock: impl Fn() -> Instant,
    ) -> Verdict {
        let waiting = victim.waiting();
        if waiting > 0 && self.veto.get().is_none() {
            return Verdict::TakeFromQueue;
        }
        if waiting == 0 && !victim.has_next() {
            self.forget(place);
            return Verdict::Leave;
        }
        let now = clock();
        if waiting > 0 && (!self.is_vetoed(now) || waiting as u64 * victim.pace_ns() >= WORTH.as_nanos() as u64) {
            return Verdict::TakeFromQueue;
        }
        match self.is_in_a_long_poll(place, victim.polls(), now) {
            false => Verdict::Leave,
            true if waiting > 0 => Verdict::TakeFromQueue,
            true => Verdict::TakeNext,
        }
    }

    fn forget(&self, place: usize) {
        if self.watched() == Some(place) {
            self.watch.set(None);
        }
    }

    fn is_vetoed(&self, now: Instant) -> bool {
        let vetoed = self.veto.get().is_some_and(|until| now < until);
        if !vetoed {
            self.veto.set(None);
        }
        vetoed
    }

    fn is_in_a_long_poll(&self, place: usize, polls: u64, now: Instant) -> bool {
        match self.watch.get() {
            None => self.watch.set(Some(Watch { place, polls, since: now })),
            Some(watch) if watch.place != place => {}
            Some(watch) if watch.polls != polls => self.watch.set(None),
            Some(watch) => return now.saturating_duration_since(watch.since) >= LONG_POLL,
        }
        false
    }

    /// Tasks were taken from a queue. What is taken under a veto is another kind of work, and teaches nothing.
    #[inline]
    pub(in crate::engine::sched) fn took(&self, counts: Counts) {
        if self.veto.get().is_none() {
            self.theft.set(Some(counts));
        }
    }

    /// The thief has run what it had.
    #[inline]
    pub(in crate::engine::sched) fn settle(&self, counts: Counts, clock: impl Fn() -> Instant) {
        let Some(before) = self.theft.take() else { return };
        let (new, seen) = (counts.since(before), self.seen.get());
        let seen = Counts { polls: seen.polls.saturating_add(new.polls), met: seen.met.saturating_add(new.met) };
        if seen.polls < JUDGED {
            return self.seen.set(seen);
        }
        self.seen.set(Counts::default());
        let length = self.next_veto.get();
        if seen.met >= seen.polls / MEETS {
            self.veto.set(Some(clock() + length));
            self.next_veto.set((length * 2).min(VETO.1));
        } else {
            self.next_veto.set((length / 2).max(VETO.0));
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::base::rng::{Rng, mix};

    /// A worker as a thief sees it. It polls one task each `pace`, or is in one poll for ever.
    #[derive(Clone, Copy, Default)]
    struct Sim {
        waiting: usize,
        has_next: bool,
        polls: u64,
        pace_ns: u64,
    }

    impl Victim for Sim {
        fn waiting(&self) -> usize {
            self.waiting
        }

        fn has_next(&self) -> bool {
            self.has_next
        }

        fn polls(&self) -> u64 {
            self.polls
        }

        fn pace_ns(&self) -> u64 {
            self.pace_ns
        }
    }

    /// What a round of a search takes: the visits, a look at sockets, a `sched_yield`.
    const ROUND: Duration = Duration::from_nanos(600);
    const SHORT_NS: u64 = 400;
    /// The longest search has so many rounds.
    const SEARCH: usize = 64;

    /// A thief at place 0, in a world of its own time, which does what `search` does.
    struct World {
        thief: Thief,
        victims: Vec<Sim>,
        rng: Rng,
        now: Instant,
        counts: Counts,
        stuck: bool,
    }

    impl World {
        fn new(victims: Vec<Sim>) -> Self {
            let rng = Rng::unseeded();
            rng.restore(mix(7));
            let counts = Counts { polls: u32::MAX - 5, met: u32::MAX - 1 };
            World { thief: Thief::new(), victims, rng, now: Instant::now(), counts, stuck: false }
        }

        /// `loaded` of `places` have ten short tasks each, the rest has nothing.
        fn loaded(loaded: usize, places: usize) -> Self {
            let mut victims = vec![Sim::default(); places];
            for victim in &mut victims[1..=loaded] {
                *victim = Sim { waiting: 10, pace_ns: SHORT_NS, ..Sim::default() };
            }
            World::new(victims)
        }

        fn pass(&mut self, time: Duration) {
            self.now += time;
            if !self.stuck {
                for victim in &mut self.victims {
                    victim.polls += (time.as_nanos() as u64).div_ceil(SHORT_NS);
                }
            }
        }

        fn visit(&self, place: usize) -> Verdict {
            if place == 0 { Verdict::Leave } else { self.thief.judge(place, &self.victims[place], || self.now) }
        }

        fn round(&self, visits: usize) -> Option<(usize, Verdict)> {
            let watched = self.thief.watched();
            let next = (0..visits).map(|_| self.thief.next_place(self.victims.len()));
            let places = watched.into_iter().chain(next.filter(|place| Some(*place) != watched));
            places.map(|place| (place, self.visit(place))).find(|(_, verdict)| *verdict != Verdict::Leave)
        }

        /// Searches until something is found; in how many rounds?
        fn steal_any(&mut self) -> (usize, Verdict) {
            self.thief.settle(self.counts, || self.now);
            let begun = self.now;
            let mut rounds = 0;
            loop {
                self.thief.begin_search(self.rng.below(self.victims.len() as u32) as usize);
                for round in 0..=SEARCH {
                    rounds += 1;
                    let visits = if round == SEARCH { self.victims.len() } else { VISITS };
                    if let Some((_, verdict)) = self.round(visits) {
                        self.thief.took(self.counts);
                        return (rounds, verdict);
                    }
                    self.pass(ROUND);
                }
                assert!(self.now - begun < 2 * VETO.1, "a task waits for ever");
            }
        }

        fn steal(&mut self) -> usize {
            self.steal_any().0
        }

        /// Runs what it took, where so many of 50 polls meet somebody.
        fn run(&mut self, meet: u32) {
            self.pass(Duration::from_nanos(50 * SHORT_NS));
            self.counts.polls = self.counts.polls.wrapping_add(50);
            self.counts.met = self.counts.met.wrapping_add(meet);
        }

        fn with_veto(mut self) -> Self {
            self.steal();
            self.run(50);
            self.thief.settle(self.counts, || self.now);
            assert!(self.thief.is_vetoed(self.now));
            self
        }

        fn waits(&mut self) -> Duration {
            let begun = self.now;
            self.steal();
            self.now - begun
        }
    }

    const MANY: [usize; 6] = [1, 2, 4, 8, 16, 64];

    #[test]
    fn a_theft_takes_few_rounds_however_many_victims_are_loaded() {
        for loaded in MANY {
            let mut world = World::loaded(loaded, loaded + 1);
            let rounds: usize = (0..1000)
                .map(|_| {
                    let rounds = world.steal();
                    world.run(0);
                    rounds
                })
                .sum();
            assert!(rounds <= 4 * 1000, "{loaded} victims: {rounds} rounds for 1000 thefts");
        }
    }

    #[test]
    fn under_a_veto_long_backlogs_and_long_polls_take_few_rounds_too() {
        for loaded in MANY {
            let mut world = World::loaded(loaded, loaded + 1).with_veto();
            for victim in &mut world.victims[1..] {
                victim.waiting = 150;
            }
            assert!(world.steal() <= 4, "{loaded} victims with long backlogs");
            for victim in &mut world.victims[1..] {
                *victim = Sim { waiting: 1, pace_ns: 1, ..*victim };
            }
            world.stuck = true;
            assert!(world.waits() <= LONG_POLL + 2 * ROUND, "{loaded} victims in long polls");
        }
    }

    #[test]
    fn a_lone_victim_is_found_in_one_sweep() {
        for places in [2, 3, 16, 127] {
            let mut world = World::loaded(1, places);
            for _ in 0..100 {
                let rounds = world.steal();
                assert!(rounds <= places.div_ceil(VISITS).min(SEARCH + 1), "{places} places: {rounds} rounds");
                world.run(0);
            }
        }
    }

    #[test]
    fn thieves_spread_over_the_victims() {
        let mut world = World::loaded(15, 16);
        let mut first = [0; 16];
        for _ in 0..1500 {
            world.thief = Thief::new();
            world.thief.begin_search(world.rng.below(16) as usize);
            first[world.round(VISITS).expect("all are loaded").0] += 1;
        }
        assert!(first[1..].iter().all(|thefts| *thefts > 50), "{first:?}");
    }

    #[test]
    fn work_that_meets_nobody_is_always_taken_at_once() {
        let mut world = World::loaded(1, 2);
        for _ in 0..100 {
            assert_eq!(world.steal(), 1);
            // Few do, where tasks share nothing.
            world.run(50 / MEETS - 1);
        }
    }

    #[test]
    fn short_work_that_meets_others_is_left_alone_for_longer_and_longer() {
        let mut world = World::loaded(1, 2);
        world.steal();
        let waited: Vec<_> = (0..6)
            .map(|_| {
                world.run(50 / MEETS);
                world.waits().as_millis()
            })
            .collect();
        assert_eq!(waited, [1, 2, 4, 8, 16, 16]);
    }

    #[test]
    fn work_that_has_changed_is_stolen_again() {
        let mut world = World::loaded(1, 2);
        for _ in 0..6 {
            world.steal();
            world.run(50);
        }
        assert!(world.waits() > VETO.0);
        for _ in 0..6 {
            world.run(0);
            assert_eq!(world.steal(), 1);
        }
        world.run(50);
        let waited = world.waits();
        assert!(waited <= VETO.0 + ROUND, "the first veto after good times: {waited:?}");
    }

    #[test]
    fn few_polls_decide_nothing() {
        let world = World::loaded(1, 2);
        for theft in 0..JUDGED {
            let before = Counts { polls: theft, met: theft };
            world.thief.took(before);
            assert!(world.thief.veto.get().is_none(), "after {theft} polls");
            world.thief.settle(Counts { polls: theft + 1, met: theft + 1 }, || world.now);
        }
        assert!(world.thief.veto.get().is_some());
    }

    #[test]
    fn what_is_taken_under_a_veto_does_not_prolong_it() {
        let mut world = World::loaded(1, 2).with_veto();
        let until = world.thief.veto.get();
        world.victims[1].waiting = 500;
        world.steal();
        world.run(50);
        world.steal();
        assert_eq!(world.thief.veto.get(), until);
    }

    #[test]
    fn a_slot_is_taken_from_a_long_poll_only() {
        let next = Sim { has_next: true, ..Sim::default() };
        let mut world = World::new(vec![Sim::default(), next]);
        for _ in 0..SEARCH {
            assert_eq!(world.round(VISITS), None);
            world.pass(ROUND);
        }
        world.stuck = true;
        let (begun, (_, verdict)) = (world.now, world.steal_any());
        assert_eq!(verdict, Verdict::TakeNext);
        let waited = world.now - begun;
        assert!((LONG_POLL..LONG_POLL + 2 * ROUND).contains(&waited), "{waited:?}");
    }

    /// The old judgement began anew at each of them, and came to no end.
    #[test]
    fn other_victims_do_not_disturb_a_watch() {
        let next = Sim { has_next: true, ..Sim::default() };
        let mut world = World::new(vec![next; 65]);
        world.stuck = true;
        assert!(world.steal() <= LONG_POLL.div_duration_f64(ROUND) as usize + 3);
    }

    #[test]
    fn a_watched_victim_that_goes_on_makes_room_for_another() {
        let next = Sim { has_next: true, ..Sim::default() };
        let world = World::new(vec![Sim::default(), next, next]);
        let judge = |place: usize, polls| world.thief.judge(place, &Sim { polls, ..next }, || world.now);
        assert_eq!((judge(1, 5), world.thief.watched()), (Verdict::Leave, Some(1)));
        assert_eq!((judge(2, 5), world.thief.watched()), (Verdict::Leave, Some(1)));
        assert_eq!((judge(1, 6), world.thief.watched()), (Verdict::Leave, None));
        assert_eq!((judge(2, 6), world.thief.watched()), (Verdict::Leave, Some(2)));
        // It has nothing any more.
        assert_eq!(world.thief.judge(2, &Sim::default(), || world.now), Verdict::Leave);
        assert_eq!(world.thief.watched(), None);
    }
}
