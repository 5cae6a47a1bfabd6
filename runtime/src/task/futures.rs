//! The named futures of this module.

use super::LocalKey;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A future with a value for a task-local key; made by [`LocalKey::scope`].
    ///
    /// # Cancel safety
    /// Dropping it drops the inner future, which sees the value meanwhile, and then the value.
    pub struct TaskLocalFuture<T, F>
    where
        T: 'static,
    {
        key: &'static LocalKey<T>,
        // The key's value; the outer scope's while we are polled or dropped.
        value: Option<T>,
        // `None`: it has finished.
        #[pin]
        future: Option<F>,
        // Never `Unpin`, whatever the inner future is, so that it can change without breaking anyone.
        #[pin]
        _pinned: PhantomPinned,
    }

    impl<T: 'static, F> PinnedDrop for TaskLocalFuture<T, F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.future.is_some() {
                // Where no scope can be entered the future is dropped without its value, as is any other code there.
                let inside = this.key.enter(this.value);
                this.future.set(None);
                drop(inside);
            }
        }
    }
}

impl<T: 'static, F> TaskLocalFuture<T, F> {
    pub(super) fn new(key: &'static LocalKey<T>, value: T, future: F) -> Self {
        TaskLocalFuture { key, value: Some(value), future: Some(future), _pinned: PhantomPinned }
    }

    /// Takes the value back. `None`: it has been taken already.
    ///
    /// Works before, between and after polls; a future that goes on afterwards finds the key without a value.
    ///
    /// ```
    /// runtime::task_local! { static WORDS: Vec<&'static str>; }
    ///
    /// # #[runtime::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let mut scope = Box::pin(WORDS.scope(vec!["a", "b"], async { WORDS.with(Vec::len) }));
    /// assert_eq!(scope.as_mut().await, 2);
    /// assert_eq!(scope.as_mut().take_value(), Some(vec!["a", "b"]));
    /// assert_eq!(scope.as_mut().take_value(), None);
    /// # }
    /// ```
    pub fn take_value(self: Pin<&mut Self>) -> Option<T> {
        self.project().value.take()
    }
}

impl<T: 'static, F: Future> Future for TaskLocalFuture<T, F> {
    type Output = F::Output;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let mut this = self.project();
        let inside = match this.key.enter(this.value) {
            Ok(inside) => inside,
            Err(refusal) => refusal.panic::<T>(),
        };
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!(
                "a `TaskLocalFuture` was polled again after it had given its output.\n  Keep the result, or use \
                 `fuse()` where a loop polls finished futures."
            );
        };
        let poll = future.poll(cx);
        if poll.is_ready() {
            // It is dropped inside, too.
            this.future.set(None);
        }
        drop(inside);
        poll
    }
}

impl<T: fmt::Debug + 'static, F> fmt::Debug for TaskLocalFuture<T, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut future = f.debug_struct("TaskLocalFuture");
        match &self.value {
            Some(value) => future.field("value", value),
            None => future.field("value", &format_args!("<missing>")),
        };
        future.finish()
    }
}
