//! For how long does it pay to look for work before going to sleep?
//!
//! Owns: what a worker has learned of its own idle times.   Imports: nothing.
//! Not here: the looking (`search`), the sleep (`sleep`).
//!
//! Waking a thread costs some microseconds, and some tens where its CPU has gone idle: more than a short wait costs
//! somebody who keeps looking. So a worker looks for as long as its last idle times say: in full, if the last one was over
//! so soon that it would have been seen, and half as long after each that was not. An idle time counts from the first
//! look in vain to the moment at which the worker runs again, slow waking included.
//!
//! The danger: CPU time that nobody gets anything for. Where idle times are longer than a spin, a worker is down to
//! [`LEAST`] looks after five of them; where they are just about as long, it spins in vain every second time.
//!
//! Rejected: spinning in full every now and then, to ask whether times have changed (`docs/design/rejected.md`).

use std::cell::Cell;
use std::time::{Duration, Instant};

/// Looks before sleep while that pays; 30 to 40 us.
const MOST: u32 = 64;
const LEAST: u32 = 2;
/// What `MOST` looks would have seen the end of, waking included.
const SHORT: Duration = Duration::from_micros(50);

/// See the module's head. Each worker has one.
pub(in crate::engine::sched) struct Spin {
    rounds: Cell<u32>,
    idle_since: Cell<Option<Instant>>,
}

impl Spin {
    pub(in crate::engine::sched) fn new() -> Self {
        Spin { rounds: Cell::new(MOST), idle_since: Cell::new(None) }
    }

    /// How often a search looks.
    pub(in crate::engine::sched) fn rounds(&self) -> u32 {
        self.rounds.get()
    }

    /// Something was found, in that round.
    pub(in crate::engine::sched) fn paid(&self, round: u32) {
        if round > 0 {
            self.rounds.set(MOST);
        }
    }

    /// Nothing was found since then; now the worker sleeps.
    pub(in crate::engine::sched) fn failed(&self, since: Option<Instant>) {
        self.idle_since.set(since);
    }

    /// The worker has slept, and there is work now, or not.
    pub(in crate::engine::sched) fn slept(&self, now: Instant, work: bool) {
        let Some(since) = self.idle_since.take() else { return };
        let rounds = self.rounds.get();
        let would_have_paid = work && rounds < MOST && now.saturating_duration_since(since) <= SHORT;
        self.rounds.set(if would_have_paid { MOST } else { (rounds / 2).max(LEAST) });
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn idles_until(work: bool, spin: &Spin, time: Duration) -> u32 {
        let since = Instant::now();
        spin.failed(Some(since));
        spin.slept(since + time, work);
        spin.rounds()
    }

    fn idles(spin: &Spin, time: Duration) -> u32 {
        idles_until(true, spin, time)
    }

    #[test]
    fn long_idle_times_end_the_spinning() {
        let spin = Spin::new();
        let rounds: Vec<_> = (0..7).map(|_| idles(&spin, SHORT * 2)).collect();
        assert_eq!(rounds, [32, 16, 8, 4, 2, 2, 2]);
    }

    #[test]
    fn one_short_idle_time_begins_it_anew() {
        let spin = Spin::new();
        idles(&spin, SHORT * 2);
        idles(&spin, SHORT * 2);
        assert_eq!(idles(&spin, SHORT), MOST);
    }

    #[test]
    fn to_be_woken_for_nothing_is_no_reason_to_spin() {
        let spin = Spin::new();
        idles(&spin, SHORT * 2);
        assert_eq!(idles_until(false, &spin, SHORT), MOST / 4);
    }

    /// Else a worker whose idle times are a little longer than a spin would spin for nothing each time.
    #[test]
    fn a_full_spin_in_vain_is_not_repeated_at_once() {
        let spin = Spin::new();
        assert_eq!(idles(&spin, SHORT), MOST / 2);
    }

    #[test]
    fn what_is_found_by_a_second_look_pays() {
        let spin = Spin::new();
        idles(&spin, SHORT * 2);
        spin.paid(0);
        assert_eq!(spin.rounds(), MOST / 2, "that was no spin");
        spin.paid(1);
        assert_eq!(spin.rounds(), MOST);
    }

    #[test]
    fn a_sleep_without_a_search_says_nothing() {
        let spin = Spin::new();
        spin.slept(Instant::now(), true);
        assert_eq!(spin.rounds(), MOST);
    }
}
