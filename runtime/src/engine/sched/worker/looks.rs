//! When does a busy worker look at sockets, timers and what others pushed?
//!
//! Owns: the plan of the next look, the measured time of a poll, the turns of tasks that gave way.
//! Not here: the looking (`worker`), who moves the beat (the guarantor; on the current-thread flavors the worker itself).
//! Time is an argument everywhere.
//!
//! Polls are no measure of time: 61 of 50 ns are over before anybody notices, 61 of a millisecond make a server deaf. So
//! the next look is due after as many polls as fit into [`LOOK_EACH`], one at least and `event_interval` at the most. The
//! time of a poll is measured from look to look; it rises at once and falls by an eighth, since one short poll among long
//! ones says nothing of the next.
//!
//! While polls are short the clock is not read: a look is due after `event_interval` polls, and what notices that polls have
//! become long is the *beat*, a word that moves each millisecond or few. Workers compare it before each poll. Where nobody
//! moves it (the current-thread flavors have no guarantor) the worker does so from the kernel's coarse clock, which costs a
//! tenth of the exact one: 1, 3, 7, 15 polls after it woke up, and then every [`CHECK_EACH`] polls. At the first three of those it
//! reads the exact one as well.
//!
//! Tasks that gave way (`places::queues`) run when nothing else is ready, and after a look each time that all of them have had
//! a turn. The danger: others are ready all the time. Then they have a turn after `event_interval` polls or [`HUNGRY`].

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Polls of so much time lie between two looks. A look costs about 1 us where there are sockets.
pub(in crate::engine::sched) const LOOK_EACH: Duration = Duration::from_micros(250);
/// A worker that moves its beat itself does so after so many polls at the latest.
const CHECK_EACH: u32 = 16;
/// A task that yields in a loop has looked at sockets after so many of its yields. Eight of 20 ns are worth a look of 250 ns.
const YIELDS_EACH: u32 = 8;
/// Tasks that gave way run for so long between two looks, or for one poll each: a look costs a few percent of that.
const TURNS_EACH: Duration = Duration::from_micros(20);
/// Tasks that gave way wait for so long at the most while others are ready, or for one poll.
const HUNGRY: Duration = Duration::from_micros(500);

/// A look is due.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::sched) enum Due {
    /// After so many polls, and not much time.
    Polls,
    /// Polls take long, or the beat has moved: others have waited for some time, and may have missed much.
    Time,
}

/// What there is to do at a stop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::engine::sched) struct Stop {
    pub(in crate::engine::sched) look: Option<Due>,
    /// The inject queue goes first.
    pub(in crate::engine::sched) inject: bool,
}

/// Since when polls are measured: a moment, and the worker's count of polls by then.
#[derive(Clone, Copy)]
struct Since {
    at: Instant,
    polls: u32,
}

pub(in crate::engine::sched) struct Looks {
    /// `event_interval`.
    most: u32,
    /// `inject_interval`, and the next time by it.
    inject_each: u32,
    inject_at: Cell<u32>,
    /// Does the worker move the beat itself?
    beats: bool,
    /// The loop stops here, for whatever comes first: one comparison before each poll.
    stop: Cell<u32>,
    /// Polls to the next beat, where the worker moves it itself.
    check: Cell<u32>,
    planned: Cell<u32>,
    /// Polls from the last look to the planned one.
    interval: Cell<u32>,
    beat: Cell<u32>,
    since: Cell<Option<Since>>,
    pace_ns: Cell<u64>,
    /// Turns of tasks that gave way, and of a root while nothing else is ready, in all.
    turns: Cell<u32>,
    /// So many of them are there when a look is due.
    look_at_turn: Cell<u32>,
    /// So many of them go before the others now.
    owed: Cell<u32>,
    /// `turns` at the last look; the polls by then, unless it has moved since; since when it has not, as far as known.
    fed: Cell<(u32, u32)>,
    hungry: Cell<Option<Instant>>,
}

