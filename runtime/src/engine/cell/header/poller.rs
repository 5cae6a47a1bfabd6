//! The rights of whoever runs a task: to start it, and what lies between start and the last step.
//!
//! Owns: [`Runnable`] (W2) and [`Running`] (W1), each the one value of its kind for a task, and the fields that go with
//! them: the link of a queue, the number of a list, what the task inherited.
//! Not here: the future (`slot`, which adds the cell's type to `Running`).
//!
//! The danger: two of them for one task, or one that is used after its last step. They are neither `Clone` nor `Copy`,
//! each step takes its value away, and every reference to a field is borrowed from the value.

use super::joiner::Awaited;
use super::{Header, NO_LIST, TaskRef};
use crate::engine::base::atomics::RaceCell;
use crate::engine::cell::context::Context;
use crate::engine::cell::word::{AfterComplete, AfterPending, AfterStart};
use std::ptr::NonNull;
use std::sync::Arc;

/// What the task inherited; the spawner's, then the poller's, and gone before the task is complete.
pub(in crate::engine::cell) type ContextPlace = RaceCell<Option<Arc<Context>>>;

/// The right to poll a task, once. At most one exists for a task (W2). Not counted: the runtime's reference is there
/// until the task is complete, and completing needs this.
///
/// Dropping one without running it would leave its task asleep for ever, hence the `must_use`; queues are drained
/// before they go.
#[must_use = "a runnable that is not run leaves its task asleep for ever"]
pub(crate) struct Runnable(NonNull<Header>);

// SAFETY: a spawned future is `Send`, or its owner sees to it that runnables are run on one thread only (`LocalSet`).
// Everything else in the header is meant for any thread.
unsafe impl Send for Runnable {}

/// RUNNING is ours (W1): nobody else polls the task or touches its future, and it is not complete. The runtime's reference
/// keeps the cell.
#[must_use = "a task that is neither suspended nor completed is asleep for ever"]
pub(crate) struct Running(NonNull<Header>);

/// What is left to do when the outcome is published.
#[must_use]
pub(in crate::engine::cell) enum Completed {
    /// Nothing: the runtime's reference is given up, and the cell may be gone.
    Released,
    /// Nobody wants the output: it is the caller's (W3).
    Unwanted(TaskRef),
    /// The handle will find it by itself.
    Unawaited(TaskRef),
    Awaited(Awaited),
}

impl Runnable {
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the runtime's reference keeps the cell while its runnable exists.
        unsafe { self.0.as_ref() }
    }

    /// Polls the task (or drops its future, if it was cancelled).
    #[inline]
    pub(crate) fn run(self) {
        let run = self.header().table.run;
        // SAFETY: the table is that of the runnable's cell.
        unsafe { run(self) }
    }

    /// Drops the task's future and completes it as cancelled.
    pub(crate) fn cancel(self) {
        // The answer is "nothing": the task is notified, as a runnable exists.
        let _ = self.header().word.cancel();
        self.run();
    }

    #[inline]
    pub(super) fn schedule(self) {
        let header = self.header();
        let (schedule, owner) = (header.table.schedule, header.owner);
        // SAFETY: the owner is the table's; it is alive until `schedule` has published the runnable, and `schedule` takes
        // a count of it first where it must.
        unsafe { schedule(owner, self) };
    }

    #[inline]
    pub(in crate::engine::cell) fn start(self) -> (Running, AfterStart) {
        let after = self.header().word.start();
        (Running(self.0), after)
    }

    pub(crate) fn into_raw(self) -> NonNull<Header> {
        self.0
    }

    /// # Safety
    /// The pointer is `allocate`'s of a live cell, whose right to poll is the caller's: from `into_raw`, by the only call
    /// for it, or from a step of the word that made it.
    #[inline]
    pub(crate) unsafe fn from_raw(header: NonNull<Header>) -> Runnable {
        Runnable(header)
    }

    /// The link of the queue that holds this runnable.
    pub(crate) fn set_next(&self, next: Option<Runnable>) {
        let next = next.map(Runnable::into_raw);
        self.header().queue_next.with_mut(|link| {
            // SAFETY: whoever holds the runnable has the link; nobody else reads it.
            unsafe { *link = next }
        });
    }

    /// Takes the link out again.
    pub(crate) fn take_next(&self) -> Option<Runnable> {
        self.header().queue_next.with_mut(|link| {
            // SAFETY: as in `set_next`; it stored a runnable that it gave up.
            let link = unsafe { &mut *link };
            link.take().map(Runnable)
        })
    }

    /// What the task inherits. Nothing happens where its cell has no room.
    pub(in crate::engine::cell) fn inherit(&mut self, context: Option<Arc<Context>>) {
        // SAFETY: while the runnable exists nobody else has the place.
        unsafe { set_context(self.0, context) };
    }
}

