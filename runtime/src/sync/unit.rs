//! A unit of budget for operations that are made of other futures.
//!
//! Owns: [`take_unit`].   Not here: leaf futures with a poll of their own, which take theirs there.

use crate::engine::budget;
use std::future::poll_fn;
use std::task::{Poll, ready};

/// Takes a unit of the task's budget; yields first if none is left.
pub(super) async fn take_unit() {
    poll_fn(|cx| {
        ready!(budget::poll_proceed(cx)).made_progress();
        Poll::Ready(())
    })
    .await;
}
