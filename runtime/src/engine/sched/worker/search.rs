//! A worker without work of its own looks for it elsewhere.
//!
//! Owns: the rounds of a search, stealing.
//! Not here: who may search (`idle`), how long (`spin`), from whom to steal and what (`steal`), what is looked at first
//! (`worker`), what follows a search in vain (`sleep`).
//!
//! The danger: a search costs CPU that somebody else may need. So at most half of the workers search, each gives its
//! core away between rounds, and one whose idle times are long looks at the queues once: the sleep that follows looks at
//! sockets and timers itself. Whoever gave its core to somebody who computes sleeps at once. Rejected: spinning with pause
//! instructions, and going to sleep at once always (`docs/design/rejected.md` has the numbers).

use crate::engine::base::{contention, rng};
use crate::engine::cell::Runnable;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::steal::{Counts, VISITS, Verdict, Victim};
use crossbeam_deque::{Steal, Stealer, Worker as Deque};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The most tasks that a worker takes from the inject queue at once.
const SHARE_MAX: usize = 128;

impl Worker<'_> {
    #[inline]
    pub(in crate::engine::sched) fn take_injected(&self) -> Option<Runnable> {
        if self.engine.inject.is_empty() { None } else { self.take_share() }
    }

    #[inline(never)]
    fn take_share(&self) -> Option<Runnable> {
        let workers = self.engine.config.workers;
        let mut share = self.engine.inject.pop_share(workers, SHARE_MAX);
        let first = share.pop();
        while let Some(task) = share.pop() {
            self.queues.ready.push(task);
        }
        first
    }

    /// Looks where others keep their work. At most half of the workers do so at a time.
    pub(in crate::engine::sched) fn search(&self, root: &impl Root) -> Option<Runnable> {
        if !self.searching.get() {
            if !self.engine.idle.start_searching() {
                return None;
            }
            self.searching.set(true);
        }
        self.thief.settle(self.counts(), Instant::now);
        self.thief.begin_search(rng::random_below(self.engine.places.made() as u32) as usize);
        let found = self.look_around();
        // A clock that stands still moves when everybody sleeps, and not before.
        let waits = found.is_none() && self.spin.pays() && !self.engine.drive.clock.is_paused();
        let found = if waits && !self.is_wanted(root) { self.look_on(root) } else { found };
        // Everywhere, once: who sleeps now may have been the last to look.
        found.or_else(|| if self.is_wanted(root) { None } else { self.steal(self.engine.places.made()) })
    }

    fn is_wanted(&self, root: &impl Root) -> bool {
        root.is_woken() || self.engine.is_closing()
    }

    /// Look after look, for as long as it pays and nobody who computes wants the CPU. One read of the clock for each.
    fn look_on(&self, root: &impl Root) -> Option<Runnable> {
        let begun = Instant::now();
        self.runs_dry(Some(begun));
        self.spin.failed(begun);
        let rounds = self.spin.rounds(begun);
        if rounds == 0 {
            return None;
        }
        let mut found = self.look_at_events();
        let mut now = begun;
        for round in 1..=rounds {
            if found.is_some() || self.is_wanted(root) {
                self.spin.paid(round - 1);
                return found;
            }
            std::thread::yield_now();
            let before = std::mem::replace(&mut now, Instant::now());
            let nobody_computes = self.spin.gave_way(before, now);
            found = self.look_around();
            if !nobody_computes {
                return found;
            }
            found = found.or_else(|| self.look_at_events());
            if found.is_none() && self.spin.takes_long(round, begun, now) {
                return None;
            }
        }
        self.spin.went_through(found.is_some());
        found
    }

    /// Sockets and timers.
    fn look_at_events(&self) -> Option<Runnable> {
        self.turn_without_blocking();
        self.queues.ready.pop()
    }

    /// One look at the queues.
    fn look_around(&self) -> Option<Runnable> {
        self.take_injected().or_else(|| self.steal(VISITS))
    }

    /// The visits of one round of a search.
    fn steal(&self, visits: usize) -> Option<Runnable> {
        let places = self.engine.places.made();
        let watched = self.thief.watched();
        let stolen = watched.and_then(|place| self.visit(place));
        stolen.or_else(|| {
            let mut next = (0..visits).map(|_| self.thief.next_place(places));
            next.find_map(|place| if Some(place) == watched { None } else { self.visit(place) })
        })
    }

    fn visit(&self, place: usize) -> Option<Runnable> {
        if place == self.index {
            return None;
        }
        let victim = self.engine.places.get(place);
        let task = match self.thief.judge(place, victim, Instant::now) {
            Verdict::Leave => return None,
            Verdict::TakeFromQueue => self.steal_from_queue(victim)?,
            Verdict::TakeNext => {
                let task = victim.next.take()?;
                self.place.stats.steals.add(1);
                task
            }
        };
        self.place.stats.steal_operations.add(1);
        self.thief.took(self.counts());
        Some(task)
    }

    fn counts(&self) -> Counts {
        // Differences of them are what counts.
        Counts { polls: self.tick.get() as u32, met: contention::met() }
    }

    /// Only for a queue in which something lies: an attempt in vain enters the deque's epoch, and a thread that has done
    /// so leaves 2 KiB behind for others to free.
    fn steal_from_queue(&self, victim: &Place) -> Option<Runnable> {
        // In the order in which their own worker would take them.
        let queues = [(&victim.stealer, &self.queues.ready), (&victim.yielded, &self.queues.yielded)];
        queues
            .into_iter()
            .filter(|(theirs, _)| !theirs.is_empty())
            .find_map(|(theirs, own)| self.steal_half(theirs, own))
    }

    fn steal_half(&self, theirs: &Stealer<Runnable>, own: &Deque<Runnable>) -> Option<Runnable> {
        loop {
            match theirs.steal_batch_and_pop(own) {
                Steal::Success(task) => {
                    self.place.stats.steals.add(own.len() as u64 + 1);
                    return Some(task);
                }
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}

impl Victim for Place {
    fn waiting(&self) -> usize {
        self.stealer.len() + self.yielded.len()
    }

    fn has_next(&self) -> bool {
        !self.next.is_empty()
    }

    fn polls(&self) -> u64 {
        self.polls.load(Ordering::Relaxed)
    }

    fn pace_ns(&self) -> u64 {
        self.pace_ns.load(Ordering::Relaxed)
    }
}