impl Looks {
    /// The intervals are bounds in polls. `beats`: nobody else moves the beat. `pace_ns`: how long a poll has taken at this
    /// place.
    pub(in crate::engine::sched) fn new(event_interval: u32, inject_interval: u32, beats: bool, pace_ns: u64) -> Self {
        Looks {
            most: event_interval,
            inject_each: inject_interval,
            inject_at: Cell::new(0),
            beats,
            stop: Cell::new(0),
            check: Cell::new(1),
            planned: Cell::new(0),
            interval: Cell::new(event_interval),
            beat: Cell::new(0),
            since: Cell::new(None),
            pace_ns: Cell::new(pace_ns),
            turns: Cell::new(0),
            look_at_turn: Cell::new(YIELDS_EACH),
            owed: Cell::new(0),
            fed: Cell::new((0, 0)),
            hungry: Cell::new(None),
        }
    }

    pub(in crate::engine::sched) fn beats(&self) -> bool {
        self.beats
    }

    /// Is there something to do before the poll after so many? Nearly never.
    #[inline]
    pub(in crate::engine::sched) fn stops(&self, polls: u32, beat: u32) -> bool {
        polls == self.stop.get() || beat != self.beat.get()
    }

    /// At a stop: what is due? Plans the next one. `clock` is asked where polls are not known to be short.
    pub(in crate::engine::sched) fn stop(&self, polls: u32, beat: u32, clock: impl FnOnce() -> Instant) -> Stop {
        let by_count = polls == self.inject_at.get();
        if by_count {
            self.inject_at.set(polls.wrapping_add(self.inject_each));
        }
        let look = self.is_look_due(polls, beat, clock);
        Stop { look, inject: by_count || look == Some(Due::Time) }
    }

    fn is_look_due(&self, polls: u32, beat: u32, clock: impl FnOnce() -> Instant) -> Option<Due> {
        let moved = self.beat.replace(beat) != beat;
        let by_count = polls == self.planned.get();
        if !moved && !by_count && !self.has_just_woken() {
            self.set_stop(polls, self.planned.get().wrapping_sub(polls));
            return None;
        }
        if !moved && by_count && self.interval.get() == self.most {
            self.plan(polls);
            return Some(Due::Polls);
        }
        let now = clock();
        if !moved && !by_count && self.since.get().is_none_or(|since| now.duration_since(since.at) < LOOK_EACH) {
            self.set_stop(polls, self.planned.get().wrapping_sub(polls));
            return None;
        }
        let passed = self.measure(polls, now);
        self.plan(polls);
        // What was planned to take LOOK_EACH takes half of it at least, since only whole polls fit.
        Some(if moved || passed >= LOOK_EACH / 2 { Due::Time } else { Due::Polls })
    }

    /// The worker has waited, and looked: nothing is due for a while.
    pub(in crate::engine::sched) fn woke(&self, polls: u32, beat: u32, now: Instant) {
        self.beat.set(beat);
        self.check.set(1);
        self.resumes(polls, now);
        self.plan(polls);
    }

    /// The worker had nothing to do until now. Its next poll begins.
    pub(in crate::engine::sched) fn resumes(&self, polls: u32, now: Instant) {
        self.since.set(Some(Since { at: now, polls }));
        self.hungry.set(None);
    }

    /// Takes the time of the polls since the last time. Gives that time back.
    pub(in crate::engine::sched) fn measure(&self, polls: u32, now: Instant) -> Duration {
        let Some(since) = self.since.replace(Some(Since { at: now, polls })) else { return Duration::ZERO };
        let passed = now.saturating_duration_since(since.at);
        if let Some(each) = (passed.as_nanos() as u64).checked_div(u64::from(polls.wrapping_sub(since.polls))) {
            let pace = self.pace_ns.get();
            self.pace_ns.set(each.max(pace - pace.div_ceil(8)));
        }
        passed
    }

    /// How long a poll takes; 0: not known yet.
    pub(in crate::engine::sched) fn pace_ns(&self) -> u64 {
        self.pace_ns.get()
    }

    /// At one of the first stops of a worker that moves the beat itself: nothing has told it yet that polls are short.
    fn has_just_woken(&self) -> bool {
        self.beats && self.check.get() < CHECK_EACH
    }

