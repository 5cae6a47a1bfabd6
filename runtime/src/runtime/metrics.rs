//! Counters of a runtime, all of them stable.

use super::Handle;
use crate::engine::entered::with_engine;
use crate::engine::{Counters, WorkerCounters};
use std::ops::Range;
use std::thread::ThreadId;
use std::time::Duration;

/// Counters of a runtime. Reading them costs a few loads; they are exact when nothing moves.
///
/// What is counted by worker includes what threads have done that share its number (see [`worker_index`]), so that the sum
/// over all workers is all that was done. Only its sleeps are those of one thread.
///
/// ```
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let metrics = runtime::runtime::Handle::current().metrics();
/// assert!(metrics.num_workers() >= 1);
/// # })
/// ```
#[derive(Clone, Debug)]
pub struct RuntimeMetrics {
    handle: Handle,
}

impl RuntimeMetrics {
    pub(super) fn new(handle: Handle) -> Self {
        RuntimeMetrics { handle }
    }

    /// How many workers the runtime has. Their threads start with it, in the background.
    pub fn num_workers(&self) -> usize {
        self.counters().workers()
    }

    /// Tasks that are spawned and not yet over.
    pub fn num_alive_tasks(&self) -> usize {
        self.counters().alive() as usize
    }

    /// tokio's older name for [`num_alive_tasks`](RuntimeMetrics::num_alive_tasks).
    #[deprecated = "renamed to `num_alive_tasks`"]
    pub fn active_tasks_count(&self) -> usize {
        self.num_alive_tasks()
    }

    /// Tasks in the queue that other threads push to.
    pub fn global_queue_depth(&self) -> usize {
        self.counters().injected()
    }

    /// tokio's older name for [`global_queue_depth`](RuntimeMetrics::global_queue_depth).
    #[deprecated = "renamed to `global_queue_depth`"]
    pub fn injection_queue_depth(&self) -> usize {
        self.global_queue_depth()
    }

    /// Threads for closures of [`spawn_blocking`](crate::task::spawn_blocking), busy ones and idle ones. Those that the runtime
    /// has for itself (files, names, standard output) are not counted, nor those for closures that compute.
    pub fn num_blocking_threads(&self) -> usize {
        self.counters().pool_threads()
    }

