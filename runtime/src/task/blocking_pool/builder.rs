//! How a pool is put together.

use super::{BlockingPool, Open, Threads};
use crate::engine::{OwnPool, OwnPoolSettings, sizing};
use std::sync::Arc;
use std::time::Duration;

const KEEP_ALIVE: Duration = Duration::from_secs(10);
/// Besides the CPUs. asyncio's default executor has as many.
const MORE_THAN_CPUS: usize = 4;

/// Builds a [`BlockingPool`].
#[derive(Clone, Debug)]
pub struct BlockingPoolBuilder {
    threads: Option<usize>,
    queue_most: usize,
    keep_alive: Duration,
    thread_name: String,
    stack_bytes: Option<usize>,
}

impl BlockingPoolBuilder {
    pub(super) fn new() -> Self {
        BlockingPoolBuilder {
            threads: None,
            queue_most: usize::MAX,
            keep_alive: KEEP_ALIVE,
            thread_name: "blocking-pool".to_owned(),
            stack_bytes: None,
        }
    }

    /// The limit on threads, which start with demand; by default four more than there are CPUs for this process.
    ///
    /// # Panics
    /// If `count` is 0.
    #[track_caller]
    pub fn threads(mut self, count: usize) -> Self {
        assert!(count > 0, "a pool of zero threads: no closure would ever run.\n  Give `threads` 1 or more.");
        self.threads = Some(count);
        self
    }

    /// How many closures may wait for a thread before [`try_spawn`](BlockingPool::try_spawn) gives one back; without a limit
    /// by default. `spawn` and `map` always take them.
    pub fn max_queue(mut self, closures: usize) -> Self {
        self.queue_most = closures;
        self
    }

    /// How long a thread waits for work before it ends; 10 s by default.
    pub fn keep_alive(mut self, duration: Duration) -> Self {
        self.keep_alive = duration;
        self
    }

    /// The name of each thread; `blocking-pool` by default.
    ///
    /// # Panics
    /// If it contains a NUL, which no thread's name can.
    #[track_caller]
    pub fn thread_name(mut self, name: impl Into<String>) -> Self {
        self.thread_name = name.into();
        assert!(
            !self.thread_name.contains('\0'),
            "a thread's name contains a NUL: {:?}.\n  Give `thread_name` one without.",
            self.thread_name
        );
        self
    }

    /// The stack of each thread, in bytes. The default is std's.
    pub fn thread_stack_size(mut self, bytes: usize) -> Self {
        self.stack_bytes = Some(bytes);
        self
    }

    /// Builds it. No thread is started yet.
    pub fn build(self) -> BlockingPool {
        let pool = OwnPool::new(OwnPoolSettings {
            threads: self.threads.unwrap_or_else(|| sizing::worker_count() + MORE_THAN_CPUS),
            queue_most: self.queue_most,
            keep_alive: self.keep_alive,
            thread_name: self.thread_name,
            stack_bytes: self.stack_bytes,
        });
        BlockingPool(Threads::Own(Arc::new(Open(pool))))
    }
}
