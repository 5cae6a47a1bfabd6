//! A place where a computation lets others run and asks whether it should go on.
//!
//! Owns: [`checkpoint`], [`Cancelled`].   Not here: who cancels (`scope`).

use super::yield_now;
use crate::engine::{Context, current};
use std::error::Error;
use std::fmt;

/// Lets the tasks behind this one run, as [`yield_now`] does, and then fails if the [scope](crate::scope) around the
/// caller has been cancelled.
///
/// Code that awaits needs no checkpoints: a cancelled scope drops it where it waits. They are for loops that compute, and
/// for scopes with a grace period, in which one may come to an orderly end.
///
/// ```
/// use runtime::scope::CancelScope;
/// use runtime::task::checkpoint;
/// use std::time::Duration;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let scope = CancelScope::new().deadline_after(Duration::from_millis(5)).grace(Duration::from_secs(60));
/// let rounds = scope
///     .run(async {
///         let mut rounds = 0u64;
///         while checkpoint().await.is_ok() {
///             rounds += 1;
///         }
///         rounds
///     })
///     .await;
/// assert!(rounds.unwrap() > 0);
/// # })
/// ```
///
/// # Errors
/// [`Cancelled`], if a scope around the caller has been cancelled, or the one that its task was spawned in. Outside of
/// scopes it never fails.
///
/// # Cancel safety
/// Cancelling it loses nothing.
pub async fn checkpoint() -> Result<(), Cancelled> {
    yield_now().await;
    if is_cancelled() { Err(Cancelled::new()) } else { Ok(()) }
}

pub(crate) fn is_cancelled() -> bool {
    current::with_context(|context: &Context| context.content().is_cancelled()).unwrap_or(false)
}

/// The scope around the caller has been cancelled, by hand or by its deadline.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Cancelled(());

impl Cancelled {
    pub(crate) fn new() -> Self {
        Cancelled(())
    }
}

impl fmt::Debug for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cancelled")
    }
}

impl fmt::Display for Cancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the scope was cancelled, by hand or by its deadline")
    }
}

impl Error for Cancelled {}

impl From<Cancelled> for std::io::Error {
    fn from(cancelled: Cancelled) -> Self {
        std::io::Error::other(cancelled)
    }
}