    /// Those of [`num_blocking_threads`](RuntimeMetrics::num_blocking_threads) that wait for a closure.
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.counters().pool_idle_threads()
    }

    /// Closures of [`spawn_blocking`](crate::task::spawn_blocking) that wait for a thread.
    pub fn blocking_queue_depth(&self) -> usize {
        self.counters().pool_queued()
    }

    /// Tasks spawned so far.
    pub fn spawned_tasks_count(&self) -> u64 {
        self.counters().spawned()
    }

    /// Tasks that were queued from outside of the workers: by threads that are none, inside `block_in_place`, and by the
    /// guarantor when it has looked at sockets and timers.
    pub fn remote_schedule_count(&self) -> u64 {
        self.counters().pushed_from_outside()
    }

    /// How often an operation was sent back because its task's [budget](crate::task::coop) was used up. The future of
    /// `block_on` and the tasks of a `LocalSet` have budgets, too. Each worker's part up to its last look at sockets and timers, or its
    /// last sleep.
    pub fn budget_forced_yield_count(&self) -> u64 {
        self.counters().forced_yields()
    }

    /// Descriptors registered with the driver so far; also one that the system refused in the end.
    pub fn io_driver_fd_registered_count(&self) -> u64 {
        self.counters().descriptors_registered()
    }

    /// Descriptors that were registered and are so no more. The difference to
    /// [`io_driver_fd_registered_count`](RuntimeMetrics::io_driver_fd_registered_count) is how many are now.
    pub fn io_driver_fd_deregistered_count(&self) -> u64 {
        self.counters().descriptors_deregistered()
    }

    /// Events of descriptors that the driver has taken from the system.
    pub fn io_driver_ready_count(&self) -> u64 {
        self.counters().socket_events()
    }

    /// Panics of tasks that nobody looked at.
    pub fn unhandled_panics(&self) -> u64 {
        self.counters().unhandled_panics()
    }

    /// Workers beyond the usual number that were started because others were stuck.
    pub fn spares_started(&self) -> u64 {
        self.counters().spares_started()
    }

    /// How often the system has refused a thread for a worker. Each is tried again after a while. (tokio has no such number: it
    /// panics.)
    pub fn threads_refused(&self) -> u64 {
        self.counters().threads_refused()
    }

    /// Tasks that the guarantor took from a stuck worker's hands.
    pub fn rescued_tasks_count(&self) -> u64 {
        self.counters().rescued()
    }

    /// How often a worker has gone to sleep.
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks()
    }

    /// Changes whenever the worker goes to sleep or wakes up: odd while it sleeps, even while it is awake. A worker that has
    /// no thread is as good as asleep: its thread is being started, or, on one thread, nobody is inside `block_on`.
    #[track_caller]
    pub fn worker_park_unpark_count(&self, worker: usize) -> u64 {
        self.worker(worker).parks_and_unparks()
    }

    /// How often a worker has slept and found nothing to do afterwards: no task, and no future of `block_on`.
    #[track_caller]
    pub fn worker_noop_count(&self, worker: usize) -> u64 {
        self.worker(worker).noops()
    }

    /// For how long a worker had something to do, until now. Looking for work does not count, nor, on the current-thread
    /// flavors, does what the future of `block_on` does before it uses the runtime for the first time or has to wait.
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.worker(worker).busy()
    }

    /// How long a worker's polls take on average; the newest weigh most. What it does between polls is part of that, as no
    /// clock is read for it but when a worker runs out of work, which is also when the number changes. Zero before.
    #[track_caller]
    pub fn worker_mean_poll_time(&self, worker: usize) -> Duration {
        self.worker(worker).mean_poll()
    }

    /// Tasks that a worker has taken from others.
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.worker(worker).steals()
    }

    /// How often a worker has taken tasks from another.
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.worker(worker).steal_operations()
    }

    /// Polls of tasks that a worker has begun.
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.worker(worker).polls()
    }

    /// Tasks that a worker has queued for itself: spawned, woken or yielding on its thread. Up to its last look at sockets and
    /// timers, or its last sleep.
    #[track_caller]
    pub fn worker_local_schedule_count(&self, worker: usize) -> u64 {
        self.worker(worker).local_schedules()
    }

    /// Always 0: a worker's own queue grows as it has to, and never sends its tasks elsewhere because it is full.
    #[track_caller]
    pub fn worker_overflow_count(&self, worker: usize) -> u64 {
        let _exists = self.worker(worker);
        0
    }

    /// Tasks that wait in a worker's own queues: those that are ready, and those that have yielded.
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.worker(worker).queued()
    }

    /// The thread of a worker, if it has one now.
    #[track_caller]
    pub fn worker_thread_id(&self, worker: usize) -> Option<ThreadId> {
        self.worker(worker).thread()
    }

    /// Is the poll-time histogram on?
    pub fn poll_time_histogram_enabled(&self) -> bool {
        self.counters().histogram().is_some()
    }

    /// Its number of buckets; 0 when it is off.
    pub fn poll_time_histogram_num_buckets(&self) -> usize {
        self.counters().histogram().map_or(0, |histogram| histogram.shape.buckets())
    }

    /// The durations that fall into a bucket.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        let buckets = self.poll_time_histogram_num_buckets();
        match self.counters().histogram() {
            Some(histogram) if bucket < buckets => histogram.shape.range(bucket),
            _ => panic!(
                "bucket {bucket} of a poll-time histogram with {buckets} buckets.\n  Ask \
                 `poll_time_histogram_num_buckets()` first; it is 0 unless the builder enables the histogram."
            ),
        }
    }

    /// Polls of a worker that took as long as the bucket says; 0 when the histogram is off.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        let _exists = self.worker(worker);
        let Some(histogram) = self.counters().histogram() else { return 0 };
        if bucket >= histogram.shape.buckets() {
            self.poll_time_histogram_bucket_range(bucket);
        }
        (worker..histogram.rows()).step_by(self.num_workers()).map(|row| histogram.count(row, bucket)).sum()
    }

    /// tokio's older name for [`poll_time_histogram_enabled`](RuntimeMetrics::poll_time_histogram_enabled).
    #[deprecated = "renamed to `poll_time_histogram_enabled`"]
    pub fn poll_count_histogram_enabled(&self) -> bool {
        self.poll_time_histogram_enabled()
    }

    /// tokio's older name for [`poll_time_histogram_num_buckets`](RuntimeMetrics::poll_time_histogram_num_buckets).
    #[deprecated = "renamed to `poll_time_histogram_num_buckets`"]
    pub fn poll_count_histogram_num_buckets(&self) -> usize {
        self.poll_time_histogram_num_buckets()
    }

    /// tokio's older name for [`poll_time_histogram_bucket_range`](RuntimeMetrics::poll_time_histogram_bucket_range).
    #[deprecated = "renamed to `poll_time_histogram_bucket_range`"]
    #[track_caller]
    pub fn poll_count_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        self.poll_time_histogram_bucket_range(bucket)
    }

    /// tokio's older name for [`poll_time_histogram_bucket_count`](RuntimeMetrics::poll_time_histogram_bucket_count).
    #[deprecated = "renamed to `poll_time_histogram_bucket_count`"]
    #[track_caller]
    pub fn poll_count_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.poll_time_histogram_bucket_count(worker, bucket)
    }

    fn counters(&self) -> Counters<'_> {
        self.handle.engine().counters()
    }

    #[track_caller]
    fn worker(&self, worker: usize) -> WorkerCounters<'_> {
        let workers = self.num_workers();
        assert!(
            worker < workers,
            "metrics of worker {worker} of a runtime with {workers}.\n  Workers are numbered from 0 to \
             `num_workers() - 1`."
        );
        self.counters().worker(worker)
    }
}

/// Which worker this thread is, if it runs tasks: the number that [`RuntimeMetrics`] takes, below
/// [`num_workers`](RuntimeMetrics::num_workers).
///
/// There may be more threads that run tasks than workers: some stand in for workers that are stuck, and one inside
/// `block_on` runs tasks while it waits. Those share a number with a worker.
pub fn worker_index() -> Option<usize> {
    with_engine(|engine| engine?.worker_here())
}
