//! Tasks that end together.
//!
//! Owns: [`TaskGroup`], its [`Spawner`], [`gather()`].   Not here: who decides and who waits (`roster`), two-phase
//! cancellation (`cancel`).
//!
//! A child is spawned as it is, without a future of ours around it. The worker that completes it calls the roster,
//! which stops the siblings there and then if the child's fate decides for all. So nothing waits for a poll of
//! the group, and "gone" means gone: the task is complete before the roster hears of it.
//!
//! Rejected: a `JoinSet` inside. It needs `&mut` for a spawn, so children could not spawn siblings, and it learns of a
//! failure when it is polled.

mod error;
mod fate;
mod gather;
#[cfg(all(test, loom))]
mod model;
mod orphans;
mod roster;
mod start;

pub use error::{ChildError, GroupError};
use fate::{Failure, Finished, Outcome, Panicked, Rule};
pub use gather::{gather, gather_settled};
use roster::{Roster, Seat, Stop};
pub use start::{NotReady, Ready};

use super::Abort;
use super::cancel::is_doomed_here;
use super::cancel::runner::UntilGone;
use super::place::{Seated, Standing};
use super::shields::shields;
use crate::engine::entered;
use crate::sync::Semaphore;
use crate::task::{self, AbortHandle, JoinError, JoinHandle, coop};
use std::any::Any;
use std::collections::VecDeque;
use std::fmt;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

impl Abort for AbortHandle {
    fn abort(&self) {
        AbortHandle::abort(self);
    }
}

impl Stop for AbortHandle {
    fn stop(&self) {
        shields().stop(self.id(), self);
    }

    fn abort(&self) {
        AbortHandle::abort(self);
    }
}

type TaskRoster<T, E> = Roster<T, E, AbortHandle>;

/// Tasks that belong together: nobody goes home before all are done, and the first failure stops the others.
///
/// ```
/// use runtime::scope::TaskGroup;
///
/// #[runtime::main]
/// async fn main() -> Result<(), runtime::scope::GroupError<std::num::ParseIntError>> {
///     let group = TaskGroup::new();
///     for text in ["1", "2", "3"] {
///         group.spawn(async move { text.parse::<i32>() });
///     }
///     assert_eq!(group.join().await?, [1, 2, 3]);
///     Ok(())
/// }
/// ```
///
/// Children are tasks of the current runtime: they begin when they are spawned, run in parallel, and return a
/// [`Result`]. [`join`](TaskGroup::join) waits until every one of them is *gone*, its future dropped, whatever happens.
///
/// # Who decides
/// | made by | |
/// |---|---|
/// | [`new`](TaskGroup::new) | the first child that fails (an error, a panic, an abort by somebody else): the others are aborted at once, whether or not anybody joins |
/// | [`any`](TaskGroup::any) | the first child that is over: the others are aborted |
/// | [`first_some`](TaskGroup::first_some) | the first that gives `Some`, or fails |
/// | [`settling`](TaskGroup::settling) | nobody: each child's fate is its own |
///
/// A child that is to be aborted while it is inside of a [shielded](super::CancelScope::shield) scope is aborted when that is over.
///
/// **Dropping the group aborts its children**, whatever they do, and so does dropping the future of `join`. They are gone soon
/// after, not at once: only `join` waits. It waits for those, too, whom a child has left behind that was stopped with a group of its own.
///
/// # Memory
/// Outputs are kept until they are asked for. In a group that lives as long as a server, take them with
/// [`next`](TaskGroup::next).
pub struct TaskGroup<T, E> {
    spawner: Spawner<T, E>,
    /// A result was kept from who asked: see `is_lost`.
    lost: bool,
}

/// Spawns children of a [`TaskGroup`] from elsewhere, from another child for instance. Cheap to clone.
pub struct Spawner<T, E> {
    roster: Arc<TaskRoster<T, E>>,
    limit: Option<Arc<Semaphore>>,
    /// Where the group was made; whatever can be stopped there waits for the shields in the children.
    standing: Option<Arc<Standing>>,
}

/// The group is over, or was dropped, and takes no more children.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupClosed(());

impl fmt::Display for GroupClosed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task group takes no more children: it has been joined or dropped")
    }
}

impl std::error::Error for GroupClosed {}

impl<T, E> TaskGroup<T, E> {
    fn by(rule: Rule<T>) -> Self {
        let spawner = Spawner { roster: Roster::new(rule), limit: None, standing: Standing::here() };
        TaskGroup { spawner, lost: false }
    }

    /// A group that the first failure stops.
    pub fn new() -> Self {
        TaskGroup::by(Rule::Failure)
    }

