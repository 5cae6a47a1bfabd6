//! Until when the caller may take.
//!
//! For code that hands a deadline on: to another server, to a blocking call that takes a timeout, to an estimate of whether
//! to begin at all. Code that only awaits need not look: it is dropped when its time is up.

use super::cancel::{current_runner, runner};
use crate::time::Instant;
use std::time::Duration;

/// The earliest deadline of the scopes around the caller, if any has one.
///
/// Inherited by tasks that are spawned inside of a scope, as long as its `run` lasts, and by blocking closures.
///
/// ```
/// use runtime::scope::{deadline, move_on_after};
/// use runtime::time::{Duration, Instant};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// assert_eq!(deadline::current(), None);
/// let outer = Instant::now() + Duration::from_secs(10);
/// let inner = async { deadline::current().unwrap() };
/// let seen = move_on_after(Duration::from_secs(5), move_on_after(Duration::from_secs(60), inner)).await;
/// assert!(seen.unwrap().unwrap() < outer);
/// # })
/// ```
pub fn current() -> Option<Instant> {
    current_runner().and_then(runner::deadline_of).map(Instant::from_std)
}

/// How much time is left until [`current`]; zero if that has passed.
///
/// ```
/// use runtime::scope::{deadline, move_on_after};
/// use runtime::time::Duration;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let left = move_on_after(Duration::from_secs(60), async { deadline::remaining() }).await;
/// assert!(left.flatten().unwrap() > Duration::from_secs(50));
/// # })
/// ```
pub fn remaining() -> Option<Duration> {
    current().map(|deadline| deadline.saturating_duration_since(Instant::now()))
}
