//! Ticking.
//!
//! Owns: [`Interval`].   Not here: what follows a missed tick (`missed`).
//!
//! It is a timer that is given its next deadline when it has fired. It looks at the clock before the timer, so a tick that
//! is due is taken at once, also the first one and each of a burst, without a way through the wheel.

use super::{Instant, MissedTickBehavior, cannot_wait};
use crate::engine::{Timer, budget, no_runtime_here};
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Ticks now and every `period` from now on.
///
/// ```
/// use runtime::time::{Duration, interval};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let mut every = interval(Duration::from_millis(10));
/// let first = every.tick().await; // at once
/// let third = { every.tick().await; every.tick().await };
/// assert_eq!(third - first, Duration::from_millis(20));
/// # })
/// ```
///
/// # Panics
/// If `period` is zero, or outside of a runtime.
#[track_caller]
pub fn interval(period: Duration) -> Interval {
    refuse_zero(period);
    match Timer::after(Duration::ZERO) {
        Ok(timer) => Interval::new(timer, period),
        Err(_) => no_runtime_here("time::interval"),
    }
}

/// Ticks at `start` and every `period` after it.
///
/// # Panics
/// If `period` is zero, or outside of a runtime.
#[track_caller]
pub fn interval_at(start: Instant, period: Duration) -> Interval {
    refuse_zero(period);
    match Timer::new(start.into_std()) {
        Ok(timer) => Interval::new(timer, period),
        Err(_) => no_runtime_here("time::interval_at"),
    }
}

#[track_caller]
fn refuse_zero(period: Duration) {
    assert!(
        !period.is_zero(),
        "an interval of zero: it would tick without end at one moment.\n  Give it a period, or call \
         `task::yield_now` in a loop."
    );
}

/// Ticks at a period. From [`interval`] and [`interval_at`].
///
/// It measures from tick to tick, not from one call to the next: what is done between two calls of
/// [`tick`](Self::tick) does not add up. What happens to ticks that nobody took in time is set by
/// [`set_missed_tick_behavior`](Self::set_missed_tick_behavior).
pub struct Interval {
    timer: Timer,
    period: Duration,
    missed: MissedTickBehavior,
}

impl Interval {
    fn new(timer: Timer, period: Duration) -> Interval {
        Interval { timer, period, missed: MissedTickBehavior::default() }
    }

    /// Waits for the next tick; returns the moment at which it was due.
    ///
    /// # Cancel safety
    /// Cancelling it takes no tick: the next call returns the same one.
    pub async fn tick(&mut self) -> Instant {
        poll_fn(|cx| self.poll_tick(cx)).await
    }

    /// The poll behind [`tick`](Self::tick); only the last waker it saw is woken.
    pub fn poll_tick(&mut self, cx: &mut Context<'_>) -> Poll<Instant> {
        let unit = ready!(budget::poll_proceed(cx));
        let due = Instant::from_std(self.timer.deadline());
        let mut now = self.now();
        if now < due {
            match ready!(self.timer.poll(cx)) {
                Ok(()) => now = self.now().max(due),
                Err(why) => cannot_wait("time::Interval::tick", why),
            }
        }
        unit.made_progress();
        self.timer.renew(self.missed.next(due, now, self.period).into_std());
        Poll::Ready(due)
    }

    /// The next tick comes a period from now.
    pub fn reset(&mut self) {
        self.reset_at(self.now().later(self.period));
    }

    /// The next tick comes at once.
    pub fn reset_immediately(&mut self) {
        self.reset_at(self.now());
    }

    /// The next tick comes after so long.
    pub fn reset_after(&mut self, after: Duration) {
        self.reset_at(self.now().later(after));
    }

    /// The next tick comes at `deadline`.
    ///
    /// This and the other resets change when the interval ticks from then on; the period stays. A task that waits for the
    /// tick is woken at the new time.
    pub fn reset_at(&mut self, deadline: Instant) {
        self.timer.reset(deadline.into_std());
    }

    /// By the clock that the timer counts by.
    fn now(&self) -> Instant {
        self.timer.now().into()
    }

    /// What it does about ticks that nobody took in time.
    pub fn missed_tick_behavior(&self) -> MissedTickBehavior {
        self.missed
    }

    /// Says what it is to do about ticks that nobody takes in time.
    pub fn set_missed_tick_behavior(&mut self, behavior: MissedTickBehavior) {
        self.missed = behavior;
    }

    /// The time from tick to tick.
    pub fn period(&self) -> Duration {
        self.period
    }
}

impl fmt::Debug for Interval {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Interval")
            .field("next", &Instant::from_std(self.timer.deadline()))
            .field("period", &self.period)
            .field("missed_tick_behavior", &self.missed)
            .finish()
    }
}
