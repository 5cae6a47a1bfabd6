//! Counted references to a cell.
//!
//! Owns: [`TaskRef`], and the steps of the word that need no more than one: wake, cancel, count.
//! Not here: the waker's table (`raw_waker`).
//!
//! The danger: a cell freed while somebody has a pointer to it. A reference is one count of the word; what has a pointer
//! without a count (a waker that is lent to a poll, a list of suspended tasks) borrows a `TaskRef` for the time of one
//! call, and says why the cell is there.

use super::{Header, Runnable};
use crate::engine::cell::word::AfterWake;
use std::mem::ManuallyDrop;
use std::ptr::NonNull;

/// One counted reference to a cell.
pub(crate) struct TaskRef(NonNull<Header>);

// SAFETY: a reference reads the word, the id and the table, and all of these are meant for any thread.
unsafe impl Send for TaskRef {}
// SAFETY: as for `Send`; every method takes `&self` already.
unsafe impl Sync for TaskRef {}

impl TaskRef {
    /// # Safety
    /// The pointer is `allocate`'s of a live cell; one count of the word passes to the new reference.
    #[inline]
    pub(in crate::engine::cell) unsafe fn from_raw(header: NonNull<Header>) -> TaskRef {
        TaskRef(header)
    }

    /// A reference for one call, without a count of its own.
    ///
    /// # Safety
    /// As `from_raw`, but instead of the count: the cell stays as long as this is used.
    #[inline]
    pub(in crate::engine::cell) unsafe fn lent(header: NonNull<Header>) -> ManuallyDrop<TaskRef> {
        ManuallyDrop::new(TaskRef(header))
    }

    #[inline]
    pub(in crate::engine::cell) fn pointer(&self) -> NonNull<Header> {
        self.0
    }

    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: a count keeps the cell, or whoever lends this.
        unsafe { self.0.as_ref() }
    }

    /// The last that is done with this reference. `f` contains what it calls: a destructor that a panic would have to run
    /// costs registers on the way of every task.
    #[inline]
    pub(in crate::engine::cell) fn release_after(self, f: impl FnOnce(&TaskRef)) {
        let task = ManuallyDrop::new(self);
        f(&task);
        drop(ManuallyDrop::into_inner(task));
    }

    /// Wakes the task.
    #[inline]
    pub(in crate::engine::cell) fn wake(&self) {
        if let Some(task) = self.runnable(self.header().word.wake()) {
            task.schedule();
        }
    }

    /// Asks the task to stop: its future is dropped by its scheduler as soon as nobody polls it.
    pub(crate) fn abort(&self) {
        if let Some(task) = self.cancel() {
            task.schedule();
        }
    }

    /// The same, where the caller runs the task if it was asleep.
    pub(in crate::engine::cell) fn cancel(&self) -> Option<Runnable> {
        self.runnable(self.header().word.cancel())
    }

    #[inline]
    fn runnable(&self, after: AfterWake) -> Option<Runnable> {
        match after {
            // SAFETY: this step has turned NOTIFIED on for an idle task, and only one does (W2).
            AfterWake::Schedule => Some(unsafe { Runnable::from_raw(self.0) }),
            AfterWake::Nothing => None,
        }
    }
}

impl Clone for TaskRef {
    #[inline]
    fn clone(&self) -> Self {
        self.header().word.add_ref();
        TaskRef(self.0)
    }
}

impl Drop for TaskRef {
    /// Frees the cell with the last reference.
    #[inline]
    fn drop(&mut self) {
        let header = self.header();
        if header.word.drop_ref() {
            let free = header.table.free;
            // SAFETY: that was the last reference.
            unsafe { free(self.0) };
        }
    }
}
