//! Running one future to its end on the calling thread.
//!
//! Owns: the root future's waker, and the two ways to wait for it: as a worker, or parked.
//! Imports: `worker`, `engine`.   Not here: whether the caller may (`runtime::Runtime::block_on` asks that).
//!
//! The thread inside `block_on` *is* a worker: it takes a place, polls its own future first whenever that was woken,
//! and tasks in between. Without this, a spawn awaited in `block_on` costs two thread switches (7 us against 0.2).
//! The price is documented at `Runtime::block_on`: a task that blocks this thread delays the future of `block_on`.

use super::engine::Engine;
use super::root::Root;
use super::worker::Worker;
use crate::engine::base::budget::{self, Budget};
use crate::engine::base::parker::{AfterUnpark, Parker};
use crate::engine::cell::current;
use parking_lot::Mutex;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

/// Wakes the thread inside `block_on`.
struct RootWaker {
    woken: AtomicBool,
    parker: Arc<Parker>,
    /// For a thread that sleeps in the driver.
    engine: Weak<Engine>,
    /// Counts every change of `woken` to `true` until the poll that it asked for is over.
    busy_roots: Arc<AtomicUsize>,
}

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Counted before it shows: a paused clock must not move while this poll is due.
        self.busy_roots.fetch_add(1, Ordering::SeqCst);
        if self.woken.swap(true, Ordering::AcqRel) {
            self.busy_roots.fetch_sub(1, Ordering::SeqCst);
            return;
        }
        if self.parker.unpark() == AfterUnpark::NotifyDriver {
            // No engine any more: nobody sleeps in its driver either.
            if let Some(engine) = self.engine.upgrade() {
                engine.drive.notify();
            }
        }
    }
}

struct RootFuture<'f, F: Future> {
    future: Pin<&'f mut F>,
    waker: Arc<RootWaker>,
    as_waker: Waker,
    /// A panic is kept until the thread has given its place back.
    output: Option<thread::Result<F::Output>>,
}

impl<'f, F: Future> RootFuture<'f, F> {
    fn new(future: Pin<&'f mut F>, parker: Arc<Parker>, engine: &Arc<Engine>) -> Self {
        engine.busy_roots.fetch_add(1, Ordering::SeqCst);
        let waker = Arc::new(RootWaker {
            woken: AtomicBool::new(true),
            parker,
            engine: Arc::downgrade(engine),
            busy_roots: engine.busy_roots.clone(),
        });
        RootFuture { future, as_waker: waker.clone().into(), waker, output: None }
    }
}

impl<F: Future> Drop for RootFuture<'_, F> {
    fn drop(&mut self) {
        // Later wakes find it woken and count nothing.
        if self.waker.woken.swap(true, Ordering::AcqRel) {
            self.waker.busy_roots.fetch_sub(1, Ordering::SeqCst);
        }
        // It kept a paused clock from moving, perhaps, and the leader sleeps until it is told.
        if let Some(engine) = self.waker.engine.upgrade() {
            engine.reconsider_the_clock();
        }
    }
}

impl<F: Future> Root for RootFuture<'_, F> {
    fn is_woken(&self) -> bool {
        self.waker.woken.load(Ordering::Acquire)
    }

    #[inline]
    fn poll(&mut self) -> bool {
        if !self.is_woken() {
            return false;
        }
        // Acquire: what was written before the wake is seen by the poll. A wake during the poll sets it again.
        self.waker.woken.swap(false, Ordering::AcqRel);
        let _no_task = current::leave();
        let mut cx = Context::from_waker(&self.as_waker);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            budget::with_budget(Budget::PER_POLL, || self.future.as_mut().poll(&mut cx))
        }));
        self.waker.busy_roots.fetch_sub(1, Ordering::SeqCst);
        self.output = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(panic) => Some(Err(panic)),
        };
        true
    }
}

/// Threads inside `block_on` that found no place: on a current-thread runtime all but the first.
#[derive(Default)]
pub(crate) struct PlaceQueue(Mutex<Vec<Arc<Parker>>>);

impl PlaceQueue {
    fn enter(&self, parker: &Arc<Parker>) {
        self.0.lock().push(parker.clone());
    }

    fn leave(&self, parker: &Arc<Parker>) {
        self.0.lock().retain(|other| !Arc::ptr_eq(other, parker));
    }

    /// A place is free, or the engine closes.
    pub(super) fn look_again(&self) {
        for parker in self.0.lock().iter() {
            // They sleep on their parkers, never in the driver.
            let _ = parker.unpark();
        }
    }
}

impl Engine {
    /// As a worker, if there is a place for one more; else parked until there is.
    #[track_caller]
    pub(crate) fn block_on_as_worker<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        let mut future = pin!(future);
        loop {
            let result = match self.run_in_place(future.as_mut()) {
                Some(result) => Some(result),
                None => self.run_parked(future.as_mut(), true),
            };
            if self.closed_by_panic() {
                shut_down_by_a_panic();
            }
            if let Some(result) = result {
                return result.unwrap_or_else(|panic| resume_unwind(panic));
            }
        }
    }

    /// Without running anything else.
    #[track_caller]
    pub(crate) fn block_on_parked<F: Future>(self: &Arc<Self>, future: F) -> F::Output {
        match self.run_parked(pin!(future), false) {
            Some(result) => result.unwrap_or_else(|panic| resume_unwind(panic)),
            None => shut_down_by_a_panic(),
        }
    }

    /// `None`: there is a place now, and `want_place`.
    fn run_parked<F: Future>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
        want_place: bool,
    ) -> Option<thread::Result<F::Output>> {
        let parker = Arc::new(Parker::new());
        let mut root = RootFuture::new(future, parker.clone(), self);
        self.place_queue.enter(&parker);
        while !root.poll() {
            // After `enter`: either we see the place that becomes free, or its last holder sees us.
            if self.closed_by_panic() {
                break;
            }
            if want_place && !self.is_closing() && self.places.any_free() {
                break;
            }
            self.reconsider_the_clock();
            parker.park(None);
        }
        self.place_queue.leave(&parker);
        root.output.take()
    }

    /// `None`: no place is free, or the engine shut down meanwhile.
    fn run_in_place<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Option<thread::Result<F::Output>> {
        if self.is_closing() {
            return None;
        }
        let (index, deque) = self.places.take()?;
        let counted = self.idle.occupy();
        let place = self.places.get(index);
        place.counted.store(true, Ordering::Relaxed);
        self.guarantor_awake();
        let worker = Worker::new(self, index, deque, false);
        let mut root = RootFuture::new(future, place.parker.clone(), self);
        let (_end, deque, searching) = worker.run(&mut root);
        self.leave_place(index, deque, searching, counted);
        self.place_queue.look_again();
        root.output.take()
    }
}

#[track_caller]
fn shut_down_by_a_panic() -> ! {
    panic!(
        "a spawned task panicked, and the runtime shuts down on unhandled panics: this `block_on` cannot go on.\n  See \
         the panic's own message above; `Builder::unhandled_panic` sets what happens."
    )
}
