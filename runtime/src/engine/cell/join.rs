//! The join handle with the type of its output.
//!
//! Owns: [`JoinCell`].   Not here: the steps (`header/joiner`).

use super::JoinError;
use super::header::{Joiner, TaskRef};
use std::marker::PhantomData;
use std::task::{Context, Poll, Waker};

/// The one handle that may take the output. `task::JoinHandle` wraps it.
pub(crate) struct JoinCell<T> {
    joiner: Joiner,
    _output: PhantomData<T>,
}

// SAFETY: the handle gives out a `T` by value, and nothing else of that type.
unsafe impl<T: Send> Send for JoinCell<T> {}
// SAFETY: nothing reachable through `&JoinCell` touches the `T`.
unsafe impl<T: Send> Sync for JoinCell<T> {}

impl<T> JoinCell<T> {
    /// # Safety
    /// A `T` is what the task's future gives.
    #[inline]
    pub(super) unsafe fn new(joiner: Joiner) -> Self {
        JoinCell { joiner, _output: PhantomData }
    }

    #[inline]
    pub(crate) fn task(&self) -> &TaskRef {
        self.joiner.task()
    }

    /// The output, or a promise to wake `cx`'s task when it is there.
    ///
    /// # Panics
    /// When called again after it gave the output.
    #[track_caller]
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<T, JoinError>> {
        let Some(output) = self.joiner.poll(cx.waker()) else { return Poll::Pending };
        // SAFETY: the type is the one that `new` was told.
        match unsafe { output.take() } {
            Some(result) => Poll::Ready(result),
            None => panic!(
                "a `JoinHandle` was polled again after it had given its output.\n  \
                 Keep the result, or use `fuse()` where a loop polls finished futures."
            ),
        }
    }

    /// Leaves a waker, to be woken when the output is there. `true`: not needed, the task is complete.
    pub(crate) fn register(&mut self, waker: &Waker) -> bool {
        self.joiner.register(waker)
    }
}
