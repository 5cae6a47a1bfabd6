//! One runtime: its yard and its threads.
//!
//! Owns: both, and who keeps them in memory.   Not here: what its workers share (`yard`), how it begins and ends (`life`).
//! Each file that does something with an engine has an `impl Engine` of its own, and the public modules reach it through those:
//! they name none of its fields.
//!
//! Who keeps an engine alive: its `Runtime` and handles, its threads, and a foreign thread for the time of a wake.
//! Tasks do not: `shutdown` sees to it that none outlives the last of those.

use crate::engine::base::id::Id;
use crate::engine::cell::{JoinCell, Name, PanicSink, TaskInfo};
use crate::engine::drive::Drive;
use crate::engine::sched::config::{Config, Flavor};
use crate::engine::sched::life::registry;
use crate::engine::sched::life::threads::Threads;
use crate::engine::sched::places::roots::Driver;
use crate::engine::sched::sys::fd_table;
use crate::engine::sched::yard::{Keeper, Yard};
use std::future::Future;
use std::io;
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::thread::ThreadId;

/// Beyond the workers: places for spares, for `block_on` on many threads, for callers of `block_in_place`.
const EXTRA_PLACES: usize = 64;

pub(crate) struct Engine {
    pub(super) yard: Yard,
    pub(super) threads: Threads,
    closed_by_panic: AtomicBool,
    bound_to: OnceLock<ThreadId>,
    process: u32,
    this: Weak<Engine>,
}

impl Engine {
    /// A number that no other engine and no `LocalSet` has.
    pub(crate) fn fresh_id() -> u64 {
        static IDS: AtomicU64 = AtomicU64::new(1);
        IDS.fetch_add(1, Ordering::Relaxed)
    }

    /// With no thread yet but, on the multi-thread flavor, the guarantor, which starts the workers.
    pub(crate) fn new(config: Config) -> io::Result<Arc<Engine>> {
        let multi = config.flavor == Flavor::MultiThread;
        fd_table::grow_if_that_is_cheap();
        let places = if multi { config.workers + config.blocking_max + EXTRA_PLACES } else { 1 };
        let drive = Drive::new(&config.drive(places))?;
        let engine = Arc::new_cyclic(|this: &Weak<Engine>| Engine {
            yard: Yard::new(Engine::fresh_id(), config, places, drive, this.clone()),
            threads: Threads::new(),
            closed_by_panic: AtomicBool::new(false),
            bound_to: OnceLock::new(),
            process: std::process::id(),
            this: this.clone(),
        });
        registry::enter(engine.this.clone(), engine.yard.id);
        if multi {
            engine.start_guarantor()?;
        }
        Ok(engine)
    }

    /// A reference to the engine, for a thread or for the time of a foreign wake.
    pub(crate) fn arc(&self) -> Arc<Engine> {
        self.this.upgrade().expect("BUG: an engine is used after the last reference to it is gone")
    }

    pub(super) fn as_driver(&self) -> Weak<dyn Driver> {
        self.this.clone()
    }

    /// Who is told of panics that nobody looks at.
    pub(crate) fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        self.yard.config.panic_sink.clone()
    }

    /// Was this process forked off the engine's? None of its threads is there, and any of its locks may be held by one.
    pub(crate) fn is_of_another_process(&self) -> bool {
        self.process != std::process::id()
    }

    /// Has it been told to end?
    pub(crate) fn is_closing(&self) -> bool {
        self.yard.is_closing()
    }

    /// A task panicked and the policy is to shut down.
    pub(crate) fn close_after_panic(&self) {
        self.closed_by_panic.store(true, Ordering::SeqCst);
        self.close();
    }

    pub(crate) fn closed_by_panic(&self) -> bool {
        self.closed_by_panic.load(Ordering::SeqCst)
    }

    pub(crate) fn count_unhandled_panic(&self) {
        self.yard.stats.unhandled_panics.add_shared(1);
    }

    /// For tasks that are not `Send`: they may be spawned on this thread only.
    pub(crate) fn bind_to_this_thread(&self) {
        let _ = self.bound_to.set(std::thread::current().id());
    }

    pub(crate) fn is_bound_here(&self) -> bool {
        self.bound_to.get() == Some(&std::thread::current().id())
    }

    /// The id of a new task with what the caller said of it.
    pub(crate) fn info(spawned_at: &'static Location<'static>) -> TaskInfo {
        TaskInfo::new(Id::fresh(), spawned_at)
    }

    /// Spawns a future. `Send` or bound to the engine's one thread: the caller's business.
    #[inline]
    pub(crate) fn spawn<F: Future, N: Name>(&self, future: F, info: TaskInfo<N>) -> JoinCell<F::Output> {
        self.yard.spawn(future, info)
    }
}

impl Keeper for Engine {
    fn yard(&self) -> &Yard {
        &self.yard
    }

    fn recall_guarantor(&self) {
        self.try_to_recall();
    }
}

impl Driver for Engine {
    fn notify(&self) {
        self.yard.drive.notify();
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        registry::leave(self.yard.id);
    }
}

// A panic in a task is caught in its cell; nothing of the engine is left half changed by one.
impl std::panic::UnwindSafe for Engine {}
impl std::panic::RefUnwindSafe for Engine {}
