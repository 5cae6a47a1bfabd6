//! This thread's worker, for whoever wakes, spawns, or sets a timer on this thread.
//!
//! Owns: the thread-local pointers to it, and the worker that is made when it is first asked for.
//! Not here: what a worker does (`worker`).
//!
//! On the current-thread flavors many a future of `block_on` is ready at once, and has never spawned, slept or woken:
//! in tests, in glue between blocking and async code. A thread that polls such a one for the first time is on *standby*: it
//! holds the place, and its worker is made by the first one who looks for it. Without this an empty `block_on` took five
//! times as long, most of it for clocks that nobody reads. (So what such a future does before counts as nobody's work.)

use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::worker::Worker;
use std::cell::{Cell, OnceCell};
use std::ptr;
use std::sync::Arc;

thread_local! {
    static WORKER: Cell<*const Worker<'static>> = const { Cell::new(ptr::null()) };
    /// Where `WORKER` is null, and there is one to be had.
    static STANDBY: Cell<*const Standby<'static>> = const { Cell::new(ptr::null()) };
}

/// Runs `f` with this thread's worker, if it is one of `engine`'s.
#[inline]
pub(crate) fn with_worker_of<R>(engine: &Engine, f: impl FnOnce(Option<&Worker<'_>>) -> R) -> R {
    with_worker(|worker| f(worker.filter(|worker| ptr::eq(Arc::as_ptr(worker.engine), engine))))
}

/// Runs `f` with this thread's worker, whichever engine it is of.
#[inline]
pub(crate) fn with_worker<R>(f: impl FnOnce(Option<&Worker<'_>>) -> R) -> R {
    let mut worker = WORKER.get();
    if worker.is_null() {
        worker = worker_on_standby();
    }
    // SAFETY: an `Installed` puts the pointer there for as long as the worker lives on this thread's stack, and takes it
    // out before the worker goes; a worker on standby lives as long as its `Standby`, see there.
    f(unsafe { worker.as_ref() })
}

#[inline(never)]
fn worker_on_standby() -> *const Worker<'static> {
    // SAFETY: an `Installed` puts the pointer there for as long as the `Standby` lives on this thread's stack, and takes
    // it out before that goes.
    let Some(standby) = (unsafe { STANDBY.get().as_ref() }) else { return ptr::null() };
    let worker: *const Worker<'static> = standby.worker();
    WORKER.set(worker);
    worker
}

/// Puts back what was there before.
pub(in crate::engine::sched) struct Installed {
    worker: *const Worker<'static>,
    standby: *const Standby<'static>,
}

impl Drop for Installed {
    fn drop(&mut self) {
        WORKER.set(self.worker);
        STANDBY.set(self.standby);
    }
}

/// The worker is this thread's until the guard goes.
pub(in crate::engine::sched) fn install(worker: &Worker<'_>) -> Installed {
    let worker: *const Worker<'_> = worker;
    Installed { worker: WORKER.replace(worker.cast()), standby: STANDBY.replace(ptr::null()) }
}

/// A thread that holds a place, and the worker for it, which is made when it is first needed.
pub(in crate::engine::sched) struct Standby<'e> {
    engine: &'e Arc<Engine>,
    index: usize,
    /// The queue, until the worker has it.
    queues: Cell<Option<Queues>>,
    worker: OnceCell<Worker<'e>>,
}

impl<'e> Standby<'e> {
    pub(in crate::engine::sched) fn new(engine: &'e Arc<Engine>, index: usize, queues: Queues) -> Self {
        Standby { engine, index, queues: Cell::new(Some(queues)), worker: OnceCell::new() }
    }

    /// The worker will be found on this thread until the guard goes.
    pub(in crate::engine::sched) fn install(&self) -> Installed {
        let standby: *const Standby<'_> = self;
        Installed { worker: WORKER.replace(ptr::null()), standby: STANDBY.replace(standby.cast()) }
    }

    pub(in crate::engine::sched) fn worker(&self) -> &Worker<'e> {
        self.worker.get_or_init(|| {
            let queues = self.queues.take().expect("BUG: a worker is made twice");
            let worker = Worker::new(self.engine, self.index, queues, false);
            worker.open_accounts();
            worker
        })
    }

    /// What the place keeps, and the worker's word on whether it was searching, if there was one.
    pub(in crate::engine::sched) fn end(&mut self) -> (Queues, Option<bool>) {
        if let Some(queues) = self.queues.take() {
            return (queues, None);
        }
        let worker = self.worker.take().expect("BUG: a queue is gone, and no worker has it");
        worker.close_accounts();
        let searching = worker.searching.get();
        (worker.queues, Some(searching))
    }
}
