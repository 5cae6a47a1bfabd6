//! Tasks: spawning, joining, aborting, yielding, and closures that block.
//!
//! A task is a future that the runtime polls on its own. It starts when it is spawned, whether or not anybody awaits
//! its [`JoinHandle`]; dropping the handle detaches it.
//!
//! ```
//! # runtime::runtime::Runtime::new().unwrap().block_on(async {
//! let task = runtime::spawn(async { 6 * 7 });
//! assert_eq!(task.await.unwrap(), 42);
//! # })
//! ```
//!
//! # What a task must not do
//! Block its thread: then the tasks behind it wait until another worker takes them. Closures that block belong into
//! [`spawn_blocking`], or into [`block_in_place`] where they need the task's own data.

mod abort;
pub(crate) mod blocking;
mod blocking_pool;
mod blocking_refused;
mod builder;
mod checkpoint;
pub mod coop;
pub mod futures;
mod join;
pub mod join_set;
pub(crate) mod large;
pub(crate) mod local;
mod on_done;
mod spawn;
mod task_local;
mod yielding;

pub use crate::engine::{Id, JoinError};
pub use abort::AbortHandle;
pub use blocking::{block_in_place, spawn_blocking, try_spawn_blocking};
pub use blocking_pool::{BlockingMap, BlockingPool, BlockingPoolBuilder};
pub use blocking_refused::TrySpawnError;
pub use builder::Builder;
pub(crate) use checkpoint::is_cancelled;
pub use checkpoint::{Cancelled, checkpoint};
pub use coop::{Unconstrained, consume_budget, unconstrained};
pub use join::JoinHandle;
pub use join_set::JoinSet;
pub use local::{LocalEnterGuard, LocalSet, spawn_local};
pub(crate) use spawn::spawn_child;
pub use spawn::{spawn, spawn_with};
pub use task_local::{AccessError, LocalKey};
pub use yielding::yield_now;

use crate::engine::current;

/// The id of the task that runs here.
///
/// # Panics
/// Outside of a task, also in the future of `block_on`; [`try_id`] returns `None` there.
#[track_caller]
pub fn id() -> Id {
    match try_id() {
        Some(id) => id,
        None => panic!(
            "no task here: `task::id` was called outside of a spawned task.\n  Call it inside one, or use \
             `task::try_id`; the future of `block_on` is no task."
        ),
    }
}

/// The id of the task that runs here, if one does.
pub fn try_id() -> Option<Id> {
    current::id()
}

/// The name of the task that runs here, if it was given one with [`Builder::name`].
pub fn name() -> Option<String> {
    current::with(|task| task.name().map(str::to_owned)).flatten()
}
