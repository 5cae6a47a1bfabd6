//! How a runtime is put together.

mod blocking;
mod histogram;

use super::callbacks::{THREAD_NAME, ThreadName, task_callback, thread_callback, thread_name};
use super::hooks::TaskMeta;
use super::local::{LocalOptions, LocalRuntime};
use super::policy::{PanicHook, PanicInfo, Policy};
use super::{Handle, HistogramConfiguration, RngSeed, Runtime, UnhandledPanic};
use crate::engine::config::{Callback, Config, Flavor, TaskCallback};
use crate::engine::{Engine, sizing};
use blocking::Blocking;
use histogram::Older;
use std::fmt;
use std::io;
use std::sync::{Arc, OnceLock};

/// Builds a [`Runtime`] with settings of your own.
///
/// ```
/// use runtime::runtime::Builder;
/// let rt = Builder::new_multi_thread()
///     .worker_threads(4)
///     .thread_name("my-server")
///     .thread_stack_size(3 * 1024 * 1024)
///     .enable_all()
///     .build()
///     .unwrap();
/// rt.block_on(async {});
/// ```
///
/// # Callbacks
/// The functions that a builder is given (`on_…`, [`thread_name_fn`](Builder::thread_name_fn)) run on the runtime's own
/// threads, between its own steps, and should be short. A panic in one of them is printed by the panic hook and goes no
/// further: the thread, the task and the runtime go on.
pub struct Builder {
    flavor: Flavor,
    workers: Option<usize>,
    name: Option<String>,
    blocking: Blocking,
    thread_name: ThreadName,
    stack_bytes: Option<usize>,
    on_thread_start: Option<Callback>,
    on_thread_stop: Option<Callback>,
    on_park: Option<Callback>,
    on_unpark: Option<Callback>,
    on_task_spawn: Option<TaskCallback>,
    on_task_terminate: Option<TaskCallback>,
    before_poll: Option<TaskCallback>,
    after_poll: Option<TaskCallback>,
    histogram: bool,
    histogram_shape: HistogramConfiguration,
    older_histogram_shape: Option<Older>,
    next_task_slot: bool,
    inject_interval: u32,
    event_interval: u32,
    events_per_look: usize,
    events_per_busy_look: Option<usize>,
    panic_action: UnhandledPanic,
    panic_hook: Option<PanicHook>,
    seed: Option<RngSeed>,
    guarantor_acts: bool,
    start_paused: bool,
    precise_timers: bool,
}

/// tokio's documented defaults where it has them.
const INJECT_INTERVAL: u32 = 31;
const EVENT_INTERVAL: u32 = 61;
const EVENTS_PER_LOOK: usize = 1024;
/// Half of what a worker polls between two looks, so that its queue is run down before the next one.
const EVENTS_PER_BUSY_LOOK: usize = 32;

/// More are taken as that many. The idle word counts workers and blocking threads in 16 bits, so both together must stay
/// below 65,536; and each costs 16 bytes of a table when the runtime is built.
const WORKERS_MOST: usize = 1 << 14;

/// Smaller stacks are taken as this: in a debug build the runtime's own frames need 32 KiB.
const STACK_LEAST: usize = 64 * 1024;

impl Builder {
    fn new(flavor: Flavor) -> Builder {
        Builder {
            flavor,
            workers: None,
            name: None,
            blocking: Blocking::default(),
            thread_name: Arc::new(|| THREAD_NAME.to_owned()),
            stack_bytes: None,
            on_thread_start: None,
            on_thread_stop: None,
            on_park: None,
            on_unpark: None,
            on_task_spawn: None,
            on_task_terminate: None,
            before_poll: None,
            after_poll: None,
            histogram: false,
            histogram_shape: HistogramConfiguration::default(),
            older_histogram_shape: None,
            next_task_slot: true,
            inject_interval: INJECT_INTERVAL,
            event_interval: EVENT_INTERVAL,
            events_per_look: EVENTS_PER_LOOK,
            events_per_busy_look: None,
            panic_action: UnhandledPanic::default(),
            panic_hook: None,
            seed: None,
            guarantor_acts: true,
            start_paused: false,
            precise_timers: false,
        }
    }

