//! Short forms: a body with a deadline.
//!
//! Owns: [`move_on_after`], [`fail_after`] and their relatives.
//! Not here: [`time::timeout`](crate::time::timeout), which drops its future and tells nobody inside.

use super::Run;
use super::tree::Deadline;
use crate::time::Instant;
use crate::time::error::Elapsed;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// Runs `body` in a scope with so much time, and gives `None` if that was not enough.
///
/// The time counts from the first poll. If a scope *around* this one is cancelled, nothing is returned: the whole future
/// is dropped.
///
/// ```
/// use runtime::scope::move_on_after;
/// use runtime::time::{Duration, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// assert_eq!(move_on_after(Duration::from_secs(60), async { 1 }).await, Some(1));
/// assert_eq!(move_on_after(Duration::from_millis(5), sleep(Duration::from_secs(60))).await, None);
/// # })
/// ```
///
/// # Panics
/// Polling panics outside of a runtime.
///
/// # Cancel safety
/// As [`Run`].
pub fn move_on_after<F: Future>(time: Duration, body: F) -> MoveOnAfter<F> {
    MoveOnAfter { run: Run::until(Deadline::After(time), body) }
}

/// As [`move_on_after`], until a moment.
///
/// ```
/// use runtime::scope::move_on_at;
/// use runtime::time::Instant;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// // What is ready at once is given, whatever the clock says.
/// assert_eq!(move_on_at(Instant::now(), async { 1 }).await, Some(1));
/// assert_eq!(move_on_at(Instant::now(), std::future::pending::<()>()).await, None);
/// # })
/// ```
///
/// # Panics
/// Polling panics outside of a runtime.
///
/// # Cancel safety
/// As [`Run`].
pub fn move_on_at<F: Future>(deadline: Instant, body: F) -> MoveOnAfter<F> {
    MoveOnAfter { run: Run::until(Deadline::At(deadline.into_std()), body) }
}

/// Runs `body` in a scope with so much time, and fails if that was not enough.
///
/// The time counts from the first poll, while that of [`time::timeout`](crate::time::timeout) counts from the call.
///
/// ```
/// use runtime::scope::fail_after;
/// use runtime::time::{Duration, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// assert!(fail_after(Duration::from_millis(5), sleep(Duration::from_secs(60))).await.is_err());
/// # })
/// ```
///
/// # Errors
/// [`Elapsed`], if the time was up.
///
/// # Panics
/// Polling panics outside of a runtime.
///
/// # Cancel safety
/// As [`Run`].
pub fn fail_after<F: Future>(time: Duration, body: F) -> FailAfter<F> {
    FailAfter { run: Run::until(Deadline::After(time), body) }
}

/// As [`fail_after`], until a moment.
///
/// ```
/// use runtime::scope::fail_at;
/// use runtime::time::Instant;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// assert!(fail_at(Instant::now(), std::future::pending::<()>()).await.is_err());
/// # })
/// ```
///
/// # Errors
/// [`Elapsed`], if the time was up.
///
/// # Panics
/// Polling panics outside of a runtime.
///
/// # Cancel safety
/// As [`Run`].
pub fn fail_at<F: Future>(deadline: Instant, body: F) -> FailAfter<F> {
    FailAfter { run: Run::until(Deadline::At(deadline.into_std()), body) }
}

pin_project! {
    /// The future of [`move_on_after`] and [`move_on_at`].
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct MoveOnAfter<F> {
        #[pin]
        run: Run<F>,
    }
}

impl<F: Future> Future for MoveOnAfter<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx).map(Result::ok)
    }
}

impl<F> fmt::Debug for MoveOnAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MoveOnAfter").finish_non_exhaustive()
    }
}

pin_project! {
    /// The future of [`fail_after`] and [`fail_at`].
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct FailAfter<F> {
        #[pin]
        run: Run<F>,
    }
}

impl<F: Future> Future for FailAfter<F> {
    type Output = Result<F::Output, Elapsed>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.project().run.poll(cx).map_err(|_| Elapsed::new())
    }
}

impl<F> fmt::Debug for FailAfter<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FailAfter").finish_non_exhaustive()
    }
}
