//! The end of an engine: every task is dropped exactly once, and nothing is touched that is gone.
//!
//! Owns: closing, and who sees to the rest.   Not here: what a drainer does (`drain`), waiting for threads (`threads`), for
//! closures (`blocking`).
//!
//! 1. `close` sets the flag and wakes every thread. From now on a spawn completes its task as cancelled, and a first
//!    `Pending` does so too (the lists of owned tasks are closed).
//! 2. Every worker drains on its way out, and so does whoever waits for the end and finds no worker: it cancels what is
//!    linked, queued, or in a slot, until *no task is alive* by the counters. Queues stay open to the end: a foreign
//!    thread between "set NOTIFIED" and "push" holds a runnable that nobody else can make, so its task counts as alive,
//!    and the drainer waits for the push. That thread took a reference to the engine before it pushed, so the engine
//!    outlives its `schedule` (museum M1, S2).
//!    A place whose thread is being started counts as a worker. If the system refuses it, whoever has asked drains instead.
//! 3. The last reference frees the engine: no task that could reach it is alive. (A drain that gives up at its deadline
//!    leaves one behind, which goes with the last task.)

use crate::engine::base::atomics::fence;
use crate::engine::base::wake::wake_all;
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::place::Doing;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::yard::Yard;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Yard {
    /// No more spawns; every thread goes to its end.
    pub(in crate::engine::sched) fn close(&self) {
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
        let mut due = Vec::new();
        self.drive.close(&mut due);
        wake_all(&mut due);
    }

    /// A worker leaves its place for good.
    ///
    /// A spare that retires just as the engine closes has not drained, and may have been counted upon: the look at the places
    /// in `end_workers` and the return of a place are under one lock, so whoever is seen there returns its place later, and
    /// finds the engine closing here.
    pub(in crate::engine::sched) fn retire(&self, index: usize, queues: Queues, searching: bool) {
        self.places.get(index).set_doing(Doing::Nothing);
        self.leave_place(index, queues, searching);
        self.drain_if_it_ends();
    }

    /// For whoever may have been counted upon.
    pub(in crate::engine::sched) fn drain_if_it_ends(&self) {
        if self.is_closing() {
            self.drain();
            self.clear_up();
        }
    }
}

impl Engine {
    /// No more spawns, and every thread goes to its end. Waits for none.
    pub(crate) fn close(&self) {
        self.yard.close();
    }

    /// Ends the engine: drops every task, and waits for its threads and for blocking closures, until `deadline` at the
    /// most. The calling thread is inside of the engine's context: futures may be dropped here.
    pub(crate) fn shut_down(&self, deadline: Option<Instant>) {
        self.close();
        self.yard.blocking.close();
        if self.flavor() == Flavor::MultiThread {
            self.end_workers(deadline);
        } else {
            // Its tasks belong to this thread; there is nobody else to drop them.
            self.yard.drain_until(deadline);
        }
        self.yard.blocking.wait(deadline);
    }

    /// After `close`: sees every worker thread to its end, until `deadline` at the most. What no worker will drop is dropped
    /// here.
    fn end_workers(&self, deadline: Option<Instant>) {
        let waits = deadline.is_none_or(|deadline| Instant::now() < deadline);
        if !waits && self.yard.alive() > 0 && !self.yard.places.any_taken() {
            // Dropping them may take long, and the caller does not wait.
            if let Err(error) = self.start_worker(false) {
                self.refused_a_thread(&error);
            }
        }
        self.threads.wait(deadline);
        if self.yard.alive() == 0 {
            return;
        }
        if !self.yard.places.any_taken() {
            // There never was a worker, or the system has refused the last one.
            let _ = self.yard.drain_until(deadline);
        } else if waits {
            // All workers are inside polls that take long, perhaps. They see to the rest afterwards.
            self.yard.cancel_what_is_there();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::sched::test_yard::yard_and_queues;
    use std::future::pending;
    use std::panic::Location;
    use std::sync::Arc;

    /// Its place was seen by whoever ends the engine, and by the guarantor: both have left the task to it.
    ///
    /// Fault: `retire` that does not drain.
    #[test]
    fn a_spare_that_was_counted_upon_leaves_no_task() {
        let (yard, mut queues) = yard_and_queues(1, 1);
        let held = Arc::new(());
        let holds = held.clone();
        let never_ends = async move {
            let _held = holds;
            pending::<()>().await;
        };
        drop(yard.spawn(never_ends, Engine::info(Location::caller())));
        yard.close();
        assert!(yard.places.any_taken() && Arc::strong_count(&held) == 2, "it is left to the spare");
        yard.retire(0, queues.remove(0), false);
        assert_eq!((Arc::strong_count(&held), yard.alive()), (1, 0));
    }
}