    /// A runtime whose tasks run on the thread inside [`Runtime::block_on`], and nowhere else.
    pub fn new_current_thread() -> Builder {
        Builder::new(Flavor::CurrentThread)
    }

    /// A runtime with several workers that steal tasks from each other.
    pub fn new_multi_thread() -> Builder {
        Builder::new(Flavor::MultiThread)
    }

    /// Sockets and timers. They are always there; the method is for programs written for tokio.
    pub fn enable_all(&mut self) -> &mut Self {
        self
    }

    /// Sockets. They are always there; the method is for programs written for tokio.
    pub fn enable_io(&mut self) -> &mut Self {
        self
    }

    /// Timers. They are always there; the method is for programs written for tokio.
    pub fn enable_time(&mut self) -> &mut Self {
        self
    }

    /// How many workers run tasks. The default is the number of CPUs that this process may use: the affinity mask and
    /// the CPU quotas of all enclosing control groups count, a fraction rounds up. The environment variables
    /// `RUNTIME_WORKER_THREADS` and `TOKIO_WORKER_THREADS` replace that default.
    ///
    /// Their threads are started when the runtime is built, in the background, by a thread that has the attributes of
    /// the one that builds it: CPUs, priority, signal mask. The thread inside [`Runtime::block_on`] is none of them. Where the
    /// system refuses one it is tried again later.
    ///
    /// A current-thread runtime ignores the number. More than 16,384 are taken as that many.
    ///
    /// # Panics
    /// If `count` is 0.
    #[track_caller]
    pub fn worker_threads(&mut self, count: usize) -> &mut Self {
        assert!(
            count > 0,
            "zero workers: a runtime needs at least one to run tasks.\n  Give `worker_threads` 1 or more, or leave it \
             out for one for each CPU."
        );
        self.workers = Some(count);
        self
    }

