//! What a thread that is no worker wakes at once goes to the inject queue at once.
//!
//! Owns: the batch that this thread fills.
//!
//! Only the guarantor wakes many tasks as an outsider; without this each would take the queue's lock, have its fence and
//! its own look at who sleeps.

use crate::engine::cell::Runnable;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::inject::Chain;
use std::cell::{Cell, RefCell};
use std::ptr;

thread_local! {
    static OF: Cell<*const Engine> = const { Cell::new(ptr::null()) };
    static BATCH: RefCell<Option<Chain>> = const { RefCell::new(None) };
}

/// Runs `f`, and gives back the tasks of `engine` that were scheduled meanwhile. `f` must not panic.
pub(super) fn collect(engine: &Engine, f: impl FnOnce()) -> Chain {
    BATCH.set(Some(Chain::new()));
    let before = OF.replace(engine);
    f();
    OF.set(before);
    BATCH.take().unwrap_or_else(Chain::new)
}

/// Puts a task into this thread's batch, if it fills one for `engine`; else gives it back.
#[inline]
pub(super) fn put(engine: &Engine, task: Runnable) -> Option<Runnable> {
    if !ptr::eq(OF.get(), engine) {
        return Some(task);
    }
    BATCH.with_borrow_mut(|batch| match batch {
        Some(batch) => {
            batch.push(task);
            None
        }
        None => Some(task),
    })
}
