//! Giving way.

use std::future::{Future, poll_fn};
use std::task::Poll;

/// Lets the tasks behind this one run first: it goes to the end of its worker's queue.
///
/// Sockets and timers are looked at between polls, so that a task that yields in a loop starves neither.
///
/// # Cancel safety
/// Cancelling it loses nothing.
pub fn yield_now() -> impl Future<Output = ()> + Send + Sync {
    let mut yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
}
