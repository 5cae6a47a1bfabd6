//! The end of an engine: every task is dropped exactly once, and nothing is touched that is gone.
//!
//! Owns: closing, draining.   Not here: waiting for threads (`threads`), closures (`blocking`).
//!
//! 1. `close` sets the flag and wakes every thread. From now on a spawn completes its task as cancelled, and a first
//!    `Pending` does so too (the lists of owned tasks are closed).
//! 2. Every worker drains on its way out, and so does whoever waits for the end and finds no worker: it cancels what is
//!    linked, queued, or in a slot, until *no task is alive* by the counters. Queues stay open to the end: a foreign
//!    thread between "set NOTIFIED" and "push" holds a runnable that nobody else can make, so its task counts as alive,
//!    and the drainer waits for the push. That thread took a count of the engine before it pushed, so the engine
//!    outlives its `schedule` (museum M1, S2).
//! 3. The last count frees the engine: no task that could reach it is alive. (A drain that gives up at its deadline
//!    leaks a count.)
//!
//! Dropping a future runs user code, which may wake, spawn, abort, or wait for another task's drop: no lock of ours is
//! held meanwhile, and all workers drain side by side (museum S1, S3).
//! The drainer that has nothing to cancel but still sees tasks alive (one is inside a long poll) sleeps for a while;
//! the poller's own drain, or the next look, finds it.

use crate::engine::base::atomics::nap;
use crate::engine::base::wake::wake_all;
use crate::engine::cell::Runnable;
use crate::engine::cell::owned::{Next, OwnedTasks};
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::inject::Inject;
use crate::engine::sched::places::place::Places;
use crate::engine::sched::places::stats::SharedStats;
use crossbeam_deque::{Steal, Stealer};
use std::sync::atomic::{Ordering, fence};
use std::time::{Duration, Instant};

/// How long a drainer sleeps when it finds nothing to do, at first and at most.
const PAUSE_MIN: Duration = Duration::from_micros(20);
const PAUSE_MAX: Duration = Duration::from_millis(5);

impl Engine {
    /// No more spawns; every thread goes to its end.
    pub(crate) fn close(&self) {
        self.closing.store(true, Ordering::SeqCst);
        // Pairs with the fence in `spawn_from_outside`, and with S1 and S2 of the sleepers.
        fence(Ordering::SeqCst);
        for place in self.places.iter() {
            self.unpark(place);
        }
        self.rouse_guarantor();
        self.drive.notify();
        self.roots.rouse_all();
        // Who waits for a socket or a timer on a thread of another runtime would wait for ever.
        let mut woken = Vec::new();
        self.drive.close(&mut woken);
        wake_all(&mut woken);
    }

    /// After `close`: sees every worker thread to its end, until `deadline` at the most. What no worker will drop is dropped
    /// here.
    pub(crate) fn end_workers(&self, deadline: Option<Instant>) {
        let waits = deadline.is_none_or(|deadline| Instant::now() < deadline);
        if !waits && self.alive() > 0 && !self.places.any_taken() {
            // Dropping them may take long, and the caller does not wait.
            if let Err(error) = self.start_worker(false) {
                self.refused_a_thread(&error);
            }
        }
        self.threads.wait(deadline);
        if self.alive() == 0 {
            return;
        }
        if !self.places.any_taken() {
            // There never was a worker, or the system has refused the last one.
            let _ = self.drain_until(deadline);
        } else if waits {
            // All workers are inside polls that take long, perhaps. They see to the rest afterwards.
            self.cancel_what_is_there();
        }
    }

    /// A worker has left its place. A spare that retired just as the engine closed has not drained, and may have been
    /// counted upon: the look at the places in `end_workers` and the return of a place are under one lock, so whoever is
    /// seen there returns its place later, and finds the engine closing here.
    pub(in crate::engine::sched) fn drain_after_leaving(&self) {
        if self.is_closing() {
            self.drain();
        }
    }

    fn cancel_what_is_there(&self) {
        let drain = Drain { places: &self.places, inject: &self.inject, shared: &self.stats };
        while drain.cancel_what_is_there() {}
    }

    /// Cancels every task and returns when none is alive.
    pub(crate) fn drain(&self) {
        let _ = self.drain_until(None);
    }

    /// As `drain`, until `deadline` at the most. `false`: some are still alive.
    pub(crate) fn drain_until(&self, deadline: Option<Instant>) -> bool {
        debug_assert!(self.is_closing(), "BUG: an engine is drained before it is closed");
        let done = Drain { places: &self.places, inject: &self.inject, shared: &self.stats }.until(deadline);
        if !done {
            // A foreign thread may hold the runnable of a task that is alive, and is about to push it here: whoever gave
            // up waiting for it leaves the engine behind for it.
            std::mem::forget(self.count());
        }
        done
    }
}

/// What a drainer looks through.
pub(in crate::engine::sched) struct Drain<'e> {
    pub(in crate::engine::sched) places: &'e Places,
    pub(in crate::engine::sched) inject: &'e Inject,
    pub(in crate::engine::sched) shared: &'e SharedStats,
}

impl Drain<'_> {
    /// As `Engine::drain_until`.
    pub(in crate::engine::sched) fn until(&self, deadline: Option<Instant>) -> bool {
        let mut pause = PAUSE_MIN;
        loop {
            while self.cancel_what_is_there() {
                pause = PAUSE_MIN;
            }
            if self.places.alive(self.shared) == 0 {
                return true;
            }
            if deadline.is_some_and(|deadline| Instant::now() >= deadline) {
                return false;
            }
            nap(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
    }

    /// One look at everything. `true`: there was something.
    fn cancel_what_is_there(&self) -> bool {
        let mut found = false;
        for place in self.places.iter() {
            found |= cancel_owned(&place.owned);
            if let Some(task) = place.next.take() {
                task.cancel();
                found = true;
            }
            found |= cancel_queued(&place.stealer);
            found |= cancel_queued(&place.yielded);
        }
        while let Some(task) = self.inject.pop() {
            Runnable::cancel(task);
            found = true;
        }
        found
    }
}

/// Cancels what is in a worker's queue.
fn cancel_queued(queue: &Stealer<Runnable>) -> bool {
    let mut found = false;
    loop {
        match queue.steal() {
            Steal::Success(task) => {
                task.cancel();
                found = true;
            }
            Steal::Retry => {}
            Steal::Empty => return found,
        }
    }
}

/// Closes a list and cancels what is in it.
pub(crate) fn cancel_owned(owned: &OwnedTasks) -> bool {
    owned.close();
    let mut found = false;
    loop {
        match owned.cancel_one() {
            Next::Cancel(task) => {
                task.run();
                found = true;
            }
            Next::Elsewhere => {}
            Next::Empty => return found,
        }
    }
}
