//! Spawning with a name.

use super::{JoinHandle, LocalSet};
use crate::engine::{BlockingClass, Engine, TaskInfo, entered, no_runtime_here};
use crate::runtime::Handle;
use std::future::Future;
use std::io;
use std::panic::Location;

/// Gives a task a name before it is spawned: hooks, logs and inspection show it.
///
/// (tokio keeps this unstable; here it is stable. The results are `io::Result` for its sake, and always `Ok`.)
///
/// ```
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let task = runtime::task::Builder::new().name("answer").spawn(async { runtime::task::name() }).unwrap();
/// assert_eq!(task.await.unwrap().as_deref(), Some("answer"));
/// # })
/// ```
#[derive(Clone, Copy, Debug, Default)]
#[must_use = "a builder does nothing until it spawns"]
pub struct Builder<'a> {
    name: Option<&'a str>,
}

impl<'a> Builder<'a> {
    /// No name yet.
    pub fn new() -> Self {
        Builder::default()
    }

    /// The task's name.
    pub fn name(&self, name: &'a str) -> Self {
        Builder { name: Some(name) }
    }

    #[track_caller]
    fn info(&self) -> TaskInfo<Box<str>> {
        Engine::info(Location::caller()).named(Box::from(self.name.unwrap_or_default()))
    }

    /// Spawns on the current runtime.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match entered::with_engine(|engine| engine.map(Engine::arc)) {
            Some(engine) => Ok(JoinHandle::new(engine.spawn(future, self.info()))),
            None => no_runtime_here("task::Builder::spawn"),
        }
    }

    /// Spawns on another runtime.
    #[track_caller]
    pub fn spawn_on<F>(self, future: F, handle: &Handle) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        Ok(JoinHandle::new(handle.engine().spawn(future, self.info())))
    }

    /// Spawns on the current [`LocalSet`] or local runtime.
    ///
    /// # Panics
    /// Outside of both.
    #[track_caller]
    pub fn spawn_local<F>(self, future: F) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Ok(super::local::spawn_local_with(future, self.info()))
    }

    /// Spawns on a [`LocalSet`].
    #[track_caller]
    pub fn spawn_local_on<F>(self, future: F, local_set: &LocalSet) -> io::Result<JoinHandle<F::Output>>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        Ok(local_set.spawn_with(future, self.info()))
    }

    /// Runs a closure that blocks, on the current runtime's pool.
    ///
    /// # Panics
    /// As [`spawn_blocking`](super::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F, R>(self, closure: F) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        match entered::with_engine(|engine| engine.map(Engine::arc)) {
            Some(engine) => Ok(JoinHandle::new(engine.spawn_blocking(BlockingClass::User, closure, self.info()))),
            None => no_runtime_here("task::Builder::spawn_blocking"),
        }
    }

    /// Runs a closure that blocks, on another runtime's pool.
    #[track_caller]
    pub fn spawn_blocking_on<F, R>(self, closure: F, handle: &Handle) -> io::Result<JoinHandle<R>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        Ok(JoinHandle::new(handle.engine().spawn_blocking(BlockingClass::User, closure, self.info())))
    }
}