    fn plan(&self, polls: u32) {
        let fit = (LOOK_EACH.as_nanos() as u64).checked_div(self.pace_ns.get()).unwrap_or(u64::MAX);
        let interval = fit.clamp(1, u64::from(self.most)) as u32;
        self.interval.set(interval);
        self.planned.set(polls.wrapping_add(interval));
        self.set_stop(polls, interval);
    }

    fn set_stop(&self, polls: u32, left: u32) {
        // 0 where the count has not moved since: then it comes at the next stop.
        let inject = self.inject_at.get().wrapping_sub(polls);
        let left = if inject == 0 { left } else { left.min(inject) };
        if !self.beats {
            return self.stop.set(polls.wrapping_add(left));
        }
        let check = self.check.get();
        self.check.set((check * 2).min(CHECK_EACH));
        self.stop.set(polls.wrapping_add(left.min(check)));
    }

    // ---- Tasks that gave way ----

    /// One of them is about to run, or the root, since nothing else is ready. `true`: first a look is due; all of them have
    /// had a turn since the last one.
    #[inline]
    pub(in crate::engine::sched) fn is_due_before_yielded(&self) -> bool {
        self.turns.get().wrapping_sub(self.look_at_turn.get()) as i32 >= 0
    }

    /// There was a look, and so many tasks wait that gave way.
    pub(in crate::engine::sched) fn looked(&self, polls: u32, due: Due, waiting: usize) {
        let fit = (TURNS_EACH.as_nanos() as u64).checked_div(self.pace_ns.get()).unwrap_or(u64::MAX);
        let turns = (fit.clamp(1, u64::from(YIELDS_EACH)) as u32).max(waiting as u32);
        self.look_at_turn.set(self.turns.get().wrapping_add(turns));
        let (turns, since) = self.fed.get();
        if waiting == 0 || turns != self.turns.get() {
            self.fed.set((self.turns.get(), polls));
            self.hungry.set(None);
            if due == Due::Time {
                self.owed.set(0);
            }
            return;
        }
        let waits_long = due == Due::Time && self.has_waited_for(HUNGRY);
        if waits_long || polls.wrapping_sub(since) >= self.most {
            self.owed.set(u32::try_from(waiting).unwrap_or(u32::MAX));
        }
    }

    /// At a look that was due by time.
    fn has_waited_for(&self, time: Duration) -> bool {
        let Some(Since { at: now, .. }) = self.since.get() else { return false };
        match self.hungry.get() {
            Some(since) => now.saturating_duration_since(since) >= time,
            None => {
                self.hungry.set(Some(now));
                false
            }
        }
    }

    /// Is it the turn of one that gave way, although others are ready?
    #[inline]
    pub(in crate::engine::sched) fn owes(&self) -> bool {
        let owed = self.owed.get();
        if owed == 0 {
            return false;
        }
        self.owed.set(owed - 1);
        true
    }

    /// A task that gave way runs, or the root.
    #[inline]
    pub(in crate::engine::sched) fn count_turn(&self) {
        self.turns.set(self.turns.get().wrapping_add(1));
    }

