//! Scopes that can be cancelled, by hand or by a deadline.
//!
//! Owns: [`CancelScope`], [`cancelled`], [`move_on_after`] and its like.
//! Not here: the tree of scopes and what stands in them (`tree`, `runner`), the future that drops a body (`run`). How a cancellation reaches a socket, and
//! why no leaf future has code for it: `docs/design/scope.md`.

mod dismantle;
#[cfg(all(test, loom))]
mod model;
mod run;
pub(super) mod runner;
mod timed;
mod token;
mod tree;

pub use run::Run;
pub use timed::{FailAfter, MoveOnAfter, fail_after, fail_at, move_on_after, move_on_at};

use super::context::Scoped;
use crate::engine::{Context, current};
use crate::sync::CancellationToken;
use crate::task;
use crate::time::Instant;
use runner::Runner;
use std::fmt;
use std::future::{Future, pending};
use std::sync::Arc;
use std::time::Duration;
use tree::{Deadline, ScopeNode};

/// A stretch of async code that can be cancelled as a whole, with all the tasks that it spawns.
///
/// ```
/// use runtime::scope::CancelScope;
/// use runtime::time::{Duration, sleep};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let scope = CancelScope::new().deadline_after(Duration::from_millis(10));
/// let result = scope
///     .run(async {
///         sleep(Duration::from_secs(3600)).await;
///         "never"
///     })
///     .await;
/// assert!(result.is_err());
/// # })
/// ```
///
/// # What happens
/// A scope is cancelled by [`cancel`](CancelScope::cancel), by its deadline, or because one around it is. Then
///
/// 1. the code inside is told: [`cancelled`] is ready, [`task::checkpoint`] fails;
/// 2. after the [grace period](CancelScope::grace), which is zero by default, what is inside is dropped where it waits: the
///    future given to [`run`](CancelScope::run), and the tasks that were spawned inside, and inside of those.
///
/// So no function inside needs a timeout argument, and none needs to know of scopes.
///
/// # Nesting
/// Of several deadlines the earliest counts; [`deadline::current`](super::deadline::current) tells it. A scope gives an error
/// for its *own* cancellation only: where one around it is cancelled, its future is dropped like any other code there. A
/// [shielded](CancelScope::shield) scope is left alone by those around it.
///
/// # Tasks
/// A task spawned inside belongs to the scope for as long as it lives, also if nobody joins it. Once `run` is over the
/// deadline does not count any more: what still runs then has been detached on purpose. To be sure that nothing does,
/// spawn in a [`TaskGroup`](super::TaskGroup).
///
/// Clones are handles to the same scope. It is run once.
#[derive(Clone)]
pub struct CancelScope {
    node: Arc<ScopeNode>,
}

impl CancelScope {
    /// A scope without a deadline.
    pub fn new() -> Self {
        CancelScope { node: ScopeNode::new() }
    }

    fn with(self, change: impl FnOnce(&mut tree::Settings)) -> Self {
        self.node.set(change);
        self
    }

    /// Gives it so much time, from the moment in which `run`'s future is first polled.
    pub fn deadline_after(self, time: Duration) -> Self {
        self.with(|settings| settings.deadline = Some(Deadline::After(time)))
    }

    /// Gives it time until then. A moment that has passed is no error: the body is polled once.
    pub fn deadline_at(self, deadline: Instant) -> Self {
        self.with(|settings| settings.deadline = Some(Deadline::At(deadline.into_std())))
    }

    /// How much time passes between the signal and the drop, when the scope is cancelled itself.
    ///
    /// ```
    /// use runtime::scope::{CancelScope, cancelled};
    /// use runtime::time::Duration;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let scope = CancelScope::new().deadline_after(Duration::from_millis(5)).grace(Duration::from_secs(60));
    /// let served = scope
    ///     .run(async {
    ///         let served = 17;
    ///         cancelled().await;
    ///         // Say goodbye to the clients here.
    ///         served
    ///     })
    ///     .await;
    /// assert_eq!(served, Ok(17));
    /// # })
    /// ```
    pub fn grace(self, time: Duration) -> Self {
        self.with(|settings| settings.grace = time)
    }

    /// Shields it: a cancellation, or a deadline, of a scope around it does not reach it, and what is around it is not
    /// dropped by its scope before it is over.
    ///
    /// That holds through [`TaskGroup`](super::TaskGroup)s: in a child, it holds up the scopes around the group, a failing
    /// sibling, and the group's [`cancel`](super::TaskGroup::cancel).
    ///
    /// For what must not stop half-way, with a deadline of its own to be safe. It helps against scopes and groups only:
    /// whoever drops the future, a `select!`, [`JoinHandle::abort`](task::JoinHandle::abort) or the drop of the group, drops it.
    /// One that has begun and is forgotten (`std::mem::forget`) is never over: what is around it waits for it for ever.
    ///
    /// ```
    /// use runtime::scope::{CancelScope, move_on_after};
    /// use runtime::time::{Duration, sleep};
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut committed = false;
    /// let done = move_on_after(Duration::from_millis(5), async {
    ///     CancelScope::new()
    ///         .shield()
    ///         .run(async {
    ///             sleep(Duration::from_millis(20)).await;
    ///             committed = true;
    ///         })
    ///         .await
    ///         .unwrap();
    ///     sleep(Duration::from_secs(3600)).await;
    /// })
    /// .await;
    /// assert!(done.is_none() && committed);
    /// # })
    /// ```
    pub fn shield(self) -> Self {
        self.with(|settings| settings.shielded = true)
    }

