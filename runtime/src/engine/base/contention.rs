//! How often this thread has met another one at something that both wanted.
//!
//! Owns: a count per thread.   Imports: nothing.
//! Not here: what is drawn from it (`sched/worker/steal`).

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
