//! A timer that is rarely needed: it finds out when it will be due only when somebody has to wait for it.
//!
//! Owns: a time span and when it began, roughly.   Imports: `timer`, `base`.   Not here: waiting (`timer`).
//!
//! Most timeouts are around something that is ready at once, and for those a look at the clock (28 ns) is most of the
//! cost. So the beginning is noted by the kernel's coarse clock (7 ns), which lags behind. The first poll that has to wait
//! looks at the exact clock: from there it counts, less the time that has *surely* passed since the call. So a deadline is
//! never early, exact when the poll follows the call, as nearly always, and a tenth of a second late at the worst.
//!
//! A clock that stands still (or has) is asked at once: it is cheap, and those who hold it count every step.

use super::engine::Engine;
use super::timer::{NoTimer, Timer, far_from};
use crate::engine::base::coarse;
use crate::engine::drive::all_are_straight;
use crate::engine::entered::with_engine;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

#[derive(Debug)]
pub(crate) struct Countdown(State);

#[derive(Debug)]
enum State {
    Begun { engine: u64, at: coarse::Moment, length: Duration },
    Timer(Timer),
}

impl Countdown {
    /// Of this thread's runtime, from now on.
    #[inline]
    pub(crate) fn new(length: Duration) -> Result<Countdown, NoTimer> {
        with_engine(|engine| match engine {
            Some(engine) => Ok(Countdown::of(engine, length)),
            None => Err(NoTimer::NoRuntime),
        })
    }

    /// With a deadline that is known.
    pub(crate) fn until(deadline: Instant) -> Result<Countdown, NoTimer> {
        Ok(Countdown(State::Timer(Timer::new(deadline)?)))
    }

    #[inline]
    fn of(engine: &Engine, length: Duration) -> Countdown {
        if all_are_straight()
            && let Some(at) = coarse::now()
        {
            return Countdown(State::Begun { engine: engine.id, at, length });
        }
        let now = engine.drive.clock.now();
        Countdown(State::Timer(Timer::of(engine.id, now.checked_add(length).unwrap_or_else(|| far_from(now)))))
    }

    /// As `Timer::poll`.
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoTimer>> {
        self.timer().poll(cx)
    }

    /// Until when it waits.
    pub(crate) fn deadline(&self) -> Instant {
        match &self.0 {
            State::Begun { at, length, .. } => deadline(*at, *length),
            State::Timer(timer) => timer.deadline(),
        }
    }

    #[inline]
    fn timer(&mut self) -> &mut Timer {
        if let State::Begun { engine, at, length } = self.0 {
            self.0 = State::Timer(Timer::of(engine, deadline(at, length)));
        }
        match &mut self.0 {
            State::Timer(timer) => timer,
            State::Begun { .. } => unreachable!("BUG: a countdown has no timer right after it was given one"),
        }
    }
}

#[inline]
fn deadline(begun: coarse::Moment, length: Duration) -> Instant {
    let now = Instant::now();
    let far = || far_from(now);
    let from_now = now.checked_add(length).unwrap_or_else(far);
    from_now.checked_sub(begun.surely_passed()).unwrap_or(from_now)
}
