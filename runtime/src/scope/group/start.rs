//! Children that say when they are ready.
//!
//! Owns: [`TaskGroup::start`], [`Ready`].

use super::TaskGroup;
use crate::sync::oneshot;
use std::error::Error;
use std::fmt;
use std::future::Future;

/// A child's means of saying that it is ready; see [`TaskGroup::start`].
pub struct Ready<R> {
    sender: oneshot::Sender<R>,
}

impl<R> Ready<R> {
    /// Says that the child is ready; `with` is what [`start`](TaskGroup::start) returns.
    ///
    /// If nobody waits for it any more, `with` is dropped.
    pub fn set(self, with: R) {
        drop(self.sender.send(with));
    }
}

impl<R> fmt::Debug for Ready<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Ready").finish_non_exhaustive()
    }
}

/// The child has ended, or dropped its [`Ready`], before it was ready. Why, [`TaskGroup::join`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotReady(());

impl fmt::Display for NotReady {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the task has ended, or given up, before it said that it was ready; joining its group tells why")
    }
}

impl Error for NotReady {}

impl<T: Send + 'static, E: Send + 'static> TaskGroup<T, E> {
    /// Spawns a child and waits until it says that it is ready.
    ///
    /// For services that others need from the start: bind, say so, serve.
    ///
    /// ```
    /// use runtime::scope::{Ready, TaskGroup};
    ///
    /// # runtime::runtime::Runtime::new().unwrap().block_on(async {
    /// let group = TaskGroup::<(), std::io::Error>::new();
    /// let address = group
    ///     .start(|ready: Ready<&str>| async move {
    ///         // Bind a socket here.
    ///         ready.set("127.0.0.1:80");
    ///         // Serve here.
    ///         Ok(())
    ///     })
    ///     .await
    ///     .unwrap();
    /// assert_eq!(address, "127.0.0.1:80");
    /// group.join().await.unwrap();
    /// # })
    /// ```
    ///
    /// # Errors
    /// If the child is over, or has dropped its [`Ready`], before it was ready.
    ///
    /// # Panics
    /// Outside of a runtime's context.
    ///
    /// # Cancel safety
    /// The child is spawned by the first poll; cancelling does not stop it.
    pub async fn start<R, C, F>(&self, make: C) -> Result<R, NotReady>
    where
        R: Send + 'static,
        C: FnOnce(Ready<R>) -> F,
        F: Future<Output = Result<T, E>> + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.spawn(make(Ready { sender }));
        receiver.await.map_err(|_| NotReady(()))
    }
}
