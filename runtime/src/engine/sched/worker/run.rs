//! A worker's loop: it takes a task, polls it, and so on until the end.
//!
//! Not here: looking in passing (`passing`), elsewhere (`search`), sleeping (`sleep`), the end (`life/drain`).
//!
//! The order in which a worker looks for work:
//! 1. one task from the inject queue, every `inject_interval` polls and after each look at sockets and timers that was due
//!    by time, so that a busy worker does not starve outsiders; when such a look is due is `looks`' business;
//! 2. the next-task slot, at most three times in a row: what the last poll woke runs while its data is in the cache;
//! 3. its own queue, first in first out (a LIFO queue is no faster here and ruins the tail: p99 40 ms against 10);
//! 4. a share of the inject queue;
//! 5. the tasks that gave way, with a look at sockets and timers in between, so that what those bring goes first;
//! 6. then it searches: half of another worker's queue, and while that pays sockets and timers without blocking, for some
//!    rounds with a `sched_yield` in between; then it sleeps, in the driver if that place is free.
//!
//! A push to the worker's own queue wakes nobody while fewer than `BACKLOG` tasks wait there (of spawned ones: there and in
//! the slot): a wake-up costs more than a short task. What then waits behind a long poll is found by a searcher or, within
//! a few milliseconds, by the guarantor; what waits between long polls is shown to others at each look that is due by time.

use crate::engine::base::budget::{self, Budget};
use crate::engine::base::rng;
use crate::engine::cell::Runnable;
use crate::engine::sched::config::{Config, Flavor, TaskFacts};
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::sys::ExactSleeps;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::here;
use crate::engine::sched::worker::root::Root;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// How often in a row the next-task slot goes before the queue: a pair of tasks that wake each other must not starve
/// the rest (museum LW6).
const SLOT_STREAK: u32 = 3;

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    RootComplete,
    Closing,
    /// A spare that has had nothing to do for long, or was dismissed.
    Retired,
}

impl Worker<'_> {
    /// Works until the root is complete or the engine closes. Gives the queues back, and says whether it was searching.
    pub(in crate::engine::sched) fn run(self, root: &mut impl Root) -> (End, Queues, bool) {
        self.place.set_thread(self.yard.config.flavor == Flavor::MultiThread);
        let _set_up = set_up_thread(&self.yard.config, self.index);
        let installed = here::install(&self);
        self.open_accounts();
        let end = self.run_here(root);
        drop(installed);
        self.close_accounts();
        (end, self.queues, self.searching.get())
    }

    /// The same, on a thread that is set up.
    pub(in crate::engine::sched) fn run_here(&self, root: &mut impl Root) -> End {
        let end = self.work(root);
        if end == End::Closing {
            self.yard.drain();
        }
        if self.yard.config.flavor == Flavor::MultiThread {
            self.flush();
        }
        end
    }

    fn work(&self, root: &mut impl Root) -> End {
        loop {
            if self.is_roots_turn(root) && self.poll_root(root) {
                return End::RootComplete;
            }
            if self.looks.stops(self.polls_here(), self.yard.beat.load(Ordering::Relaxed)) {
                self.look_if_due();
                if self.place.is_dismissed() {
                    return End::Retired;
                }
            }
            let task = self.next_task().or_else(|| self.next_yielded(root)).or_else(|| self.search(root));
            // After it was taken: what the end has woken is dropped without another poll.
            if self.yard.is_closing() {
                if let Some(task) = task {
                    task.cancel();
                }
                return End::Closing;
            }
            if let Some(task) = task {
                self.poll_task(task);
            } else if root.is_woken() {
                if self.is_root_next() {
                    self.root_goes_next();
                }
            } else if !self.sleep(root) {
                return End::Retired;
            }
        }
    }

    #[inline]
    fn poll_task(&self, task: Runnable) {
        self.stop_searching();
        self.be_watched();
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        self.place.polls.store(self.polls_before.wrapping_add(tick), Ordering::Relaxed);
        budget::refill(Budget::PER_POLL);
        if self.yard.watches_polls {
            self.poll_with_hooks(task)
        } else {
            task.run()
        }
        budget::end();
    }

    /// Code of users comes next, which may never end: the guarantor must know that this worker is awake.
    #[inline]
    pub(in crate::engine::sched) fn be_watched(&self) {
        if !self.is_watched.replace(true) {
            self.yard.a_worker_woke();
        }
    }

    #[inline]
    pub(in crate::engine::sched) fn stop_searching(&self) {
        if self.searching.replace(false) {
            self.has_found_work();
            self.yard.found_work();
        }
    }

    #[inline]
    pub(super) fn next_task(&self) -> Option<Runnable> {
        if self.inject_due.get() {
            self.inject_due.set(false);
            if let Some(task) = self.yard.inject.pop() {
                return Some(task);
            }
        }
        if self.looks.owes()
            && let Some(task) = self.pop_yielded()
        {
            return Some(task);
        }
        if let Some(task) = self.place.next.take() {
            let streak = self.streak.get();
            if streak < SLOT_STREAK {
                self.streak.set(streak + 1);
                return Some(task);
            }
            self.queues.ready.push(task);
        }
        self.streak.set(0);
        self.queues.ready.pop().or_else(|| self.take_injected())
    }

    /// A poll with hooks around it, or with a clock.
    #[cold]
    fn poll_with_hooks(&self, task: Runnable) {
        let (config, histogram) = (&self.yard.config, &self.yard.histogram);
        let header = task.header();
        let (id, spawned_at, name) = (header.id(), header.spawned_at(), header.name().map(str::to_owned));
        let facts = TaskFacts { id, spawned_at, name: name.as_deref() };
        if let Some(hook) = &config.before_poll {
            hook(&facts);
        }
        let begun = histogram.as_ref().map(|_| Instant::now());
        task.run();
        if let (Some(histogram), Some(begun)) = (histogram, begun) {
            histogram.record(self.index, begun.elapsed());
        }
        if let Some(hook) = &config.after_poll {
            hook(&facts);
        }
    }
}

/// What holds for a thread as long as it is a worker.
pub(in crate::engine::sched) fn set_up_thread(
    config: &Config,
    index: usize,
) -> (Option<rng::Seeded>, Option<ExactSleeps>) {
    let seeded = config.seed.map(|seed| rng::seed_thread(seed.wrapping_add(index as u64)));
    (seeded, config.precise_timers.then(ExactSleeps::begin))
}
