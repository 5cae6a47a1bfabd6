//! Handles: a runtime, from anywhere.

use super::RuntimeMetrics;
use crate::engine::config::Flavor;
use crate::engine::entered::{self, Role};
use crate::engine::{BlockingClass, Engine, no_runtime_here};
use crate::task::large::Large;
use crate::task::{JoinHandle, TrySpawnError};
use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::num::NonZeroU64;
use std::panic::Location;
use std::pin::pin;
use std::sync::Arc;

/// A runtime, from anywhere: to spawn on it, to enter it, to ask it. Cheap to clone.
///
/// A handle does not keep the runtime running. After the [`Runtime`](super::Runtime) is gone, what is spawned through
/// a handle is cancelled at once.
#[derive(Clone)]
pub struct Handle {
    engine: Arc<Engine>,
}

/// What kind of runtime it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RuntimeFlavor {
    /// Everything on the thread inside `block_on`.
    CurrentThread,
    /// Several workers.
    MultiThread,
}

/// Holds a thread inside a runtime's context; made by [`Handle::enter`].
#[must_use = "dropping the guard leaves the runtime's context at once"]
pub struct EnterGuard<'a> {
    _entered: entered::Entered,
    _handle: PhantomData<&'a Handle>,
}

impl fmt::Debug for EnterGuard<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EnterGuard").finish_non_exhaustive()
    }
}

impl Handle {
    pub(super) fn new(engine: Arc<Engine>) -> Self {
        Handle { engine }
    }

    pub(crate) fn engine(&self) -> &Arc<Engine> {
        &self.engine
    }

    /// The runtime that this thread has entered: inside a task, inside `block_on`, inside a blocking closure, or while
    /// a guard of [`enter`](Handle::enter) lives.
    ///
    /// # Panics
    /// If there is none. [`try_current`](Handle::try_current) returns an error instead.
    #[track_caller]
    pub fn current() -> Handle {
        match Handle::try_current() {
            Ok(handle) => handle,
            Err(_) => no_runtime_here("Handle::current"),
        }
    }

    /// The runtime that this thread has entered, or an error if there is none.
    pub fn try_current() -> Result<Handle, TryCurrentError> {
        entered::with_engine(|engine| engine.map(|engine| Handle { engine: engine.arc() }).ok_or(TryCurrentError(())))
    }

