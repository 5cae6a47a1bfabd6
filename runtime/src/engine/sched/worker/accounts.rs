//! What a worker writes down of itself, for those who look from outside.
//!
//! Owns: when a worker counts as busy, and the counts that are not worth a store at each poll.
//! Not here: the counters (`stats`), and those that are counted where they happen (`worker`, `search`, `sleep`).
//!
//! A worker is busy from the moment it is awake, or has found something, to the first look around that finds nothing.
//! Searching is not work: on a machine whose CPUs are taken a search lasts for as long as others compute, since each look
//! gives the CPU away. No clock is read for this that was not read before, but one where a search of several rounds finds
//! something.

use crate::engine::base::budget;
use crate::engine::sched::worker::Worker;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Instant;

/// The mean time of a poll leans to the newest so many.
const POLLS_IN_MEAN: u64 = 16;

/// What was booked when the worker ran dry last.
pub(in crate::engine::sched) struct Accounts {
    busy_ns: Cell<u64>,
    polls: Cell<u64>,
    /// The count of polls when the worker woke up, unless it has found work since.
    woke_at: Cell<Option<u64>>,
    /// Tasks that were queued here, and not passed on yet.
    schedules: Cell<u64>,
    /// The thread's count of forced yields that has been passed on.
    forced_yields: Cell<u64>,
}

impl Accounts {
    pub(in crate::engine::sched) fn new() -> Self {
        Accounts {
            busy_ns: Cell::new(0),
            polls: Cell::new(0),
            woke_at: Cell::new(None),
            schedules: Cell::new(0),
            forced_yields: Cell::new(budget::forced_yields()),
        }
    }

    /// A task is queued here.
    #[inline]
    pub(in crate::engine::sched) fn count_schedule(&self) {
        self.schedules.set(self.schedules.get() + 1);
    }
}

impl Worker<'_> {
    fn polls(&self) -> u64 {
        self.place.polls.load(Ordering::Relaxed)
    }

    /// This thread holds the place from here on.
    pub(in crate::engine::sched) fn open_accounts(&self) {
        let stats = &self.place.stats;
        stats.parks_and_unparks.add(1);
        self.accounts.busy_ns.set(stats.busy.booked());
        let now = Instant::now();
        stats.busy.begin(now);
        self.looks.resumes(self.polls_here(), now);
        self.accounts.polls.set(self.polls());
    }

    /// The thread leaves its place.
    pub(in crate::engine::sched) fn close_accounts(&self) {
        self.runs_dry(None);
        self.place.stats.parks_and_unparks.add(1);
    }

    /// The search is over, and there is work.
    pub(in crate::engine::sched) fn has_found_work(&self) {
        let busy = &self.place.stats.busy;
        if !busy.is_running() {
            let now = Instant::now();
            busy.begin(now);
            self.looks.resumes(self.polls_here(), now);
        }
    }

    /// Nothing was found since then; `None`: just now. Gives that moment back, if it was busy until then.
    pub(in crate::engine::sched) fn runs_dry(&self, since: Option<Instant>) -> Option<Instant> {
        self.pass_on();
        let (stats, accounts) = (&self.place.stats, &self.accounts);
        if !stats.busy.is_running() {
            return None;
        }
        let now = since.unwrap_or_else(Instant::now);
        stats.busy.end(now);
        self.looks.measure(self.polls_here(), now);
        self.place.pace_ns.store(self.looks.pace_ns(), Ordering::Relaxed);
        let (busy_ns, polls) = (stats.busy.booked(), self.polls());
        let time = busy_ns.saturating_sub(accounts.busy_ns.replace(busy_ns));
        let polls = polls.wrapping_sub(accounts.polls.replace(polls));
        if let Some(each) = time.checked_div(polls) {
            stats.mean_poll_ns.set(mean(stats.mean_poll_ns.get(), each, polls));
        }
        Some(now)
    }

    /// About to sleep, with nothing to do.
    pub(in crate::engine::sched) fn parks(&self) {
        let stats = &self.place.stats;
        stats.parks.add(1);
        stats.parks_and_unparks.add(1);
        if self.accounts.woke_at.get() == Some(self.polls()) {
            stats.noops.add(1);
        }
    }

    /// It has slept until now.
    pub(in crate::engine::sched) fn unparks(&self) {
        self.place.stats.parks_and_unparks.add(1);
        self.accounts.woke_at.set(Some(self.polls()));
    }

    /// The future of `block_on` is work as well, though no poll of a task.
    pub(in crate::engine::sched) fn polls_root(&self) {
        self.accounts.woke_at.set(None);
    }

    /// Counts that are kept by thread until now and then.
    pub(in crate::engine::sched) fn pass_on(&self) {
        self.place.stats.local_schedules.add(self.accounts.schedules.take());
        let forced = budget::forced_yields();
        let new = forced.wrapping_sub(self.accounts.forced_yields.replace(forced));
        if new > 0 {
            self.place.stats.forced_yields.add(new);
        }
    }
}

/// An average of which the last `polls` took `each`.
fn mean(before: u64, each: u64, polls: u64) -> u64 {
    let weight = u128::from(if before == 0 { POLLS_IN_MEAN } else { polls.min(POLLS_IN_MEAN) });
    let all = u128::from(POLLS_IN_MEAN);
    ((u128::from(before) * (all - weight) + u128::from(each) * weight) / all) as u64
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn d33_the_mean_follows_the_newest_polls() {
        assert_eq!(mean(0, 800, 1), 800, "the first one is all there is");
        assert_eq!(mean(1600, 0, 1), 1500);
        assert_eq!(mean(1600, 320, POLLS_IN_MEAN), 320);
        assert_eq!(mean(1600, 320, u64::MAX), 320);
        assert_eq!(mean(u64::MAX, u64::MAX, 3), u64::MAX);
    }
}
