//! The time of one runtime: the system's, until somebody holds it still.
//!
//! Owns: whether time flows, and what it is.
//! Not here: who may move a clock that stands still (`lead`), timers (`wheel`).
//!
//! A clock that was never paused is the system's monotonic clock, and costs one relaxed load more. A paused one says
//! what it was told. One that was resumed flows again from where it stood, so it is behind the system's, or ahead of it,
//! for ever: time of one runtime never goes back.

use super::ticks::Ticks;
use parking_lot::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How many clocks of this process are not the system's.
static BENT: AtomicUsize = AtomicUsize::new(0);

/// Is every clock the system's?
#[inline]
pub(crate) fn all_are_straight() -> bool {
    BENT.load(Ordering::Relaxed) == 0
}

pub(crate) struct Clock {
    start: Instant,
    pub(crate) ticks: Ticks,
    /// Not the system's time (any more).
    bent: AtomicBool,
    paused: AtomicBool,
    advances_itself: AtomicBool,
    hand: Mutex<Hand>,
}

/// Where a bent clock stands.
struct Hand {
    /// Since the start, at `flowing_since`; or simply, if it stands still.
    at: Duration,
    flowing_since: Option<Instant>,
}

/// `pause` of a clock that is paused, or the other way round.
#[derive(Debug)]
pub(crate) struct SoAlready;

impl Clock {
    pub(crate) fn new(precise: bool, paused: bool) -> Self {
        let start = Instant::now();
        let clock = Clock {
            start,
            ticks: Ticks::new(precise),
            bent: AtomicBool::new(false),
            paused: AtomicBool::new(false),
            advances_itself: AtomicBool::new(true),
            hand: Mutex::new(Hand { at: Duration::ZERO, flowing_since: Some(start) }),
        };
        if paused {
            clock.bend();
            clock.paused.store(true, Ordering::SeqCst);
            clock.hand.lock().flowing_since = None;
        }
        clock
    }

    fn bend(&self) {
        if !self.bent.swap(true, Ordering::SeqCst) {
            BENT.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[inline]
    pub(crate) fn now(&self) -> Instant {
        if self.bent.load(Ordering::Relaxed) { self.start + self.hand.lock().time() } else { Instant::now() }
    }

    /// The tick that has passed.
    pub(crate) fn tick(&self) -> u64 {
        self.ticks.of_moment(self.since_start(self.now()))
    }

    #[inline]
    pub(crate) fn since_start(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.start)
    }

    /// The tick of a deadline.
    #[inline]
    pub(crate) fn tick_of(&self, deadline: Instant) -> u64 {
        self.ticks.of_deadline(self.since_start(deadline))
    }

    /// How long until `tick` by a clock that flows. `None`: for ever.
    pub(crate) fn time_until(&self, tick: u64) -> Option<Duration> {
        Some(self.ticks.moment(tick)?.saturating_sub(self.since_start(self.now())))
    }

    #[inline]
    pub(crate) fn is_paused(&self) -> bool {
        self.paused.load(Ordering::SeqCst)
    }

    pub(crate) fn advances_itself(&self) -> bool {
        self.advances_itself.load(Ordering::SeqCst)
    }

    pub(crate) fn set_advances_itself(&self, whether: bool) {
        self.advances_itself.store(whether, Ordering::SeqCst);
    }

    /// Holds time still, at the next whole tick: what is measured from here on does not depend on when within a tick it
    /// was (museum T13).
    pub(crate) fn pause(&self) -> Result<(), SoAlready> {
        let mut hand = self.hand.lock();
        if hand.flowing_since.is_none() {
            return Err(SoAlready);
        }
        let tick = self.ticks.of_deadline(hand.time());
        hand.at = self.ticks.moment(tick).unwrap_or(hand.at);
        hand.flowing_since = None;
        self.paused.store(true, Ordering::SeqCst);
        self.bend();
        Ok(())
    }

    /// Lets time flow again.
    pub(crate) fn resume(&self) -> Result<(), SoAlready> {
        let mut hand = self.hand.lock();
        if hand.flowing_since.is_some() {
            return Err(SoAlready);
        }
        hand.flowing_since = Some(Instant::now());
        self.paused.store(false, Ordering::SeqCst);
        Ok(())
    }

    /// Moves a clock that stands still, as far as `Instant` goes. `Err`: it flows.
    pub(crate) fn advance(&self, by: Duration) -> Result<(), SoAlready> {
        let mut hand = self.hand.lock();
        if hand.flowing_since.is_some() {
            return Err(SoAlready);
        }
        if let Some(at) = hand.at.checked_add(by)
            && self.start.checked_add(at).is_some()
        {
            hand.at = at;
        }
        Ok(())
    }

    /// Moves a clock that stands still to the beginning of `tick`, if that is ahead.
    pub(super) fn advance_to(&self, tick: u64) {
        let mut hand = self.hand.lock();
        if let Some(moment) = self.ticks.moment(tick)
            && hand.flowing_since.is_none()
            && self.start.checked_add(moment).is_some()
        {
            hand.at = hand.at.max(moment);
        }
    }
}

impl Hand {
    fn time(&self) -> Duration {
        self.at + self.flowing_since.map_or(Duration::ZERO, |since| since.elapsed())
    }
}

impl Drop for Clock {
    fn drop(&mut self) {
        if *self.bent.get_mut() {
            BENT.fetch_sub(1, Ordering::SeqCst);
        }
    }
}
