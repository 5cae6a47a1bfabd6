//! Sets of tasks that are joined in the order in which they finish.
//!
//! Owns: [`JoinSet`], its [`Builder`]; inside, `slots` (the handles) and `doorbell` (which of them have finished).
//! Not here: structured concurrency (`scope`).
//!
//! A task is taken in once and looked at once. Its handle gets a waker that knows the handle's slot; when the task
//! finishes, the slot's number goes to a queue and the set's task is woken, if it waits. `join_next` takes the queue
//! as a whole, so that a set of ten thousand costs per task one push under an uncontended lock, and no walk.
//!
//! The danger: a wake that gets lost between "nobody has finished" and "wake me". Both happen under one lock
//! (`doorbell`). And a slot that rings but is not looked at: it is taken off the queue only to be looked at.
//!
//! Rejected: two intrusive lists, of idle and of notified handles, as others have. A finished task has to find and
//! unlink its entry under the lock, which needs unsafe code (museum M17); the number of a slot does not.
//! Rejected: registering the waker when the set is first waited for. It saves a task that finishes early the waker,
//! but then such tasks come out in the order in which they were spawned.

mod builder;
mod doorbell;
mod slots;
#[cfg(test)]
mod tests;

use super::{AbortHandle, Id, JoinError, JoinHandle, LocalSet, coop};
use crate::runtime::Handle;
pub use builder::Builder;
use doorbell::{Doorbell, Rung};
use slots::{Finished, Slots};
use std::fmt;
use std::future::{Future, poll_fn};
use std::panic;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A set of tasks, to be awaited one by one in the order in which they finish. All of them have the same output type.
///
/// ```
/// use runtime::task::JoinSet;
///
/// #[runtime::main]
/// async fn main() {
///     let mut squares = JoinSet::new();
///     for n in 0..10u32 {
///         squares.spawn(async move { n * n });
///     }
///     let mut sum = 0;
///     while let Some(square) = squares.join_next().await {
///         sum += square.unwrap();
///     }
///     assert_eq!(sum, 285);
/// }
/// ```
///
/// The set owns its tasks: **dropping it aborts them all**. [`shutdown`](JoinSet::shutdown) also waits until they are
/// gone, [`detach_all`](JoinSet::detach_all) lets them go on without the set.
///
/// A task stays in the set, and its output in memory, until it has been joined, also when it was aborted.
pub struct JoinSet<T> {
    slots: Slots<T>,
    /// Have rung and been taken from the doorbell, but not been looked at.
    rung: Rung,
    doorbell: Arc<Doorbell>,
}

impl<T> JoinSet<T> {
    /// An empty set.
    pub fn new() -> Self {
        JoinSet { slots: Slots::new(), rung: Rung::new(), doorbell: Arc::default() }
    }

    /// How many tasks have not been joined yet, whether they run or are over.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Have all tasks been joined?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The next task that is over, of those that have rung by now.
    fn next_finished(&mut self) -> Option<Finished<T>> {
        loop {
            let Some(slot) = self.rung.pop_front() else {
                if self.doorbell.answer(&mut self.rung) {
                    continue;
                }
                return None;
            };
            let finished = self.slots.take_finished(slot);
            if finished.is_some() {
                return finished;
            }
        }
    }

