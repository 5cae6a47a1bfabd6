//! Counters: what metrics show, and what shutdown counts on.
//!
//! Each is written by one thread, its worker, with plain loads and stores; anyone may read. `spawned` and `finished`
//! carry an ordering, because shutdown decides with them that no task is alive: `finished` is stored with Release and
//! read with Acquire *before* `spawned`. Who sees a task finished has seen it spawned, so the difference never comes
//! out too small. Threads that are no workers share one pair with atomic additions.

use crate::engine::base::atomics::{AtomicU64, Ordering};
use std::time::Duration;

/// A counter with one writer.
#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    #[inline]
    pub(crate) fn add(&self, n: u64) {
        self.0.store(self.0.load(Ordering::Relaxed).wrapping_add(n), Ordering::Release);
    }

    /// For counters with several writers.
    pub(crate) fn add_shared(&self, n: u64) {
        self.0.fetch_add(n, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }
}

/// The counters of one worker.
#[derive(Default)]
pub(crate) struct PlaceStats {
    pub(crate) spawned: Counter,
    pub(crate) finished: Counter,
    /// Odd while the worker sleeps.
    pub(crate) parks_and_unparks: Counter,
    pub(crate) parks: Counter,
    pub(crate) steals: Counter,
    pub(crate) steal_operations: Counter,
    pub(crate) polls: Counter,
    pub(crate) busy_ns: Counter,
}

/// The counters that any thread writes.
#[derive(Default)]
pub(crate) struct SharedStats {
    pub(crate) spawned: Counter,
    pub(crate) finished: Counter,
    pub(crate) remote_schedules: Counter,
    pub(crate) unhandled_panics: Counter,
    pub(crate) spares_started: Counter,
    pub(crate) rescues: Counter,
    pub(crate) threads_refused: Counter,
}

impl PlaceStats {
    pub(crate) fn busy(&self) -> Duration {
        Duration::from_nanos(self.busy_ns.get())
    }
}
