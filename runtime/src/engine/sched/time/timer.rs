//! One timer: what a future keeps to be woken at a deadline.
//!
//! Owns: which wheel it is in, and its way in and out.
//! Not here: what a deadline means to a user, the coop budget (`time`).
//!
//! A timer that was never polled is in no wheel and costs nothing to drop. The first poll that has to wait puts it into
//! the wheel of this thread's worker, if that is its runtime's, else into the one for all other threads; there it stays,
//! also when its task moves on. Later polls compare two numbers.
//!
//! Which waker stands in the wheel is kept here as two addresses: those of the clone that the wheel holds, since as long as it
//! does, no other waker can have them. (A clone's need not be those of what it was cloned from.)
//!
//! A timer that is reset to a later deadline stays where it is. Its entry fires at the old one, and the poll that follows sets it
//! anew, in the wheel of the thread that polls: so a keep-alive that each message puts off touches a wheel once in its
//! length. A clock that stands still stops at each entry, so while it does a reset moves the entry.
//!
//! A timer belongs to the runtime that it was made in (museum T8), and names it by its number.

use crate::engine::base::coarse;
use crate::engine::drive::{Access, Key, OUTSIDE, Set, none_is_simulated};
use crate::engine::entered::with_engine;
use crate::engine::sched::life::registry;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::here::with_worker_of;
use crate::engine::sched::yard::Yard;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

/// Shorter countdowns begin by the exact clock.
const COARSE_FROM: Duration = coarse::BEHIND.saturating_mul(50);

#[derive(Debug)]
pub(crate) struct Timer {
    /// Its runtime's number.
    engine: u64,
    /// Not known while it is only begun.
    deadline: Option<Instant>,
    state: State,
}

#[derive(Debug)]
enum State {
    /// So long from that moment on; see `Timer::countdown`.
    Begun {
        at: coarse::Moment,
        length: Duration,
    },
    /// In no wheel.
    Unset,
    InWheel(Entry),
    Done,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wheel: u32,
    key: Key,
    /// When it fires: at the deadline, or before it where that was put off.
    tick: u64,
    waker: WakerId,
}

/// Data and table of a waker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct WakerId(usize, usize);

impl WakerId {
    fn of(waker: &Waker) -> Self {
        WakerId(waker.data() as usize, std::ptr::from_ref(waker.vtable()) as usize)
    }
}

/// Why there is no timer to be had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum NoTimer {
    /// This thread is inside of no runtime.
    NoRuntime,
    /// The timer's runtime shuts down, or is gone.
    ShutDown,
}

impl Timer {
    /// A timer of this thread's runtime.
    #[inline]
    pub(crate) fn new(deadline: Instant) -> Result<Timer, NoTimer> {
        with_yard(|yard| match yard {
            Some(yard) => Ok(Timer::of(yard.id, deadline)),
            None => Err(NoTimer::NoRuntime),
        })
    }

    /// A timer of the runtime with that number.
    #[inline]
    pub(in crate::engine::sched) fn of(engine: u64, deadline: Instant) -> Timer {
        Timer { engine, deadline: Some(deadline), state: State::Unset }
    }

    /// A timer of this thread's runtime, for so long from now.
    #[inline]
    pub(crate) fn after(time: Duration) -> Result<Timer, NoTimer> {
        with_yard(|yard| match yard {
            Some(yard) => {
                let now = yard.drive.clock.now();
                Ok(Timer::of(yard.id, later(now, time)))
            }
            None => Err(NoTimer::NoRuntime),
        })
    }

    /// The same, and when that will be is found out by the first poll that has to wait.
    ///
    /// Most timeouts are around something that is ready at once, and for those a look at the clock (28 ns) is most of the
    /// cost. So the beginning is noted by the kernel's coarse clock (7 ns), which lags behind. The first poll that has to
    /// wait looks at the exact clock: from there it counts, less the time that has *surely* passed since the call. So a
    /// deadline is never early, exact when the poll follows the call, as nearly always, and a tenth of a second late at
    /// the worst. Where that would be more than one part in fifty, the exact clock is asked at once; also one that stands
    /// still, or has: its user counts every step.
    #[inline]
    pub(crate) fn countdown(length: Duration) -> Result<Timer, NoTimer> {
        with_yard(|yard| match yard {
            None => Err(NoTimer::NoRuntime),
            Some(yard) => match (length >= COARSE_FROM && none_is_simulated()).then(coarse::now).flatten() {
                Some(at) => Ok(Timer { engine: yard.id, deadline: None, state: State::Begun { at, length } }),
                None => Ok(Timer::of(yard.id, later(yard.drive.clock.now(), length))),
            },
        })
    }

    /// Until when it waits.
    #[inline]
    pub(crate) fn deadline(&self) -> Instant {
        match (self.deadline, &self.state) {
            (Some(deadline), _) => deadline,
            (None, State::Begun { at, length }) => from_coarse(*at, *length),
            (None, _) => unreachable!("BUG: a timer that has begun to wait has no deadline"),
        }
    }