    /// A group that is stopped by the first child that is over, with an output or without.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::any();
    /// group.spawn(std::future::pending());
    /// group.spawn(async { Ok::<_, std::io::Error>("quick") });
    /// assert_eq!(group.join_first().await.unwrap(), Some("quick"));
    /// # })
    /// ```
    pub fn any() -> Self {
        TaskGroup::by(Rule::First(|_| true))
    }

    /// A group that nobody stops: every child runs to its end.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::settling();
    /// group.spawn(async { "one".parse::<u32>() });
    /// group.spawn(async { "2".parse() });
    /// let settled = group.join_settled().await;
    /// assert!(settled[0].is_err());
    /// assert_eq!(*settled[1].as_ref().unwrap(), 2);
    /// # })
    /// ```
    pub fn settling() -> Self {
        TaskGroup::by(Rule::Never)
    }

    /// Lets at most `limit` children run at a time; the others wait, in the order in which they were spawned. Daemons do
    /// not count.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::new().with_limit(8);
    /// for n in 0..100u32 {
    ///     group.spawn(async move { Ok::<_, std::io::Error>(n) });
    /// }
    /// assert_eq!(group.join().await.unwrap().len(), 100);
    /// # })
    /// ```
    ///
    /// # Panics
    /// If `limit` is zero: no child would ever run.
    #[track_caller]
    pub fn with_limit(mut self, limit: usize) -> Self {
        assert!(limit > 0, "a task group with a limit of zero would never run a child.\n  Give it at least one.");
        self.spawner.limit = Some(Arc::new(Semaphore::new(limit.min(Semaphore::MAX_PERMITS))));
        self
    }

    /// To spawn children from elsewhere, also while the group is being joined.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::<u32, std::io::Error>::new();
    /// let spawner = group.spawner();
    /// group.spawn(async move {
    ///     spawner.spawn(async { Ok(2) }).expect("the group waits for its child, which is us");
    ///     Ok(1)
    /// });
    /// assert_eq!(group.join().await.unwrap(), [1, 2]);
    /// # })
    /// ```
    pub fn spawner(&self) -> Spawner<T, E> {
        self.spawner.clone()
    }

    /// Aborts all children, also those that are spawned later. What is aborted so is no failure. A child
    /// inside of a [shield](super::CancelScope::shield) is aborted when that is over.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::<(), std::io::Error>::new();
    /// group.spawn(std::future::pending());
    /// group.cancel();
    /// assert!(group.join().await.unwrap().is_empty());
    /// # })
    /// ```
    pub fn cancel(&self) {
        self.spawner.roster.stop_all();
    }

    /// Are the children being stopped, because one of them has decided or by [`cancel`](TaskGroup::cancel)?
    pub fn is_cancelled(&self) -> bool {
        self.spawner.roster.is_stopping()
    }

    /// How many children are not gone yet, daemons not counted.
    pub fn len(&self) -> usize {
        self.spawner.roster.running()
    }

    /// Are all children gone, or only daemons left?
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<T, E> TaskGroup<Option<T>, E> {
    /// A group that is stopped by the first child that gives `Some`, or fails.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::first_some();
    /// group.spawn(async { Ok::<_, std::io::Error>(None) });
    /// group.spawn(async { Ok(Some(7)) });
    /// assert_eq!(group.join_first().await.unwrap().flatten(), Some(7));
    /// # })
    /// ```
    pub fn first_some() -> Self {
        TaskGroup::by(Rule::First(Option::is_some))
    }
}

/// Spawning.
impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// Spawns a child on the current runtime. In a group that is being stopped it is aborted at once.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> AbortHandle
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        match self.spawner.spawn(future) {
            Ok(abort) => abort,
            Err(GroupClosed(())) => unreachable!("BUG: a task group was closed that has not been joined"),
        }
    }

    /// Spawns a child that works for the others and does not end by itself: a ticker, a sink of metrics. When all
    /// others are gone, [`join`](TaskGroup::join) aborts it. If it fails before that, it decides as any child.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    /// use runtime::time::{Duration, sleep};
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::<u32, std::io::Error>::new();
    /// group.spawn_daemon(async {
    ///     loop {
    ///         sleep(Duration::from_secs(10)).await;
    ///         println!("still at work");
    ///     }
    /// });
    /// group.spawn(async { Ok(1) });
    /// assert_eq!(group.join().await.unwrap(), [1]);
    /// # })
    /// ```
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn_daemon<F>(&self, future: F) -> AbortHandle
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let Some(seat) = self.spawner.roster.enlist(true) else {
            unreachable!("BUG: a task group was closed that has not been joined")
        };
        let seated = self.spawner.standing.as_deref().map(Standing::seat);
        let task = task::spawn_child(future);
        seat_task(seat, seated.and_then(Seated::until_gone), task, |()| Outcome::Nothing)
    }
}

