//! Wakers that count, and a poll by hand.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// A waker that counts how often it is woken, and knows how many clones of it live.
pub struct WakeCount(Arc<Count>);

impl Default for WakeCount {
    fn default() -> WakeCount {
        WakeCount::new()
    }
}

impl WakeCount {
    /// Never woken, no clone.
    pub fn new() -> WakeCount {
        WakeCount(Arc::new(Count(AtomicUsize::new(0))))
    }

    /// A waker that counts here.
    pub fn waker(&self) -> Waker {
        Waker::from(self.0.clone())
    }

    /// How often a waker of this was woken.
    pub fn wakes(&self) -> usize {
        self.0.0.load(Ordering::SeqCst)
    }

    /// How many wakers of this live.
    pub fn alive(&self) -> usize {
        Arc::strong_count(&self.0) - 1
    }

    /// Polls with a waker of this.
    pub fn poll<F: Future + Unpin>(&self, future: &mut F) -> Poll<F::Output> {
        Pin::new(future).poll(&mut Context::from_waker(&self.waker()))
    }
}

/// Polls once with a waker that does nothing.
pub fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}
