//! Sending with a time limit.
//!
//! Owns: `Sender::send_timeout`.
//! Not here: `time`, which stands beside this floor, not below it.

use super::bounded::Sender;
use super::error::SendTimeoutError;
use crate::engine::{Caller, NoTimer, Timer, budget};
use std::future::{Future, poll_fn};
use std::pin::pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

impl<T> Sender<T> {
    /// Sends `value`, waiting for room, but no longer than `timeout`.
    ///
    /// If there is room at once no time is looked at.
    ///
    /// # Errors
    /// [`SendTimeoutError`] says why not; the value comes back.
    ///
    /// # Panics
    /// Outside of a runtime, when polled: also if there is room and it would not have to wait.
    ///
    /// # Cancel safety
    /// Dropping it sends nothing, and drops the value. To keep the value, [`reserve`](Self::reserve) first.
    #[track_caller]
    pub fn send_timeout(&self, value: T, timeout: Duration) -> impl Future<Output = Result<(), SendTimeoutError<T>>> {
        let caller = Caller::of("mpsc::Sender::send_timeout");
        async move {
            // Also when there is room now: it would come out on the day when there is none.
            caller.needs_runtime();
            let in_time = {
                let mut room = pin!(self.take_room(1, caller.place()));
                let mut timer = None;
                poll_fn(|cx| {
                    let had_budget = budget::has_remaining();
                    if let Poll::Ready(taken) = room.as_mut().poll(cx) {
                        return Poll::Ready(Some(taken));
                    }
                    ready!(poll_timer(&mut timer, timeout, caller, had_budget, cx));
                    Poll::Ready(None)
                })
                .await
            };
            match in_time {
                Some(Ok(())) => {
                    self.push(value);
                    Ok(())
                }
                Some(Err(_)) => Err(SendTimeoutError::Closed(value)),
                None => Err(SendTimeoutError::Timeout(value)),
            }
        }
    }
}

/// If waiting for room took the last unit of budget, the timer needs none: the time limit must hold (museum T18).
fn poll_timer(
    timer: &mut Option<Timer>,
    timeout: Duration,
    caller: Caller,
    had_budget: bool,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let unit = if had_budget && !budget::has_remaining() { None } else { Some(ready!(budget::poll_proceed(cx))) };
    let polled = match timer {
        Some(timer) => timer.poll(cx),
        none => match Timer::after(timeout) {
            Ok(timer) => none.insert(timer).poll(cx),
            Err(why) => Poll::Ready(Err(why)),
        },
    };
    let Poll::Ready(result) = polled else { return Poll::Pending };
    if let Some(unit) = unit {
        unit.made_progress();
    }
    result.unwrap_or_else(|why| cannot_wait(caller, why));
    Poll::Ready(())
}

#[cold]
fn cannot_wait(caller: Caller, why: NoTimer) -> ! {
    match why {
        NoTimer::NoRuntime => caller.finds_none(),
        NoTimer::ShutDown => panic!(
            "the runtime is shut down: `{}`, called at {}, was polled after that and its time limit can never wake it.\n  \
             Await it inside a runtime that lives as long.",
            caller.what(),
            caller.place()
        ),
    }
}
