//! Holding time still, for tests.
//!
//! Owns: the public functions.   Not here: the clock, and how it moves by itself (`engine/drive`).

use crate::engine::clockwork::{self, ClockError};
use crate::engine::{Caller, no_runtime_here};
use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

/// Holds the time of the current runtime still, for all of its threads, until [`resume`].
///
/// [`Instant::now`](super::Instant::now) inside the runtime then says the same again and again, and timers fire when the
/// clock is moved: by [`advance`], or by itself when nothing else would ever happen (see the [module](super), and
/// [`set_auto_advance`]). Clocks of other runtimes, [`std::time::Instant`] and the system's time are not touched.
///
/// It works on every flavor. [`Builder::start_paused`](crate::runtime::Builder::start_paused) and
/// `#[runtime::test(start_paused = true)]` pause from the start.
///
/// ```
/// use runtime::time::{Duration, Instant, pause, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// pause();
/// let before = Instant::now();
/// sleep(Duration::from_secs(86_400)).await;
/// assert_eq!(before.elapsed().as_secs(), 86_400);
/// # })
/// ```
///
/// # Panics
/// If time stands still already, or outside of a runtime.
#[track_caller]
pub fn pause() {
    match clockwork::pause() {
        Ok(()) => {}
        Err(ClockError::NoRuntime) => no_runtime_here("time::pause"),
        Err(ClockError::SoAlready) => {
            panic!(
                "time stands still already: `time::pause` was called twice, or after `start_paused`.\n  Call it once, and \
                 `time::resume` before it is called again."
            )
        }
    }
}

/// Lets the time of the current runtime flow again, from where it stands.
///
/// # Panics
/// If it flows already, or outside of a runtime.
#[track_caller]
pub fn resume() {
    match clockwork::resume() {
        Ok(()) => {}
        Err(ClockError::NoRuntime) => no_runtime_here("time::resume"),
        Err(ClockError::SoAlready) => {
            panic!("time is not held still: `time::resume` has nothing to resume.\n  Call `time::pause` before it.")
        }
    }
}

/// Moves the time of the current runtime, which must stand still, and yields once.
///
/// Timers up to then fire. Their tasks are ready afterwards, but they need not have run when this returns: wait for what
/// they do, not for this. A timer that such a task sets next counts from the new time, however far that is: several small
/// steps and one large one are not the same for it.
///
/// ```
/// use runtime::time::{Duration, advance, pause, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// pause();
/// let mut hour = Box::pin(sleep(Duration::from_secs(3600)));
/// advance(Duration::from_secs(3599)).await;
/// assert!(!hour.is_elapsed());
/// advance(Duration::from_secs(1)).await;
/// assert!(hour.is_elapsed());
/// # })
/// ```
///
/// # Panics
/// When polled: outside of a runtime; if time does not stand still; or if it would leave the range of
/// [`Instant`](super::Instant).
///
/// # Cancel safety
/// Time moves in the first poll; dropping it later changes nothing.
#[track_caller]
pub fn advance(duration: Duration) -> impl Future<Output = ()> {
    let caller = Caller::of("time::advance");
    async move {
        caller.needs_runtime();
        assert!(
            clockwork::now().checked_add(duration).is_some(),
            "time cannot be moved so far: `time::advance`, called at {}, would leave the range of an `Instant` with \
             {duration:?}.\n  Move it by less.",
            caller.place()
        );
        match clockwork::advance(duration) {
            Ok(()) => {}
            Err(ClockError::NoRuntime) => caller.finds_none(),
            Err(ClockError::SoAlready) => panic!(
                "time is not held still: `time::advance`, called at {}, cannot move it.\n  Call `time::pause` before it.",
                caller.place()
            ),
        }
        let mut yielded = false;
        poll_fn(|cx| {
            if std::mem::replace(&mut yielded, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }
}

/// Says whether the time of the current runtime, while it stands still, moves on by itself to the next timer when nothing
/// else would ever happen. It does so unless told otherwise. (Beyond tokio.)
///
/// Switched off, only [`advance`] moves it: a test of something that waits for a socket *or* a timeout then decides itself
/// which of the two comes first, and one that forgot to advance hangs instead of passing.
///
/// May be called while time flows: it takes effect with the next [`pause`].
///
/// # Panics
/// Outside of a runtime.
#[track_caller]
pub fn set_auto_advance(whether: bool) {
    if clockwork::set_auto_advance(whether).is_err() {
        no_runtime_here("time::set_auto_advance");
    }
}
