//! The timers of one place: a wheel that its worker uses without a lock, and others when they must.
//!
//! Owns: the wheel, its published next deadline.
//! Not here: whose wheel a timer is in (`sched/timer`), who fires them and when (`lead`, `sched`).
//!
//! A timer is an entry with a waker in it, and nothing else: whether it has fired is a question of time. A wheel says
//! how far it has come (`elapsed`, stored before the first waker of that turn is woken), and a timer whose tick is not
//! after that is done, wherever its entry is. So nothing is shared between an entry and the future that waits for it, and
//! a key that is used too late is stale.
//!
//! `next` never lies after the earliest timer. It is written inside the lock, and may name a moment at which nothing
//! is due any more: a timer that is given up does not look for the next one. Whoever turns up then corrects it.
//!
//! Wakers are user code: they come in by value and go out by value, and are cloned, dropped and woken outside.

use super::bias::{Biased, Seat};
use super::ticks::NEVER;
use crate::engine::base::atomics::{AtomicU64, Ordering};
use std::mem;
use std::task::Waker;
pub(crate) use timer_wheel::Key;
use timer_wheel::TimerWheel;

/// So many timers are handled at a time; then others get a chance to set theirs (museum T20).
const BATCH: usize = if cfg!(test) { 2 } else { 128 };

/// And so many batches at a visit. A million timers that share a slot of an hour take 20 ms to be sorted into finer ones:
/// whoever visits has tasks to run in between.
const BATCHES_OF_A_VISIT: usize = if cfg!(test) { 4 } else { 32 };

/// In lines of its own: its worker writes it at each timer, and others their own at the same time.
#[repr(align(128))]
pub(crate) struct Wheel {
    timers: Biased<Timers>,
    next: AtomicU64,
    elapsed: AtomicU64,
}

struct Timers {
    wheel: TimerWheel<Waker>,
    closed: bool,
}

/// What became of a timer that was to be set.
pub(crate) enum Set {
    /// It is set. `earliest`: no other one of this wheel is due before it.
    Waits { key: Key, earliest: bool },
    /// Its time has come already.
    Elapsed,
    /// The runtime shuts down.
    Closed,
}

/// The wheel's worker's side of it.
pub(crate) struct WheelSeat<'w> {
    wheel: &'w Wheel,
    seat: Seat<'w, Timers>,
}

/// Who reaches into a wheel.
#[derive(Clone, Copy)]
pub(crate) enum Access<'w> {
    Own(&'w WheelSeat<'w>),
    Other(&'w Wheel),
}

impl Wheel {
    pub(crate) fn new() -> Self {
        Wheel {
            timers: Biased::new(Timers { wheel: TimerWheel::new(0), closed: false }),
            next: AtomicU64::new(NEVER),
            elapsed: AtomicU64::new(0),
        }
    }

    /// For the thread that holds the wheel's place.
    pub(crate) fn take_seat(&self) -> WheelSeat<'_> {
        WheelSeat { wheel: self, seat: self.timers.take_seat() }
    }

    /// No timer is due before this tick.
    #[inline]
    pub(crate) fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    /// The tick of the earliest timer that is still wanted. `next` is that as well, from now on.
    pub(super) fn exact_next(&self) -> u64 {
        self.timers.with(|timers| {
            let wheel = &timers.wheel;
            let next = wheel.peek().and_then(|key| wheel.deadline(key)).unwrap_or(NEVER);
            self.next.store(next, Ordering::Relaxed);
            next
        })
    }

    /// Every timer up to this tick is done.
    #[inline]
    pub(crate) fn elapsed(&self) -> u64 {
        self.elapsed.load(Ordering::Acquire)
    }

    /// Does its worker sleep, or has it none?
    pub(crate) fn is_at_rest(&self) -> bool {
        self.timers.is_shared()
    }

    /// Fires everything and takes nothing more. Wakers go to `due`.
    pub(crate) fn close(&self, due: &mut Vec<Waker>) {
        self.timers.with(|timers| {
            timers.closed = true;
            due.extend(timers.wheel.drain().map(|(_, _, waker)| waker));
            self.next.store(NEVER, Ordering::Relaxed);
        });
    }
}

