//! A worker without work of its own looks for it elsewhere.
//!
//! Owns: the rounds of a search, stealing.   Imports: `base`, `cell`, the `worker` it extends.
//! Not here: who may search (`idle`), how long (`spin`), from whom to steal and what (`steal`), what is looked at first
//! (`worker`), what follows a search in vain (`sleep`).
//!
//! The danger: a search costs CPU that somebody else may need. So at most half of the workers search, each gives its
//! core away between rounds, and one whose idle times are long searches for less and less. Rejected: spinning with
//! pause instructions, and going to sleep at once (`docs/design/rejected.md` has the numbers).

use crate::engine::base::{contention, rng};
use crate::engine::cell::Runnable;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::steal::{Counts, VISITS, Verdict, Victim};
use crossbeam_deque::Steal;
use std::sync::atomic::Ordering;
use std::time::Instant;

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
        self.paced.set(None);
        self.thief.settle(self.counts(), Instant::now);
        self.thief.begin_search(rng::random_below(self.engine.places.made() as u32) as usize);
        // A clock that stands still moves when everybody sleeps, and not before.
        let rounds = if self.engine.drive.clock.is_paused() { 1 } else { self.spin.rounds() };
        let mut since = None;
        for round in 0..rounds {
            let found = self.take_injected().or_else(|| self.steal(VISITS)).or_else(|| {
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
                break;
            }
            if since.is_none() {
                since = Some(Instant::now());
                self.runs_dry(since);
            }
            std::thread::yield_now();
        }
        // Everywhere, once: who sleeps now may have been the last to look.
        let found = self.steal(self.engine.places.made());
        if found.is_none() {
            self.spin.failed(since);
        }
        found
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
        loop {
            match victim.stealer.steal_batch_and_pop(&self.deque) {
                Steal::Success(task) => {
                    self.place.stats.steals.add(self.deque.len() as u64 + 1);
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
        self.stealer.len()
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
