//! A blocking pool that belongs to no engine.
//!
//! Owns: its threads, and who waits for its end.   Not here: the way of a closure to a thread (`lane`).
//!
//! Each thread has a counted reference, so the pool outlives what its handles have left in the queue. As many threads as
//! there may be start at once, one for each closure that finds nobody idle; there is no pacer.
//!
//! The danger: somebody looks whether the end has come while the last thread leaves. Who waits is written down first, and looks
//! then; a thread that leaves is uncounted first, and calls then.

use crate::engine::base::wake::wake_all;
use crate::engine::blocking::{Patience, Refused};
use crate::engine::cell::{JoinCell, Name, TaskInfo};
use crate::engine::sched::life::lane::{Host, Lane, NoThread};
use parking_lot::Mutex;
use std::io;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

/// What is decided about a pool.
pub(crate) struct Settings {
    pub(crate) threads: usize,
    pub(crate) queue_most: usize,
    pub(crate) keep_alive: Duration,
    pub(crate) thread_name: String,
    pub(crate) stack_bytes: Option<usize>,
}

pub(crate) struct OwnPool {
    lane: Lane,
    thread_name: String,
    stack_bytes: Option<usize>,
    /// For the end.
    waiting: Mutex<Vec<Waker>>,
}

impl Host for Arc<OwnPool> {
    fn start(&self, pacer: bool) -> io::Result<()> {
        let mut builder = thread::Builder::new().name(self.thread_name.clone());
        if let Some(bytes) = self.stack_bytes {
            builder = builder.stack_size(bytes);
        }
        let pool = self.clone();
        builder.spawn(move || pool.lane.run(pacer, &pool)).map(drop)
    }

    fn waits(&self) {}

    fn left(&self) {
        self.call_if_over();
    }

    fn cpus(&self) -> usize {
        unreachable!("BUG: a pool without a pacer paces")
    }

    #[track_caller]
    fn finds_none(&self, _lane: &Lane, refused: NoThread) {
        refused.panic();
    }
}

impl OwnPool {
    pub(crate) fn new(settings: Settings) -> Arc<OwnPool> {
        let Settings { threads, queue_most, keep_alive, thread_name, stack_bytes } = settings;
        let lane = Lane::new(threads, threads, Patience::even(keep_alive), queue_most);
        Arc::new(OwnPool { lane, thread_name, stack_bytes, waiting: Mutex::new(Vec::new()) })
    }

    /// # Panics
    /// If no thread can be started and none exists.
    #[track_caller]
    pub(crate) fn spawn<F, R, N>(self: &Arc<Self>, closure: F, info: TaskInfo<N>) -> JoinCell<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        self.lane.spawn(closure, info, self)
    }

    /// The same, if there is room in the queue, and the pool is open. `prepare` makes of the closure what runs.
    ///
    /// # Panics
    /// As `spawn`.
    #[track_caller]
    pub(crate) fn try_spawn<F, G, R, N>(
        self: &Arc<Self>,
        closure: F,
        prepare: impl FnOnce(F) -> G,
        info: TaskInfo<N>,
    ) -> Result<JoinCell<R>, (Refused, F)>
    where
        F: FnOnce() -> R,
        G: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        self.lane.try_spawn(closure, prepare, info, self)
    }

    pub(crate) fn lane(&self) -> &Lane {
        &self.lane
    }

    /// Refuses further closures, and runs all others.
    pub(crate) fn close(&self) {
        self.lane.close_to_new();
        self.call_if_over();
    }

    /// Cancels what has not begun.
    pub(crate) fn cancel_queued(&self) {
        self.lane.cancel_queued();
    }

    /// After `close`: has every thread left? If not, the waker is woken when they have.
    pub(crate) fn poll_over(&self, cx: &Context<'_>) -> Poll<()> {
        if self.lane.is_over() {
            return Poll::Ready(());
        }
        let waker = cx.waker().clone();
        let mut waiting = self.waiting.lock();
        let is_there = waiting.iter().any(|other| other.will_wake(&waker));
        let unused = if is_there {
            Some(waker)
        } else {
            waiting.push(waker);
            None
        };
        drop(waiting);
        drop(unused);
        if self.lane.is_over() { Poll::Ready(()) } else { Poll::Pending }
    }

    /// After `close`: waits on this thread. `false`: the deadline came first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        self.lane.wait(deadline)
    }

    fn call_if_over(&self) {
        if self.lane.is_over() {
            let mut woken = std::mem::take(&mut *self.waiting.lock());
            wake_all(&mut woken);
        }
    }
}
