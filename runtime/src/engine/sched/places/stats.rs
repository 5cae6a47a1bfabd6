//! Counters: what metrics show, and what shutdown counts on.
//!
//! All have 64 bits, so that none comes round. Each is written by one thread, its worker, with plain loads and stores; anyone may read. `spawned` and `finished`
//! carry an ordering, because shutdown decides with them that no task is alive: `finished` is stored with Release and
//! read with Acquire *before* `spawned`. Who sees a task finished has seen it spawned, so the difference never comes
//! out too small. Threads that are no workers share one pair with atomic additions.

use crate::engine::base::atomics::{AtomicU64, Ordering};
use std::sync::atomic::AtomicU64 as Word;
use std::time::{Duration, Instant};

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

    /// For one that shows a state, and does not count.
    pub(crate) fn set(&self, n: u64) {
        self.0.store(n, Ordering::Release);
    }
}

/// How long a worker has been busy, the time since it became so included.
///
/// One word, which its worker writes: the total in nanoseconds while it idles; while it is busy the moment at which it
/// became so *less* the total by then, which has to be taken from the present one. The lowest bit says which.
#[derive(Debug)]
pub(crate) struct BusyTime {
    base: Instant,
    word: Word,
    /// The most that was shown so far: a reader whose clock was read late must not have seen more than the next one.
    shown: Word,
}

const BUSY: u64 = 1;

impl Default for BusyTime {
    fn default() -> Self {
        BusyTime { base: Instant::now(), word: Word::new(0), shown: Word::new(0) }
    }
}

impl BusyTime {
    fn at(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.base).as_nanos() as u64
    }

    fn total(&self, word: u64, now: Instant) -> u64 {
        if word & BUSY == 0 { word >> 1 } else { self.at(now).saturating_sub(word >> 1) }
    }

    pub(in crate::engine::sched) fn is_running(&self) -> bool {
        self.word.load(Ordering::Relaxed) & BUSY != 0
    }

    /// Busy from now on.
    pub(in crate::engine::sched) fn begin(&self, now: Instant) {
        let total = self.total(self.word.load(Ordering::Relaxed), now);
        self.word.store(self.at(now).saturating_sub(total) << 1 | BUSY, Ordering::Relaxed);
    }

    /// Busy until now.
    pub(in crate::engine::sched) fn end(&self, now: Instant) {
        let total = self.total(self.word.load(Ordering::Relaxed), now);
        self.word.store(total << 1, Ordering::Relaxed);
    }

    /// The total up to the last end, asked by the worker.
    pub(in crate::engine::sched) fn booked(&self) -> u64 {
        match self.word.load(Ordering::Relaxed) {
            word if word & BUSY == 0 => word >> 1,
            _ => 0,
        }
    }

    /// Never less than before.
    pub(crate) fn read(&self) -> Duration {
        let total = self.total(self.word.load(Ordering::Relaxed), Instant::now());
        Duration::from_nanos(self.shown.fetch_max(total, Ordering::Relaxed).max(total))
    }
}

/// The counters of one worker.
#[derive(Default)]
pub(crate) struct PlaceStats {
    pub(crate) spawned: Counter,
    pub(crate) finished: Counter,
    /// Odd while the worker sleeps, or has no thread.
    pub(crate) parks_and_unparks: Counter,
    pub(crate) parks: Counter,
    pub(crate) steals: Counter,
    pub(crate) steal_operations: Counter,
    pub(crate) local_schedules: Counter,
    pub(crate) forced_yields: Counter,
    /// Parks after which nothing was done before the next.
    pub(crate) noops: Counter,
    /// No counter: the mean time of a poll.
    pub(crate) mean_poll_ns: Counter,
    pub(crate) busy: BusyTime,
}

/// The counters that any thread writes.
#[derive(Default)]
pub(crate) struct SharedStats {
    pub(crate) spawned: Counter,
    pub(crate) finished: Counter,
    pub(crate) unhandled_panics: Counter,
    pub(crate) spares_started: Counter,
    pub(crate) rescued: Counter,
    pub(crate) threads_refused: Counter,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn d23_busy_time_is_what_lies_between_begin_and_end() {
        let busy = BusyTime::default();
        let at = |ms: u64| busy.base + Duration::from_millis(ms);
        let shows = |ms: u64| busy.total(busy.word.load(Ordering::Relaxed), at(ms)) / 1_000_000;
        assert!(!busy.is_running() && shows(50) == 0);
        busy.begin(at(100));
        assert!(busy.is_running() && shows(100) == 0);
        assert_eq!(shows(130), 30, "while it goes on, too");
        busy.end(at(140));
        assert_eq!((shows(140), shows(1000), busy.booked()), (40, 40, 40_000_000));
        busy.begin(at(1000));
        busy.begin(at(1010));
        assert_eq!(shows(1020), 60, "beginning twice changes nothing");
        busy.end(at(1030));
        busy.end(at(2000));
        assert_eq!(shows(3000), 70, "nor does ending twice");
    }
}
