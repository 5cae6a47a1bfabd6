//! The clock of the runtime that this thread is inside of.
//!
//! Owns: reading it, holding it still, moving it on.
//! Not here: what the clock is (`drive/clock`), how it moves by itself (`drive/lead`).

use crate::engine::drive::{SoAlready, all_are_straight};
use crate::engine::entered::with_engine;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::worker::with_worker_of;
use std::time::{Duration, Instant};

/// What time it is: outside of any runtime, the system's.
#[inline]
pub(crate) fn now() -> Instant {
    if all_are_straight() { Instant::now() } else { bent_now() }
}

#[cold]
fn bent_now() -> Instant {
    with_engine(|engine| engine.map_or_else(Instant::now, |engine| engine.drive.clock.now()))
}

/// Why a clock does not do what it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ClockError {
    /// This thread is inside of no runtime.
    NoRuntime,
    /// It stands still (or flows) already.
    SoAlready,
}

impl From<SoAlready> for ClockError {
    fn from(_: SoAlready) -> Self {
        ClockError::SoAlready
    }
}

/// Holds time still.
pub(crate) fn pause() -> Result<(), ClockError> {
    with_clock_owner(|engine| {
        engine.drive.clock.pause()?;
        engine.drive.notify();
        Ok(())
    })
}

/// Lets it flow again.
pub(crate) fn resume() -> Result<(), ClockError> {
    with_clock_owner(|engine| {
        engine.drive.clock.resume()?;
        engine.drive.notify();
        Ok(())
    })
}

/// Moves time that stands still, and wakes whoever waited for a moment up to then.
pub(crate) fn advance(by: Duration) -> Result<(), ClockError> {
    with_clock_owner(|engine| {
        engine.drive.clock.advance(by)?;
        with_worker_of(engine, |worker| {
            if let Some(worker) = worker {
                worker.turn_without_blocking();
            }
        });
        engine.drive.notify();
        Ok(())
    })
}

/// Whether a clock that stands still moves on by itself when nothing else can happen.
pub(crate) fn set_auto_advance(whether: bool) -> Result<(), ClockError> {
    with_clock_owner(|engine| {
        engine.drive.clock.set_advances_itself(whether);
        engine.drive.notify();
        Ok(())
    })
}

fn with_clock_owner(f: impl FnOnce(&Engine) -> Result<(), ClockError>) -> Result<(), ClockError> {
    with_engine(|engine| engine.map_or(Err(ClockError::NoRuntime), f))
}