    /// What time it is by the clock of its runtime.
    pub(crate) fn now(&self) -> Instant {
        self.with_own_yard(|yard| yard.map_or_else(Instant::now, |yard| yard.drive.clock.now()))
    }

    /// Has the deadline passed? Of a timer that waits: has it fired?
    pub(crate) fn is_elapsed(&self) -> bool {
        match self.state {
            State::Done => true,
            State::InWheel(entry) => {
                let is_past = |yard: &Yard| {
                    (entry.is_elapsed(yard) || stands_past(yard, entry.tick)) && !self.was_put_off(yard, entry.tick)
                };
                self.with_own_yard(|yard| yard.is_some_and(is_past))
            }
            State::Begun { .. } | State::Unset => self.with_own_yard(|yard| {
                yard.is_some_and(|yard| yard.drive.clock.tick_of(self.deadline()) <= yard.drive.clock.tick())
            }),
        }
    }

    /// Waits for the deadline. Ready again and again afterwards, until it is reset.
    ///
    /// `Err`: its runtime shuts down and can wake nobody any more. (A task does not see this: it waits, since it is about
    /// to be dropped.)
    #[inline]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoTimer>> {
        if let State::Done = self.state {
            return Poll::Ready(Ok(()));
        }
        with_yard(|here| match here {
            Some(yard) if yard.id == self.engine => self.poll_in(yard, cx),
            _ => self.poll_elsewhere(cx),
        })
    }

    /// The thread is inside of another runtime, or of none.
    #[cold]
    fn poll_elsewhere(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), NoTimer>> {
        match registry::find(self.engine) {
            Some(engine) => self.poll_in(engine.yard(), cx),
            None => self.fail(),
        }
    }

    /// In place: a state that was returned and stored would be copied twice.
    #[inline]
    fn poll_in(&mut self, yard: &Yard, cx: &mut Context<'_>) -> Poll<Result<(), NoTimer>> {
        match &mut self.state {
            State::Begun { at, length } => {
                self.deadline = Some(from_coarse(*at, *length));
                self.enter_wheel(yard, cx.waker())
            }
            State::Unset => self.enter_wheel(yard, cx.waker()),
            _ if yard.is_closing() => self.fail(),
            State::InWheel(entry) => {
                if entry.still_waits(yard, cx.waker()) {
                    return Poll::Pending;
                }
                let fired_at = entry.tick;
                if self.was_put_off(yard, fired_at) {
                    return self.enter_wheel(yard, cx.waker());
                }
                self.done()
            }
            State::Done => self.done(),
        }
    }

    /// Its entry has fired. Is its deadline a later one, which has not come yet?
    fn was_put_off(&self, yard: &Yard, fired_at: u64) -> bool {
        let tick = yard.drive.clock.tick_of(self.deadline());
        tick > fired_at && tick > yard.drive.clock.tick()
    }

    #[inline]
    fn done(&mut self) -> Poll<Result<(), NoTimer>> {
        self.state = State::Done;
        Poll::Ready(Ok(()))
    }

    #[cold]
    fn fail(&mut self) -> Poll<Result<(), NoTimer>> {
        // What has only begun stays so: it has no other deadline to tell.
        if matches!(self.state, State::InWheel(_)) {
            self.state = State::Unset;
        }
        if self.is_about_to_be_dropped() { Poll::Pending } else { Poll::Ready(Err(NoTimer::ShutDown)) }
    }

    /// Is it polled by a task of the runtime that shuts down?
    #[cold]
    fn is_about_to_be_dropped(&self) -> bool {
        with_yard(|yard| yard.is_some_and(|yard| yard.id == self.engine && yard.is_about_to_drop_this_task()))
    }

    #[inline]
    fn enter_wheel(&mut self, yard: &Yard, waker: &Waker) -> Poll<Result<(), NoTimer>> {
        let tick = yard.drive.clock.tick_of(self.deadline());
        with_worker_of(yard, |worker| {
            let own = worker.and_then(|worker| Some((worker.index() as u32, worker.own_wheel()?)));
            let (wheel, access) = own.unwrap_or_else(|| (OUTSIDE, Access::Other(yard.drive.wheels.get(OUTSIDE))));
            if tick <= access.wheel().elapsed() || stands_past(yard, tick) {
                return self.done();
            }
            let waker = waker.clone();
            let id = WakerId::of(&waker);
            match access.set(tick, waker) {
                Set::Elapsed => self.done(),
                Set::Closed => self.fail(),
                Set::Waits { key, earliest } => {
                    if earliest {
                        tell_the_leader(yard, access, tick);
                    }
                    self.state = State::InWheel(Entry { wheel, key, tick, waker: id });
                    Poll::Pending
                }
            }
        })
    }

    /// Gives it another deadline. Whoever waits for it is woken at that one.
    pub(crate) fn reset(&mut self, deadline: Instant) {
        self.deadline = Some(deadline);
        self.state = match self.state {
            State::InWheel(entry) => {
                self.with_own_yard(|yard| yard.map_or(State::Unset, |yard| entry.reset(yard, deadline)))
            }
            State::Begun { .. } | State::Unset | State::Done => State::Unset,
        };
    }

    /// Gives it another deadline, for polls to come: nobody waits for it now.
    pub(crate) fn renew(&mut self, deadline: Instant) {
        *self = Timer::of(self.engine, deadline);
    }

    /// With the timer's own runtime, whichever this thread is inside of.
    #[inline]
    fn with_own_yard<R>(&self, f: impl FnOnce(Option<&Yard>) -> R) -> R {
        with_yard(|here| match here {
            Some(yard) if yard.id == self.engine => f(Some(yard)),
            _ => f(registry::find(self.engine).as_ref().map(|engine| engine.yard())),
        })
    }
}

