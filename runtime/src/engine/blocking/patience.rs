//! For how long a thread without work is kept.
//!
//! Owns: the two times, and how many threads the longer one is for.   Not here: who waits for what (`crew`).

use std::sync::OnceLock;
use std::time::Duration;

pub(crate) struct Patience {
    keep_alive: Duration,
    surplus: Option<Surplus>,
}

/// Who is more than is kept for long.
struct Surplus {
    /// How long such a thread stays.
    after: Duration,
    /// So many are kept at the least, whatever `count` says: a small crew need not ask.
    least: usize,
    count: fn() -> usize,
    counted: OnceLock<usize>,
}

impl Patience {
    /// The same for all threads.
    pub(crate) fn even(keep_alive: Duration) -> Patience {
        Patience { keep_alive, surplus: None }
    }

    /// Threads beyond `count`, which is not below `least`, leave `after` that time. It is asked once, when there are more
    /// than `least`, without a lock: it may take its time.
    pub(crate) fn with_surplus(keep_alive: Duration, after: Duration, least: usize, count: fn() -> usize) -> Patience {
        Patience { keep_alive, surplus: Some(Surplus { after, least, count, counted: OnceLock::new() }) }
    }

    pub(crate) fn keep_alive(&self) -> Duration {
        self.keep_alive
    }

    /// How long one of too many stays.
    pub(super) fn surplus(&self) -> Duration {
        self.surplus.as_ref().map_or(self.keep_alive, |surplus| surplus.after)
    }

    /// How many of so many threads are kept for long; more than there are, if that is all of them.
    pub(super) fn kept_of(&self, threads: usize) -> usize {
        match &self.surplus {
            Some(surplus) if threads > surplus.least => *surplus.counted.get_or_init(surplus.count),
            _ => usize::MAX,
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(10);
    const SHORT: Duration = Duration::from_secs(1);

    #[test]
    fn a_small_crew_asks_nobody() {
        let patience = Patience::with_surplus(LONG, SHORT, 9, || unreachable!());
        assert_eq!(patience.kept_of(9), usize::MAX);
    }

    #[test]
    fn a_large_crew_asks_once() {
        use std::sync::atomic::{AtomicUsize, Ordering};
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let patience = Patience::with_surplus(LONG, SHORT, 9, || 12 + ASKED.fetch_add(1, Ordering::Relaxed));
        assert_eq!((patience.kept_of(10), patience.kept_of(100)), (12, 12));
        assert_eq!((patience.keep_alive(), patience.surplus()), (LONG, SHORT));
    }

    #[test]
    fn an_even_one_keeps_all() {
        let patience = Patience::even(LONG);
        assert_eq!((patience.kept_of(1000), patience.surplus()), (usize::MAX, LONG));
    }
}