    fn poll_finished(&mut self, cx: &mut Context<'_>) -> Poll<Option<Finished<T>>> {
        if self.is_empty() {
            return Poll::Ready(None);
        }
        let unit = ready!(coop::poll_proceed(cx));
        loop {
            if let Some(finished) = self.next_finished() {
                unit.made_progress();
                return Poll::Ready(Some(finished));
            }
            if !self.doorbell.answer_or_wait(&mut self.rung, cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

/// Spawning.
impl<T: 'static> JoinSet<T> {
    /// To spawn a task that has a name.
    ///
    /// ```
    /// # #[runtime::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut set = runtime::task::JoinSet::new();
    /// set.build_task().name("reader").spawn(async { runtime::task::name() }).unwrap();
    /// assert_eq!(set.join_next().await.unwrap().unwrap().as_deref(), Some("reader"));
    /// # }
    /// ```
    pub fn build_task(&mut self) -> Builder<'_, T> {
        Builder::new(self)
    }

    /// Spawns a task on the current runtime, as [`task::spawn`](super::spawn()) does. It starts at once, whether or not
    /// the set is awaited.
    ///
    /// # Panics
    /// Outside of a runtime's context; [`spawn_on`](JoinSet::spawn_on) works anywhere.
    #[track_caller]
    pub fn spawn<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(super::spawn(future))
    }

    /// Spawns a task on another runtime.
    #[track_caller]
    pub fn spawn_on<F>(&mut self, future: F, handle: &Handle) -> AbortHandle
    where
        F: Future<Output = T> + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn(future))
    }

    /// Spawns a task that need not be `Send`, on the current [`LocalSet`] or local runtime.
    ///
    /// # Panics
    /// Outside of both.
    #[track_caller]
    pub fn spawn_local<F>(&mut self, future: F) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(super::spawn_local(future))
    }

    /// Spawns a task on a [`LocalSet`]. It runs when that is polled: awaiting the `JoinSet` alone does not do it.
    #[track_caller]
    pub fn spawn_local_on<F>(&mut self, future: F, local_set: &LocalSet) -> AbortHandle
    where
        F: Future<Output = T> + 'static,
    {
        self.insert(local_set.spawn_local(future))
    }

    /// Runs a closure that blocks on a thread for such; its output comes out of the set as a task's.
    ///
    /// Aborting has no effect on a closure that has begun; it goes on when the set is dropped.
    ///
    /// ```
    /// # #[runtime::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut sums = runtime::task::JoinSet::new();
    /// for n in 1..=3u64 {
    ///     sums.spawn_blocking(move || (0..=n * 1000).sum::<u64>());
    /// }
    /// assert_eq!(sums.join_all().await.into_iter().sum::<u64>(), 500_500 + 2_001_000 + 4_501_500);
    /// # }
    /// ```
    ///
    /// # Panics
    /// As [`task::spawn_blocking`](super::spawn_blocking).
    #[track_caller]
    pub fn spawn_blocking<F>(&mut self, closure: F) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(super::spawn_blocking(closure))
    }

    /// Runs a closure that blocks, on another runtime's pool.
    #[track_caller]
    pub fn spawn_blocking_on<F>(&mut self, closure: F, handle: &Handle) -> AbortHandle
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send,
    {
        self.insert(handle.spawn_blocking(closure))
    }

    fn insert(&mut self, handle: JoinHandle<T>) -> AbortHandle {
        let abort = handle.abort_handle();
        self.slots.insert(handle, &self.doorbell);
        abort
    }
}