    /// The runtime's name, for logs and inspection.
    ///
    /// # Panics
    /// If it is empty or blank.
    #[track_caller]
    pub fn name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        assert!(!name.trim().is_empty(), "a runtime's name is blank.\n  Give `Builder::name` a word, or leave it out.");
        self.name = Some(name);
        self
    }

    /// The name of each thread that the runtime starts; `runtime-worker` by default. (The system shows the first 15
    /// bytes of it.)
    ///
    /// # Panics
    /// If it contains a NUL, which no thread's name can.
    #[track_caller]
    pub fn thread_name(&mut self, name: impl Into<String>) -> &mut Self {
        let name = name.into();
        assert!(
            !name.contains('\0'),
            "a thread's name contains a NUL: {name:?}.\n  Give `Builder::thread_name` one without."
        );
        self.thread_name = Arc::new(move || name.clone());
        self
    }

    /// A function that names each thread that the runtime starts, called on the thread that starts it.
    ///
    /// ```
    /// use std::sync::atomic::{AtomicUsize, Ordering};
    /// static THREADS: AtomicUsize = AtomicUsize::new(1);
    /// let rt = runtime::runtime::Builder::new_multi_thread()
    ///     .thread_name_fn(|| format!("own-{}", THREADS.fetch_add(1, Ordering::Relaxed)))
    ///     .build()
    ///     .unwrap();
    /// ```
    pub fn thread_name_fn<F>(&mut self, name: F) -> &mut Self
    where
        F: Fn() -> String + Send + Sync + 'static,
    {
        self.thread_name = thread_name(name);
        self
    }

    /// The stack of each thread that the runtime starts, in bytes. The default is std's: 2 MiB, or what `RUST_MIN_STACK`
    /// says. Less than 64 KiB is taken as that much.
    pub fn thread_stack_size(&mut self, bytes: usize) -> &mut Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Runs `f` on each thread that the runtime starts, before anything else.
    pub fn on_thread_start<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_thread_start = Some(thread_callback(f));
        self
    }

    /// Runs `f` on each thread that the runtime started, when it ends.
    pub fn on_thread_stop<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_thread_stop = Some(thread_callback(f));
        self
    }

    /// Runs `f` on a worker before it goes to sleep. It may wake and spawn tasks: the worker runs them first.
    pub fn on_thread_park<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_park = Some(thread_callback(f));
        self
    }

    /// Runs `f` on a worker after it has slept.
    pub fn on_thread_unpark<F: Fn() + Send + Sync + 'static>(&mut self, f: F) -> &mut Self {
        self.on_unpark = Some(thread_callback(f));
        self
    }

    /// Runs `f` for each task, on the thread that spawns it. (A stable form of what tokio keeps unstable.)
    pub fn on_task_spawn(&mut self, f: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> &mut Self {
        self.on_task_spawn = Some(task_callback(f));
        self
    }

    /// Runs `f` for each task when it is over: finished, panicked or cancelled.
    pub fn on_task_terminate(&mut self, f: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> &mut Self {
        self.on_task_terminate = Some(task_callback(f));
        self
    }

    /// Runs `f` before each poll of a task.
    pub fn on_before_task_poll(&mut self, f: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> &mut Self {
        self.before_poll = Some(task_callback(f));
        self
    }

    /// Runs `f` after each poll of a task.
    pub fn on_after_task_poll(&mut self, f: impl Fn(&TaskMeta<'_>) + Send + Sync + 'static) -> &mut Self {
        self.after_poll = Some(task_callback(f));
        self
    }

    /// After how many polls at the most a worker looks at the queue of tasks from outside before its own; 31 by default. Where
    /// polls take long it looks earlier.
    ///
    /// # Panics
    /// If `polls` is 0.
    #[track_caller]
    pub fn global_queue_interval(&mut self, polls: u32) -> &mut Self {
        assert!(polls > 0, "an interval of zero polls.\n  Give `global_queue_interval` 1 or more.");
        self.inject_interval = polls;
        self
    }

    /// After how many polls at the most a busy worker looks at sockets and timers; 61 by default. Where polls take long it
    /// looks earlier. On a current-thread runtime the future of `block_on`, once woken, waits for as many at the most.
    ///
    /// # Panics
    /// If `polls` is 0.
    #[track_caller]
    pub fn event_interval(&mut self, polls: u32) -> &mut Self {
        assert!(polls > 0, "an interval of zero polls.\n  Give `event_interval` 1 or more.");
        self.event_interval = polls;
        self
    }

    /// How many socket events one look at the kernel may bring; 1024 by default.
    ///
    /// # Panics
    /// If `events` is 0.
    #[track_caller]
    pub fn max_io_events_per_tick(&mut self, events: usize) -> &mut Self {
        assert!(
            events > 0,
            "zero events a look: no socket would ever be served.\n  Give `max_io_events_per_tick` 1 or more."
        );
        self.events_per_look = events;
        self
    }

    /// How many socket events a look may bring that does not wait: a worker that still has tasks looks in passing. What it
    /// leaves stays in the kernel, in order, for whichever worker looks next; what it takes waits in its own queue.
    /// [`max_io_events_per_tick`](Builder::max_io_events_per_tick) stays the number for looks that wait. By default this
    /// one is 32, or that if it is less or if there is one worker only.
    ///
    /// ```
    /// # use runtime::runtime::Builder;
    /// let rt = Builder::new_multi_thread().max_io_events_per_tick(256).max_io_events_per_busy_tick(16).build().unwrap();
    /// # rt.block_on(async {});
    /// ```
    ///
    /// # Panics
    /// If `events` is 0.
    #[track_caller]
    pub fn max_io_events_per_busy_tick(&mut self, events: usize) -> &mut Self {
        assert!(
            events > 0,
            "zero events a look: a busy worker would never serve a socket.\n  Give `max_io_events_per_busy_tick` 1 or \
             more."
        );
        self.events_per_busy_look = Some(events);
        self
    }

    /// Starts with the clock held still, as if [`time::pause`](crate::time::pause) was the first thing that runs. For
    /// tests: sleeps cost no time, since the clock moves on by itself when nothing else could happen.
    ///
    /// Works on every flavor.
    ///
    /// ```
    /// # use runtime::runtime::Builder;
    /// # use std::time::{Duration, Instant};
    /// let begun = Instant::now();
    /// let rt = Builder::new_multi_thread().enable_all().start_paused(true).build().unwrap();
    /// rt.block_on(async { runtime::time::sleep(Duration::from_secs(3600)).await });
    /// assert!(begun.elapsed() < Duration::from_secs(60));
    /// ```
    pub fn start_paused(&mut self, paused: bool) -> &mut Self {
        self.start_paused = paused;
        self
    }

    /// Timers that are exact to a fiftieth of a millisecond, instead of being rounded up to a whole one.
    ///
    /// A timer never fires early either way. Precise ones do not coalesce, so many of them wake the runtime more often.
    pub fn precise_timers(&mut self, precise: bool) -> &mut Self {
        self.precise_timers = precise;
        self
    }

    /// What happens when a task panics and nobody looks; nothing by default.
    pub fn unhandled_panic(&mut self, behavior: UnhandledPanic) -> &mut Self {
        self.panic_action = behavior;
        self
    }

    /// Runs `f` for each panic of a task that nobody handled, besides [`unhandled_panic`](Builder::unhandled_panic).
    ///
    /// ```
    /// use runtime::runtime::Builder;
    /// use std::sync::mpsc;
    ///
    /// let (report, reports) = mpsc::channel();
    /// let rt = Builder::new_multi_thread()
    ///     .on_unhandled_panic(move |panic| report.send(panic.message().map(str::to_owned)).unwrap())
    ///     .build()
    ///     .unwrap();
    /// drop(rt.spawn(async { panic!("disk on fire") }));
    /// assert_eq!(reports.recv().unwrap().as_deref(), Some("disk on fire"));
    /// ```
    pub fn on_unhandled_panic(&mut self, f: impl Fn(&PanicInfo<'_>) + Send + Sync + 'static) -> &mut Self {
        self.panic_hook = Some(Arc::new(f));
        self
    }

    /// Takes the next-task slot away: what a poll wakes or spawns goes behind what is queued already.
    ///
    /// The slot makes tasks that pass messages to each other quick, and any other worker may take what waits in it. For
    /// a program that wants its queues in order, or compares. Current-thread runtimes have no slot.
    pub fn disable_lifo_slot(&mut self) -> &mut Self {
        self.next_task_slot = false;
        self
    }

    /// Does nothing here: timers lie with the workers always, which is what tokio's experiment of this name tries.
    pub fn enable_alt_timer(&mut self) -> &mut Self {
        self
    }

    /// Does nothing here: where the worker that looks after sockets and timers is held up, the guarantor does, always.
    pub fn enable_eager_driver_handoff(&mut self) -> &mut Self {
        self
    }

    /// Does nothing here. It is about contention of many threads that call `spawn_blocking`.
    pub fn enable_sharded_blocking_queue(&mut self) -> &mut Self {
        self
    }

    /// Seeds the random decisions of the thread that builds the runtime and of those that run it.
    pub fn rng_seed(&mut self, seed: RngSeed) -> &mut Self {
        self.seed = Some(seed);
        self
    }

    /// Takes the guarantor's rescues away: a worker that blocks keeps what is queued behind it, as in other runtimes.
    /// For tests of the engine itself, which should not lean on its safety net.
    #[doc(hidden)]
    pub fn without_rescue(&mut self) -> &mut Self {
        self.guarantor_acts = false;
        self
    }

    /// Builds the runtime.
    ///
    /// # Errors
    /// When the operating system refuses what it needs: a thread, memory for its stack, a descriptor.
    ///
    /// # Panics
    /// If `RUNTIME_WORKER_THREADS` or `TOKIO_WORKER_THREADS` is needed and is not a number above 0.
    #[track_caller]
    pub fn build(&mut self) -> io::Result<Runtime> {
        self.engine(self.flavor).map(Runtime::from_handle)
    }

    /// Builds a runtime for tasks that are not `Send`.
    ///
    /// # Errors
    /// As [`build`](Builder::build).
    ///
    /// # Panics
    /// On a multi-thread builder: such tasks cannot move between workers.
    #[track_caller]
    pub fn build_local(&mut self, _options: LocalOptions) -> io::Result<LocalRuntime> {
        assert!(
            self.flavor == Flavor::CurrentThread,
            "a local runtime runs on one thread, and this builder is for several.\n  Start from \
             `Builder::new_current_thread()`."
        );
        self.engine(Flavor::Local).map(LocalRuntime::from_handle)
    }

    #[track_caller]
    fn engine(&self, flavor: Flavor) -> io::Result<Handle> {
        let policy =
            Arc::new(Policy { action: self.panic_action, hook: self.panic_hook.clone(), engine: OnceLock::new() });
        let workers = if flavor == Flavor::MultiThread { self.worker_count() } else { 1 };
        // A single worker leaves nothing to others.
        let at_a_busy_look = if workers == 1 { self.events_per_look } else { EVENTS_PER_BUSY_LOOK };
        let engine = Engine::new(Config {
            flavor,
            workers,
            name: self.name.clone(),
            blocking_max: self.blocking.threads(),
            blocking_queue_most: self.blocking.queue_most(),
            blocking_keep_alive: self.blocking.keep_alive(),
            blocking_surplus_leaves: self.blocking.surplus_leaves(),
            thread_name: self.thread_name.clone(),
            stack_bytes: self.stack_bytes.map(|bytes| bytes.max(STACK_LEAST)),
            on_thread_start: self.on_thread_start.clone(),
            on_thread_stop: self.on_thread_stop.clone(),
            on_park: self.on_park.clone(),
            on_unpark: self.on_unpark.clone(),
            on_task_spawn: self.on_task_spawn.clone(),
            on_task_terminate: self.on_task_terminate.clone(),
            before_poll: self.before_poll.clone(),
            after_poll: self.after_poll.clone(),
            poll_histogram: self.poll_histogram(),
            next_task_slot: self.next_task_slot,
            inject_interval: self.inject_interval,
            event_interval: self.event_interval,
            start_paused: self.start_paused,
            precise_timers: self.precise_timers,
            events_per_look: self.events_per_look,
            events_per_busy_look: self.events_per_busy_look.unwrap_or(at_a_busy_look.min(self.events_per_look)),
            panic_sink: Some(policy.clone()),
            seed: self.seed.as_ref().map(|seed| seed.0),
            guarantor_acts: self.guarantor_acts,
        })?;
        let _ = policy.engine.set(Arc::downgrade(&engine));
        Ok(Handle::new(engine))
    }

    #[track_caller]
    fn worker_count(&self) -> usize {
        self.workers.unwrap_or_else(default_workers).min(WORKERS_MOST)
    }
}

#[track_caller]
fn default_workers() -> usize {
    match sizing::from_environment() {
        Ok(Some(count)) => count,
        Ok(None) => sizing::worker_count(),
        Err(error) => panic!("{error}"),
    }
}

impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("flavor", &self.flavor)
            .field("worker_threads", &self.workers)
            .field("max_blocking_threads", &self.blocking.asked_threads())
            .field("thread_stack_size", &self.stack_bytes)
            .field("unhandled_panic", &self.panic_action)
            .finish_non_exhaustive()
    }
}
