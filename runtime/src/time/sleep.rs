//! Waiting until a moment.
//!
//! Owns: [`Sleep`], and its part in the budget.   Not here: where it waits (`engine/sched/timer`).

use super::{Instant, cannot_wait};
use crate::engine::{Timer, budget, no_runtime_here};
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

/// Waits for a while: the future is ready `duration` after this call, or a little later, never earlier.
///
/// The time counts from the call, not from the first poll. A duration beyond what [`Instant`] can tell (`Duration::MAX`,
/// say) means about thirty years. See [the module](super) on how exact this is.
///
/// ```
/// use runtime::time::{Duration, Instant, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let before = Instant::now();
/// sleep(Duration::from_millis(20)).await;
/// assert!(before.elapsed() >= Duration::from_millis(20));
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime.
///
/// # Cancel safety
/// Dropping it forgets the timer; there is nothing else to lose.
#[track_caller]
pub fn sleep(duration: Duration) -> Sleep {
    match Timer::after(duration) {
        Ok(timer) => Sleep { timer, _pinned: PhantomPinned },
        Err(_) => no_runtime_here("time::sleep"),
    }
}

/// Waits until a moment. A moment that has passed is no error: the future is ready soon after its first poll.
///
/// # Panics
/// Outside of a runtime.
///
/// # Cancel safety
/// Dropping it forgets the timer; there is nothing else to lose.
#[track_caller]
pub fn sleep_until(deadline: Instant) -> Sleep {
    match Timer::new(deadline.into_std()) {
        Ok(timer) => Sleep { timer, _pinned: PhantomPinned },
        Err(_) => no_runtime_here("time::sleep_until"),
    }
}

pin_project! {
    /// The future of [`sleep`] and [`sleep_until`].
    ///
    /// It can be used again: [`reset`](Self::reset) gives it another deadline, before, while or after it is awaited. For
    /// that it must be pinned, on the stack or in a box; it is not [`Unpin`].
    ///
    /// ```
    /// use runtime::time::{Duration, Instant, sleep};
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let idle = sleep(Duration::from_secs(60));
    /// runtime::pin!(idle);
    /// // Something happened: the minute begins anew.
    /// idle.as_mut().reset(Instant::now() + Duration::from_secs(60));
    /// # idle.as_mut().reset(Instant::now());
    /// idle.await;
    /// # })
    /// ```
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct Sleep {
        timer: Timer,
        #[pin]
        _pinned: PhantomPinned,
    }
}

impl Sleep {
    /// Until when it waits.
    pub fn deadline(&self) -> Instant {
        self.timer.deadline().into()
    }

    /// Has the deadline passed?
    pub fn is_elapsed(&self) -> bool {
        self.timer.is_elapsed()
    }

    /// Gives it another deadline. A task that awaits it is woken at the new one, also when that has passed already.
    ///
    /// It stays with the runtime that it was made in.
    pub fn reset(self: Pin<&mut Self>, deadline: Instant) {
        self.project().timer.reset(deadline.into_std());
    }
}

impl Future for Sleep {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::poll_proceed(cx));
        match ready!(self.project().timer.poll(cx)) {
            Ok(()) => unit.made_progress(),
            Err(why) => cannot_wait("time::sleep", why),
        }
        Poll::Ready(())
    }
}

impl fmt::Debug for Sleep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sleep").field("deadline", &self.deadline()).finish_non_exhaustive()
    }
}