/// Joining.
impl<T: 'static> JoinSet<T> {
    /// Waits until a task of the set is over, and gives its output, or why there is none. `None`: the set is empty.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: a task leaves the set in the moment in which its output is given.
    pub async fn join_next(&mut self) -> Option<Result<T, JoinError>> {
        poll_fn(|cx| self.poll_join_next(cx)).await
    }

    /// As [`join_next`](JoinSet::join_next), with the id of the task. (An error knows it too: [`JoinError::id`].)
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: a task leaves the set in the moment in which its output is given.
    pub async fn join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        poll_fn(|cx| self.poll_join_next_with_id(cx)).await
    }

    /// Gives the output of a task that is over, if there is one. `None`: the set is empty, or all of its tasks run.
    ///
    /// Does not take part in the [budget](super::coop): a loop that spins on it should yield.
    pub fn try_join_next(&mut self) -> Option<Result<T, JoinError>> {
        self.next_finished().map(|finished| finished.output)
    }

    /// As [`try_join_next`](JoinSet::try_join_next), with the id of the task.
    pub fn try_join_next_with_id(&mut self) -> Option<Result<(Id, T), JoinError>> {
        self.next_finished().map(Finished::with_id)
    }

    /// Polls for a task that is over.
    ///
    /// `Pending`: none is, or the caller's [budget](super::coop) is used up; in both cases the waker of the latest
    /// call is woken when it is worth to call again. `Ready(None)`: the set is empty.
    pub fn poll_join_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, JoinError>>> {
        self.poll_finished(cx).map(|finished| finished.map(|finished| finished.output))
    }

    /// As [`poll_join_next`](JoinSet::poll_join_next), with the id of the task.
    pub fn poll_join_next_with_id(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<(Id, T), JoinError>>> {
        self.poll_finished(cx).map(|finished| finished.map(Finished::with_id))
    }

    /// Waits for all tasks, and gives their outputs in the order in which they finished.
    ///
    /// ```
    /// # #[runtime::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let set: runtime::task::JoinSet<_> = (1..=3).map(|n| async move { n * 10 }).collect();
    /// let mut outputs = set.join_all().await;
    /// outputs.sort();
    /// assert_eq!(outputs, [10, 20, 30]);
    /// # }
    /// ```
    ///
    /// # Panics
    /// When a task panics: goes on with its panic. When one is cancelled: panics and says so. The remaining tasks are
    /// aborted in both cases. To go on regardless, call [`join_next`](JoinSet::join_next) in a loop.
    ///
    /// # Cancel safety
    /// Cancelling it drops the set: the tasks are aborted, and what they have given so far is lost.
    pub async fn join_all(mut self) -> Vec<T> {
        let mut outputs = Vec::with_capacity(self.len());
        while let Some(output) = self.join_next().await {
            match output.map_err(JoinError::try_into_panic) {
                Ok(output) => outputs.push(output),
                Err(Ok(payload)) => panic::resume_unwind(payload),
                Err(Err(cancelled)) => panic!(
                    "cannot join all tasks of this set: {cancelled}, by `abort` or because its runtime shut down.\n  \
                     The remaining tasks are aborted. Call `join_next` in a loop to handle each task's error."
                ),
            }
        }
        outputs
    }

    /// Aborts all tasks and waits until they are gone. The set is empty afterwards.
    ///
    /// Outputs and panics of tasks that were over already are dropped.
    ///
    /// # Cancel safety
    /// The tasks are aborted by the first poll; those that have not been waited for are still in the set.
    pub async fn shutdown(&mut self) {
        self.abort_all();
        while self.join_next().await.is_some() {}
    }

    /// Aborts all tasks. They stay in the set: [`join_next`](JoinSet::join_next) gives a cancelled error for each that
    /// was not over already.
    pub fn abort_all(&mut self) {
        self.abort_handles();
    }

    /// Empties the set without aborting: its tasks go on, as if their handles had been dropped.
    pub fn detach_all(&mut self) {
        // In order before the first output is dropped, whatever that does.
        let slots = std::mem::replace(&mut self.slots, Slots::new());
        self.rung.clear();
        drop(slots);
        self.doorbell.answer(&mut self.rung);
        self.rung.clear();
    }
}

impl<T> JoinSet<T> {
    fn abort_handles(&self) {
        self.slots.handles().for_each(JoinHandle::abort);
    }
}

impl<T> Finished<T> {
    fn with_id(self) -> Result<(Id, T), JoinError> {
        let id = self.id;
        self.output.map(|output| (id, output))
    }
}

/// Aborts all tasks.
impl<T> Drop for JoinSet<T> {
    fn drop(&mut self) {
        self.abort_handles();
        self.doorbell.forget_waiter();
    }
}

impl<T> Default for JoinSet<T> {
    fn default() -> Self {
        JoinSet::new()
    }
}

impl<T> fmt::Debug for JoinSet<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinSet").field("len", &self.len()).finish()
    }
}

/// Spawns each future, on the current runtime.
impl<T, F> FromIterator<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// # Panics
    /// Outside of a runtime's context, if there is a future to spawn.
    #[track_caller]
    fn from_iter<I: IntoIterator<Item = F>>(futures: I) -> Self {
        let mut set = JoinSet::new();
        set.extend(futures);
        set
    }
}

/// Spawns each future, on the current runtime.
impl<T, F> Extend<F> for JoinSet<T>
where
    F: Future<Output = T> + Send + 'static,
    T: Send + 'static,
{
    /// # Panics
    /// Outside of a runtime's context, if there is a future to spawn.
    #[track_caller]
    fn extend<I: IntoIterator<Item = F>>(&mut self, futures: I) {
        for future in futures {
            self.spawn(future);
        }
    }
}