impl<T: Send + 'static, E: Send + 'static> Spawner<T, E> {
    /// Spawns a child on the current runtime. In a group that is being stopped it is aborted at once.
    ///
    /// # Errors
    /// If the group takes no more children: it has been joined, or dropped. The future is dropped then.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    #[track_caller]
    pub fn spawn<F>(&self, future: F) -> Result<AbortHandle, GroupClosed>
    where
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let seat = self.roster.enlist(false).ok_or(GroupClosed(()))?;
        let seated = self.standing.as_deref().map(Standing::seat);
        let task = match self.limit.clone() {
            None => task::spawn_child(future),
            Some(limit) => task::spawn_child(async move {
                // The group never closes its semaphore.
                let _running = limit.acquire_owned().await;
                future.await
            }),
        };
        Ok(seat_task(seat, seated.and_then(Seated::until_gone), task, Outcome::Output))
    }
}

/// Seats a child: the roster can stop it, and hears of its end.
fn seat_task<T, E, O>(
    seat: Seat<T, E, AbortHandle>,
    until_gone: Option<UntilGone>,
    task: JoinHandle<Result<O, E>>,
    output: fn(O) -> Outcome<T, E>,
) -> AbortHandle
where
    T: Send + 'static,
    E: Send + 'static,
    O: Send + 'static,
{
    seat.attach(task.abort_handle());
    let id = task.id();
    task.on_done(move |result| {
        shields().forget(id);
        let outcome = outcome(result, output);
        let mut left = orphans::left_by(id);
        // A child that drops its own group does not wait for itself.
        left.retain(|those| !seat.is_among(those));
        orphans::after(left, move || {
            seat.finished(outcome);
            // Only now: whoever this lets go may drop the group.
            drop(until_gone);
        });
    })
}

fn outcome<T, E, O>(result: Result<Result<O, E>, JoinError>, output: fn(O) -> Outcome<T, E>) -> Outcome<T, E> {
    match result {
        Ok(Ok(value)) => output(value),
        Ok(Err(error)) => Outcome::Failed(error),
        Err(error) if error.is_panic() => {
            let sink = entered::with_engine(|engine| engine.and_then(|engine| engine.config.panic_sink.clone()));
            Outcome::Panicked(Panicked::new(error, sink))
        }
        Err(error) => Outcome::Cancelled(error),
    }
}

/// An output that a child gave.
struct Given<T> {
    order: u64,
    decided: bool,
    output: T,
}

/// Joining.
impl<T, E> TaskGroup<T, E> {
    /// Waits until every child is gone, and gives their outputs in the order in which they were spawned. Daemons are
    /// aborted when the others are gone, and waited for as well.
    ///
    /// In a group made by [`any`](TaskGroup::any) or [`first_some`](TaskGroup::first_some) there are the outputs up to
    /// the one that decided. Children aborted by [`cancel`](TaskGroup::cancel) give none.
    ///
    /// # Errors
    /// If children failed: all failures, the first one first.
    ///
    /// # Panics
    /// If a child panicked: when all are gone, `join` goes on with the first panic.
    ///
    /// # Cancel safety
    /// Cancelling it drops the group: the children are aborted, and their outputs are lost.
    pub async fn join(self) -> Result<Vec<T>, GroupError<E>> {
        let mut outputs = self.outputs().await?;
        outputs.sort_by_key(|finished| finished.order);
        Ok(outputs.into_iter().map(|finished| finished.output).collect())
    }

    /// Waits until every child is gone, and gives the output that decided. `None`: no child has.
    ///
    /// For groups made by [`any`](TaskGroup::any) or [`first_some`](TaskGroup::first_some).
    ///
    /// # Errors
    /// As [`join`](TaskGroup::join).
    ///
    /// # Panics
    /// As [`join`](TaskGroup::join).
    ///
    /// # Cancel safety
    /// Cancelling it drops the group: the children are aborted, and their outputs are lost.
    pub async fn join_first(self) -> Result<Option<T>, GroupError<E>> {
        let outputs = self.outputs().await?;
        Ok(outputs.into_iter().find(|finished| finished.decided).map(|finished| finished.output))
    }

    /// When everybody is gone: the panics among their ends, those that came first first.
    pub(super) fn poll_panics(
        &self,
        cx: &mut Context<'_>,
    ) -> Poll<impl Iterator<Item = Box<dyn Any + Send>> + use<T, E>> {
        let panics = |finished: VecDeque<Finished<T, E>>| {
            finished.into_iter().filter_map(|finished| match finished.result {
                Err(Failure::Panic(panicked)) => panicked.take().try_into_panic().ok(),
                _ => None,
            })
        };
        self.spawner.roster.poll_gone(cx).map(panics)
    }

