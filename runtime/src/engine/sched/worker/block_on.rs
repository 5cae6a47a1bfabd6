//! Running one future to its end on the calling thread.
//!
//! Owns: the root future's waker, and the two ways to wait for it: as a worker, or parked.
//! Imports: `worker`, `engine`.   Not here: whether the caller may (`runtime::Runtime::block_on` asks that).
//!
//! The thread inside `block_on` *is* a worker: it takes a place, polls its own future first whenever that was woken,
//! and tasks in between. Without this, a spawn awaited in `block_on` costs two thread switches (7 us against 0.2).
//! The price is documented at `Runtime::block_on`: a task that blocks this thread delays the future of `block_on`.

use crate::engine::base::budget::{self, Budget};
use crate::engine::base::parker::{AfterUnpark, Parker};
use crate::engine::base::rng;
use crate::engine::cell::current;
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::sys::ExactSleeps;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::here::Standby;
use crate::engine::sched::worker::root::Root;
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
    /// Counts every change of `woken` to `true` until the poll that it asked for is over. `None`: whoever may move a
    /// paused clock asks for `woken` itself, since it is the thread that is to be woken.
    busy_roots: Option<Arc<AtomicUsize>>,
}

impl RootWaker {
    fn begin_busy(&self) {
        if let Some(busy) = &self.busy_roots {
            busy.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn end_busy(&self) {
        if let Some(busy) = &self.busy_roots {
            busy.fetch_sub(1, Ordering::SeqCst);
        }
    }
}

impl Wake for RootWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        // Counted before it shows: a paused clock must not move while this poll is due.
        self.begin_busy();
        if self.woken.swap(true, Ordering::AcqRel) {
            self.end_busy();
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

/// What a future of `block_on` is woken by. A place keeps one for all that are polled there, one after the other: a wake
/// that comes late is a poll for nothing at most, and while there is no future it does nothing.
pub(in crate::engine::sched) struct RootBell {
    word: Arc<RootWaker>,
    waker: Waker,
}

impl RootBell {
    /// `alone`: nobody else ever moves a paused clock.
    fn new(engine: &Arc<Engine>, parker: Arc<Parker>, alone: bool) -> Self {
        let word = Arc::new(RootWaker {
            // Without a future wakes find it woken, and count nothing.
            woken: AtomicBool::new(true),
            parker,
            engine: Arc::downgrade(engine),
            busy_roots: (!alone).then(|| engine.busy_roots.clone()),
        });
        RootBell { waker: word.clone().into(), word }
    }
}

struct RootFuture<'r, F: Future> {
    future: Pin<&'r mut F>,
    bell: &'r RootBell,
    engine: &'r Engine,
    /// A panic is kept until the thread has given its place back.
    output: Option<thread::Result<F::Output>>,
}

impl<'r, F: Future> RootFuture<'r, F> {
    fn new(future: Pin<&'r mut F>, bell: &'r RootBell, engine: &'r Engine) -> Self {
        // It is woken: the first poll is due.
        bell.word.begin_busy();
        RootFuture { future, bell, engine, output: None }
    }
}

impl<F: Future> Drop for RootFuture<'_, F> {
    fn drop(&mut self) {
        let word = &self.bell.word;
        // Later wakes find it woken and count nothing.
        if word.woken.swap(true, Ordering::AcqRel) {
            word.end_busy();
        }
        // It kept a paused clock from moving, perhaps, and the leader sleeps until it is told.
        if word.busy_roots.is_some() {
            self.engine.reconsider_the_clock();
        }
    }
}

impl<F: Future> Root for RootFuture<'_, F> {
    fn is_woken(&self) -> bool {
        self.bell.word.woken.load(Ordering::Acquire)
    }

    #[inline]
    fn poll(&mut self) -> bool {
        if !self.is_woken() {
            return false;
        }
        // Acquire: what was written before the wake is seen by the poll. A wake during the poll sets it again.
        self.bell.word.woken.swap(false, Ordering::AcqRel);
        let _no_task = current::leave();
        let mut cx = Context::from_waker(&self.bell.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            budget::with_budget(Budget::PER_POLL, || self.future.as_mut().poll(&mut cx))
        }));
        self.bell.word.end_busy();
        self.output = match polled {
            Ok(Poll::Pending) => return false,
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(panic) => Some(Err(panic)),
        };
        true
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
        let bell = RootBell::new(self, parker.clone(), false);
        let mut root = RootFuture::new(future, &bell, self);
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
        let place = self.places.get(index);
        if self.config.flavor != Flavor::MultiThread {
            return self.run_alone(future, place, index, deque);
        }
        let counted = self.idle.occupy();
        place.counted.store(counted, Ordering::Relaxed);
        self.guarantor_awake();
        let worker = Worker::new(self, index, deque, false);
        let bell = place.root.get_or_init(|| RootBell::new(self, place.parker.clone(), false));
        let mut root = RootFuture::new(future, bell, self);
        let (_end, deque, searching) = worker.run(&mut root);
        self.leave_place(index, deque, searching, counted);
        self.place_queue.a_place_is_free();
        root.output.take()
    }

    /// As the one worker of a current-thread flavor.
    fn run_alone<F: Future>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
        place: &Place,
        index: usize,
        deque: Queues,
    ) -> Option<thread::Result<F::Output>> {
        place.counted.store(true, Ordering::Relaxed);
        place.set_thread(false);
        let set_up = self.set_up_thread(index);
        let bell = place.root.get_or_init(|| RootBell::new(self, place.parker.clone(), true));
        let mut root = RootFuture::new(future, bell, self);
        let mut standby = Standby::new(self, index, deque);
        let installed = standby.install();
        if !root.poll() {
            let worker = standby.worker();
            worker.root_was_polled(&root);
            worker.run_here(&mut root);
        }
        drop(installed);
        drop(set_up);
        match standby.end() {
            (deque, Some(searching)) => self.leave_place(index, deque, searching, true),
            (deque, None) => self.places.give_back(index, deque),
        }
        self.place_queue.a_place_is_free();
        root.output.take()
    }

    /// What holds for a thread as long as it is a worker.
    pub(in crate::engine::sched) fn set_up_thread(&self, index: usize) -> (Option<rng::Seeded>, Option<ExactSleeps>) {
        let seeded = self.config.seed.map(|seed| rng::seed_thread(seed.wrapping_add(index as u64)));
        (seeded, self.config.precise_timers.then(ExactSleeps::begin))
    }
}

#[track_caller]
fn shut_down_by_a_panic() -> ! {
    panic!(
        "a spawned task panicked, and the runtime shuts down on unhandled panics: this `block_on` cannot go on.\n  See \
         the panic's own message above; `Builder::unhandled_panic` sets what happens."
    )
}