    /// So many turns, in all.
    pub(in crate::engine::sched) fn turns(&self) -> u32 {
        self.turns.get()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const MOST: u32 = 61;
    const US: u64 = 1_000;

    /// A worker without a CPU: polls take as long as they are said to, and a beat comes each millisecond.
    struct World {
        looks: Looks,
        begun: Instant,
        now_ns: u64,
        polls: u32,
        looked_at_ns: u64,
        /// The longest time and the most polls between two looks.
        longest_ns: u64,
        most_polls: u32,
        clock_reads: u32,
        dues: Vec<Due>,
    }

    impl World {
        fn new(beats_itself: bool) -> Self {
            let (looks, begun) = (Looks::new(MOST, 31, beats_itself, 0), Instant::now());
            looks.resumes(0, begun);
            let mut world = World {
                looks,
                begun,
                now_ns: 0,
                polls: 0,
                looked_at_ns: 0,
                longest_ns: 0,
                most_polls: 0,
                clock_reads: 0,
                dues: Vec::new(),
            };
            world.loop_top();
            world.forget();
            world
        }

        fn forget(&mut self) {
            (self.longest_ns, self.most_polls, self.clock_reads) = (0, 0, 0);
            self.dues.clear();
        }

        /// The word as a worker sees it: one that moves it itself does so at stops only.
        fn beat(&self) -> u32 {
            let period = if self.looks.beats() { 4_000 * US } else { 1_000 * US };
            (self.now_ns / period) as u32
        }

        fn loop_top(&mut self) {
            let seen = if self.looks.beats() { self.looks.beat.get() } else { self.beat() };
            if !self.looks.stops(self.polls, seen) {
                return;
            }
            let now = self.begun + Duration::from_nanos(self.now_ns);
            let mut reads = 0;
            let Stop { look: due, .. } = self.looks.stop(self.polls, self.beat(), || {
                reads += 1;
                now
            });
            self.clock_reads += reads;
            if let Some(due) = due {
                self.longest_ns = self.longest_ns.max(self.now_ns - self.looked_at_ns);
                self.looked_at_ns = self.now_ns;
                self.dues.push(due);
            }
        }

        fn polls(&mut self, count: u32, ns: u64) {
            for _ in 0..count {
                self.polls = self.polls.wrapping_add(1);
                self.now_ns += ns;
                self.loop_top();
            }
        }
    }

    #[test]
    fn e3_short_polls_are_looked_between_by_count_and_cost_no_clock() {
        for beats_itself in [false, true] {
            let mut world = World::new(beats_itself);
            world.polls(MOST * 300, 50);
            // 300 looks in 0.9 ms.
            assert_eq!(world.dues, vec![Due::Polls; 300]);
            assert_eq!(world.clock_reads, if beats_itself { 3 } else { 0 });
        }
    }

    #[test]
    fn e3_long_polls_are_looked_between_by_time() {
        for (us, each) in [(20, 12), (100, 2), (200, 1), (1_000, 1), (20_000, 1)] {
            for beats_itself in [false, true] {
                let mut world = World::new(beats_itself);
                world.polls(500, us * US);
                world.forget();
                world.polls(600, us * US);
                let allowed = (LOOK_EACH.as_nanos() as u64).max(us * US);
                assert!(world.longest_ns <= allowed, "{us} us: {} ns between two looks", world.longest_ns);
                let looks = world.dues.len() as u32;
                assert!(looks >= 600 / each, "{us} us: {looks} looks in 600 polls");
                assert!(world.dues.iter().all(|due| *due == Due::Time), "{us} us: others have their turn");
            }
        }
    }

    /// Before anything was measured, and after a million short polls.
    #[test]
    fn e3_the_first_long_polls_are_noticed_by_the_beat() {
        for (beats_itself, us, within_us) in
            [(false, 100, 1_100), (false, 900, 1_800), (true, 100, 5_600), (true, 900, 14_400)]
        {
            for before in [0, 1_000_000] {
                let mut world = World::new(beats_itself);
                world.polls(before, 50);
                world.forget();
                world.looked_at_ns = world.now_ns;
                world.polls(200, us * US);
                assert!(world.longest_ns <= within_us * US, "{us} us: {} ns", world.longest_ns);
            }
        }
    }

    /// Nobody has told it that polls are short: after the first one that is long it looks.
    #[test]
    fn e3_long_polls_after_a_sleep_are_noticed_at_once_where_the_worker_moves_the_beat() {
        for (us, within_us) in [(60, 450), (300, 300), (3_000, 3_000)] {
            let mut world = World::new(true);
            world.looked_at_ns = world.now_ns;
            world.polls(20, us * US);
            assert!(world.longest_ns <= within_us * US, "{us} us: {} ns", world.longest_ns);
        }
    }

    #[test]
    fn e3_one_short_poll_among_long_ones_says_nothing() {
        let mut world = World::new(false);
        world.polls(50, 900 * US);
        world.forget();
        for _ in 0..50 {
            world.polls(1, 900 * US);
            world.polls(1, 50);
        }
        assert!(world.longest_ns <= 901 * US, "{} ns", world.longest_ns);
    }

    #[test]
    fn e3_when_polls_are_short_again_looks_are_rare_again() {
        let mut world = World::new(false);
        world.polls(50, 900 * US);
        world.forget();
        world.polls(10_000, 50);
        assert!(world.dues.len() < 60 + 10_000 / 61 + 2, "{} looks", world.dues.len());
    }

    #[test]
    fn e3_time_without_work_is_no_poll() {
        let mut world = World::new(false);
        world.polls(MOST, 50);
        world.now_ns += 100_000 * US;
        let now = world.begun + Duration::from_nanos(world.now_ns);
        world.looks.woke(world.polls, world.beat(), now);
        world.polls(MOST, 50);
        world.looks.measure(world.polls, now + Duration::from_nanos(50 * u64::from(MOST)));
        assert_eq!(world.looks.pace_ns(), 50);
        assert_eq!(world.dues.len(), 2, "a wait is a look, so none was due at once");
    }

    #[test]
    fn the_count_of_polls_may_come_round() {
        let mut world = World::new(true);
        world.polls = u32::MAX - 100;
        let now = world.begun;
        world.looks.woke(world.polls, 0, now);
        world.polls(300, 50);
        assert_eq!(world.dues.len(), 4);
    }

    #[test]
    fn a_look_comes_after_a_few_yields_and_when_all_have_had_a_turn() {
        for (waiting, each) in [(0, 8), (1, 8), (8, 8), (100, 100)] {
            let looks = Looks::new(MOST, 31, true, 0);
            looks.looked(0, Due::Polls, waiting);
            for _ in 0..3 {
                let is_due = |_: &u32| {
                    let due = looks.is_due_before_yielded();
                    looks.count_turn();
                    due
                };
                let yields = (0..1_000).find(is_due).unwrap();
                assert_eq!(yields, each, "{waiting} wait");
                looks.looked(0, Due::Polls, waiting);
            }
        }
    }

    #[test]
    fn long_turns_are_looked_between_one_by_one() {
        for (us, each) in [(1, 8), (5, 4), (20, 1), (1_000, 1)] {
            let mut world = World::new(false);
            world.polls(1_000, us * US);
            let (looks, begun) = (&world.looks, world.looks.turns());
            looks.looked(world.polls, Due::Time, 0);
            while !looks.is_due_before_yielded() {
                looks.count_turn();
            }
            assert_eq!(looks.turns() - begun, each, "{us} us");
        }
    }

    /// How many polls and how much time pass before one of `waiting` tasks that gave way has a turn among others?
    fn waits(ns: u64, waiting: usize) -> (u32, u64) {
        let mut world = World::new(false);
        world.polls(1_000, ns);
        world.looks.count_turn();
        world.looks.looked(world.polls, Due::Time, waiting);
        let (polls, begun) = (world.polls, world.now_ns);
        loop {
            world.dues.clear();
            world.polls(1, ns);
            if let Some(due) = world.dues.pop() {
                world.looks.looked(world.polls, due, waiting);
            }
            if world.looks.owes() {
                return (world.polls - polls, world.now_ns - begun);
            }
        }
    }

    #[test]
    fn those_that_gave_way_do_not_starve() {
        assert!(waits(50, 1).0 <= 2 * MOST, "{:?}", waits(50, 1));
        for us in [20, 100, 300] {
            assert!(
                waits(us * US, 1).1 <= (HUNGRY + LOOK_EACH * 2).as_nanos() as u64,
                "{us} us: {:?}",
                waits(us * US, 1)
            );
        }
        assert!(waits(1_000 * US, 1).0 <= 2, "{:?}", waits(1_000 * US, 1));
    }

    /// Else fifty short tasks from outside would have a long poll in between, again and again.
    #[test]
    fn they_let_short_ones_go_first_also_when_they_take_long_themselves() {
        let mut world = World::new(false);
        world.polls(50, 1_000 * US);
        world.looks.count_turn();
        world.looks.looked(world.polls, Due::Time, 1);
        for n in 0..50 {
            world.dues.clear();
            world.polls(1, 50);
            if let Some(due) = world.dues.pop() {
                world.looks.looked(world.polls, due, 1);
            }
            assert!(!world.looks.owes(), "after {n} short polls");
        }
    }
}
