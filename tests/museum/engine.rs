//! Scheduler, task cells, wakers, shutdown, blocking pool.

mod cells;
mod pool;
mod scheduling;
mod shutdown;
mod wakers;

use parking_lot::Mutex;
use runtime::runtime::Runtime;
use runtime::task::JoinHandle;
use runtime_tests::wait_until;
use std::future::poll_fn;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::{Poll, Waker};

/// A task that hands out its waker and counts its polls; it ends when told to.
#[derive(Clone, Default)]
pub(crate) struct Sleeper {
    pub(crate) waker: Arc<Mutex<Option<Waker>>>,
    pub(crate) polls: Arc<AtomicUsize>,
    pub(crate) stop: Arc<AtomicBool>,
}

impl Sleeper {
    pub(crate) fn spawn(&self, runtime: &Runtime) -> JoinHandle<()> {
        runtime.spawn(self.clone().run())
    }

    pub(crate) async fn run(self) {
        poll_fn(|cx| {
            *self.waker.lock() = Some(cx.waker().clone());
            self.polls.fetch_add(1, Ordering::SeqCst);
            if self.stop.load(Ordering::SeqCst) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    pub(crate) fn waker(&self) -> Waker {
        wait_until("the sleeper's first poll", || self.waker.lock().is_some());
        self.waker.lock().clone().expect("a waker")
    }
}
