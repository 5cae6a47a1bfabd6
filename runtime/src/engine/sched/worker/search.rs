//! A worker without work of its own looks for it elsewhere.
//!
//! Owns: the rounds of a search, stealing.   Imports: `base`, `cell`, the `worker` it extends.
//! Not here: who may search (`idle`), how long (`spin`), whether a theft pays (`thrift`), what is looked at first
//! (`worker`), what follows a search in vain (`sleep`).
//!
//! The danger: a search costs CPU that somebody else may need. So at most half of the workers search, each gives its
//! core away between rounds, and one whose idle times are long looks at the queues once: the sleep that follows looks at
//! sockets and timers itself. Whoever gave its core to somebody who computes sleeps at once. Rejected: spinning with pause
//! instructions, and going to sleep at once always (`docs/design/rejected.md` has the numbers).

use crate::engine::base::rng;
use crate::engine::cell::Runnable;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::thrift::Victim;
use crossbeam_deque::{Steal, Stealer, Worker as Deque};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// From this round on a searcher may take a next-task slot: its worker has had some microseconds to run it itself.
const SLOT_THEFT_ROUND: u32 = 12;

/// A little more than `thrift` needs to measure a victim.
const JUDGES_WITHIN: Duration = Duration::from_micros(3);

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
        self.thrift.settle(self.tick.get() as u32);
        self.left_backlog.set(false);
        let found = self.look_around(0).or_else(|| self.look_at_what_was_left());
        // A clock that stands still moves when everybody sleeps, and not before.
        let waits = found.is_none() && self.spin.pays() && !self.engine.drive.clock.is_paused();
        if waits && !self.is_wanted(root) { self.look_on(root) } else { found }
    }

    /// Whoever leaves a backlog has not seen yet how long it takes there: this takes a moment, and asking again.
    fn look_at_what_was_left(&self) -> Option<Runnable> {
        if !self.left_backlog.take() {
            return None;
        }
        let begun = Instant::now();
        while begun.elapsed() < JUDGES_WITHIN {
            std::hint::spin_loop();
        }
        self.look_around(0)
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
            found = self.look_around(round);
            if !nobody_computes {
                return found;
            }
            found = found.or_else(|| self.look_at_events());
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
    fn look_around(&self, round: u32) -> Option<Runnable> {
        self.take_injected().or_else(|| self.steal(round))
    }

    fn steal(&self, round: u32) -> Option<Runnable> {
        let places = self.engine.places.made();
        let start = rng::random_below(places as u32) as usize;
        for step in 0..places {
            let victim = (start + step) % places;
            if victim == self.index {
                continue;
            }
            let (place, victim) = (victim, self.engine.places.get(victim));
            let waiting = victim.stealer.len() + victim.yielded.len();
            // Differences of it are what counts.
            let polls = victim.polls.load(Ordering::Relaxed) as u32;
            if waiting > 0 {
                if !self.thrift.allows(Victim { place, waiting, polls }, self.tick.get() as u32) {
                    self.left_backlog.set(true);
                    continue;
                }
                if let Some(task) = self.steal_from_queue(victim) {
                    return Some(task);
                }
            }
            if round >= SLOT_THEFT_ROUND
                && let Some(task) = victim.next.take()
            {
                self.place.stats.steal_operations.add(1);
                self.place.stats.steals.add(1);
                return Some(task);
            }
        }
        None
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
                    self.place.stats.steal_operations.add(1);
                    self.place.stats.steals.add(own.len() as u64 + 1);
                    return Some(task);
                }
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}
