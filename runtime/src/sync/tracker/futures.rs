//! The two futures of a `TaskTracker`.

use super::{Tally, TaskTracker, TaskTrackerToken};
use crate::sync::futures::Notified;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future that a [`TaskTracker`] counts. From [`TaskTracker::track_future`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TrackedFuture<F> {
        // Dropped in this order: the tracker counts the future until its destructor is through.
        #[pin]
        future: F,
        token: TaskTrackerToken,
    }
}

impl<F> TrackedFuture<F> {
    pub(super) fn new(future: F, token: TaskTrackerToken) -> Self {
        TrackedFuture { future, token }
    }
}

impl<F: Future> Future for TrackedFuture<F> {
    type Output = F::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

impl<F> fmt::Debug for TrackedFuture<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let tracker: &TaskTracker = self.token.task_tracker();
        f.debug_struct("TrackedFuture").field("task_tracker", tracker).finish_non_exhaustive()
    }
}

pin_project! {
    /// Waits until a [`TaskTracker`] is closed and empty. From [`TaskTracker::wait`].
    #[must_use = "futures do nothing unless polled"]
    pub struct TaskTrackerWaitFuture<'a> {
        tally: &'a Tally,
        // Made before the first look at the tally, so that no call falls between.
        #[pin]
        called: Notified<'a>,
    }
}

impl<'a> TaskTrackerWaitFuture<'a> {
    pub(super) fn new(tally: &'a Tally) -> Self {
        TaskTrackerWaitFuture { tally, called: tally.all_gone.notified() }
    }
}

impl Future for TaskTrackerWaitFuture<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = self.project();
        if this.tally.is_over() {
            return Poll::Ready(());
        }
        this.called.poll(cx)
    }
}

impl fmt::Debug for TaskTrackerWaitFuture<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskTrackerWaitFuture").field("is_over", &self.tally.is_over()).finish_non_exhaustive()
    }
}
