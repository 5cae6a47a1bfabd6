//! A worker without work of its own looks for it elsewhere.
//!
//! Owns: the rounds of a search, stealing.   Imports: `base`, `cell`, the `worker` it extends.
//! Not here: who may search (`idle`), how long (`spin`), whether a theft pays (`thrift`), what is looked at first
//! (`worker`), what follows a search in vain (`sleep`).
//!
//! The danger: a search costs CPU that somebody else may need. So at most half of the workers search, each gives its
//! core away between rounds, and one whose idle times are long searches for less and less. Rejected: spinning with
//! pause instructions, and going to sleep at once (`docs/design/rejected.md` has the numbers).

use crate::engine::base::rng;
use crate::engine::cell::Runnable;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::thrift::Victim;
use crossbeam_deque::Steal;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// From this round on a searcher may take a next-task slot: its worker has had some microseconds to run it itself.
const SLOT_THEFT_ROUND: u32 = 12;

/// The most tasks that a worker takes from the inject queue at once.
const SHARE_MAX: usize = 128;

impl Worker<'_> {
    pub(in crate::engine::sched) fn take_injected(&self) -> Option<Runnable> {
        let workers = self.engine.config.workers;
        let mut share = self.engine.inject.pop_share(workers, SHARE_MAX);
        let first = share.pop();
        while let Some(task) = share.pop() {
            self.deque.push(task);
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
        // A clock that stands still moves when everybody sleeps, and not before.
        let rounds = if self.engine.drive.clock.is_paused() { 1 } else { self.spin.rounds() };
        let mut since = None;
        for round in 0..rounds {
            let found = self.take_injected().or_else(|| self.steal(round)).or_else(|| {
                self.turn_without_blocking();
                self.deque.pop()
            });
            if found.is_some() {
                self.spin.paid(round);
                return found;
            }
            if root.is_woken() || self.engine.is_closing() {
                self.spin.paid(round);
                return None;
            }
            if rounds == 1 {
                return None;
            }
            if since.is_none() {
                since = Some(Instant::now());
                self.runs_dry(since);
            }
            std::thread::yield_now();
        }
        self.spin.failed(since);
        None
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
            let waiting = victim.stealer.len();
            // Differences of it are what counts.
            let polls = victim.polls.load(Ordering::Relaxed) as u32;
            if waiting > 0 {
                if !self.thrift.allows(Victim { place, waiting, polls }, self.tick.get() as u32) {
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
        loop {
            match victim.stealer.steal_batch_and_pop(&self.deque) {
                Steal::Success(task) => {
                    self.place.stats.steal_operations.add(1);
                    self.place.stats.steals.add(self.deque.len() as u64 + 1);
                    return Some(task);
                }
                Steal::Empty => return None,
                Steal::Retry => {}
            }
        }
    }
}
