//! Waiting for sockets and timers, by the one thread that may.
//!
//! Owns: how long to sleep and on what, and a paused clock's next step.
//! Not here: when a thread has nothing better to do (`sched`), waking what was found (the caller does, outside).
//!
//! A paused clock moves when nothing else would ever happen: the leader sleeps, and `idle` tells it that no task is
//! ready, no closure runs and no thread has been woken. It looks at the sockets first, asks once more, and then moves
//! the clock to the earliest timer. It does not wait for a socket that may become ready later.

use super::ticks::NEVER;
use super::{Batches, Drive};
use crate::engine::base::atomics::MutexGuard;
use crate::engine::base::parker::Parker;
use io_driver::Turn;
use rustix::io::Errno;
use std::io;
use std::mem;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

/// So many wakers are collected before the first one is woken.
pub(crate) const WOKEN_MOST: usize = 4096;

/// How long the leader sleeps when the kernel refuses to wait.
const AFTER_AN_ERROR: Duration = Duration::from_millis(1);

/// Our descriptor is closed, or something else has its number by now.
fn is_for_good(error: &io::Error) -> bool {
    Errno::from_io_error(error).is_some_and(|errno| matches!(errno, Errno::BADF | Errno::INVAL))
}

/// The right to wait for sockets and timers; one thread has it at a time.
pub(crate) struct Lead<'d> {
    drive: &'d Drive,
    batches: MutexGuard<'d, Batches>,
    /// Also what does not wait may bring as much as there is.
    takes_all: bool,
}

/// What a sleeper brings along.
pub(crate) struct Sleeper<'s> {
    pub(crate) parker: &'s Arc<Parker>,
    /// The longest that it wants to sleep.
    pub(crate) limit: Option<Duration>,
    /// Would nothing ever happen if nobody's time came?
    pub(crate) idle: &'s dyn Fn() -> bool,
}

impl<'d> Lead<'d> {
    pub(super) fn new(drive: &'d Drive, batches: MutexGuard<'d, Batches>) -> Self {
        Lead { drive, batches, takes_all: false }
    }

    /// Sleeps until something is ready or due, or the parker has a token.
    pub(crate) fn wait(&mut self, sleeper: &Sleeper<'_>, woken: &mut Vec<Waker>) {
        let drive = self.drive;
        self.batches.looked = true;
        let on_parker = drive.io.sources() == 0;
        if on_parker {
            // Before the deadline is announced: whoever finds it too late must know where to wake us.
            *drive.parked.lock() = Some(sleeper.parker.clone());
        }
        let next = drive.watch.begin(|| drive.wheels.next_at_rest());
        let timeout = match self.time_to_sleep(next, sleeper, woken) {
            None => sleeper.limit,
            Some(time) => Some(sleeper.limit.map_or(time, |limit| limit.min(time))),
        };
        if timeout == Some(Duration::ZERO) {
            self.look_at_sockets(woken);
        } else if on_parker && drive.io.sources() == 0 {
            sleeper.parker.park(timeout);
        } else if sleeper.parker.enter_driver() {
            self.turn(timeout, woken);
            sleeper.parker.leave_driver();
        }
        drive.watch.end();
        if on_parker {
            *drive.parked.lock() = None;
        }
        self.fire(woken);
    }

    /// Collects what is ready or due now.
    pub(crate) fn look(&mut self, woken: &mut Vec<Waker>) {
        self.batches.looked = true;
        self.look_at_sockets(woken);
        self.fire(woken);
    }

    /// As the guarantor: what workers leave to each other in the kernel it leaves there as well, but if none of them has
    /// looked since it did, they are all busy with something else.
    pub(crate) fn look_for_workers(&mut self, woken: &mut Vec<Waker>) {
        self.takes_all = !mem::take(&mut self.batches.looked);
        self.look_at_sockets(woken);
        self.fire(woken);
    }

    fn look_at_sockets(&mut self, woken: &mut Vec<Waker>) {
        if self.drive.io.sources() > 0 {
            self.turn(Some(Duration::ZERO), woken);
        }
    }

    fn turn(&mut self, timeout: Option<Duration>, woken: &mut Vec<Waker>) {
        let Err(error) = self.try_turn(timeout, woken) else { return };
        if is_for_good(&error) && self.try_turn(Some(Duration::ZERO), woken).is_err() {
            // Somebody closed our descriptors. Tasks and timers go on without sockets, whose users are told.
            self.drive.io.shutdown(|waker| woken.push(waker));
        }
        if timeout != Some(Duration::ZERO) {
            std::thread::sleep(timeout.map_or(AFTER_AN_ERROR, |timeout| timeout.min(AFTER_AN_ERROR)));
        }
    }

    fn try_turn(&mut self, timeout: Option<Duration>, woken: &mut Vec<Waker>) -> io::Result<Turn> {
        let in_passing = timeout == Some(Duration::ZERO) && !self.takes_all;
        let Batches { usual, busy, .. } = &mut *self.batches;
        // A panic of a waker has left some in there: they must not wait for the next busy look.
        let events = if in_passing || busy.is_cut_off() { busy } else { usual };
        self.drive.io.turn(events, timeout, |waker| woken.push(waker))
    }

    fn fire(&self, woken: &mut Vec<Waker>) {
        let drive = self.drive;
        if drive.wheels.next_at_rest() != NEVER {
            drive.wheels.fire_at_rest(drive.clock.tick(), WOKEN_MOST, woken);
        }
    }

    /// `None`: until somebody wakes us.
    fn time_to_sleep(&mut self, next: u64, sleeper: &Sleeper<'_>, woken: &mut Vec<Waker>) -> Option<Duration> {
        let clock = &self.drive.clock;
        let time = clock.time_until(next)?;
        if !clock.is_paused() || time.is_zero() {
            return Some(time);
        }
        if !clock.advances_itself() || !(sleeper.idle)() {
            return None;
        }
        self.look_at_sockets(woken);
        if woken.is_empty() && (sleeper.idle)() {
            // Asked again: whoever fell asleep meanwhile has laid its wheel to rest before.
            clock.advance_to(self.drive.wheels.exact_next_at_rest());
        }
        Some(Duration::ZERO)
    }
}