impl Running {
    #[inline]
    pub(crate) fn header(&self) -> &Header {
        // SAFETY: the runtime's reference keeps the cell until the task is complete, and that takes this value away.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(in crate::engine::cell) fn pointer(&self) -> NonNull<Header> {
        self.0
    }

    /// The number that `Owner::link` gave this task.
    #[inline]
    pub(crate) fn list(&self) -> Option<u32> {
        let list = self.header().list.with(|list| {
            // SAFETY: the field is the poller's (W1).
            unsafe { *list }
        });
        (list != NO_LIST).then_some(list)
    }

    #[inline]
    pub(in crate::engine::cell) fn set_list(&mut self, new: u32) {
        self.header().list.with_mut(|list| {
            // SAFETY: the field is the poller's (W1).
            unsafe { *list = new }
        });
    }

    /// What the task inherited.
    #[inline]
    pub(in crate::engine::cell) fn context(&self) -> Option<&Arc<Context>> {
        // SAFETY: the cell lives as long as this value.
        let place = unsafe { context_place(self.0) }?;
        place.with(|context| {
            // SAFETY: the place is the poller's (W1), who changes it through `&mut self` only.
            unsafe { (*context).as_ref() }
        })
    }

    /// Takes out what the task inherited.
    pub(in crate::engine::cell) fn take_context(&mut self) -> Option<Arc<Context>> {
        // SAFETY: the place is the poller's (W1), and references to what is in it are borrowed from this value.
        unsafe { set_context(self.0, None) }
    }

    /// The future is pending: gives up RUNNING. A runnable, if the task was woken meanwhile; else it is somebody else's now.
    ///
    /// # Safety
    /// The future is in its slot.
    #[inline]
    pub(in crate::engine::cell) unsafe fn pending(self) -> Option<Runnable> {
        match self.header().word.pending() {
            AfterPending::Leave => None,
            AfterPending::Requeue => Some(Runnable(self.0)),
        }
    }

    /// Publishes what is stored.
    ///
    /// # Safety
    /// The future is gone, and what the stage says is in its place.
    #[inline]
    pub(in crate::engine::cell) unsafe fn complete(self) -> Completed {
        // SAFETY: unless the word has released it, the runtime's reference goes to who completes the task (W5).
        let task = || unsafe { TaskRef::from_raw(self.0) };
        match self.header().word.complete() {
            AfterComplete::Released => Completed::Released,
            AfterComplete::WakeJoin => Completed::Awaited(Awaited::new(task())),
            AfterComplete::DropOutput => Completed::Unwanted(task()),
            AfterComplete::Release => Completed::Unawaited(task()),
        }
    }
}

/// The place of the task's context, if its cell has one.
///
/// # Safety
/// `task` is `allocate`'s pointer to a cell that lives as long as the reference is used.
#[inline]
unsafe fn context_place<'a>(task: NonNull<Header>) -> Option<&'a ContextPlace> {
    // SAFETY: by contract.
    let header = unsafe { task.as_ref() };
    if !header.may_inherit {
        return None;
    }
    // SAFETY: a cell whose task may inherit is larger by that place.
    let place = unsafe { task.byte_add(header.table.context_at) };
    // SAFETY: `allocate` has made one there.
    Some(unsafe { place.cast().as_ref() })
}

/// Gives what was there before.
///
/// # Safety
/// As [`context_place`]; the place is the caller's, who has no reference to what is in it.
unsafe fn set_context(task: NonNull<Header>, new: Option<Arc<Context>>) -> Option<Arc<Context>> {
    // SAFETY: by contract.
    let place = unsafe { context_place(task) }?;
    place.with_mut(|context| {
        // SAFETY: by contract, nobody else touches the place.
        std::mem::replace(unsafe { &mut *context }, new)
    })
}
