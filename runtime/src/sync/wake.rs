//! Wakers that were collected under a lock and are woken after it.
//!
//! Owns: [`WakeBatch`].   Imports: nothing of ours.
//! Not here: who is woken (`waiters`, and the primitive that asks).
//!
//! The danger is twofold. A waker is foreign code: run under one of our locks it can re-enter the object and
//! deadlock, so a batch is filled inside the lock and emptied outside. And a waker may panic: the ones behind it in
//! the batch must be woken all the same, so every wake is caught, and the first panic goes on when all are done.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Wakers to wake once the lock is released. Dropping it wakes what is left, so that no path loses one.
#[derive(Debug, Default)]
#[must_use = "call `wake_all` after the lock is released"]
pub(super) struct WakeBatch {
    // One waker is the common case and costs no allocation.
    first: Option<Waker>,
    rest: Vec<Waker>,
}

impl WakeBatch {
    pub(super) const fn new() -> Self {
        WakeBatch { first: None, rest: Vec::new() }
    }

    /// A batch of at most one.
    pub(super) fn one(waker: Option<Waker>) -> Self {
        WakeBatch { first: waker, rest: Vec::new() }
    }

    /// There will be so many more.
    pub(super) fn reserve(&mut self, more: usize) {
        if more > 1 {
            self.rest.reserve(more);
        }
    }

    #[inline]
    pub(super) fn push(&mut self, waker: Waker) {
        if self.first.is_none() && self.rest.is_empty() {
            self.first = Some(waker);
        } else {
            self.rest.push(waker);
        }
    }

    /// Wakes them in the order of `push`. The caller holds no lock.
    #[inline]
    pub(super) fn wake_all(mut self) {
        if self.rest.is_empty() && !std::thread::panicking() {
            if let Some(waker) = self.first.take() {
                waker.wake();
            }
        } else {
            self.wake_many();
        }
    }

    #[cold]
    fn wake_many(&mut self) {
        let mut panic = None;
        for waker in self.first.take().into_iter().chain(self.rest.drain(..)) {
            // AssertUnwindSafe: nothing of ours is visible inside a foreign `wake`.
            if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
                panic.get_or_insert(payload);
            }
        }
        if let Some(payload) = panic
            && !std::thread::panicking()
        {
            resume_unwind(payload);
        }
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        if self.first.is_some() || !self.rest.is_empty() {
            self.wake_many();
        }
    }
}
