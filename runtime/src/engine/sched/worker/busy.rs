//! When a worker counts as busy, and what it writes down at such moments.
//!
//! Not here: the counters (`places/stats`), what is kept until then (`accounts`), and those that are counted where they happen
//! (`run`, `route`, `search`, `sleep`).
//!
//! A worker is busy from the moment it is awake, or has found something, to the first look around that finds nothing.
//! Searching is not work: on a machine whose CPUs are taken a search lasts for as long as others compute, since each look
//! gives the CPU away. No clock is read for this that was not read before, but one where a search of several rounds finds
//! something.

use crate::engine::base::atomics;
use crate::engine::base::budget;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::accounts::mean;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Worker<'_> {
    fn polls(&self) -> u64 {
        self.place.polls.load(Ordering::Relaxed)
    }

    /// This thread holds the place from here on.
    pub(in crate::engine::sched) fn open_accounts(&self) {
        let stats = &self.place.stats;
        stats.parks_and_unparks.add(1);
        self.accounts.busy_ns.set(stats.busy.booked());
        let now = atomics::now();
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
            let now = atomics::now();
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
        let now = since.unwrap_or_else(atomics::now);
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
