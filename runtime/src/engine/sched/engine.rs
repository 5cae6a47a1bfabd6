//! One runtime: everything that its threads share.
//!
//! Owns: places, queues, idle protocol, blocking pool, drive, counters.
//! Not here: the loop (`worker`), the end (`shutdown`).
//!
//! Who keeps an engine alive: its `Runtime` and handles, its threads, and a foreign thread for the time of a wake.
//! Tasks do not: `shutdown` sees to it that none outlives the last of those.

use crate::engine::base::budget;
use crate::engine::base::id::Id;
use crate::engine::base::pad::Padded;
use crate::engine::base::parker::AfterUnpark;
use crate::engine::base::wake::wake_all;
use crate::engine::cell::{self, JoinCell, Name, Owner, PanicSink, Runnable, Running, TaskInfo, current};
use crate::engine::drive::{Drive, Settings};
use crate::engine::entered::{self, Role};
use crate::engine::histogram::Histogram;
use crate::engine::sched::batch;
use crate::engine::sched::config::{Config, Flavor, TaskFacts};
use crate::engine::sched::guarantor::Guarantor;
use crate::engine::sched::life::pool::Pool;
use crate::engine::sched::life::registry;
use crate::engine::sched::life::threads::Threads;
use crate::engine::sched::places::idle::{Idle, Wake};
use crate::engine::sched::places::inject::{Chain, Inject};
use crate::engine::sched::places::place::{Doing, Place, Places};
use crate::engine::sched::places::roots::Roots;
use crate::engine::sched::places::stats::SharedStats;
use crate::engine::sched::sys::fd_table;
use crate::engine::sched::worker::with_worker_of;
use std::future::Future;
use std::io;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicU64, Ordering, fence};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;
use std::thread::ThreadId;
use std::time::Instant;

/// Beyond the workers: places for spares, for `block_on` on many threads, for callers of `block_in_place`.
const EXTRA_PLACES: usize = 64;

/// For so many tasks of a batch one worker is woken at once, and so many workers at the most: each of them wakes the next.
const AT_ONCE: usize = 16;
const WOKEN_AT_ONCE: usize = 4;

pub(crate) struct Engine {
    pub(crate) config: Config,
    pub(crate) id: u64,
    pub(crate) places: Places,
    pub(crate) idle: Padded<Idle>,
    pub(crate) inject: Padded<Inject>,
    pub(crate) drive: Drive,
    pub(crate) blocking: Pool,
    pub(crate) stats: SharedStats,
    pub(crate) threads: Threads,
    pub(super) guarantor: Guarantor,
    /// Futures of `block_on` whose threads are no workers.
    pub(super) roots: Roots,
    /// Moves each millisecond or few while a worker is awake: see `worker::looks`.
    pub(super) beat: Padded<AtomicU32>,
    /// Hooks or a histogram want to see every poll.
    pub(crate) watches_polls: bool,
    pub(crate) histogram: Option<Histogram>,
    pub(super) closing: AtomicBool,
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

    pub(crate) fn new(config: Config) -> io::Result<Arc<Engine>> {
        let multi = config.flavor == Flavor::MultiThread;
        fd_table::grow_if_that_is_cheap();
        let most = if multi { config.workers + config.blocking_max + EXTRA_PLACES } else { 1 };
        let drive = Drive::new(&Settings {
            places: most,
            events_per_look: config.events_per_look,
            events_per_busy_look: config.events_per_busy_look,
            precise_timers: config.precise_timers,
            start_paused: config.start_paused,
        })?;
        let engine = Arc::new_cyclic(|this| Engine {
            id: Engine::fresh_id(),
            places: Places::new(most),
            // On the current-thread flavors the one worker counts as there, whether a thread holds its place or not.
            idle: Padded(Idle::new(usize::from(!multi), most)),
            inject: Padded(Inject::new()),
            drive,
            blocking: Pool::new(&config),
            stats: SharedStats::default(),
            threads: Threads::new(),
            guarantor: Guarantor::new(),
            roots: Roots::new(),
            beat: Padded::default(),
            watches_polls: config.before_poll.is_some()
                || config.after_poll.is_some()
                || config.poll_histogram.is_some(),
            histogram: config.poll_histogram.map(Histogram::new),
            closing: AtomicBool::new(false),
            closed_by_panic: AtomicBool::new(false),
            bound_to: OnceLock::new(),
            process: std::process::id(),
            this: this.clone(),
            config,
        });
        registry::enter(&engine);
        if multi {
            engine.start_guarantor()?;
        }
        Ok(engine)
    }

