//! Counters of a runtime, all of them stable.

use super::Handle;
use crate::engine::entered::with_engine;
use crate::engine::place::{Doing, Place};
use crate::engine::with_worker_of;
use std::ops::Range;
use std::thread::ThreadId;
use std::time::Duration;

/// Counters of a runtime. Reading them costs a few loads; they are exact when nothing moves.
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

    /// How many workers the runtime has. Their threads start on demand.
    pub fn num_workers(&self) -> usize {
        self.handle.engine().config.workers
    }

    /// Tasks that are spawned and not yet over.
    pub fn num_alive_tasks(&self) -> usize {
        self.handle.engine().alive() as usize
    }

    /// Tasks in the queue that other threads push to.
    pub fn global_queue_depth(&self) -> usize {
        self.handle.engine().inject.len()
    }

    /// Threads of the blocking pool.
    pub fn num_blocking_threads(&self) -> usize {
        self.handle.engine().blocking.threads()
    }

    /// Threads of the blocking pool that wait for a closure.
    pub fn num_idle_blocking_threads(&self) -> usize {
        self.handle.engine().blocking.idle_threads()
    }

    /// Closures that wait for a thread of the blocking pool.
    pub fn blocking_queue_depth(&self) -> usize {
        self.handle.engine().blocking.queued()
    }

    /// Tasks spawned so far.
    pub fn spawned_tasks_count(&self) -> u64 {
        let engine = self.handle.engine();
        engine.places.iter().map(|place| place.stats.spawned.get()).sum::<u64>() + engine.stats.spawned.get()
    }

    /// Tasks that threads outside of the runtime have queued.
    pub fn remote_schedule_count(&self) -> u64 {
        self.handle.engine().stats.remote_schedules.get()
    }

    /// Panics of tasks that nobody looked at.
    pub fn unhandled_panics(&self) -> u64 {
        self.handle.engine().stats.unhandled_panics.get()
    }

    /// Workers beyond the usual number that were started because others were stuck.
    pub fn spares_started(&self) -> u64 {
        self.handle.engine().stats.spares_started.get()
    }

    /// Tasks that the guarantor took from a stuck worker's hands.
    pub fn rescued_tasks_count(&self) -> u64 {
        self.handle.engine().stats.rescues.get()
    }

    /// How often a worker has gone to sleep.
    #[track_caller]
    pub fn worker_park_count(&self, worker: usize) -> u64 {
        self.with(worker, |place| place.stats.parks.get())
    }

    /// Changes whenever the worker goes to sleep or wakes up; odd while it sleeps.
    #[track_caller]
    pub fn worker_park_unpark_count(&self, worker: usize) -> u64 {
        self.with(worker, |place| place.stats.parks_and_unparks.get())
    }

    /// How long a worker was awake, up to its last sleep.
    #[track_caller]
    pub fn worker_total_busy_duration(&self, worker: usize) -> Duration {
        self.with(worker, |place| place.stats.busy())
    }

    /// Tasks that a worker has taken from others.
    #[track_caller]
    pub fn worker_steal_count(&self, worker: usize) -> u64 {
        self.with(worker, |place| place.stats.steals.get())
    }

    /// How often a worker has taken tasks from another.
    #[track_caller]
    pub fn worker_steal_operations(&self, worker: usize) -> u64 {
        self.with(worker, |place| place.stats.steal_operations.get())
    }

    /// Polls of tasks by a worker, up to its last sleep.
    #[track_caller]
    pub fn worker_poll_count(&self, worker: usize) -> u64 {
        self.with(worker, |place| place.stats.polls.get())
    }

    /// Tasks that wait in a worker's own queue.
    #[track_caller]
    pub fn worker_local_queue_depth(&self, worker: usize) -> usize {
        self.with(worker, |place| place.stealer.len())
    }

    /// The thread of a worker, if it has one now.
    #[track_caller]
    pub fn worker_thread_id(&self, worker: usize) -> Option<ThreadId> {
        self.place(worker).filter(|place| place.doing() != Doing::Nothing).and_then(Place::thread_id)
    }

    /// Is the poll-time histogram on?
    pub fn poll_time_histogram_enabled(&self) -> bool {
        self.handle.engine().histogram.is_some()
    }

    /// Its number of buckets; 0 when it is off.
    pub fn poll_time_histogram_num_buckets(&self) -> usize {
        self.handle.engine().histogram.as_ref().map_or(0, |histogram| histogram.shape.buckets())
    }

    /// The durations that fall into a bucket.
    ///
    /// # Panics
    /// If there is no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_range(&self, bucket: usize) -> Range<Duration> {
        let buckets = self.poll_time_histogram_num_buckets();
        match &self.handle.engine().histogram {
            Some(histogram) if bucket < buckets => histogram.shape.range(bucket),
            _ => no_such_bucket(bucket, buckets),
        }
    }

    /// Polls of a worker that took as long as the bucket says; 0 unless the builder enables the histogram.
    ///
    /// # Panics
    /// If there is no such worker, or no such bucket.
    #[track_caller]
    pub fn poll_time_histogram_bucket_count(&self, worker: usize, bucket: usize) -> u64 {
        self.place(worker);
        let Some(histogram) = &self.handle.engine().histogram else { return 0 };
        let buckets = self.poll_time_histogram_num_buckets();
        if bucket < buckets { histogram.count(worker, bucket) } else { no_such_bucket(bucket, buckets) }
    }

    /// A worker whose thread has never started has done nothing.
    #[track_caller]
    fn with<R: Default>(&self, worker: usize, f: impl FnOnce(&Place) -> R) -> R {
        self.place(worker).map(f).unwrap_or_default()
    }

    #[track_caller]
    fn place(&self, worker: usize) -> Option<&Place> {
        let workers = self.num_workers();
        assert!(
            worker < workers,
            "metrics of worker {worker} of a runtime with {workers}.\n  Workers are numbered from 0 to \
             `num_workers() - 1`."
        );
        self.handle.engine().places.iter().nth(worker)
    }
}

/// Which worker this thread is, if it is one: the number that [`RuntimeMetrics`] takes.
pub fn worker_index() -> Option<usize> {
    with_engine(|engine| engine.and_then(|engine| with_worker_of(engine, |worker| worker.map(|worker| worker.index()))))
}

#[cold]
#[track_caller]
fn no_such_bucket(bucket: usize, buckets: usize) -> ! {
    panic!(
        "bucket {bucket} of a poll-time histogram with {buckets} buckets.\n  Ask `poll_time_histogram_num_buckets()` first; it \
         is 0 unless the builder enables the histogram."
    )
}