impl Drop for Timer {
    #[inline]
    fn drop(&mut self) {
        if let State::InWheel(entry) = self.state {
            self.with_own_yard(|yard| {
                if let Some(yard) = yard {
                    entry.with_access(yard, |access| {
                        // What is due comes out of its wheel without anybody's help.
                        if access.wheel().elapsed() < entry.tick {
                            access.give_up(entry.key);
                        }
                    });
                }
            });
        }
    }
}

impl Entry {
    #[inline]
    fn is_elapsed(self, yard: &Yard) -> bool {
        yard.drive.wheels.get(self.wheel).elapsed() >= self.tick
    }

    #[inline]
    fn with_access<R>(self, yard: &Yard, f: impl FnOnce(Access<'_>) -> R) -> R {
        with_worker_of(yard, |worker| {
            let own = worker.filter(|worker| worker.index() as u32 == self.wheel).and_then(Worker::own_wheel);
            f(own.unwrap_or_else(|| Access::Other(yard.drive.wheels.get(self.wheel))))
        })
    }

    fn still_waits(&mut self, yard: &Yard, waker: &Waker) -> bool {
        if self.is_elapsed(yard) || stands_past(yard, self.tick) {
            return false;
        }
        if WakerId::of(waker) == self.waker {
            return true;
        }
        let waker = waker.clone();
        self.waker = WakerId::of(&waker);
        // Gone from the wheel between the two looks: it has fired.
        self.with_access(yard, |access| access.rewake(self.key, waker))
    }

    fn reset(self, yard: &Yard, deadline: Instant) -> State {
        let tick = yard.drive.clock.tick_of(deadline);
        if tick >= self.tick && !yard.drive.clock.is_paused() {
            return State::InWheel(self);
        }
        if deadline <= yard.drive.clock.now() {
            // Somebody who waits learns it here and not at the next look at the wheels.
            if let Some(waker) = self.with_access(yard, |access| access.take(self.key)) {
                waker.wake();
            }
            return State::Done;
        }
        self.with_access(yard, |access| match access.reset(self.key, tick) {
            None => State::Unset,
            Some(earliest) => {
                if earliest {
                    tell_the_leader(yard, access, tick);
                }
                State::InWheel(Entry { tick, ..self })
            }
        })
    }
}

/// Has a clock that stands still been moved past `tick`, whether or not the wheel has come round to it? Its user counts
/// every step, and asks before the wheel's worker had a chance. (Where time flows, reading the clock costs more than the
/// fraction of a tick is worth.)
#[inline]
fn stands_past(yard: &Yard, tick: u64) -> bool {
    yard.drive.clock.is_paused() && tick <= yard.drive.clock.tick()
}

/// With the yard of the runtime that this thread is inside of.
#[inline]
fn with_yard<R>(f: impl FnOnce(Option<&Yard>) -> R) -> R {
    with_engine(|engine| f(engine.map(|engine| &engine.yard)))
}

/// A worker that sets a timer in its own wheel looks after it, and tells the leader before it sleeps.
#[inline]
fn tell_the_leader(yard: &Yard, access: Access<'_>, tick: u64) {
    match access {
        Access::Own(_) => yard.drive.set_used(),
        Access::Other(_) => yard.drive.settle(tick),
    }
}

#[inline]
fn later(now: Instant, length: Duration) -> Instant {
    now.checked_add(length).unwrap_or_else(|| far_from(now))
}

#[inline]
fn from_coarse(begun: coarse::Moment, length: Duration) -> Instant {
    let from_now = later(Instant::now(), length);
    match begun.surely_passed() {
        Duration::ZERO => from_now,
        passed => from_now.checked_sub(passed).unwrap_or(from_now),
    }
}

/// A deadline beyond what the clock can tell: so far that it does not come.
pub(crate) fn far_from(now: Instant) -> Instant {
    const THIRTY_YEARS: Duration = Duration::from_secs(30 * 365 * 86_400);
    now.checked_add(THIRTY_YEARS).unwrap_or(now)
}
