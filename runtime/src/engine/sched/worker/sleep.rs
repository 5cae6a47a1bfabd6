//! A worker that has found nothing sleeps.
//!
//! Owns: the way from running to sleeping and back, and where to sleep.
//! Not here: the protocol by which nobody sleeps while work waits (`idle`), the parker (`base`).
//!
//! The danger: work that arrives between the last look and the sleep. `idle.sleep` announces it first; every queue is
//! looked at once more afterwards, and whoever submits meanwhile sees the announcement.

use crate::engine::cell::memory;
use crate::engine::drive::Sleeper;
use crate::engine::sched::config::Flavor;
use crate::engine::sched::places::place::{Doing, Place};
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::Root;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// A worker that has slept for so long gives back the memory that it keeps for new tasks: blocks that lie here and there
/// keep the pages around them (2 MiB of them some 30 MiB). It wakes up once for it, and only if it keeps more than this;
/// what is less is not worth a timer at each sleep.
pub(in crate::engine::sched::worker) const KEEPS_MEMORY: Duration = Duration::from_millis(20);
pub(in crate::engine::sched::worker) const WORTH_A_TIMER: usize = 64 << 10;

impl Worker<'_> {
    /// Sleeps until somebody or something wakes this worker. `false`: a spare that is not needed any more.
    pub(in crate::engine::sched) fn sleep(&self, root: &impl Root) -> bool {
        if let Some(hook) = &self.engine.config.on_park {
            hook();
            // The hook may have woken tasks (museum LW10).
            if self.place.has_work() || root.is_woken() {
                return true;
            }
        }
        if let Some(now) = self.runs_dry(None) {
            self.spin.failed(now);
        }
        self.place.set_doing(Doing::Sleeping);
        let was_searching = self.searching.replace(false);
        let work_waits = |everywhere: bool| {
            !self.engine.inject.is_empty()
                || self.engine.is_closing()
                || root.is_woken()
                || (everywhere && self.engine.places.iter().any(Place::has_backlog))
        };
        // Before it counts as asleep: a leader that finds everybody asleep must find everybody's timers, too.
        self.rest();
        let wait = || {
            self.engine.a_worker_sleeps();
            self.parks();
            let woken = self.wait(root);
            self.unparks();
            woken
        };
        let (woken, searches) = self.engine.idle.sleep_through(self.index, was_searching, work_waits, wait);
        self.searching.set(searches);
        self.place.set_doing(Doing::Running);
        self.is_watched.set(self.engine.config.flavor != Flavor::MultiThread);
        let now = Instant::now();
        self.place.stats.busy.begin(now);
        self.looks.woke(self.polls_here(), self.beat(), now);
        if let Some(hook) = &self.engine.config.on_unpark {
            self.be_watched();
            hook();
        }
        self.wake_found();
        self.spin.slept(now, self.place.has_work() || work_waits(true));
        woken || searches || self.has_seat() || root.is_woken()
    }

    /// A spare takes a seat that was given away meanwhile.
    fn has_seat(&self) -> bool {
        let seated = &self.place.seated;
        if !seated.load(Ordering::Relaxed) && self.engine.idle.claim_seat() {
            seated.store(true, Ordering::Relaxed);
        }
        seated.load(Ordering::Relaxed)
    }

    /// As the leader if nobody else leads, else on the parker. `false`: it was a spare's time that ran out.
    fn wait(&self, root: &impl Root) -> bool {
        let engine = self.engine;
        let patience = (!self.has_seat()).then_some(engine.config.blocking_keep_alive);
        let begun = patience.map(|patience| (Instant::now(), patience));
        let limit = if memory::kept() > WORTH_A_TIMER {
            Some(patience.map_or(KEEPS_MEMORY, |patience| patience.min(KEEPS_MEMORY)))
        } else {
            patience
        };
        let gives_back = (limit != patience).then(Instant::now);
        if let Some(mut lead) = engine.drive.try_lead() {
            // In this order: what is over by now (a closure, say) has woken the root before.
            let idle = || engine.is_at_rest() && !root.is_woken();
            let mut found = self.found.take();
            let sleeper = Sleeper { parker: &self.place.parker, limit, idle: &idle };
            lead.wait(&sleeper, &mut found);
            let any = !found.is_empty();
            if any {
                // Before the lead is free: the next leader must not take us for one who sleeps, and move a clock that
                // stands still while we hold what the last step woke.
                self.place.set_doing(Doing::Running);
            }
            self.found.set(found);
            if any {
                return true;
            }
        } else {
            // The leader may wait for all of us to be asleep, to move a clock that stands still.
            engine.reconsider_the_clock();
            self.place.parker.park(limit);
        }
        // It counts as asleep still, so nobody waits for it meanwhile.
        if gives_back.is_some_and(|begun| begun.elapsed() >= KEEPS_MEMORY) {
            memory::give_all_back();
        }
        begun.is_none_or(|(begun, patience)| begun.elapsed() < patience)
    }
}
