//! When does a busy worker look at sockets, timers and what others pushed?
//!
//! Owns: the plan of the next look, the measured time of a poll, the turns of tasks that gave way.   Imports: nothing.
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
//! moves it (the current-thread flavors have no guarantor) the worker does so every [`CHECK_EACH`] polls from the kernel's
//! coarse clock, which costs a tenth of the exact one.
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

/// Since when polls are measured: a moment, and the worker's count of polls by then.
#[derive(Clone, Copy)]
struct Since {
    at: Instant,
    polls: u32,
}

pub(in crate::engine::sched) struct Looks {
    /// `event_interval`.
    most: u32,
    /// Does the worker move the beat itself?
    beats: bool,
    /// The loop stops here: a look, or a beat.
    stop: Cell<u32>,
    planned: Cell<u32>,
    /// Polls from the last look to the planned one.
    interval: Cell<u32>,
    beat: Cell<u32>,
    since: Cell<Option<Since>>,
    pace_ns: Cell<u64>,
    /// So many more yields until a look.
    yields_left: Cell<u32>,
    /// Tasks that gave way and ran, in all.
    turns: Cell<u32>,
    /// So many of them go before the others now.
    owed: Cell<u32>,
    /// `turns` at the last look; the polls by then, unless it has moved since; since when it has not, as far as known.
    fed: Cell<(u32, u32)>,
    hungry: Cell<Option<Instant>>,
}

impl Looks {
    /// `beats`: nobody else moves the beat.
    pub(in crate::engine::sched) fn new(event_interval: u32, beats: bool) -> Self {
        Looks {
            most: event_interval,
            beats,
            stop: Cell::new(0),
            planned: Cell::new(0),
            interval: Cell::new(event_interval),
            beat: Cell::new(0),
            since: Cell::new(None),
            pace_ns: Cell::new(0),
            yields_left: Cell::new(YIELDS_EACH),
            turns: Cell::new(0),
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

    /// At a stop: is a look due? Plans the next one. `clock` is asked where polls are not known to be short.
    pub(in crate::engine::sched) fn stop(&self, polls: u32, beat: u32, clock: impl FnOnce() -> Instant) -> Option<Due> {
        let moved = self.beat.replace(beat) != beat;
        if !moved && polls != self.planned.get() {
            self.set_stop(polls, self.planned.get().wrapping_sub(polls));
            return None;
        }
        if !moved && self.interval.get() == self.most {
            self.plan(polls);
            return Some(Due::Polls);
        }
        let passed = self.measure(polls, clock());
        self.plan(polls);
        // What was planned to take LOOK_EACH takes half of it at least, since only whole polls fit.
        Some(if moved || passed >= LOOK_EACH / 2 { Due::Time } else { Due::Polls })
    }

    /// The worker has waited, and looked: nothing is due for a while.
    pub(in crate::engine::sched) fn woke(&self, polls: u32, beat: u32, now: Instant) {
        self.beat.set(beat);
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

    fn plan(&self, polls: u32) {
        let fit = (LOOK_EACH.as_nanos() as u64).checked_div(self.pace_ns.get()).unwrap_or(u64::MAX);
        let interval = fit.clamp(1, u64::from(self.most)) as u32;
        self.interval.set(interval);
        self.planned.set(polls.wrapping_add(interval));
        self.set_stop(polls, interval);
    }

    fn set_stop(&self, polls: u32, left: u32) {
        self.stop.set(polls.wrapping_add(if self.beats { left.min(CHECK_EACH) } else { left }));
    }

    // ---- Tasks that gave way ----

    /// One of them is about to run, or the root, since nothing else is ready. `true`: first a look is due; all of them have
    /// had a turn since the last one.
    #[inline]
    pub(in crate::engine::sched) fn is_due_before_yielded(&self) -> bool {
        let left = self.yields_left.get();
        self.yields_left.set(left.wrapping_sub(1));
        left == 0
    }

    /// There was a look, and so many tasks wait that gave way.
    pub(in crate::engine::sched) fn looked(&self, polls: u32, due: Due, waiting: usize) {
        self.yields_left.set(u32::try_from(waiting).unwrap_or(u32::MAX).max(YIELDS_EACH) - 1);
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

    /// A task that gave way runs.
    #[inline]
    pub(in crate::engine::sched) fn count_turn(&self) {
        self.turns.set(self.turns.get().wrapping_add(1));
    }

    /// So many turns of tasks that gave way, in all.
    pub(in crate::engine::sched) fn turns(&self) -> u32 {
        self.turns.get()
    }
}
