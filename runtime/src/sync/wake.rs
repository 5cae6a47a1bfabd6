//! Wakers that were collected under a lock and are woken after it.
//!
//! Owns: [`WakeBatch`].
//! Not here: who is woken (`waiters`, and the primitive that asks).
//!
//! The danger is twofold. A waker is foreign code: run under one of our locks it can re-enter the object and
//! deadlock, so a batch is filled inside the lock and emptied outside. And a waker may panic: the ones behind it in
//! the batch must be woken all the same, so every wake is caught, and the first panic goes on when all are done.

use super::first_panic::FirstPanic;
use crate::engine::wake_each;
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
        if self.rest.capacity() == 0 && !std::thread::panicking() {
            let first = self.first.take();
            // It owns nothing any more, so its drop would look in vain.
            std::mem::forget(self);
            if let Some(waker) = first {
                waker.wake();
            }
        } else {
            self.wake_many();
        }
    }

    #[cold]
    fn wake_many(&mut self) {
        let mut first = FirstPanic::default();
        wake_each(self.first.take().into_iter().chain(self.rest.drain(..)), |payload| first.keep(payload));
        first.resume();
    }
}

impl Drop for WakeBatch {
    fn drop(&mut self) {
        if self.first.is_some() || !self.rest.is_empty() {
            self.wake_many();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    struct Bomb(&'static str);

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("the payload of {}", self.0);
        }
    }

    struct Panics(&'static str);

    impl Wake for Panics {
        fn wake(self: Arc<Self>) {
            panic_any(Bomb(self.0));
        }
    }

    struct Counts(AtomicUsize);

    impl Wake for Counts {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// D28. The second panic's payload was dropped in the middle of the loop.
    #[test]
    fn d28_a_payload_that_panics_loses_no_wake() {
        let counts = Arc::new(Counts(AtomicUsize::new(0)));
        let mut batch = WakeBatch::new();
        for waker in ["the first", "the second"].map(|name| Waker::from(Arc::new(Panics(name)))) {
            batch.push(waker);
        }
        batch.push(Waker::from(counts.clone()));
        let payload = catch_unwind(AssertUnwindSafe(|| batch.wake_all())).unwrap_err();
        let bomb = payload.downcast::<Bomb>().expect("the first panic goes on");
        assert_eq!(bomb.0, "the first");
        std::mem::forget(bomb);
        assert_eq!(counts.0.load(Ordering::Relaxed), 1, "the one behind the two was not woken");
    }
}
