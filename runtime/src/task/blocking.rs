//! Closures that block.

use super::JoinHandle;
use crate::engine::entered::{self, Role};
use crate::engine::{Engine, no_runtime_here, with_worker};
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
    spawn_blocking_for("spawn_blocking", closure)
}

/// [`spawn_blocking`] on behalf of the public function `what`, which a panic names.
#[track_caller]
pub(crate) fn spawn_blocking_for<F, R>(what: &str, closure: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    let info = Engine::info(Location::caller());
    match entered::with_engine(|engine| engine.map(Engine::arc)) {
        Some(engine) => JoinHandle::new(engine.spawn_blocking(closure, info)),
        None => no_runtime_here(what),
    }
}

/// Runs a blocking operation of the runtime's own (a file, a name to look up), on behalf of the public function `what`.
#[track_caller]
pub(crate) fn spawn_internal_for<F, R>(what: &str, closure: F) -> JoinHandle<R>
where
    F: FnOnce() -> R + Send + 'static,
    R: Send + 'static,
{
    spawn_blocking_for(what, closure)
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
            "cannot block in place on a current-thread runtime: there is no other worker to run its tasks meanwhile.\n  \
             Use `spawn_blocking`, or build the runtime with `Builder::new_multi_thread`."
        ),
        Role::PollsLocal => panic!(
            "cannot block in place inside a `LocalSet`: its other tasks stay on this thread and would wait.\n  Use \
             `spawn_blocking`."
        ),
    }
    let _role = entered::set_role(Role::Blocks);
    with_worker(|worker| {
        let _blocking = worker.filter(|worker| !worker.blocks()).map(|worker| worker.block());
        closure()
    })
}
