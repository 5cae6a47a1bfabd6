//! The side of a cell that waits for the output.

use super::JoinError;
use super::header::{Header, TaskRef};
use super::slot::drop_join_waker;
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::{Context, Poll, Waker};

/// The one handle that may take the output. `task::JoinHandle` wraps it.
pub(crate) struct JoinCell<T> {
    task: TaskRef,
    _output: PhantomData<T>,
}

// SAFETY: the handle gives out a `T` by value, and nothing else of that type.
unsafe impl<T: Send> Send for JoinCell<T> {}
// SAFETY: nothing reachable through `&JoinCell` touches the `T`.
unsafe impl<T: Send> Sync for JoinCell<T> {}

impl<T> JoinCell<T> {
    /// # Safety
    /// The header is of a cell whose output is a `Result<T, JoinError>`; its join reference and interest pass to the
    /// new handle.
    pub(super) unsafe fn from_raw(header: NonNull<Header>) -> Self {
        JoinCell { task: TaskRef(header), _output: PhantomData }
    }

    pub(crate) fn task(&self) -> &TaskRef {
        &self.task
    }

    /// The output, or a promise to wake `cx`'s task when it is there.
    ///
    /// # Panics
    /// When called again after it gave the output.
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        if !self.task.header().is_complete() && !self.register(cx.waker()) {
            return Poll::Pending;
        }
        match self.take() {
            Some(result) => Poll::Ready(result),
            None => panic!(
                "a `JoinHandle` was polled again after it had given its output.\n  \
                 Keep the result, or use `fuse()` where a loop polls finished futures."
            ),
        }
    }

    /// The output of a complete task.
    fn take(&mut self) -> Option<Result<T, JoinError>> {
        let mut output: Option<Result<T, JoinError>> = None;
        let header = self.task.header();
        let take = header.table.take_output;
        // SAFETY: the task is complete and we are its join handle, so the output is ours (W3); `T` is its type.
        unsafe { take(self.task.0, (&raw mut output).cast()) };
        output
    }

    /// Leaves a waker, to be woken when the output is there. `true`: not needed, the task is complete.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        let header = self.task.header();
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
        // The slot is ours (W4). The clone is user code and happens before we touch it.
        let new = Some(waker.clone());
        let old = header.join_waker.with_mut(|slot| {
            // SAFETY: the slot is ours.
            std::mem::replace(unsafe { &mut *slot }, new)
        });
        let complete = !header.word.set_join_waker();
        drop(old);
        complete
    }
}

impl<T> Drop for JoinCell<T> {
    fn drop(&mut self) {
        let header = self.task.header();
        let after = header.word.drop_join_handle();
        if after.drop_waker {
            drop_join_waker(header);
        }
        if after.drop_output {
            let drop_output = header.table.drop_output;
            // SAFETY: the task is complete and we are its join handle, so the output is ours (W3).
            unsafe { drop_output(self.task.0) };
        }
    }
}
