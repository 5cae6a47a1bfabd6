//! Draining: every task of an engine that ends is dropped exactly once.
//!
//! Owns: what a drainer looks through, and how long it goes on.   Not here: who drains and when (`shutdown`).
//!
//! Dropping a future runs user code, which may wake, spawn, abort, or wait for another task's drop: no lock of ours is
//! held meanwhile, and all workers drain side by side (museum S1, S3).
//! A drainer with a deadline gives up when that has come, though a foreign thread may hold the runnable of a task, on its way to
//! the inject queue. Then that thread drains it:
//!
//! ```text
//! drainer:  gave up = true        - fence G1 -  look at everything once more
//! pusher:   push  - fence S1, in `idle` -  does it end, and did the drainer give up? look at the inject queue
//! ```
//!
//! One fence is first: either the pusher sees the flag, or the last look finds the task. Tasks of a local runtime belong to its
//! thread, and are leaked in that case.
//!
//! The drainer that has nothing to cancel but still sees tasks alive (one is inside a long poll) sleeps for a while;
//! the poller's own drain, or the next look, finds it.

use crate::engine::base::atomics::{Ordering, fence, nap};
use crate::engine::cell::Runnable;
use crate::engine::cell::owned::{Next, OwnedTasks};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::places::inject::Inject;
use crate::engine::sched::places::place::Places;
use crate::engine::sched::places::stats::SharedStats;
use crate::engine::sched::yard::Yard;
use crossbeam_deque::{Steal, Stealer};
use std::time::{Duration, Instant};

/// How long a drainer sleeps when it finds nothing to do, at first and at most.
const PAUSE_MIN: Duration = Duration::from_micros(20);
const PAUSE_MAX: Duration = Duration::from_millis(5);

impl Yard {
    pub(in crate::engine::sched) fn cancel_what_is_there(&self) {
        let drain = self.what_to_drain();
        while drain.cancel_what_is_there() {}
    }

    /// Cancels every task and returns when none is alive.
    pub(in crate::engine::sched) fn drain(&self) {
        let _ = self.drain_until(None);
    }

    /// As `drain`, until `deadline` at the most. `false`: some are still alive.
    pub(in crate::engine::sched) fn drain_until(&self, deadline: Option<Instant>) -> bool {
        debug_assert!(self.is_closing(), "BUG: an engine is drained before it is closed");
        let done = self.what_to_drain().until(deadline);
        if !done {
            self.give_up_draining();
            // A foreign thread may hold the runnable of a task that is alive, and is about to push it here: whoever gave
            // up waiting for it leaves the engine behind for it.
            *self.left_behind.lock() = Some(self.keep());
            self.clear_up();
        }
        done
    }

    /// From now on whoever pushes from outside sees to it.
    pub(in crate::engine::sched) fn give_up_draining(&self) {
        self.drain_gave_up.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst); // G1
        self.cancel_what_is_there();
    }

    /// The engine ends, and this thread has pushed something, and had its fence: perhaps nobody else sees to that any more.
    #[cold]
    pub(in crate::engine::sched) fn drain_after_a_push(&self) {
        if self.drain_gave_up.load(Ordering::SeqCst) && self.config.flavor != Flavor::Local {
            while let Some(task) = self.inject.pop() {
                task.cancel();
            }
            self.clear_up();
        }
    }

    /// Nobody needs the engine any more that was left behind, if no task is alive. The caller holds it by a reference of its
    /// own.
    pub(in crate::engine::sched) fn clear_up(&self) {
        if self.alive() == 0 {
            let left = self.left_behind.lock().take();
            drop(left);
        }
    }

    fn what_to_drain(&self) -> Drain<'_> {
        Drain { places: &self.places, inject: &self.inject, shared: &self.stats }
    }
}

/// What a drainer looks through.
pub(in crate::engine::sched) struct Drain<'e> {
    pub(in crate::engine::sched) places: &'e Places,
    pub(in crate::engine::sched) inject: &'e Inject,
    pub(in crate::engine::sched) shared: &'e SharedStats,
}

impl Drain<'_> {
    /// As `Yard::drain_until`.
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
fn cancel_owned(owned: &OwnedTasks) -> bool {
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
