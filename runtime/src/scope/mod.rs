//! Structured concurrency: who waits for whom, who stops whom, and until when.
//!
//! | to do this | use |
//! |---|---|
//! | run tasks that end together, and hear of the first failure | [`TaskGroup`] |
//! | run many futures as tasks, and get their outputs in order | [`gather`], [`gather_settled`] |

mod group;

pub use group::{ChildError, GroupClosed, GroupError, NotReady, Ready, Spawner, TaskGroup, gather, gather_settled};
