//! Cooperative scheduling: a budget of ready operations for each poll of a task.
//!
//! Every leaf operation of this crate (a read that finds data, a receive that finds a message…) takes one of 128
//! units. A task that has used them up gets `Pending` from the next one and is polled again after its neighbours, so
//! that a task whose resources are always ready cannot starve the others. Futures that do much work without touching
//! a leaf can join in with [`consume_budget`] or [`poll_proceed`].

use crate::engine::budget;
pub use crate::engine::budget::RestoreOnPending;
use pin_project_lite::pin_project;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Takes a unit of the current task's budget.
///
/// `Ready` means: go on, and call [`RestoreOnPending::made_progress`] if the operation did something; otherwise the
/// unit is given back when the guard is dropped. `Pending` means that the budget is used up: the task has been woken
/// and should return `Pending` at once. Outside of a task there is no limit.
#[inline]
pub fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    budget::poll_proceed(cx)
}

/// Does the current task have budget left in this poll? `true` where there is no limit.
#[inline]
pub fn has_budget_remaining() -> bool {
    budget::has_remaining()
}

/// Takes a unit of budget, and yields to the runtime if there was none left.
///
/// For loops that work for long without awaiting anything that could be pending.
///
/// # Cancel safety
/// Cancelling it loses nothing.
pub async fn consume_budget() {
    poll_fn(|cx| {
        ready!(budget::poll_proceed(cx)).made_progress();
        Poll::Ready(())
    })
    .await
}

/// Runs `future` without a budget: its leaf operations never yield on their own account.
pub fn unconstrained<F>(future: F) -> Unconstrained<F> {
    Unconstrained { future }
}

pin_project! {
    /// The future of [`unconstrained`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Unconstrained<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Unconstrained<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let future = self.project().future;
        budget::with_budget(budget::Budget::UNCONSTRAINED, || future.poll(cx))
    }
}

/// Makes `future` take part in the budget: each of its polls that is ready takes a unit, and with none left it yields
/// instead of being polled.
pub fn cooperative<F: Future>(future: F) -> Coop<F> {
    Coop { future }
}

pin_project! {
    /// The future of [`cooperative`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless polled"]
    pub struct Coop<F> {
        #[pin]
        future: F,
    }
}

impl<F: Future> Future for Coop<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let unit = ready!(poll_proceed(cx));
        let output = ready!(self.project().future.poll(cx));
        unit.made_progress();
        Poll::Ready(output)
    }
}
