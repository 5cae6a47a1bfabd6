//! A worker that has found nothing sleeps.
//!
//! Owns: the way from running to sleeping and back, and where to sleep.   Imports: `drive`, the `worker` it extends.
//! Not here: the protocol by which nobody sleeps while work waits (`idle`), the parker (`base`).
//!
//! The danger: work that arrives between the last look and the sleep. `idle.sleep` announces it first; every queue is
//! looked at once more afterwards, and whoever submits meanwhile sees the announcement.

use super::place::Doing;
use super::worker::{Root, Worker};
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Worker<'_> {
    /// Sleeps until somebody or something wakes this worker. `false`: a spare that is not needed any more.
    pub(super) fn sleep(&self, root: &impl Root) -> bool {
        if let Some(hook) = &self.engine.config.on_park {
            hook();
            // The hook may have woken tasks (museum LW10).
            if self.place.has_work() || root.is_woken() {
                return true;
            }
        }
        self.count_busy();
        self.place.set_doing(Doing::Sleeping);
        let was_searching = self.searching.replace(false);
        let work_waits = |everywhere: bool| {
            !self.engine.inject.is_empty()
                || self.engine.is_closing()
                || root.is_woken()
                || (everywhere && self.engine.places.iter().any(|place| !place.stealer.is_empty()))
        };
        let (woken, searches) = self.engine.idle.sleep_through(self.index, was_searching, work_waits, || self.wait());
        self.searching.set(searches);
        self.place.set_doing(Doing::Running);
        self.engine.guarantor_awake();
        self.awake_since.set(Instant::now());
        self.place.stats.parks_and_unparks.add(1);
        if let Some(hook) = &self.engine.config.on_unpark {
            hook();
        }
        self.turn_events();
        woken || searches || self.place.counted.load(Ordering::Relaxed) || root.is_woken()
    }

    /// In the driver if nobody else waits there, else on the parker. `false`: it was a spare's time that ran out.
    fn wait(&self) -> bool {
        self.place.stats.parks.add(1);
        self.place.stats.parks_and_unparks.add(1);
        if let Some(mut lead) = self.engine.drive.try_lead() {
            if self.place.parker.enter_driver() {
                lead.wait(None);
                self.place.parker.leave_driver();
            }
            return true;
        }
        if self.place.counted.load(Ordering::Relaxed) {
            self.place.parker.park(None);
            return true;
        }
        let begun = Instant::now();
        let patience = self.engine.config.blocking_keep_alive;
        self.place.parker.park(Some(patience));
        begun.elapsed() < patience
    }
}