    /// What the children left, when everybody is gone.
    async fn finished(&mut self) -> VecDeque<Finished<T, E>> {
        let finished = poll_fn(|cx| self.spawner.roster.poll_gone(cx)).await;
        if is_lost(&finished) {
            pending().await
        }
        finished
    }

    /// All outputs in the order of their completion, when everybody is gone.
    async fn outputs(mut self) -> Result<Vec<Given<T>>, GroupError<E>> {
        let finished = self.finished().await;
        let mut outputs = Vec::with_capacity(finished.len());
        let (mut failures, mut first_panic) = (Vec::new(), None);
        for Finished { order, decided, result } in finished {
            match result {
                Ok(output) => outputs.push(Given { order, decided, output }),
                Err(Failure::Plain(error)) => failures.push(error),
                Err(Failure::Panic(panicked)) if first_panic.is_none() => first_panic = Some(panicked.take()),
                // The second of two panics is reported as one that nobody handles.
                Err(Failure::Panic(_)) => {}
            }
        }
        if let Some(payload) = first_panic.and_then(|error| error.try_into_panic().ok()) {
            resume_unwind(payload);
        }
        GroupError::new(failures).map_or(Ok(outputs), Err)
    }

    /// Waits until every child is gone, and gives what each one has to tell, in the order in which they were spawned.
    ///
    /// For groups made by [`settling`](TaskGroup::settling). In the others, those that the group has stopped are missing.
    ///
    /// # Cancel safety
    /// Cancelling it drops the group: the children are aborted, and their outputs are lost.
    pub async fn join_settled(mut self) -> Vec<Result<T, ChildError<E>>> {
        let mut finished: Vec<_> = self.finished().await.into();
        finished.sort_by_key(|finished| finished.order);
        finished.into_iter().map(|finished| finished.result.map_err(Failure::into_error)).collect()
    }

    /// Waits until a child is gone, and gives what it has to tell. `None`: no child is left, or only daemons. Takes part in
    /// the [budget](crate::task::coop).
    ///
    /// A stream of results in the order of their completion. A failure stops the other children, as always; those that were
    /// stopped so are waited for and not given. Panics are given as errors here.
    ///
    /// ```
    /// use runtime::scope::TaskGroup;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut group = TaskGroup::new();
    /// for n in 0..3u32 {
    ///     group.spawn(async move { Ok::<_, std::io::Error>(n) });
    /// }
    /// let mut sum = 0;
    /// while let Some(n) = group.next().await {
    ///     sum += n.unwrap();
    /// }
    /// assert_eq!(sum, 3);
    /// # })
    /// ```
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: a result leaves the group in the moment in which it is given.
    pub async fn next(&mut self) -> Option<Result<T, ChildError<E>>> {
        poll_fn(|cx| self.poll_next(cx)).await
    }

    /// As [`next`](TaskGroup::next), for code that polls: with it a group is any library's stream.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<T, ChildError<E>>>> {
        if self.lost && is_doomed_here() {
            return Poll::Pending;
        }
        let unit = ready!(coop::poll_proceed(cx));
        let next = ready!(self.spawner.roster.poll_next(cx));
        unit.made_progress();
        self.lost = next.as_ref().is_some_and(|next| is_lost([next]));
        if self.lost {
            return Poll::Pending;
        }
        Poll::Ready(next.map(|finished| finished.result.map_err(Failure::into_error)))
    }
}

/// Has a scope aborted children, and is it about to drop whoever asks for them? A shield holds that up, but the body is over
/// for the scope: it is not told that its children were cancelled, as it is not where nothing holds the drop up. What failed
/// on its own account is told.
fn is_lost<'f, T: 'f, E: 'f>(finished: impl IntoIterator<Item = &'f Finished<T, E>>) -> bool {
    let mut cancelled = false;
    for finished in finished {
        match &finished.result {
            Ok(_) => {}
            Err(Failure::Plain(ChildError::Cancelled(_))) => cancelled = true,
            Err(_) => return false,
        }
    }
    cancelled && is_doomed_here()
}

/// Aborts all children.
impl<T, E> Drop for TaskGroup<T, E> {
    fn drop(&mut self) {
        self.spawner.roster.abandon(task::try_id());
    }
}

impl<T, E> Default for TaskGroup<T, E> {
    fn default() -> Self {
        TaskGroup::new()
    }
}

impl<T, E> Clone for Spawner<T, E> {
    fn clone(&self) -> Self {
        Spawner { roster: self.roster.clone(), limit: self.limit.clone(), standing: self.standing.clone() }
    }
}

impl<T, E> fmt::Debug for TaskGroup<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TaskGroup").field("len", &self.len()).finish_non_exhaustive()
    }
}

impl<T, E> fmt::Debug for Spawner<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Spawner").field("len", &self.roster.running()).finish_non_exhaustive()
    }
}