impl WheelSeat<'_> {
    pub(crate) fn wheel(&self) -> &Wheel {
        self.wheel
    }

    /// The worker goes to sleep, or blocks: others may fire its timers without waiting for it.
    pub(crate) fn rest(&self) {
        self.seat.rest();
    }
}

impl<'w> Access<'w> {
    pub(crate) fn wheel(self) -> &'w Wheel {
        match self {
            Access::Own(seat) => seat.wheel,
            Access::Other(wheel) => wheel,
        }
    }

    #[inline(always)]
    fn with<R>(self, f: impl FnOnce(&mut Timers) -> R) -> R {
        match self {
            Access::Own(seat) => seat.seat.with(f),
            Access::Other(wheel) => wheel.timers.with(f),
        }
    }

    /// Sets a timer.
    #[inline]
    pub(crate) fn set(self, tick: u64, waker: Waker) -> Set {
        let wheel = self.wheel();
        let mut waker = Some(waker);
        // What is not set is dropped outside.
        self.with(|timers| {
            if timers.closed {
                return Set::Closed;
            }
            if tick <= timers.wheel.now() {
                return Set::Elapsed;
            }
            let key = timers.wheel.insert(tick, waker.take().expect("BUG: a timer is set twice"));
            let earliest = tick < wheel.next.load(Ordering::Relaxed);
            if earliest {
                wheel.next.store(tick, Ordering::Relaxed);
            }
            Set::Waits { key, earliest }
        })
    }

    /// The timer is not wanted any more.
    #[inline]
    pub(crate) fn give_up(self, key: Key) {
        // The waker is dropped here, outside.
        drop(self.take(key));
    }

    /// Takes a timer out. `None`: it is not in the wheel any more.
    pub(crate) fn take(self, key: Key) -> Option<Waker> {
        self.with(|timers| timers.wheel.cancel(key))
    }

    /// Gives a timer another tick. `None`: it is not in the wheel any more. `Some(true)`: none is due before it.
    pub(crate) fn reset(self, key: Key, tick: u64) -> Option<bool> {
        let wheel = self.wheel();
        self.with(|timers| {
            let known = timers.wheel.reset(key, tick);
            let earliest = known && tick < wheel.next.load(Ordering::Relaxed);
            if earliest {
                wheel.next.store(tick, Ordering::Relaxed);
            }
            known.then_some(earliest)
        })
    }

    /// Somebody else waits for the timer now. `false`: it is not in the wheel any more.
    pub(crate) fn rewake(self, key: Key, waker: Waker) -> bool {
        let mut waker = waker;
        // The old waker is dropped here, outside.
        self.with(|timers| match timers.wheel.get_mut(key) {
            Some(old) => {
                mem::swap(old, &mut waker);
                true
            }
            None => false,
        })
    }

    /// Brings the wheel to `now`, or some way there, and stops when `due` has `most` wakers. What is left stays due: `next`
    /// says so.
    pub(crate) fn visit(self, now: u64, most: usize, due: &mut Vec<Waker>) {
        for _ in 0..BATCHES_OF_A_VISIT {
            if due.len() >= most || !self.fire(now, due) {
                return;
            }
        }
    }

    /// Takes a batch of what is due. `true`: there is more.
    pub(super) fn fire(self, now: u64, due: &mut Vec<Waker>) -> bool {
        let wheel = self.wheel();
        self.with(|timers| {
            timers.wheel.advance(now);
            wheel.elapsed.store(timers.wheel.now(), Ordering::Release);
            let more = timers.wheel.expire(BATCH, |waker| due.push(waker));
            let next = timers.wheel.next_deadline().unwrap_or(NEVER);
            // What waits to be sorted is work for now, though it may be due later.
            wheel.next.store(if more { next.min(now) } else { next }, Ordering::Relaxed);
            more
        })
    }
}
