//! Structured concurrency: who waits for whom, who stops whom, and until when.
//!
//! | to do this | use |
//! |---|---|
//! | run tasks that end together, and hear of the first failure | [`TaskGroup`] |
//! | run many futures as tasks, and get their outputs in order | [`gather`], [`gather_settled`] |
//! | run futures that borrow, side by side in this task | [`scope_local`]; [`scope_unsend`] if they are not `Send` |
//! | run futures that borrow, in parallel, while this thread waits | [`scope_blocking`] |
//! | give a stretch of code a deadline, or a means to stop it | [`CancelScope`], [`move_on_after`], [`fail_after`] |
//! | stop it with a [`CancellationToken`](crate::sync::CancellationToken), or have one that tells | [`CancelScope::cancel_with`], [`CancelScope::token`] |
//! | know how much time is left | [`deadline::current`] |
//! | know a request's id everywhere in its work | [`context_local!`](crate::context_local) |
//!
//! ```
//! use runtime::scope::{TaskGroup, move_on_after};
//! use runtime::time::{Duration, sleep};
//!
//! #[runtime::main]
//! async fn main() {
//!     // Two backends are asked; nothing takes longer than a second, and nothing is left behind.
//!     let answer = move_on_after(Duration::from_secs(1), async {
//!         let group = TaskGroup::any();
//!         group.spawn(async { Ok::<_, std::io::Error>("from the first") });
//!         group.spawn(async {
//!             sleep(Duration::from_secs(60)).await;
//!             Ok("from the second")
//!         });
//!         group.join_first().await
//!     });
//!     assert_eq!(answer.await.unwrap().unwrap(), Some("from the first"));
//! }
//! ```
//!
//! A task is detached when its [`JoinHandle`](crate::task::JoinHandle) is dropped; that is tokio's rule, and it
//! stays. In here nothing is: what is begun inside ends inside.

mod blocking;
mod by_task;
mod cancel;
mod context;
pub mod deadline;
mod group;
mod local;
#[cfg(all(test, loom))]
mod model;
mod position;
mod shields;
mod slab;
mod turns;
mod wakes;

pub use blocking::{BlockingScope, ScopedTask, scope_blocking};
pub use cancel::{
    CancelScope, FailAfter, MoveOnAfter, Run, cancelled, fail_after, fail_at, is_cancelled, move_on_after, move_on_at,
};
pub use context::{ContextFuture, ContextKey, NoValue};
pub use group::{ChildError, GroupClosed, GroupError, NotReady, Ready, Spawner, TaskGroup, gather, gather_settled};
pub use local::{LocalChild, LocalScope, UnsendScope, scope_local, scope_unsend};

/// What can be stopped for good: a task.
trait Abort: Send + Sync {
    fn abort(&self);
}
