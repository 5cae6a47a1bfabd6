//! Futures that borrow from their caller, side by side in the caller's task.
//!
//! Owns: [`scope_local`] and [`scope_unsend`], their scopes, [`LocalChild`].
//! Not here: parallelism, one task polls all of them, so they take turns (`children`); who is woken (`bell`).
//!
//! Sound without unsafe code: the children lie in the scope's future, and live no longer than it does. Forgetting the future
//! forgets them; nobody polls them then, so that what they borrowed may go. The body gets the scope by value, and a child
//! may take a clone of it along, to spawn siblings.
//!
//! Each child has a waker of its own, and a poll of the scope polls those children (and the body) that were woken: ten
//! thousand children that wait cost nothing (museum F2). One that wakes itself comes again in the next poll, so that the
//! scope gives way as its children do.
//!
//! Two functions, because one cannot be both: a future that goes to other threads must not contain a child that may not, and
//! the children's types are gone when the compiler asks. Rejected: a type parameter for it, which every closure would have
//! to name; a scope that looks at run time which thread polls it.
//!
//! The danger: a child in the list that it can itself reach is a circle that nobody drops. The scope's future empties the list
//! when it goes (`children`).

mod bell;
mod children;

use crate::sync::oneshot;
use children::{Board, drive};
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// A child that may go to other threads with its scope.
type Sendable<'env> = dyn Future<Output = ()> + Send + 'env;
/// A child that may not.
type Unsend<'env> = dyn Future<Output = ()> + 'env;

/// Runs `body`, and the futures that it spawns in the scope, until all of them are done, in the caller's task.
///
/// The children may borrow whatever outlives the call. They run concurrently, not in parallel: for that see
/// [`TaskGroup`](super::TaskGroup), whose children may not borrow, and [`scope_blocking`](super::scope_blocking). They are
/// [`Send`], and so is the future if the body is; for others there is [`scope_unsend`].
///
/// ```
/// use runtime::scope::scope_local;
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let words = vec!["structured", "concurrency"];
/// let lengths = scope_local(|scope| {
///     let words = &words;
///     async move {
///         let first = scope.spawn(async move { words[0].len() });
///         let second = scope.spawn(async move { words[1].len() });
///         (first.await, second.await)
///     }
/// });
/// assert_eq!(lengths.await, (10, 11));
/// # })
/// ```
///
/// What lives in the body does not outlive it, so a child cannot borrow that:
///
/// ```compile_fail,E0597
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// runtime::scope::scope_local(|scope| async move {
///     let word = String::from("short-lived");
///     scope.spawn(async { println!("{}", &word) });
/// })
/// .await;
/// # })
/// ```
///
/// # Panics
/// If the body or a child panics: the others are dropped.
///
/// # Cancel safety
/// Cancelling it drops the body and all children.
pub async fn scope_local<'env, F, B>(body: F) -> B::Output
where
    F: FnOnce(LocalScope<'env>) -> B,
    B: Future,
{
    drive(|board| body(LocalScope { board })).await
}

/// As [`scope_local`], and the children need not be [`Send`]; nor is the future.
///
/// For code that stays on its thread: the future given to `block_on`, tasks of a [`LocalSet`](crate::task::LocalSet).
///
/// ```
/// use runtime::scope::scope_unsend;
/// use std::{cell::Cell, rc::Rc};
///
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let sum = Cell::new(0);
/// scope_unsend(|scope| {
///     let sum = &sum;
///     async move {
///         for n in [Rc::new(1), Rc::new(2), Rc::new(3)] {
///             drop(scope.spawn(async move {
///                 runtime::task::yield_now().await;
///                 sum.set(sum.get() + *n);
///             }));
///         }
///     }
/// })
/// .await;
/// assert_eq!(sum.get(), 6);
/// # })
/// ```
///
/// Such a future is no task of a runtime:
///
/// ```compile_fail,E0277
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// runtime::spawn(runtime::scope::scope_unsend(|_| async {}));
/// # })
/// ```
///
/// # Panics
/// If the body or a child panics: the others are dropped.
///
/// # Cancel safety
/// Cancelling it drops the body and all children.
pub async fn scope_unsend<'env, F, B>(body: F) -> B::Output
where
    F: FnOnce(UnsendScope<'env>) -> B,
    B: Future,
{
    drive(|board| body(UnsendScope { board })).await
}

/// Spawns children that borrow; given to the body of [`scope_local`]. Cheap to clone.
pub struct LocalScope<'env> {
    board: Arc<Board<Sendable<'env>>>,
}

/// Spawns children that borrow and need not be [`Send`]; given to the body of [`scope_unsend`]. Cheap to clone.
pub struct UnsendScope<'env> {
    board: Arc<Board<Unsend<'env>>>,
}

impl<'env> LocalScope<'env> {
    /// Spawns a child. It begins when the scope's future is polled next.
    ///
    /// Dropping what this returns does not stop the child: the scope waits for it all the same. In a scope that is over
    /// the future is dropped.
    pub fn spawn<F>(&self, future: F) -> LocalChild<F::Output>
    where
        F: Future + Send + 'env,
        F::Output: Send + 'env,
    {
        let (sender, receiver) = oneshot::channel();
        self.board.put(Box::pin(async move { drop(sender.send(future.await)) }));
        LocalChild { receiver }
    }
}

impl<'env> UnsendScope<'env> {
    /// Spawns a child. It begins when the scope's future is polled next.
    ///
    /// Dropping what this returns does not stop the child: the scope waits for it all the same. In a scope that is over
    /// the future is dropped.
    pub fn spawn<F>(&self, future: F) -> LocalChild<F::Output>
    where
        F: Future + 'env,
        F::Output: 'env,
    {
        let (sender, receiver) = oneshot::channel();
        self.board.put(Box::pin(async move { drop(sender.send(future.await)) }));
        LocalChild { receiver }
    }
}

impl Clone for LocalScope<'_> {
    fn clone(&self) -> Self {
        LocalScope { board: self.board.clone() }
    }
}

impl Clone for UnsendScope<'_> {
    fn clone(&self) -> Self {
        UnsendScope { board: self.board.clone() }
    }
}

impl fmt::Debug for LocalScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalScope").finish_non_exhaustive()
    }
}

impl fmt::Debug for UnsendScope<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnsendScope").finish_non_exhaustive()
    }
}

/// Gives the output of a child of [`scope_local`] or [`scope_unsend`].
///
/// # Panics
/// Awaiting it panics if the child was dropped with its scope before it was done.
///
/// # Cancel safety
/// Cancelling it loses the output, and does not stop the child.
#[must_use = "to wait for the child's output, await this; the scope waits for the child in any case"]
pub struct LocalChild<T> {
    receiver: oneshot::Receiver<T>,
}

impl<T> Future for LocalChild<T> {
    type Output = T;

    #[track_caller]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(Pin::new(&mut self.receiver).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(_) => panic!(
                "a child of a local scope has no output: it was dropped with its scope, or spawned after that was over.\n  \
                 Await children inside the scope."
            ),
        }
    }
}

impl<T> fmt::Debug for LocalChild<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LocalChild").finish_non_exhaustive()
    }
}
