//! Closures that block.

use super::{JoinHandle, TrySpawnError};
use crate::engine::entered::{self, Role};
use crate::engine::{BlockingClass, Engine, no_runtime_here, with_worker};
use crate::runtime::Handle;
use std::panic::Location;

/// Runs a closure that blocks on a thread for such, and gives its output through the handle.
///
/// A closure that has begun cannot be aborted; one that still waits for a thread can. When its runtime ends, it runs all the
/// same, unless it waits because the pool is full (see [`Runtime`](crate::runtime::Runtime#ending)).
///
/// # Panics
/// Outside of a runtime's context; or if there is no such thread, and the operating system refuses the first one. (If it
/// gives one later, the closure runs then.)
#[track_caller]
pub fn spawn_blocking<F, R>(closure: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    spawn_for("spawn_blocking", BlockingClass::User, closure)
}

/// [`spawn_blocking`], unless as many closures wait as
/// [`Builder::max_blocking_queue`](crate::runtime::Builder::max_blocking_queue) allows. For a server that would rather say no
/// than queue.
///
/// A closure counts until its thread has gone on from it, which is a moment after its handle is ready.
///
/// ```
/// use runtime::runtime::Builder;
/// use runtime::task::{TrySpawnError, try_spawn_blocking};
///
/// let rt = Builder::new_multi_thread().max_blocking_threads(1).max_blocking_queue(0).build().unwrap();
/// rt.block_on(async {
///     let (finish, may_finish) = std::sync::mpsc::channel();
///     let first = try_spawn_blocking(move || may_finish.recv()).unwrap();
///     let Err(TrySpawnError::Full(second)) = try_spawn_blocking(|| 6 * 7) else { panic!("one runs, and none may wait") };
///     finish.send(()).unwrap();
///     first.await.unwrap().unwrap();
///     assert_eq!(second(), 42);
/// });
/// ```
///
/// # Errors
/// When the queue is full, or the runtime has shut down: the closure comes back, and has not run.
///
/// # Panics
/// As [`spawn_blocking`].
#[track_caller]
pub fn try_spawn_blocking<F, R>(closure: F) -> Result<JoinHandle<R>, TrySpawnError<F>>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    match Handle::try_current() {
        Ok(handle) => handle.try_spawn_blocking(closure),
        Err(_) => no_runtime_here("try_spawn_blocking"),
    }
}

/// Runs a blocking operation of the runtime's own (a file, a name to look up), on behalf of the public function `what`. It
/// has threads that closures of users do not take, and is not taken back when the runtime ends.
#[track_caller]
pub(crate) fn spawn_internal_for<F, R>(what: &str, closure: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    spawn_for(what, BlockingClass::Internal, closure)
}

#[track_caller]
fn spawn_for<F, R>(what: &str, class: BlockingClass, closure: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let info = Engine::info(Location::caller());
    match entered::with_engine(|engine| engine.map(Engine::arc)) {
        Some(engine) => JoinHandle::new(engine.spawn_blocking(class, closure, info)),
        None => no_runtime_here(what),
    }
}

/// Runs a closure that blocks right here, while other workers take over this one's tasks.
///
/// Other futures *of the same task* (the branches of a `join!`) wait. Outside of a runtime, and on a thread that may
/// block anyway, it simply calls the closure.
///
/// # Panics
/// On a current-thread runtime, where nobody could take over; if the closure panics.
#[track_caller]
pub fn block_in_place<F, R>(closure: F) -> R
where
    F: FnOnce() -> R,
{
    // Whoever polls decides, not what was entered inside of it.
    match entered::role() {
        Role::Outside | Role::Blocks => return closure(),
        Role::Polls(_) => {}
        Role::PollsAlone(_) => panic!(
            "cannot block in place on a current-thread runtime (can call blocking only when running on the multi-threaded \
             runtime): there is no other worker to run its tasks meanwhile.\n  \
             Use `spawn_blocking`, or build the runtime with `Builder::new_multi_thread`."
        ),
        Role::PollsLocal => panic!(
            "cannot block in place inside a `LocalSet` (can call blocking only when running on the multi-threaded \
             runtime): its other tasks stay on this thread and would wait.\n  Use \
             `spawn_blocking`."
        ),
    }
    let _role = entered::set_role(Role::Blocks);
    with_worker(|worker| {
        let _blocking = worker.filter(|worker| !worker.blocks()).map(|worker| worker.block());
        closure()
    })
}
