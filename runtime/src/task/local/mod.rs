//! Tasks that are not `Send`: sets of tasks that stay on one thread.
//!
//! A [`LocalSet`] is a future that contains its own little scheduler: the same cells as everywhere, a queue of its own,
//! and the waker of whatever task polls the set. What is spawned on it runs when the set is polled, on that thread.

mod queue;
mod set;

pub(crate) use set::spawn_local_with;
pub use set::{LocalEnterGuard, LocalSet, spawn_local};
