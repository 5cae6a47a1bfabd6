//! One value from one task to another, once.
//!
//! Owns: [`Sender`], [`Receiver`].
//! Not here: the shared memory and its protocol (`slot`).
//!
//! [`Sender::send`] never waits. The [`Receiver`] is the future of the value; it fails if the sender is dropped first.
//! A sender that would rather stop working when nobody is interested any more can wait for
//! [`closed`](Sender::closed).
//!
//! # Examples
//!
//! ```
//! use runtime::sync::oneshot;
//!
//! let (tx, rx) = oneshot::channel();
//! let worker = std::thread::spawn(move || tx.send(6 * 7));
//! assert_eq!(rx.blocking_recv(), Ok(42));
//! assert!(worker.join().unwrap().is_ok());
//! ```

pub mod error;
#[cfg(all(test, loom))]
mod model;
#[allow(unsafe_code)] // one allocation that two owners share without a count
mod slot;

use self::error::{RecvError, TryRecvError};
use self::slot::{Found, RxEnd, TxEnd};
use super::blocking;
use crate::engine::budget;
use std::fmt;
use std::future::{Future, poll_fn};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Sends the one value. See [`channel`].
pub struct Sender<T> {
    // `None` only while `send` or `drop` runs.
    end: Option<TxEnd<T>>,
}

/// The future of the one value. See [`channel`].
///
/// # Cancel safety
/// `&mut Receiver` can be polled in a `select!` as often as one likes: the value stays in the channel until a poll
/// returns it. Dropping the receiver itself drops a value that was sent.
pub struct Receiver<T> {
    // `None` once the outcome has been given out.
    end: Option<RxEnd<T>>,
}

/// A channel for a single value.
///
/// ```
/// let (tx, rx) = runtime::sync::oneshot::channel();
/// std::thread::spawn(move || tx.send("the answer").unwrap());
/// assert_eq!(rx.blocking_recv(), Ok("the answer"));
/// ```
pub fn channel<T>() -> (Sender<T>, Receiver<T>) {
    let (tx, rx) = slot::pair();
    (Sender { end: Some(tx) }, Receiver { end: Some(rx) })
}

impl<T> Sender<T> {
    fn end(&mut self) -> &mut TxEnd<T> {
        self.end.as_mut().expect("BUG: a sender has its end until it is consumed")
    }

    /// Sends `t`. It can always be done at once.
    ///
    /// `Ok` does not say that the value will be seen: the receiver may be dropped a moment later.
    ///
    /// # Errors
    /// If the receiver is closed or dropped; `t` comes back.
    pub fn send(mut self, t: T) -> Result<(), T> {
        match self.end.take() {
            Some(end) => end.send(t),
            None => Err(t),
        }
    }

    /// Waits until the receiver is closed or dropped.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn closed(&mut self) {
        poll_fn(|cx| self.poll_closed(cx)).await;
    }

    /// Is the receiver closed or dropped?
    pub fn is_closed(&self) -> bool {
        self.end.as_ref().is_none_or(TxEnd::is_closed)
    }

    /// The poll behind [`closed`](Self::closed); only the last waker it saw is woken.
    pub fn poll_closed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let unit = ready!(budget::poll_proceed(cx));
        if self.end().register(cx.waker()) {
            return Poll::Pending;
        }
        unit.made_progress();
        Poll::Ready(())
    }
}

impl<T> Drop for Sender<T> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.abandon();
        }
    }
}

impl<T> fmt::Debug for Sender<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sender").field("closed", &self.is_closed()).finish_non_exhaustive()
    }
}

impl<T> Receiver<T> {
    /// Refuses a value that has not been sent yet. One that has been can still be received.
    pub fn close(&mut self) {
        if let Some(end) = &mut self.end {
            end.close();
        }
    }

    /// Has the outcome (a value, or an error) been given out?
    pub fn is_terminated(&self) -> bool {
        self.end.is_none()
    }

    /// Is there no value to receive now?
    pub fn is_empty(&self) -> bool {
        !self.end.as_ref().is_some_and(RxEnd::has_value)
    }

    /// Receives without waiting.
    ///
    /// # Errors
    /// [`TryRecvError::Empty`] if nothing has been sent yet, [`TryRecvError::Closed`] if nothing will come any more.
    pub fn try_recv(&mut self) -> Result<T, TryRecvError> {
        match self.take_outcome() {
            Some(outcome) => outcome.map_err(|_| TryRecvError::Closed),
            None if self.end.is_none() => Err(TryRecvError::Closed),
            None => Err(TryRecvError::Empty),
        }
    }

    /// The outcome if there is one; the memory goes with it.
    fn take_outcome(&mut self) -> Option<Result<T, RecvError>> {
        let outcome = match self.end.as_mut()?.look() {
            Found::Value(value) => Ok(value),
            Found::Closed => Err(RecvError(())),
            Found::Nothing => return None,
        };
        if let Some(end) = self.end.take() {
            end.leave();
        }
        Some(outcome)
    }

    /// Receives, blocking the thread.
    ///
    /// # Errors
    /// If the sender is dropped without sending.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_recv(self) -> Result<T, RecvError> {
        blocking::assert_may_block("oneshot::Receiver::blocking_recv");
        blocking::wait(self)
    }
}

impl<T> Future for Receiver<T> {
    type Output = Result<T, RecvError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let unit = ready!(budget::poll_proceed(cx));
        loop {
            if let Some(outcome) = self.take_outcome() {
                unit.made_progress();
                return Poll::Ready(outcome);
            }
            let Some(end) = &mut self.end else {
                panic!("a oneshot receiver was polled after it had given out its outcome; ask `is_terminated` first");
            };
            if end.register(cx.waker()) {
                return Poll::Pending;
            }
        }
    }
}

impl<T> Drop for Receiver<T> {
    fn drop(&mut self) {
        if let Some(end) = self.end.take() {
            end.leave();
        }
    }
}

impl<T> fmt::Debug for Receiver<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Receiver")
            .field("terminated", &self.is_terminated())
            .field("has_value", &!self.is_empty())
            .finish_non_exhaustive()
    }
}
