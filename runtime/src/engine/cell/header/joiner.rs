//! The rights of whoever waits for a task's output, and of whoever wakes that one.
//!
//! Owns: [`Joiner`] (the one join handle), [`Output`] (W3), and the slot of the join waker (W4): [`JoinSlot`] to write it,
//! [`Awaited`] to wake what is in it.   Not here: the type of the output (`join`, `slot`).
//!
//! The danger: two threads in the slot of the waker. It is the handle's while JOIN_WAKER is clear; while the bit is set
//! nobody writes it, the handle may compare, and the thread that completes the task wakes. The last of the two to let go
//! drops the waker.

use super::{Header, TaskRef};
use crate::engine::base::contain::contain;
use crate::engine::cell::JoinError;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::Waker;

/// The one join handle of a task.
pub(in crate::engine::cell) struct Joiner(TaskRef);

/// The output of a complete task, which is the holder's alone (W3). It may have been taken out already. A reference keeps
/// the cell.
pub(in crate::engine::cell) struct Output<'c> {
    task: NonNull<Header>,
    _reference: PhantomData<&'c TaskRef>,
}

/// The slot of the join waker, to be written (W4).
struct JoinSlot<'c>(&'c Header);

/// JOIN_WAKER and COMPLETE are set, and who set the second is to wake (W4). Has the runtime's reference.
#[must_use]
pub(in crate::engine::cell) struct Awaited(TaskRef);

impl Joiner {
    /// # Safety
    /// The word says that a join handle exists, and there is none yet.
    #[inline]
    pub(in crate::engine::cell) unsafe fn new(task: TaskRef) -> Self {
        Joiner(task)
    }

    #[inline]
    pub(in crate::engine::cell) fn task(&self) -> &TaskRef {
        &self.0
    }

    /// The output, or a promise to wake `waker` when it is there.
    #[inline]
    pub(in crate::engine::cell) fn poll(&mut self, waker: &Waker) -> Option<Output<'_>> {
        if !self.0.header().is_complete() && !self.register(waker) {
            return None;
        }
        // SAFETY: the task is complete, and its one handle asks.
        Some(unsafe { Output::of(&self.0) })
    }

    /// Leaves a waker, to be woken when the output is there. `true`: not needed, the task is complete.
    pub(in crate::engine::cell) fn register(&mut self, waker: &Waker) -> bool {
        let header = self.0.header();
        if header.word.load().has_join_waker() {
            let same = header.join_waker.with(|slot| {
                // SAFETY: we filled the slot, and until we take it back others only read it (W4).
                unsafe { &*slot }.as_ref().is_some_and(|old| old.will_wake(waker))
            });
            if same {
                // Completion sets COMPLETE before it reads the slot: what we left there will be woken.
                return header.is_complete();
            }
            if !header.word.take_back_join_waker() {
                return true;
            }
        }
        // JOIN_WAKER is clear, and only we set it. The clone is user code and happens before we touch the slot.
        let new = waker.clone();
        let mut slot = JoinSlot(header);
        let old = slot.replace(Some(new));
        let complete = slot.hand_over();
        drop(old);
        complete
    }
}

impl Drop for Joiner {
    fn drop(&mut self) {
        let header = self.0.header();
        let after = header.word.drop_join_handle();
        if after.drop_waker {
            JoinSlot(header).clear();
        }
        if after.drop_output {
            // SAFETY: the task is complete, and the word leaves the output to its handle.
            let output = unsafe { Output::of(&self.0) };
            let drop_output = header.table.drop_output;
            // SAFETY: the table is that of the task's cell.
            unsafe { drop_output(output) };
        }
    }
}

impl JoinSlot<'_> {
    /// Gives what was there before.
    #[inline]
    fn replace(&mut self, new: Option<Waker>) -> Option<Waker> {
        self.0.join_waker.with_mut(|slot| {
            // SAFETY: the slot is ours to write (W4).
            std::mem::replace(unsafe { &mut *slot }, new)
        })
    }

    /// Hands the filled slot to the task. `true`: not needed, it is complete.
    #[inline]
    fn hand_over(self) -> bool {
        !self.0.word.set_join_waker()
    }

    fn clear(mut self) {
        let waker = self.replace(None);
        if waker.is_some() {
            contain(|| drop(waker));
        }
    }
}

impl Awaited {
    /// For `Running::complete`, when the word says so.
    #[inline]
    pub(super) fn new(task: TaskRef) -> Self {
        Awaited(task)
    }

    /// Wakes the joiner, and gives the runtime's reference up.
    pub(in crate::engine::cell) fn wake(self) {
        self.0.release_after(|task| {
            let header = task.header();
            header.join_waker.with(|waker| {
                // SAFETY: nobody writes the slot until `join_waker_done` (W4).
                if let Some(waker) = unsafe { &*waker } {
                    contain(|| waker.wake_by_ref());
                }
            });
            if header.word.join_waker_done() {
                // The handle went meanwhile, and left the slot to us.
                JoinSlot(header).clear();
            }
        });
    }
}

impl<'c> Output<'c> {
    /// # Safety
    /// The task is complete, and the word has left the output to the caller (W3).
    #[inline]
    pub(in crate::engine::cell) unsafe fn of(task: &'c TaskRef) -> Self {
        Output { task: task.pointer(), _reference: PhantomData }
    }

    #[inline]
    pub(in crate::engine::cell) fn pointer(&self) -> NonNull<Header> {
        self.task
    }

    /// `None`: it was taken out before.
    ///
    /// # Safety
    /// A `T` is what the task's future gives.
    #[inline]
    pub(in crate::engine::cell) unsafe fn take<T>(self) -> Option<Result<T, JoinError>> {
        let mut output: Option<Result<T, JoinError>> = None;
        // SAFETY: the reference keeps the cell.
        let take = unsafe { self.task.as_ref() }.table.take_output;
        // SAFETY: the table is that of the task's cell, and the type is right by contract.
        unsafe { take(self, (&raw mut output).cast()) };
        output
    }
}
