//! `TaskTracker`: count tasks, and wait until none is left.
//!
//! Owns: [`TaskTracker`], [`TaskTrackerToken`].
//! Not here: futures (`futures`); cancelling (`CancellationToken`), outputs (`JoinSet`).
//!
//! | bits | name | true while |
//! |---|---|---|
//! | 0 | CLOSED | from `close` to `reopen` |
//! | 1.. | tokens | somebody holds so many |
//!
//! A waiter is done when it sees CLOSED and no token, or when that was so at one moment since it was made: whoever brings
//! the word to CLOSED without tokens calls all who wait.
//!
//! This is the one file of `sync` that knows tasks: it spawns them for its user.

mod futures;
#[cfg(all(test, loom))]
mod model;

pub use self::futures::{TaskTrackerWaitFuture, TrackedFuture};

use super::notify::Notify;
use crate::engine::atomics::{AtomicUsize, Ordering};
use crate::runtime::Handle;
use crate::task::{self, JoinHandle, LocalSet};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

const CLOSED: usize = 1;
const TOKEN: usize = 2;

/// What a tracker, its clones and its tokens share.
struct Tally {
    word: AtomicUsize,
    all_gone: Notify,
}

/// Counts tasks, so that somebody can wait until all of them are gone.
///
/// [`wait`](Self::wait) ends when the tracker is closed *and* empty: before [`close`](Self::close) an empty tracker just
/// means that nothing has been spawned yet. Closing refuses nothing; tasks may still be added. A task counts until its
/// future has been dropped; its output is not kept, and the memory of a finished task is freed at once, unlike in a
/// [`JoinSet`](crate::task::JoinSet). Clones are the same tracker.
///
/// # Examples
///
/// ```
/// use runtime::sync::{CancellationToken, TaskTracker};
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// let (tasks, stop) = (TaskTracker::new(), CancellationToken::new());
/// for _ in 0..10 {
///     let stop = stop.clone();
///     tasks.spawn(async move { stop.cancelled().await });
/// }
/// assert_eq!(tasks.len(), 10);
/// tasks.close();
/// stop.cancel();
/// tasks.wait().await;
/// assert!(tasks.is_empty());
/// # }
/// ```
pub struct TaskTracker {
    tally: Arc<Tally>,
}

/// Keeps a [`TaskTracker`] from being empty. From [`TaskTracker::token`].
#[must_use = "dropped at once, it counts for nothing"]
pub struct TaskTrackerToken {
    tracker: TaskTracker,
}

impl Tally {
    fn is_over(&self) -> bool {
        self.word.load(Ordering::Acquire) == CLOSED
    }
}

impl TaskTracker {
    /// A tracker that is open and empty.
    #[must_use]
    pub fn new() -> TaskTracker {
        TaskTracker { tally: Arc::new(Tally { word: AtomicUsize::new(0), all_gone: Notify::new() }) }
    }

    /// Waits until the tracker is closed and empty. It is enough that it was so at one moment since this call.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub fn wait(&self) -> TaskTrackerWaitFuture<'_> {
        TaskTrackerWaitFuture::new(&self.tally)
    }

    /// Closes the tracker, so that [`wait`](Self::wait) can end. `true`: it was open.
    pub fn close(&self) -> bool {
        let before = self.tally.word.fetch_or(CLOSED, Ordering::AcqRel);
        if before == 0 {
            self.tally.all_gone.notify_waiters();
        }
        before & CLOSED == 0
    }

    /// Opens it again, so that [`wait`](Self::wait) waits. `true`: it was closed.
    pub fn reopen(&self) -> bool {
        self.tally.word.fetch_and(!CLOSED, Ordering::AcqRel) & CLOSED != 0
    }

    /// Is it closed?
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.tally.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// How many tasks and tokens it counts now.
    #[must_use]
    pub fn len(&self) -> usize {
        self.tally.word.load(Ordering::Acquire) / TOKEN
    }

    /// Does it count nothing now?
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Spawns a task on the current runtime and counts it.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        task::spawn(self.track_future(task))
    }

    /// Spawns a task on the runtime of `handle` and counts it.
    #[track_caller]
    pub fn spawn_on<F>(&self, task: F, handle: &Handle) -> JoinHandle<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        handle.spawn(self.track_future(task))
    }

    /// Spawns a task on the current [`LocalSet`] or local runtime and counts it.
    ///
    /// # Panics
    /// Outside of both.
    #[track_caller]
    pub fn spawn_local<F>(&self, task: F) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        task::spawn_local(self.track_future(task))
    }

    /// Spawns a task in `local_set` and counts it. It runs while the set does.
    #[track_caller]
    pub fn spawn_local_on<F>(&self, task: F, local_set: &LocalSet) -> JoinHandle<F::Output>
    where
        F: Future + 'static,
        F::Output: 'static,
    {
        local_set.spawn_local(self.track_future(task))
    }

    /// Runs a closure that blocks, as [`task::spawn_blocking`] does, and counts it.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn_blocking<F, T>(&self, task: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let token = self.token();
        task::spawn_blocking(move || {
            let result = task();
            drop(token);
            result
        })
    }

    /// Runs a closure that blocks on the runtime of `handle`, and counts it.
    #[track_caller]
    pub fn spawn_blocking_on<F, T>(&self, task: F, handle: &Handle) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let token = self.token();
        handle.spawn_blocking(move || {
            let result = task();
            drop(token);
            result
        })
    }

    /// Counts `future`, from this call until it has been dropped, whoever runs it.
    pub fn track_future<F: Future>(&self, future: F) -> TrackedFuture<F> {
        TrackedFuture::new(future, self.token())
    }

    /// Counts one more until the token is dropped.
    pub fn token(&self) -> TaskTrackerToken {
        // Relaxed: whoever waits learns nothing from a token that comes.
        self.tally.word.fetch_add(TOKEN, Ordering::Relaxed);
        TaskTrackerToken { tracker: self.clone() }
    }

    /// Are both the same tracker?
    #[must_use]
    pub fn ptr_eq(left: &TaskTracker, right: &TaskTracker) -> bool {
        Arc::ptr_eq(&left.tally, &right.tally)
    }
}

impl Clone for TaskTracker {
    /// The same tracker.
    fn clone(&self) -> Self {
        TaskTracker { tally: Arc::clone(&self.tally) }
    }
}

impl Default for TaskTracker {
    fn default() -> Self {
        TaskTracker::new()
    }
}

impl fmt::Debug for TaskTracker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskTracker").field("len", &self.len()).field("is_closed", &self.is_closed()).finish()
    }
}

impl TaskTrackerToken {
    /// The tracker that counts it.
    #[must_use]
    pub fn task_tracker(&self) -> &TaskTracker {
        &self.tracker
    }
}

impl Clone for TaskTrackerToken {
    /// One more of the same tracker.
    fn clone(&self) -> Self {
        self.tracker.token()
    }
}

impl Drop for TaskTrackerToken {
    fn drop(&mut self) {
        // Release: what the task did is there for whoever waits for its end.
        let before = self.tracker.tally.word.fetch_sub(TOKEN, Ordering::AcqRel);
        if before == TOKEN | CLOSED {
            self.tracker.tally.all_gone.notify_waiters();
        }
    }
}

impl fmt::Debug for TaskTrackerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskTrackerToken").finish_non_exhaustive()
    }
}