    /// A count of the engine, for a thread or for the time of a foreign wake.
    pub(crate) fn count(&self) -> Arc<Engine> {
        self.this.upgrade().expect("BUG: an engine is used after its last count is gone")
    }

    /// Was this process forked off the engine's? None of its threads is there, and any of its locks may be held by one.
    pub(crate) fn is_of_another_process(&self) -> bool {
        self.process != std::process::id()
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Is this thread polling one of our tasks while we end? It will be dropped before anything else happens to it, unless
    /// the poll blocks in place, perhaps for what it asks about.
    #[cold]
    pub(super) fn is_about_to_drop_this_task(&self) -> bool {
        self.is_closing()
            && current::id().is_some()
            && entered::role() != Role::Blocks
            && with_worker_of(self, |worker| worker.is_some())
    }

    /// Spawns a future. `Send` or bound to the engine's one thread: the caller's business.
    #[inline]
    pub(crate) fn spawn<F: Future, N: Name>(&self, future: F, info: TaskInfo<N>) -> JoinCell<F::Output> {
        let owner: NonNull<Engine> = NonNull::from(self);
        if let Some(hook) = &self.config.on_task_spawn {
            hook(&TaskFacts { id: info.id, spawned_at: info.spawned_at, name: info.name.as_name() });
        }
        let (task, join) = cell::allocate(future, owner, info);
        with_worker_of(self, |worker| match worker {
            Some(worker) => {
                worker.place.stats.spawned.add(1);
                if self.is_closing() { task.cancel() } else { worker.push_spawned(task) }
            }
            None => self.spawn_from_outside(task),
        });
        join
    }

    fn spawn_from_outside(&self, task: Runnable) {
        self.stats.spawned.add_shared(1);
        // Pairs with the fence in `close`: either the closer counts this task, or we see that it closes.
        fence(Ordering::SeqCst);
        if self.is_closing() {
            return task.cancel();
        }
        self.push_from_outside(task);
    }

    pub(super) fn push_from_outside(&self, task: Runnable) {
        self.inject.push(task);
        self.wake(self.idle.submitted());
    }

    /// Queues what a turn of the guarantor found, with one wake-up.
    pub(crate) fn push_batch(&self, batch: Chain) {
        if !batch.is_empty() {
            let tasks = batch.len();
            self.inject.push_chain(batch);
            self.wake(self.idle.submitted());
            self.wake_for(tasks);
        }
    }

    /// Would nothing happen any more if no timer fired? Asked by a thread that sleeps as far as the idle word knows. In
    /// this order: a closure wakes its task before it counts as done, and a wake counts its worker before it is seen.
    pub(crate) fn is_at_rest(&self) -> bool {
        // Before and after: what the guarantor took in between was in nobody's queue any more when that was looked at.
        self.guarantor.holds_nothing() && self.nobody_else_is_busy() && self.guarantor.holds_nothing()
    }

    /// The same, asked by the guarantor.
    pub(super) fn nobody_else_is_busy(&self) -> bool {
        self.blocking.is_quiet()
            && self.roots.all_asleep()
            && self.is_driven()
            && !self.places.iter().any(|place| matches!(place.doing(), Doing::Running | Doing::Blocking))
            && self.inject.is_empty()
            && !self.places.iter().any(Place::has_work)
            && self.idle.active() == 0
            && !self.is_closing()
    }

    /// Is somebody inside `block_on`? A paused clock moves only then: what threads outside do between two of them nobody
    /// sees. On the current-thread flavors it is the one who asks.
    fn is_driven(&self) -> bool {
        self.config.flavor != Flavor::MultiThread || self.roots.any_inside()
    }

    /// Something that kept a paused clock from moving may be over: the leader looks again.
    pub(super) fn reconsider_the_clock(&self) {
        if self.drive.clock.is_paused() {
            self.drive.notify();
        }
    }

    /// Wakes what a thread that is no worker has collected: one batch, one wake-up.
    pub(super) fn wake_as_batch(&self, woken: &mut Vec<Waker>) {
        if woken.is_empty() {
            return;
        }
        let collected = batch::collect(self, || wake_all(woken));
        self.push_batch(collected);
    }

    /// Carries out what the idle protocol decided.
    pub(crate) fn wake(&self, wake: Option<Wake>) {
        match wake {
            None => {}
            Some(Wake::Worker(index)) => self.unpark(self.places.get(index)),
            Some(Wake::Seat) => self.want_thread(),
        }
    }

    /// So many tasks came at once: those who sleep need not wait until one worker has woken the next.
    pub(super) fn wake_for(&self, tasks: usize) {
        for _ in 0..(tasks / AT_ONCE).min(WOKEN_AT_ONCE) {
            match self.idle.wake_sleeper() {
                Some(wake) => self.wake(Some(wake)),
                None => return,
            }
        }
    }

    pub(crate) fn unpark(&self, place: &Place) {
        if place.parker.unpark() == AfterUnpark::NotifyDriver {
            self.drive.notify();
        }
    }

    /// How many tasks are alive. Exact once the engine is closing; never too small.
    pub(crate) fn alive(&self) -> u64 {
        self.places.alive(&self.stats)
    }

    /// A poll with hooks around it, or with a clock.
    #[cold]
    pub(crate) fn poll_watched(&self, task: Runnable, worker: usize) {
        let header = task.header();
        let (id, spawned_at, name) = (header.id(), header.spawned_at(), header.name().map(str::to_owned));
        let facts = TaskFacts { id, spawned_at, name: name.as_deref() };
        if let Some(hook) = &self.config.before_poll {
            hook(&facts);
        }
        let begun = self.histogram.as_ref().map(|_| Instant::now());
        task.run();
        if let (Some(histogram), Some(begun)) = (&self.histogram, begun) {
            histogram.record(worker, begun.elapsed());
        }
        if let Some(hook) = &self.config.after_poll {
            hook(&facts);
        }
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        registry::leave(self.id);
    }
}

impl Owner for Engine {
    #[inline]
    fn schedule(&self, task: Runnable) {
        with_worker_of(self, |worker| match worker {
            Some(worker) => worker.push_next(task),
            None => {
                let Some(task) = batch::put(self, task) else { return };
                // Once it is published, the task may be run, the runtime shut down and the engine freed before we are
                // done here (museum M1).
                let engine = self.count();
                engine.push_from_outside(task);
            }
        });
    }