    /// Enters the runtime's context: until the guard is dropped, `spawn`, timers and sockets on this thread belong to
    /// this runtime.
    pub fn enter(&self) -> EnterGuard<'_> {
        EnterGuard { _entered: entered::enter(self.engine.clone()), _handle: PhantomData }
    }

    /// Spawns a task. It starts at once, whether or not the handle is awaited.
    ///
    /// On a runtime that has shut down the task is cancelled before it begins.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let info = Engine::info(Location::caller());
        JoinHandle::new(if Large::<F>::YES {
            self.engine.spawn(Box::pin(future), info.boxed::<F>())
        } else {
            self.engine.spawn(future, info)
        })
    }

    /// Runs a closure that blocks on a thread for such.
    ///
    /// # Panics
    /// If the operating system refuses the first such thread.
    #[track_caller]
    pub fn spawn_blocking<F, R>(&self, closure: F) -> JoinHandle<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        JoinHandle::new(self.engine.spawn_blocking(BlockingClass::User, closure, Engine::info(Location::caller())))
    }

    /// The same, unless as many closures wait as
    /// [`Builder::max_blocking_queue`](super::Builder::max_blocking_queue) allows, or the runtime has shut down. See
    /// [`task::try_spawn_blocking`](crate::task::try_spawn_blocking).
    ///
    /// # Errors
    /// Then the closure comes back.
    ///
    /// # Panics
    /// As [`spawn_blocking`](Handle::spawn_blocking).
    #[track_caller]
    pub fn try_spawn_blocking<F, R>(&self, closure: F) -> Result<JoinHandle<R>, TrySpawnError<F>>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
    {
        let info = Engine::info(Location::caller());
        match self.engine.try_spawn_blocking(BlockingClass::User, closure, info) {
            Ok(cell) => Ok(JoinHandle::new(cell)),
            Err(refused) => Err(TrySpawnError::new(refused)),
        }
    }

    /// Runs a future to its end on this thread, in the runtime's context.
    ///
    /// Unlike [`Runtime::block_on`](super::Runtime::block_on) it runs nothing else here: on a current-thread runtime
    /// somebody else must be inside `Runtime::block_on` for tasks, sockets and timers to move.
    ///
    /// When the runtime is gone the future runs all the same; what it spawns is cancelled at once.
    ///
    /// # Panics
    /// Inside async code, where it would block a worker; `block_in_place` allows it there.
    #[track_caller]
    pub fn block_on<F: Future>(&self, future: F) -> F::Output {
        let _role = may_block("Handle::block_on", false);
        let _entered = self.enter();
        self.engine.block_on_apart(pin!(future))
    }

    /// What kind of runtime this is.
    pub fn runtime_flavor(&self) -> RuntimeFlavor {
        match self.engine.flavor() {
            Flavor::MultiThread => RuntimeFlavor::MultiThread,
            Flavor::CurrentThread | Flavor::Local => RuntimeFlavor::CurrentThread,
        }
    }

    /// A number of this runtime that no other one in the process has.
    pub fn id(&self) -> Id {
        Id::new(self.engine.id())
    }

    /// The name given with [`Builder::name`](super::Builder::name).
    pub fn name(&self) -> Option<&str> {
        self.engine.name()
    }

    /// Its counters.
    pub fn metrics(&self) -> RuntimeMetrics {
        RuntimeMetrics::new(self.clone())
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handle").field("id", &self.engine.id()).field("flavor", &self.engine.flavor()).finish()
    }
}

/// The number of a runtime or of a [`LocalSet`](crate::task::LocalSet), for logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Id(NonZeroU64);

impl Id {
    pub(crate) fn new(number: u64) -> Id {
        Id(NonZeroU64::new(number).expect("BUG: engine ids start at 1"))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// This thread has entered no runtime.
#[derive(Debug, PartialEq, Eq)]
pub struct TryCurrentError(());

impl TryCurrentError {
    /// No runtime here: the usual case.
    pub fn is_missing_context(&self) -> bool {
        true
    }

    /// The thread is ending, and its thread-locals are gone. Ours have no destructor, so that this never happens.
    pub fn is_thread_local_destroyed(&self) -> bool {
        false
    }
}

impl fmt::Display for TryCurrentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "no runtime here: this thread has entered none; call it inside `Runtime::block_on` or a spawned task, or \
             hold the guard of `Handle::enter`"
        )
    }
}

impl std::error::Error for TryCurrentError {}

/// Says that this thread polls from here on; refuses if it does so already. `alone`: it is the one thread that polls the tasks of
/// its runtime.
#[track_caller]
pub(super) fn may_block(what: &str, alone: bool) -> entered::InRole {
    let polls = match entered::role() {
        Role::Polls(Some(since)) | Role::PollsAlone(since) => format!("this thread polls futures since {since}"),
        Role::Polls(None) => "this is a worker thread of a runtime".to_owned(),
        Role::PollsLocal => "this thread polls the tasks of a `LocalSet`".to_owned(),
        Role::Outside | Role::Blocks => String::new(),
    };
    if !polls.is_empty() {
        panic!(
            "Cannot start a runtime from within a runtime, or block here: `{what}` was called inside async code; {polls}.\n  \
             Await the future instead, wrap the call in `task::block_in_place` (multi-thread runtimes), or move it to \
             `task::spawn_blocking`."
        );
    }
    let since = Location::caller();
    entered::set_role(if alone { Role::PollsAlone(since) } else { Role::Polls(Some(since)) })
}
