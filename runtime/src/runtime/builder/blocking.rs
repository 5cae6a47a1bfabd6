//! What a builder says of threads for closures that block.
//!
//! Owns: its methods for that, and the defaults.   Not here: the classes of such closures (`engine/sched/life/pool`).

use super::Builder;
use std::time::Duration;

/// tokio's documented defaults.
const THREADS: usize = 512;
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// More are taken as that many: see `WORKERS_MOST`.
const THREADS_MOST: usize = 1 << 15;

#[derive(Clone, Copy)]
pub(super) struct Blocking {
    threads: usize,
    queue_most: usize,
    /// `None`: nobody has said.
    keep_alive: Option<Duration>,
}

impl Default for Blocking {
    fn default() -> Self {
        Blocking { threads: THREADS, queue_most: usize::MAX, keep_alive: None }
    }
}

impl Blocking {
    pub(super) fn asked_threads(&self) -> usize {
        self.threads
    }

    pub(super) fn threads(&self) -> usize {
        self.threads.min(THREADS_MOST)
    }

    pub(super) fn queue_most(&self) -> usize {
        self.queue_most
    }

    pub(super) fn keep_alive(&self) -> Duration {
        self.keep_alive.unwrap_or(KEEP_ALIVE)
    }

    pub(super) fn surplus_leaves(&self) -> bool {
        self.keep_alive.is_none()
    }
}

impl Builder {
    /// The limit on threads for [`spawn_blocking`](crate::task::spawn_blocking); 512 by default. Closures beyond it
    /// wait in a queue without a limit, so a limit of a few can make closures that wait for each other wait for ever.
    ///
    /// Such threads are started when they are needed, and end when they have been without work for some time: see
    /// [`thread_keep_alive`](Builder::thread_keep_alive). They do not count as workers. More than 32,768 are taken as that many.
    ///
    /// What the runtime itself has to do in a blocking way (files, names to look up, standard output and error) has threads of
    /// its own, started with the same thrift and up to 512 of them; so closures that block never hold it up. Another class of
    /// threads, as many as CPUs, is there for closures that compute: [`BlockingPool::compute`](crate::task::BlockingPool::compute).
    ///
    /// # Panics
    /// If `count` is 0.
    #[track_caller]
    pub fn max_blocking_threads(&mut self, count: usize) -> &mut Self {
        assert!(
            count > 0,
            "zero threads for blocking closures: none would ever run.\n  Give `max_blocking_threads` 1 or more."
        );
        self.blocking.threads = count;
        self
    }

    /// How many closures may wait for a thread before [`try_spawn_blocking`](crate::task::try_spawn_blocking) gives one
    /// back; without a limit by default. `spawn_blocking` itself always takes them.
    ///
    /// As long as threads may still be started nothing counts as waiting: so
    /// [`max_blocking_threads`](Builder::max_blocking_threads) and this limit together are what is taken at a time. With 0
    /// a closure is taken only if a thread may have it at once.
    ///
    /// ```
    /// # use runtime::runtime::Builder;
    /// let rt = Builder::new_multi_thread().max_blocking_threads(8).max_blocking_queue(100).build().unwrap();
    /// # drop(rt);
    /// ```
    pub fn max_blocking_queue(&mut self, closures: usize) -> &mut Self {
        self.blocking.queue_most = closures;
        self
    }

    /// How long a thread for blocking closures (or a spare worker) waits for work before it ends.
    ///
    /// The default is 10 s; but of a class of blocking threads those beyond the number of CPUs and 8 end after a second,
    /// so that what a burst has needed goes when it is over. A duration that is given here holds for all of them.
    pub fn thread_keep_alive(&mut self, duration: Duration) -> &mut Self {
        self.blocking.keep_alive = Some(duration);
        self
    }
}
