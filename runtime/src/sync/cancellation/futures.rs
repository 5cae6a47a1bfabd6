//! The futures of a token: one that waits until it is cancelled, and one that runs another until then.
//!
//! Each comes borrowing and owning. A `Notify` future is complete when anybody has called since it was made, so waiting is:
//! make it, look at the flag at each poll, wait. No look can fall between.

use super::family::{BorrowedFrom, Member, OwnedBy};
use crate::engine::budget;
use crate::sync::notify::Wait;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

macro_rules! wait_futures {
    ($($(#[$about:meta])* $name:ident $([$life:lifetime])? over $handle:ty;)*) => {$(
        pin_project! {
            $(#[$about])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name$(<$life>)? {
                wait: Wait<$handle>,
                #[pin]
                _pinned: PhantomPinned,
            }

            impl$(<$life>)? PinnedDrop for $name$(<$life>)? {
                fn drop(this: Pin<&mut Self>) {
                    this.project().wait.leave();
                }
            }
        }

        impl$(<$life>)? $name$(<$life>)? {
            fn over(handle: $handle) -> Self {
                Self { wait: Wait::new(handle), _pinned: PhantomPinned }
            }
        }

        impl$(<$life>)? Future for $name$(<$life>)? {
            type Output = ();

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
                let wait = self.project().wait;
                if wait.handle().0.is_cancelled() {
                    ready!(budget::poll_proceed(cx)).made_progress();
                    return Poll::Ready(());
                }
                wait.poll(cx)
            }
        }

        impl$(<$life>)? fmt::Debug for $name$(<$life>)? {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

wait_futures! {
    /// The future of [`CancellationToken::cancelled`](super::CancellationToken::cancelled).
    WaitForCancellationFuture['a] over BorrowedFrom<'a>;
    /// The future of [`CancellationToken::cancelled_owned`](super::CancellationToken::cancelled_owned).
    WaitForCancellationFutureOwned over OwnedBy;
}

impl<'a> WaitForCancellationFuture<'a> {
    pub(super) fn new(member: &'a Member) -> Self {
        Self::over(BorrowedFrom(member))
    }
}

impl WaitForCancellationFutureOwned {
    pub(super) fn new(member: OwnedBy) -> Self {
        Self::over(member)
    }
}

macro_rules! run_futures {
    ($($(#[$about:meta])* $name:ident<$($life:lifetime,)? F> with $wait:ty;)*) => {$(
        pin_project! {
            $(#[$about])*
            #[must_use = "futures do nothing unless you `.await` or poll them"]
            pub struct $name<$($life,)? F> {
                #[pin]
                cancelled: $wait,
                #[pin]
                future: F,
            }
        }

        impl<$($life,)? F> $name<$($life,)? F> {
            pub(super) fn new(cancelled: $wait, future: F) -> Self {
                Self { cancelled, future }
            }
        }

        impl<$($life,)? F: Future> Future for $name<$($life,)? F> {
            type Output = Option<F::Output>;

            fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
                let this = self.project();
                if this.cancelled.poll(cx).is_ready() {
                    return Poll::Ready(None);
                }
                this.future.poll(cx).map(Some)
            }
        }

        impl<$($life,)? F> fmt::Debug for $name<$($life,)? F> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).finish_non_exhaustive()
            }
        }
    )*};
}

run_futures! {
    /// The future of [`CancellationToken::run_until_cancelled`](super::CancellationToken::run_until_cancelled).
    RunUntilCancelledFuture<'a, F> with WaitForCancellationFuture<'a>;
    /// The future of [`CancellationToken::run_until_cancelled_owned`](super::CancellationToken::run_until_cancelled_owned).
    RunUntilCancelledFutureOwned<F> with WaitForCancellationFutureOwned;
}
