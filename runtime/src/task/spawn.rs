//! Spawning on the current runtime.

use super::JoinHandle;
use super::large::Large;
use crate::engine::{ChildOfGroup, Engine, Name, TaskInfo, entered, no_runtime_here};
use std::future::Future;
use std::panic::Location;

/// Spawns a task on the current runtime. It starts at once, whether or not the handle is awaited.
///
/// # Panics
/// Outside of a runtime's context; [`Handle::spawn`](crate::runtime::Handle::spawn) works anywhere.
#[track_caller]
#[inline]
pub fn spawn<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let info = Engine::info(Location::caller());
    if Large::<F>::YES { spawn_at(Box::pin(future), info.boxed::<F>()) } else { spawn_at(future, info) }
}

/// The same, as a child of a group.
#[track_caller]
pub(crate) fn spawn_child<F>(future: F) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let info = Engine::info(Location::caller());
    if Large::<F>::YES {
        spawn_at(Box::pin(future), info.boxed::<F>().named(ChildOfGroup))
    } else {
        spawn_at(future, info.named(ChildOfGroup))
    }
}

#[track_caller]
#[inline]
fn spawn_at<F, N: Name>(future: F, info: TaskInfo<N>) -> JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let spawned = entered::with_engine(|engine| engine.map(|engine| engine.spawn(future, info)));
    match spawned {
        Some(join) => JoinHandle::new(join),
        None => no_runtime_here("spawn"),
    }
}

/// Spawns a task whose future is made by a closure, *on the worker that runs it*.
///
/// For futures that are too large for the caller's stack: only the closure is moved here. The future itself is built
/// where it stays, on the heap.
///
/// ```
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let task = runtime::task::spawn_with(|| async {
///     let page = [7u8; 64 * 1024];
///     runtime::task::yield_now().await;
///     page.len()
/// });
/// assert_eq!(task.await.unwrap(), 65536);
/// # })
/// ```
///
/// # Panics
/// Outside of a runtime's context.
#[track_caller]
pub fn spawn_with<C, F>(make: C) -> JoinHandle<F::Output>
where
    C: FnOnce() -> F + Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    spawn(async move { Box::pin(make()).await })
}
