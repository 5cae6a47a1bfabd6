//! The runtime itself: running futures and ending.

use super::handle::may_block;
use super::{Builder, EnterGuard, Handle, RuntimeMetrics};
use crate::engine::config::Flavor;
use crate::engine::{Engine, ShutDown, entered};
use crate::task::large::Large;
use crate::task::{JoinHandle, TrySpawnError};
use std::future::Future;
use std::io;
use std::panic::Location;
use std::pin::pin;
use std::time::{Duration, Instant};

/// A runtime: workers, a blocking pool, and what wakes them.
///
/// # Ending
///
/// Dropping a runtime cancels every task (its future is dropped where it is suspended, without another poll), and waits
/// for polls that are under way and for blocking closures. It waits as long as that takes;
/// [`shutdown_timeout`](Runtime::shutdown_timeout) waits no longer than it is told to, and
/// [`shutdown_background`](Runtime::shutdown_background) not at all. A runtime that is dropped inside async code, or on
/// one of its own threads (in a blocking closure of its own, inside `block_in_place`), does not wait either: its threads
/// finish in the background.
///
/// A closure of [`spawn_blocking`](Runtime::spawn_blocking) that has not begun runs all the same, unless it waits because
/// [`max_blocking_threads`](Builder::max_blocking_threads) of them are running: those are cancelled. What is spawned
/// from now on is cancelled at once. What the runtime has accepted on its own account, what is written to standard output for
/// instance, is not cancelled: it is waited for like closures that run, and goes on in the background where nobody waits.
///
/// In a process that was forked off without `exec` the threads do not exist: there the end of a runtime waits for
/// nothing and drops nothing.
#[derive(Debug)]
pub struct Runtime {
    handle: Handle,
}

impl Runtime {
    pub(super) fn from_handle(handle: Handle) -> Self {
        Runtime { handle }
    }

    /// A multi-thread runtime with a worker for each CPU.
    ///
    /// # Errors
    /// As [`Builder::build`].
    #[track_caller]
    pub fn new() -> io::Result<Runtime> {
        Builder::new_multi_thread().enable_all().build()
    }

    /// A handle to spawn on this runtime from elsewhere.
    pub fn handle(&self) -> &Handle {
        &self.handle
    }

    /// Spawns a task. It starts at once, whether or not the handle is awaited.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
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

    /// Runs a future to its end on this thread.
    ///
    /// On the multi-thread flavor this thread polls the future given here and nothing else. No task delays it, and it is none
    /// of the [`worker_threads`](Builder::worker_threads): what holds for those (their number, names, stacks, hooks) holds for every
    /// task.
    ///
    /// On a current-thread runtime it polls the tasks as well. They run first in, first out, and the future given here, once woken, has its turn when
    /// none is ready, or after [`event_interval`](Builder::event_interval) polls: one `yield_now` lets them all run.
    /// Only one thread runs tasks at a time; a second one in `block_on` takes over when
    /// the first leaves.
    ///
    /// # Panics
    /// If the future panics; inside async code (await there, or use `block_in_place`).
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let alone = self.handle.engine().flavor() != Flavor::MultiThread;
        let _role = may_block("Runtime::block_on", alone);
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

    /// Ends the runtime, and waits for `duration` at the most. What still runs then goes on in the background, and its
    /// thread ends with it: a poll that has not returned, with its task; and blocking closures, also those that have not
    /// begun and that a thread can be had for. All other tasks have been dropped.
    ///
    /// Inside async code and on a thread of this runtime it does not wait, as
    /// [`shutdown_background`](Runtime::shutdown_background): the poll or closure that calls it may be what it would wait
    /// for. (Inside [`block_in_place`](crate::task::block_in_place) of another runtime it does.)
    pub fn shutdown_timeout(self, duration: Duration) {
        end(&self.handle, Some(duration));
    }

    /// Ends the runtime without waiting for anything. Its threads drop the tasks, finish the polls that are under way and
    /// run the blocking closures that [`shutdown_timeout`](Runtime::shutdown_timeout) would leave; if the program ends
    /// meanwhile, they do not.
    pub fn shutdown_background(self) {
        end(&self.handle, Some(Duration::ZERO));
    }
}

impl Drop for Runtime {
    fn drop(&mut self) {
        // After `shutdown_*` the engine is closed already, and whoever waited has given up.
        if !self.handle.engine().is_closing() || self.handle.engine().closed_by_panic() {
            end(&self.handle, None);
        }
    }
}

/// Did an operation on a socket fail because the socket's runtime has ended?
///
/// ```
/// use runtime::net::TcpListener;
/// use runtime::runtime::{Runtime, is_rt_shutdown_err};
///
/// let (first, second) = (Runtime::new().unwrap(), Runtime::new().unwrap());
/// let listener = first.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
/// drop(first);
/// let error = second.block_on(listener.accept()).unwrap_err();
/// assert!(is_rt_shutdown_err(&error));
/// ```
pub fn is_rt_shutdown_err(error: &io::Error) -> bool {
    error.get_ref().is_some_and(|inner| inner.is::<ShutDown>())
}

/// Ends an engine, and waits for `patience` at the most. `None`: as long as it takes.
pub(super) fn end(handle: &Handle, patience: Option<Duration>) {
    let engine = handle.engine();
    if engine.is_of_another_process() {
        // Its tasks are not dropped either, and may be woken still.
        std::mem::forget(engine.arc());
        return;
    }
    // It would wait for the poll, or for the thread, that it is called in.
    let at_once = entered::in_async_context() || entered::is_thread_of(engine);
    let patience = if at_once { Some(Duration::ZERO) } else { patience };
    // A time beyond the clock's range is as good as for ever.
    let deadline = patience.and_then(|patience| Instant::now().checked_add(patience));
    // Tasks may be dropped here.
    let _entered = handle.enter();
    engine.shut_down(deadline);
}