    /// Lets `token` cancel the scope: whoever cancels the token calls [`cancel`](CancelScope::cancel), for as long as there
    /// is a handle to the scope or a task inside. Of several tokens, each does.
    ///
    /// ```
    /// use runtime::scope::CancelScope;
    /// use runtime::sync::CancellationToken;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let shutdown = CancellationToken::new();
    /// let request = CancelScope::new().cancel_with(&shutdown);
    /// let server = runtime::spawn(async move { request.run(std::future::pending::<()>()).await });
    /// shutdown.cancel();
    /// assert!(server.await.unwrap().is_err());
    /// # })
    /// ```
    pub fn cancel_with(self, token: &CancellationToken) -> Self {
        self.node.cancel_with(token);
        self
    }

    /// A token that is cancelled when the scope is, or one around it: in the first of the two phases. For code that takes
    /// tokens and knows no scopes.
    ///
    /// Each call makes a token of its own. Cancelling that cancels neither the scope nor the others.
    ///
    /// ```
    /// use runtime::scope::CancelScope;
    /// use runtime::time::Duration;
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let scope = CancelScope::new().deadline_after(Duration::from_millis(5)).grace(Duration::from_secs(60));
    /// let token = scope.token();
    /// let listens = runtime::spawn(async move { token.cancelled().await });
    /// let told = scope.run(async { listens.await.is_ok() });
    /// assert_eq!(told.await, Ok(true));
    /// # })
    /// ```
    pub fn token(&self) -> CancellationToken {
        self.node.token()
    }

    /// Runs `body` inside the scope.
    ///
    /// # Errors
    /// [`Cancelled`](task::Cancelled), if the scope itself was cancelled before the body was done. A body that is done has
    /// its output returned, whatever the scope's state.
    ///
    /// # Panics
    /// If the scope has been run already. Polling panics outside of a runtime, if the scope has a deadline or a grace period.
    #[track_caller]
    pub fn run<F: Future>(&self, body: F) -> Run<F> {
        assert!(
            self.node.claim(),
            "a `CancelScope` was run a second time.\n  Its deadline and its cancellation belong to one run: make a new scope."
        );
        Run::new(self.clone(), body)
    }

    /// Cancels the scope. Nothing happens if it is cancelled already. If it is not run yet, it will be cancelled when
    /// its body has been polled once.
    pub fn cancel(&self) {
        self.node.cancel();
    }

    /// Gives it another deadline, or none. A scope that is cancelled stays so.
    ///
    /// ```
    /// use runtime::scope::CancelScope;
    /// use runtime::time::{Duration, Instant, sleep};
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let scope = CancelScope::new().deadline_after(Duration::from_secs(60));
    /// let inside = scope.clone();
    /// let result = scope.run(async move {
    ///     // Each sign of life gives more time; here there is none left.
    ///     inside.reschedule(Some(Instant::now()));
    ///     sleep(Duration::from_secs(3600)).await;
    /// });
    /// assert!(result.await.is_err());
    /// # })
    /// ```
    pub fn reschedule(&self, deadline: Option<Instant>) {
        self.node.reschedule(deadline.map(Instant::into_std));
    }

    /// Its own deadline; `None` if there is none, or if it counts from the entry, which is yet to come, or if its
    /// run is over.
    pub fn deadline(&self) -> Option<Instant> {
        self.node.own_deadline().map(Instant::from_std)
    }

    /// Has the scope, or one around it, been cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.node.is_signalled()
    }

    /// Has the scope itself been cancelled, by hand or by its deadline?
    pub fn cancel_requested(&self) -> bool {
        self.node.cancel_requested()
    }

    /// Waits until the scope, or one around it, is cancelled. To wait for that inside of the scope: [`cancelled`].
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn cancelled(&self) {
        self.node.signalled().await;
    }
}

impl Default for CancelScope {
    fn default() -> Self {
        CancelScope::new()
    }
}

impl fmt::Debug for CancelScope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancelScope")
            .field("deadline", &self.deadline())
            .field("is_cancelled", &self.is_cancelled())
            .finish_non_exhaustive()
    }
}

/// The runner that the caller's code belongs to.
pub(super) fn current_runner() -> Option<Arc<Runner>> {
    current::with_context(|context: &Context| context.content_as::<Scoped>()?.runner.clone()).flatten()
}

/// Is the caller's code going to be dropped by a scope, as soon as no shield holds that up?
pub(super) fn is_doomed_here() -> bool {
    current_runner().is_some_and(|runner| runner.scope().is_doomed())
}

/// Has the scope around the caller been cancelled, or one around that, or the one that its task was spawned in?
///
/// Works in blocking closures, too.
///
/// ```
/// use runtime::scope::{CancelScope, is_cancelled};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let scope = CancelScope::new();
/// let inside = scope.clone();
/// let told = scope.run(async move {
///     let before = is_cancelled();
///     inside.cancel();
///     (before, is_cancelled())
/// });
/// assert_eq!(told.await, Ok((false, true)));
/// # })
/// ```
pub fn is_cancelled() -> bool {
    task::is_cancelled()
}

/// Waits until the scope around the caller is cancelled, in which [`is_cancelled`] is true. Outside of scopes, for ever.
///
/// For the first of two phases: see [`CancelScope::grace`].
///
/// ```
/// use runtime::scope::{CancelScope, cancelled};
/// use runtime::time::Duration;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let scope = CancelScope::new().grace(Duration::from_secs(10));
/// scope.cancel();
/// let goodbye = scope.run(async {
///     cancelled().await;
///     "goodbye"
/// });
/// assert_eq!(goodbye.await, Ok("goodbye"));
/// # })
/// ```
///
/// # Cancel safety
/// Cancelling it loses nothing.
pub async fn cancelled() {
    match current_runner() {
        Some(runner) => runner.scope().signalled().await,
        None => pending().await,
    }
}
