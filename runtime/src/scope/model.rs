//! What the models of `scope` share.
//!
//! "Planted fault" lines name a change to the code that makes the model below fail; each was planted and seen to fail.

use super::Abort;
use loom::sync::Notify;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Every interleaving with at most three preemptions.
pub(super) fn check(f: impl Fn() + Sync + Send + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(3);
    builder.check(f);
}

/// loom's own signal: its `park` forgets an `unpark` that comes while the thread is between two steps.
struct Signal(Notify);

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.0.notify();
    }
}

/// Polls and parks; a lost wake-up is a deadlock that loom reports.
pub(super) fn block_on<F: Future>(future: F) -> F::Output {
    let signal = Arc::new(Signal(Notify::new()));
    let waker = Waker::from(Arc::clone(&signal));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return output;
        }
        signal.0.wait();
    }
}

/// A task that counts how often it was stopped. (No part of the protocol: loom need not watch it.)
#[derive(Clone, Default)]
pub(super) struct FakeTask(Arc<AtomicUsize>);

impl FakeTask {
    pub(super) fn stopped(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Abort for FakeTask {
    fn abort(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}
