//! A current-thread runtime whose tasks need not be `Send`.

use super::handle::may_block;
use super::runtime::end;
use super::{Builder, EnterGuard, Handle, RuntimeMetrics};
use crate::engine::Engine;
use crate::task::large::Large;
use crate::task::{JoinHandle, TrySpawnError};
use std::future::Future;
use std::io;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::pin;
use std::time::Duration;

/// Options of a [`LocalRuntime`]. There are none yet.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct LocalOptions {
    /// Options may come that are bound to a thread, as the runtime is.
    _this_thread: PhantomData<*mut ()>,
}

/// A runtime on one thread, for tasks that are not `Send`: [`spawn_local`](crate::task::spawn_local) works everywhere
/// inside it, without a [`LocalSet`](crate::task::LocalSet).
///
/// ```
/// use std::rc::Rc;
/// let rt = runtime::runtime::LocalRuntime::new().unwrap();
/// let shared = Rc::new(5);
/// let seen = rt.block_on(async {
///     let shared = shared.clone();
///     runtime::task::spawn_local(async move { *shared + 1 }).await.unwrap()
/// });
/// assert_eq!(seen, 6);
/// ```
#[derive(Debug)]
pub struct LocalRuntime {
    handle: Handle,
    /// Its tasks are dropped where it is dropped: on the thread that made it.
    _this_thread: PhantomData<*mut ()>,
}

impl LocalRuntime {
    pub(super) fn from_handle(handle: Handle) -> Self {
        handle.engine().bind_to_this_thread();
        LocalRuntime { handle, _this_thread: PhantomData }
    }

    /// A local runtime with the default settings.
    ///
    /// # Errors
    /// As [`Builder::build`].
    pub fn new() -> io::Result<LocalRuntime> {
        Builder::new_current_thread().enable_all().build_local(LocalOptions::default())
    }

    /// A handle to spawn `Send` tasks on this runtime from elsewhere.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task, which runs when this thread is inside [`block_on`](LocalRuntime::block_on).
    #[track_caller]
    pub fn spawn_local<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        let info = Engine::info(Location::caller());
        JoinHandle::new(if Large::<F>::YES {
            self.handle.engine().spawn(Box::pin(future), info.boxed::<F>())
        } else {
            self.handle.engine().spawn(future, info)
        })
    }

    /// Runs a closure that blocks on a thread for such.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, closure: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.spawn_blocking(closure)
    }

    /// The same, if there is room in the queue: see [`Handle::try_spawn_blocking`].
    ///
    /// # Errors
    /// Where there is none the closure comes back.
    #[track_caller]
    pub fn try_spawn_blocking<F, R>(&self, closure: F) -> Result<JoinHandle<R>, TrySpawnError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        self.handle.try_spawn_blocking(closure)
    }

    /// Runs a future to its end on this thread, and tasks in between.
    ///
    /// # Panics
    /// If the future panics; inside async code.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _role = may_block("LocalRuntime::block_on", true);
        let _entered = self.enter();
        self.handle.engine().block_on(pin!(future))
    }

    /// Enters the runtime's context; see [`Handle::enter`].
    pub fn enter(&self) -> EnterGuard<'_> {
        self.handle.enter()
    }

    /// Its counters.
    pub fn metrics(&self) -> RuntimeMetrics {
        self.handle.metrics()
    }

    /// Ends the runtime, and waits for `duration` at the most, as [`Runtime::shutdown_timeout`](super::Runtime): what is
    /// left then are blocking closures. Inside async code it does not wait.
    pub fn shutdown_timeout(self, duration: Duration) {
        end(&self.handle, Some(duration));
    }

    /// Drops the tasks, and ends the runtime without waiting for blocking closures.
    pub fn shutdown_background(self) {
        end(&self.handle, Some(Duration::ZERO));
    }
}

impl Drop for LocalRuntime {
    fn drop(&mut self) {
        if !self.handle.engine().is_closing() || self.handle.engine().closed_by_panic() {
            end(&self.handle, None);
        }
    }
}
