//! The functions that a user gives a builder, made safe to call anywhere.
//!
//! Owns: what stands around each of them.   Not here: when they are called (the engine).
//!
//! The danger: they are called in the middle of a worker's life. A panic before its first task, on its way to sleep, or
//! between a task and its end would take the thread away with its place still counted as taken, and everything would
//! wait for it for ever. So each is caught where it is called. The panic hook has printed it; it concerns no task.
//!
//! Rejected: to let it fall on the task whose poll it surrounds. The task has done nothing, and most of them surround
//! none.

use super::hooks::TaskMeta;
use crate::engine::config::{Callback, TaskCallback};
use crate::engine::contain;
use std::sync::Arc;

/// The name of the threads of those who give none, and of those whose function fails to give one.
pub(super) const THREAD_NAME: &str = "runtime-worker";

pub(super) type ThreadName = Arc<dyn Fn() -> String + Send + Sync>;

pub(super) fn thread_callback(f: impl Fn() + Send + Sync + 'static) -> Callback {
    Arc::new(move || {
        contain(&f);
    })
}

pub(super) fn task_callback(f: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> TaskCallback {
    Arc::new(move |facts| {
        contain(|| f(&TaskMeta::new(facts)));
    })
}

/// std panics at a name with a NUL in it; that one at least can be shown.
pub(super) fn thread_name(f: impl Fn() -> String + Send + Sync + 'static) -> ThreadName {
    Arc::new(move || contain(&f).map_or_else(|| THREAD_NAME.to_owned(), |name| name.replace('\0', "\u{fffd}")))
}
