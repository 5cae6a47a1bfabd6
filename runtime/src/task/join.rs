//! The handle of a task.

use super::{AbortHandle, Id, JoinError, coop};
use crate::engine::JoinCell;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

/// Waits for a task, and gives its output.
///
/// Dropping the handle detaches the task: it goes on, and its output is dropped when it is there.
///
/// # Cancel safety
/// Awaiting `&mut handle` and giving up loses nothing: the output stays for the next time.
pub struct JoinHandle<T> {
    cell: JoinCell<T>,
}

// A panic in the task is caught there and given out as an error; a handle has no state that one could break.
impl<T> UnwindSafe for JoinHandle<T> {}
impl<T> RefUnwindSafe for JoinHandle<T> {}

impl<T> Unpin for JoinHandle<T> {}

impl<T> JoinHandle<T> {
    pub(crate) fn new(cell: JoinCell<T>) -> Self {
        JoinHandle { cell }
    }

    pub(super) fn into_cell(self) -> JoinCell<T> {
        self.cell
    }

    /// Wakes `waker` when the task is over, and leaves its output where it is. `false`: it is over already, and the
    /// waker was not kept.
    pub(crate) fn wake_when_over(&mut self, waker: &Waker) -> bool {
        !self.is_finished() && !self.cell.register(waker)
    }

    /// Asks the task to stop. Its future is dropped where it is suspended, and the handle gives a cancelled
    /// [`JoinError`]. A task that is over already stays as it is; a blocking closure that has begun cannot be stopped.
    ///
    /// Works from any thread, also when the runtime is gone.
    pub fn abort(&self) {
        self.cell.task().abort();
    }

    /// Is the task over? `true` also after its output was taken.
    pub fn is_finished(&self) -> bool {
        self.cell.task().header().is_complete()
    }

    /// A handle that can abort the task and ask whether it is over, and does not keep its output.
    #[must_use = "it does nothing by itself"]
    pub fn abort_handle(&self) -> AbortHandle {
        AbortHandle::new(self.cell.task().clone())
    }

    /// The id of the task.
    pub fn id(&self) -> Id {
        self.cell.task().header().id()
    }
}

impl<T> Future for JoinHandle<T> {
    type Output = Result<T, JoinError>;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(coop::poll_proceed(cx));
        let output = ready!(self.cell.poll(cx));
        unit.made_progress();
        Poll::Ready(output)
    }
}

impl<T> fmt::Debug for JoinHandle<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinHandle").field("id", &self.id()).finish()
    }
}
