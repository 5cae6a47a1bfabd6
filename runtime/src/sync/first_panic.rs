//! Several steps of foreign code, of which each is done though others panic.
//!
//! Owns: [`FirstPanic`], [`DropEach`].
//! Not here: wakers (`wake`).
//!
//! The danger: the first destructor to panic ends the loop that runs them, and a second one, while the stack unwinds,
//! ends the process. So each is caught, and the first panic goes on when all are done.

use crate::engine::discard;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// The panic that goes on at the end.
#[derive(Debug, Default)]
#[must_use = "call `resume` at the end"]
pub(super) struct FirstPanic(Option<Box<dyn Any + Send>>);

impl FirstPanic {
    /// Runs one step. `None` if it panicked.
    pub(super) fn catch<R>(&mut self, step: impl FnOnce() -> R) -> Option<R> {
        // AssertUnwindSafe: the caller's steps leave everything in order for the next one.
        match catch_unwind(AssertUnwindSafe(step)) {
            Ok(done) => Some(done),
            Err(payload) => {
                self.keep(payload);
                None
            }
        }
    }

    /// A step has panicked.
    pub(super) fn keep(&mut self, payload: Box<dyn Any + Send>) {
        match &self.0 {
            None => self.0 = Some(payload),
            Some(_) => discard(payload),
        }
    }

    /// The first panic goes on, unless the thread has another one under way.
    pub(super) fn resume(self) {
        match self.0 {
            Some(payload) if std::thread::panicking() => discard(payload),
            Some(payload) => resume_unwind(payload),
            None => {}
        }
    }
}

/// Values of users, each of which is dropped though others panic.
#[derive(Debug)]
pub(super) struct DropEach<T>(pub(super) Vec<T>);

impl<T> Drop for DropEach<T> {
    fn drop(&mut self) {
        let mut first = FirstPanic::default();
        for value in self.0.drain(..) {
            first.catch(|| drop(value));
        }
        first.resume();
    }
}
