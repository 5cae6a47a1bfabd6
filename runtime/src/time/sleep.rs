//! Waiting until a moment.

use crate::engine::Timer;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

pin_project_lite::pin_project! {
    /// The future of [`sleep`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct Sleep {
        timer: Timer,
        #[pin]
        _pinned: PhantomPinned,
    }
}

/// Waits for a while.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    Sleep { timer: Timer::after(duration).expect("no runtime here"), _pinned: PhantomPinned }
}

impl Future for Sleep {
    type Output = ();
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().timer.poll(cx).map(|done| done.expect("the runtime is shutting down"))
    }
}
