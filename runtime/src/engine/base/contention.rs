//! How often this thread has met another one at something that both wanted.
//!
//! Owns: a count per thread.
//! Not here: what is drawn from it (`sched/worker/steal`).

use crate::engine::base::atomics::{Mutex, MutexGuard};
use std::cell::Cell;

thread_local! {
    static MET: Cell<u32> = const { Cell::new(0) };
}

/// A task that is polled here found something taken.
#[inline]
pub(crate) fn meet() {
    MET.set(MET.get().wrapping_add(1));
}

/// Wraps: only differences mean anything.
#[inline]
pub(crate) fn met() -> u32 {
    MET.get()
}

/// Locks `mutex`, and counts if it was taken. (In a model it only locks: the count decides nothing there, and each step more
/// multiplies its runs.)
#[inline]
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    if !cfg!(loom) {
        if let Some(guard) = mutex.try_lock() {
            return guard;
        }
        meet();
    }
    mutex.lock()
}
