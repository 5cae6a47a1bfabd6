//! Threads inside `block_on` that found no place: on a current-thread runtime all but the first.
//!
//! Owns: their parkers.   Imports: `base`.   Not here: the places (`place`), what such a thread does meanwhile (`block_on`).
//!
//! The danger: a place that is free, and a thread that waits for it. Nearly always nobody waits, so whoever gives a place
//! back looks at a count first, and takes no lock for it:
//!
//! ```text
//! waits:  parker in, count + 1;  lock, any place free?, unlock;  no: park
//! gives:  lock, put the place back, unlock;  count > 0?  unpark all of them
//! ```
//!
//! The lock is that of the free places. If the one who waits has it first, his count and his parker are seen by the one
//! who gives; if the other, the place is. So the count needs no order of its own. `model.rs` runs both.

use crate::engine::base::atomics::{AtomicUsize, Mutex, Ordering};
use crate::engine::base::parker::Parker;
use std::sync::Arc;

pub(crate) struct PlaceQueue {
    parkers: Mutex<Vec<Arc<Parker>>>,
    count: AtomicUsize,
}

impl PlaceQueue {
    pub(in crate::engine::sched) fn new() -> Self {
        PlaceQueue { parkers: Mutex::new(Vec::new()), count: AtomicUsize::new(0) }
    }

    /// Afterwards the caller looks for a place once more before it parks.
    pub(in crate::engine::sched) fn enter(&self, parker: &Arc<Parker>) {
        self.parkers.lock().push(parker.clone());
        self.count.fetch_add(1, Ordering::Relaxed);
    }

    pub(in crate::engine::sched) fn leave(&self, parker: &Arc<Parker>) {
        self.parkers.lock().retain(|other| !Arc::ptr_eq(other, parker));
        self.count.fetch_sub(1, Ordering::Relaxed);
    }

    /// The caller has given a place back.
    #[inline]
    pub(in crate::engine::sched) fn a_place_is_free(&self) {
        if self.count.load(Ordering::Relaxed) > 0 {
            self.look_again();
        }
    }

    /// The engine closes, or a place is free.
    pub(in crate::engine::sched) fn look_again(&self) {
        for parker in self.parkers.lock().iter() {
            // They sleep on their parkers, never in the driver.
            let _ = parker.unpark();
        }
    }
}