    #[inline]
    fn requeue(&self, task: Runnable) {
        with_worker_of(self, |worker| match worker {
            Some(worker) if budget::gave_way() => worker.push_yielded(task),
            // Somebody has woken it during its poll, perhaps itself: behind those that are ready.
            Some(worker) => worker.push_woken(task),
            None => self.push_from_outside(task),
        });
    }

    fn link(&self, task: &Running) -> Option<u32> {
        with_worker_of(self, |worker| {
            let worker = worker.expect("BUG: a task is polled outside of its engine's workers");
            worker.place.owned.link(task).then_some(worker.index() as u32)
        })
    }

    #[inline]
    fn finished(&self, task: &Running) {
        if let Some(list) = task.list() {
            self.places.get(list as usize).owned.unlink(task);
        }
        if let Some(hook) = &self.config.on_task_terminate {
            let (task, _no_task) = (task.header(), current::leave());
            hook(&TaskFacts { id: task.id(), spawned_at: task.spawned_at(), name: task.name() });
        }
        with_worker_of(self, |worker| match worker {
            Some(worker) => worker.place.stats.finished.add(1),
            None => self.stats.finished.add_shared(1),
        });
    }

    fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        self.config.panic_sink.clone()
    }
}

impl Engine {
    /// A worker blocks, and says so. Its seat is for somebody who runs what it has and what it would have run.
    pub(super) fn enter_blocking(&self, place: &Place) {
        place.set_doing(Doing::Blocking);
        self.idle.give_seat(place.seated.swap(false, Ordering::Relaxed));
        // At all queues: a worker that has found nobody to wake for its own relied on nobody, and may be inside a long poll.
        if !self.is_closing() && (!self.inject.is_empty() || self.places.iter().any(Place::has_work)) {
            self.wake(self.idle.submitted());
        }
    }

    /// It is back, in a seat or as a spare.
    pub(super) fn leave_blocking(&self, place: &Place) {
        // In this order: a paused clock must find one or the other.
        place.seated.store(self.idle.come_back(), Ordering::Relaxed);
        place.set_doing(Doing::Running);
        self.a_worker_woke();
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
        self.stats.unhandled_panics.add_shared(1);
    }

    /// For tasks that are not `Send`: they may be spawned on this thread only.
    pub(crate) fn bind_to_this_thread(&self) {
        let _ = self.bound_to.set(std::thread::current().id());
    }

    pub(crate) fn is_bound_here(&self) -> bool {
        self.bound_to.get() == Some(&std::thread::current().id())
    }

    /// The id of a new task with what the caller said of it.
    pub(crate) fn info(spawned_at: &'static std::panic::Location<'static>) -> TaskInfo {
        TaskInfo { id: Id::fresh(), spawned_at, name: () }
    }
}

// A panic in a task is caught in its cell; nothing of the engine is left half changed by one.
impl std::panic::UnwindSafe for Engine {}
impl std::panic::RefUnwindSafe for Engine {}
