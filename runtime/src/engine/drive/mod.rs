//! Floor 2: sockets and time, and who waits for them.
//!
//! Owns: the clock, the wheels, the I/O driver, and the right to wait for all of them.
//! Not here: tasks (a waker is all that is known of them), when a thread has nothing better to do than to wait
//! (`sched`).
//!
//! One thread at a time *leads*: it sleeps until a socket is ready or a timer due, and collects the wakers for whoever
//! is to wake them. While there are no sockets it sleeps on its parker, which is cheaper to wake than the driver; whoever
//! registers the first one wakes it.
//!
//! ```text
//! leader:    lock, say that the parker is where to wake me, unlock;  any sockets? none: park
//! register:  one more socket;  lock, where is the leader to be woken?, unlock;  wake it there
//! ```
//!
//! Whoever locks first is seen by the other.

#[allow(unsafe_code)] // gives the value to one thread at a time
mod bias;
mod clock;
mod lead;
#[cfg(all(test, loom))]
mod model;
mod registration;
#[cfg(all(test, not(loom)))]
mod tests;
mod ticks;
mod watch;
mod wheel;
mod wheels;

pub(crate) use clock::{Clock, SoAlready, all_are_straight};
pub(crate) use io_driver::{Direction, Interest, Ready, ReadyEvent, ShutDown};
pub(crate) use lead::Sleeper;
pub(crate) use registration::{Blocked, Registration, Trust};
pub(crate) use ticks::NEVER;
pub(crate) use timer_wheel::TimerWheel;
pub(crate) use wheel::{Key, Reach, Set, WheelSeat};
pub(crate) use wheels::{OUTSIDE, Wheels};

use crate::engine::base::atomics::Mutex;
use crate::engine::base::parker::{AfterUnpark, Parker};
use io_driver::{Driver, Events};
use lead::Lead;
pub(crate) use lead::WOKEN_MOST;
use std::io;
use std::os::fd::BorrowedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Waker;
use watch::Watch;

/// What a builder decides about sockets and time.
pub(crate) struct Settings {
    /// One wheel for each.
    pub(crate) places: usize,
    /// The most socket events that one look takes.
    pub(crate) events_per_look: usize,
    /// The same for looks that do not wait.
    pub(crate) events_per_busy_look: usize,
    pub(crate) precise_timers: bool,
    pub(crate) start_paused: bool,
}

/// What the kernel's events are read into.
struct Batches {
    usual: Events,
    /// For looks that do not wait.
    busy: Events,
    /// Has a worker looked since the guarantor did?
    looked: bool,
}

pub(crate) struct Drive {
    pub(crate) clock: Clock,
    pub(crate) wheels: Wheels,
    io: Arc<Driver>,
    watch: Watch,
    /// Whoever holds the lock leads.
    leading: Mutex<Batches>,
    /// The leader, if it sleeps on its parker.
    parked: Mutex<Option<Arc<Parker>>>,
    /// Has there ever been a socket or a timer?
    used: AtomicBool,
}

impl Drive {
    pub(crate) fn new(settings: &Settings) -> io::Result<Self> {
        Ok(Drive {
            clock: Clock::new(settings.precise_timers, settings.start_paused),
            wheels: Wheels::new(settings.places),
            io: Arc::new(Driver::new()?),
            watch: Watch::new(),
            leading: Mutex::new(Batches {
                usual: Events::with_capacity(settings.events_per_look),
                busy: Events::with_capacity(settings.events_per_busy_look),
                looked: false,
            }),
            parked: Mutex::new(None),
            used: AtomicBool::new(false),
        })
    }

    /// How many are registered.
    pub(crate) fn sockets(&self) -> usize {
        self.io.sources()
    }

    /// Is there anything to look at?
    #[inline]
    pub(crate) fn is_used(&self) -> bool {
        self.used.load(Ordering::Relaxed)
    }

    /// A timer was set in a wheel whose worker is awake, and looks after it.
    #[inline]
    pub(crate) fn set_used(&self) {
        if !self.is_used() {
            self.used.store(true, Ordering::SeqCst);
        }
    }

    /// The right to wait, if nobody else has it.
    #[inline]
    pub(crate) fn try_lead(&self) -> Option<Lead<'_>> {
        self.leading.try_lock().map(|batches| Lead::new(self, batches))
    }

    /// Does anybody lead at this moment?
    pub(crate) fn is_led(&self) -> bool {
        self.leading.try_lock().is_none()
    }

    /// Ends the sleep of the leader; if nobody leads, the next one's.
    pub(crate) fn notify(&self) {
        let parked = self.parked.lock().clone();
        match parked {
            // It was PARKED, or has not parked yet, or does so no more: a token does for all three.
            Some(parker) if parker.unpark() == AfterUnpark::Done => {}
            // Fails only when somebody has closed our descriptors; then nobody sleeps on them either.
            _ => drop(self.io.notify()),
        }
    }

    /// A wheel whose worker does not look after it (any more) has its earliest timer at `tick`: the leader must know.
    pub(crate) fn settle(&self, tick: u64) {
        if tick == NEVER {
            return;
        }
        self.set_used();
        if self.watch.must_wake(tick) {
            self.notify();
        }
    }

    /// Fires what is due in the wheel of a worker that has not come round to it.
    pub(crate) fn fire_overdue(&self, index: u32, woken: &mut Vec<Waker>) {
        if !self.is_used() {
            return;
        }
        let wheel = self.wheels.get(index);
        let next = wheel.next();
        if next != NEVER {
            let now = self.clock.tick();
            if next <= now {
                Reach::Other(wheel).visit(now, WOKEN_MOST, woken);
            }
        }
    }

    /// A descriptor that is ready now and then. It must be non-blocking. `writable`: it can be written now.
    pub(crate) fn register(&self, fd: BorrowedFd<'_>, interest: Interest, writable: bool) -> io::Result<Registration> {
        let source = if writable { self.io.register_writable(fd, interest) } else { self.io.register(fd, interest) }?;
        self.set_used();
        if self.parked.lock().is_some() {
            self.notify();
        }
        Ok(Registration::new(source, self.io.clone()))
    }

    /// Counts of sockets and their events.
    pub(crate) fn io(&self) -> &Driver {
        &self.io
    }

    /// Was it made here?
    pub(crate) fn owns(&self, registration: &Registration) -> bool {
        registration.is_with(&self.io)
    }

    /// No more sockets, no more timers: everybody who waits for one is to be woken.
    pub(crate) fn close(&self, woken: &mut Vec<Waker>) {
        self.io.shutdown(|waker| woken.push(waker));
        for wheel in self.wheels.iter() {
            wheel.close(woken);
        }
    }
}
