//! How finished tasks tell their set.
//!
//! Owns: the queue of slots whose task has finished, the waker of whoever waits for the set.
//!
//! The danger: user code under our lock (museum W1, W2). The waker of whoever waits is theirs; it is cloned before the
//! lock is taken, and woken or dropped after it was given back. A waker that panics finds everything in order.

use parking_lot::Mutex;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Wake, Waker};

/// The slots that have rung, the earliest first.
pub(super) type Rung = VecDeque<usize>;

#[derive(Default)]
pub(super) struct Doorbell {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    rung: Rung,
    /// Taken by the ring that uses it, so that a hundred tasks that finish in a row wake the set's task once.
    waiter: Option<Waker>,
}

impl Doorbell {
    /// The task in `slot` has finished. (A ring too many does no harm: the set looks, and finds nothing.)
    pub(super) fn ring(&self, slot: usize) {
        let waiter = {
            let mut state = self.state.lock();
            state.rung.push_back(slot);
            state.waiter.take()
        };
        if let Some(waiter) = waiter {
            waiter.wake();
        }
    }

    /// Moves all that have rung into `rung`, which is empty. `false`: nobody has.
    pub(super) fn answer(&self, rung: &mut Rung) -> bool {
        debug_assert!(rung.is_empty(), "BUG: slots that have rung would be forgotten");
        mem::swap(&mut self.state.lock().rung, rung);
        !rung.is_empty()
    }

    /// As [`answer`](Doorbell::answer), and if nobody has rung the first who does so wakes `waker`.
    pub(super) fn answer_or_wait(&self, rung: &mut Rung, waker: &Waker) -> bool {
        {
            let mut state = self.state.lock();
            mem::swap(&mut state.rung, rung);
            // `will_wake` compares two pointers, which is no user code.
            if !rung.is_empty() || state.waiter.as_ref().is_some_and(|old| old.will_wake(waker)) {
                return !rung.is_empty();
            }
        }
        let new = waker.clone();
        let unused = {
            let mut state = self.state.lock();
            mem::swap(&mut state.rung, rung);
            if rung.is_empty() { state.waiter.replace(new) } else { Some(new) }
        };
        drop(unused);
        !rung.is_empty()
    }

    #[cfg(test)]
    pub(super) fn is_locked(&self) -> bool {
        self.state.is_locked()
    }

    /// Nobody waits any more.
    pub(super) fn forget_waiter(&self) {
        let waiter = self.state.lock().waiter.take();
        drop(waiter);
    }
}

/// What a task finds in its cell as the waker of whoever joins it.
pub(super) struct SlotWaker {
    pub(super) slot: usize,
    pub(super) doorbell: Arc<Doorbell>,
}

impl Wake for SlotWaker {
    fn wake(self: Arc<Self>) {
        self.doorbell.ring(self.slot);
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.doorbell.ring(self.slot);
    }
}
