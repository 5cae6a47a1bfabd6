//! Giving way.

use crate::engine::budget;
use std::future::{Future, poll_fn};
use std::task::Poll;

/// Lets all others go first: tasks that are ready, and what sockets and timers make ready meanwhile.
///
/// A task that yields in a loop starves nobody: sockets and timers are looked at after a few of its yields. Nor is it
/// starved: where others are ready all the time, it has its turn among them.
///
/// # Cancel safety
/// Cancelling it loses nothing.
pub fn yield_now() -> impl Future<Output = ()> + Send + Sync {
    let mut yielded = false;
    poll_fn(move |cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        budget::give_way(cx);
        Poll::Pending
    })
}
