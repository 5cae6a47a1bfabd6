//! The slot for the task that a worker runs next.
//!
//! Owns: one runnable, or none, as an atomic pointer.
//! Not here: how often in a row it goes before the queue (`worker`), when others may empty it (`worker/search`, `guarantor`).
//!
//! The danger: one task for two pollers. Whoever takes swaps the pointer out, so that each that was put in comes out
//! once. Rejected: a slot that only its worker sees (`docs/design/rejected.md`); it is 4 to 35 ns faster, and a task
//! in it waits for as long as its worker is stuck.

use crate::engine::base::atomics::{AtomicPtr, Ordering};
use crate::engine::cell::{Header, Runnable};
use std::ptr::{self, NonNull};

/// A slot for the task to run next, which anybody may empty.
pub(crate) struct NextTask(AtomicPtr<Header>);

impl NextTask {
    pub(crate) fn new() -> Self {
        NextTask(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts a task in and gives back what was there.
    #[inline]
    pub(crate) fn put(&self, task: Runnable) -> Option<Runnable> {
        Self::own(self.0.swap(task.into_raw().as_ptr(), Ordering::AcqRel))
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        if self.is_empty() { None } else { Self::own(self.0.swap(ptr::null_mut(), Ordering::AcqRel)) }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    fn own(task: *mut Header) -> Option<Runnable> {
        // SAFETY: only `put` stores pointers, from runnables that it gave up; the swap that returned this one makes
        // it ours alone.
        NonNull::new(task).map(|task| unsafe { Runnable::from_raw(task) })
    }
}
