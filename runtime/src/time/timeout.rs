//! A future that gives up at a deadline.
//!
//! Owns: [`Timeout`].   Not here: where it waits (`engine/sched/timer`).
//!
//! The inner future goes first, so that a value that is there is never thrown away because its time is up, too (museum
//! T17). Only when that is pending the timer is looked at: most timeouts end without ever having been in a wheel.
//!
//! The danger: an inner future that is always ready until it has used the task's budget up. A timer that asked for a unit
//! then would never be looked at, and the timeout never end (museum T18). So if it was the inner future that took the
//! last unit, the timer needs none.

use super::error::Elapsed;
use super::{Instant, cannot_wait};
use crate::engine::{NoTimer, Timer, budget, no_runtime_here};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::{Future, IntoFuture};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Waits for `future`, for `duration` at the most.
///
/// The time counts from this call. (One of five seconds or more that is first polled noticeably later may end up to a tenth
/// of a second late, never early: a look at the exact clock costs more than most timeouts do otherwise.) The future is polled first: if it is ready in the same poll in which its time is up,
/// its output is returned. When time is up, the future is dropped with the `Timeout`, or given back by
/// [`into_inner`](Timeout::into_inner). A future that does not return from its `poll` cannot be interrupted.
///
/// `Duration::MAX`, or anything else that leads beyond what [`Instant`] can tell, means about thirty years.
///
/// ```
/// use runtime::sync::oneshot;
/// use runtime::time::{Duration, timeout};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let (tx, rx) = oneshot::channel();
/// tx.send("in time").unwrap();
/// assert_eq!(timeout(Duration::from_secs(1), rx).await.unwrap(), Ok("in time"));
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime.
///
/// # Cancel safety
/// As that of the future inside: it is dropped with this one.
#[inline]
#[track_caller]
pub fn timeout<F: IntoFuture>(duration: Duration, future: F) -> Timeout<F::IntoFuture> {
    match Timer::countdown(duration) {
        Ok(timer) => Timeout { value: future.into_future(), timer, _pinned: PhantomPinned },
        Err(_) => no_runtime_here("time::timeout"),
    }
}

/// Waits for `future`, until `deadline` at the latest. See [`timeout`].
///
/// # Panics
/// Outside of a runtime.
///
/// # Cancel safety
/// As that of the future inside: it is dropped with this one.
#[inline]
#[track_caller]
pub fn timeout_at<F: IntoFuture>(deadline: Instant, future: F) -> Timeout<F::IntoFuture> {
    match Timer::new(deadline.into_std()) {
        Ok(timer) => Timeout { value: future.into_future(), timer, _pinned: PhantomPinned },
        Err(_) => no_runtime_here("time::timeout_at"),
    }
}

pin_project! {
    /// The future of [`timeout`] and [`timeout_at`].
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct Timeout<T> {
        #[pin]
        value: T,
        timer: Timer,
        #[pin]
        _pinned: PhantomPinned,
    }
}

impl<T> Timeout<T> {
    /// The future inside.
    pub fn get_ref(&self) -> &T {
        &self.value
    }

    /// The future inside.
    pub fn get_mut(&mut self) -> &mut T {
        &mut self.value
    }

    /// The future inside, without its deadline.
    pub fn into_inner(self) -> T {
        self.value
    }
}

impl<T: Future> Future for Timeout<T> {
    type Output = Result<T::Output, Elapsed>;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let had_budget = budget::has_remaining();
        if let Poll::Ready(output) = this.value.poll(cx) {
            return Poll::Ready(Ok(output));
        }
        match ready!(poll_timer(this.timer, had_budget, cx)) {
            Ok(()) => Poll::Ready(Err(Elapsed::new())),
            Err(why) => cannot_wait("time::timeout", why),
        }
    }
}

fn poll_timer(timer: &mut Timer, had_budget: bool, cx: &mut Context<'_>) -> Poll<Result<(), NoTimer>> {
    if had_budget && !budget::has_remaining() {
        return timer.poll(cx);
    }
    let unit = ready!(budget::poll_proceed(cx));
    let polled = ready!(timer.poll(cx));
    unit.made_progress();
    Poll::Ready(polled)
}

impl<T: fmt::Debug> fmt::Debug for Timeout<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let deadline = Instant::from_std(self.timer.deadline());
        f.debug_struct("Timeout").field("value", &self.value).field("deadline", &deadline).finish_non_exhaustive()
    }
}
