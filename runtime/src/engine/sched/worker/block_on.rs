//! Running one future to its end on the calling thread.
//!
//! Owns: the two ways to wait for it: apart from the tasks, or as the one worker of a current-thread flavor.
//! Not here: whether the caller may (`runtime::Runtime::block_on` asks that), what it is
//! woken by (`places/roots`).
//!
//! On the multi-thread flavor the thread polls its future and nothing else: no task delays it, and what holds for the
//! threads of workers (their number, stack, name, hooks, priority) holds for every task. Before it parks it looks whether it
//! was woken, as long as such looks pay: a task that is awaited here is often done before a thread could fall asleep.
//! Rejected: a thread inside `block_on` that works as one more worker (`docs/design/rejected.md`).

use crate::engine::base::budget::{self, Budget};
use crate::engine::base::id::Id;
use crate::engine::base::parker::Parker;
use crate::engine::base::rng;
use crate::engine::base::spin::Spin;
use crate::engine::cell::{current, memory};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::places::roots::{Bell, PlaceBell};
use crate::engine::sched::worker::here::Standby;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::run::set_up_thread;
use crate::engine::sched::worker::sleep::{KEEPS_MEMORY, WORTH_A_TIMER};
use crate::span;
use std::cell::Cell;
use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Instant;

/// What this thread needs to wait for a future, kept for the next one.
struct Seat {
    bell: Arc<Bell>,
    waker: Waker,
    spin: Spin,
}

impl Seat {
    fn new() -> Self {
        let bell = Arc::new(Bell::new(Arc::new(Parker::new())));
        Seat { waker: bell.clone().into(), bell, spin: Spin::new() }
    }

    /// This thread's, or a new one where that is in use, further out on the stack.
    fn take() -> Box<Seat> {
        SEAT.try_with(Cell::take).ok().flatten().unwrap_or_else(|| Box::new(Seat::new()))
    }

    fn put_back(self: Box<Self>) {
        // Late in the thread's life there is no place for it any more.
        let _ = SEAT.try_with(|seat| seat.set(Some(self)));
    }

    /// Until the future is woken, or somebody wants this thread to look around. `spins`: looks for it before it sleeps.
    fn wait(&self, spins: bool) {
        let begun = Instant::now();
        self.spin.failed(begun);
        if spins && self.spin.look_on(begun, Instant::now, || self.bell.is_woken(), thread::yield_now) {
            return;
        }
        self.park();
        self.spin.slept(Instant::now(), self.bell.is_woken());
    }

    /// Like a worker that sleeps for long it gives back the memory that it keeps for new tasks.
    fn park(&self) {
        if memory::kept() > WORTH_A_TIMER {
            let begun = Instant::now();
            self.bell.parker.park(Some(KEEPS_MEMORY));
            if begun.elapsed() < KEEPS_MEMORY || self.bell.is_woken() {
                return;
            }
            memory::give_all_back();
        }
        self.bell.parker.park(None);
    }
}

thread_local! {
    static SEAT: Cell<Option<Box<Seat>>> = const { Cell::new(None) };
}

struct RootFuture<'r, F: Future> {
    future: Pin<&'r mut F>,
    bell: &'r Bell,
    waker: &'r Waker,
    /// A panic is kept until the thread has given its place back.
    output: Option<thread::Result<F::Output>>,
}

impl<'r, F: Future> RootFuture<'r, F> {
    fn new(future: Pin<&'r mut F>, bell: &'r Bell, waker: &'r Waker) -> Self {
        bell.begin();
        RootFuture { future, bell, waker, output: None }
    }
}

impl<F: Future> Root for RootFuture<'_, F> {
    fn is_woken(&self) -> bool {
        self.bell.is_woken()
    }

    #[inline]
    fn poll(&mut self) -> bool {
        if !self.is_woken() {
            return false;
        }
        self.bell.begin_poll();
        let _no_task = current::leave();
        let mut cx = Context::from_waker(self.waker);
        let polled = catch_unwind(AssertUnwindSafe(|| {
            budget::with_budget(Budget::PER_POLL, || self.future.as_mut().poll(&mut cx))
        }));
        self.output = match polled {
            Ok(Poll::Pending) => {
                self.bell.end_poll();
                return false;
            }
            Ok(Poll::Ready(output)) => Some(Ok(output)),
            Err(panic) => Some(Err(panic)),
        };
        // A late wake finds it woken, and does nothing.
        self.bell.begin();
        true
    }
}

impl Engine {
    /// On a current-thread flavor as the worker, if nobody is; else apart from the tasks.
    #[track_caller]
    pub(crate) fn block_on<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> F::Output {
        let mut future = pin!(span::root(future, || Id::fresh().number(), Location::caller()));
        let drives = self.yard.config.flavor != Flavor::MultiThread;
        loop {
            let result = match drives.then(|| self.run_alone(future.as_mut())).flatten() {
                Some(result) => Some(result),
                None => self.run_apart(future.as_mut(), drives),
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
    pub(crate) fn block_on_apart<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> F::Output {
        let future = span::root(future, || Id::fresh().number(), Location::caller());
        match self.run_apart(pin!(future), false) {
            Some(result) => result.unwrap_or_else(|panic| resume_unwind(panic)),
            None => shut_down_by_a_panic(),
        }
    }

    /// `None`: there is a place now, and `wants_place`; or the engine was shut down by a panic.
    fn run_apart<F: Future>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
        wants_place: bool,
    ) -> Option<thread::Result<F::Output>> {
        let seat = Seat::take();
        let _seeded = self.yard.config.seed.map(|seed| rng::seed_thread(seed.wrapping_sub(1)));
        let mut root = RootFuture::new(future, &seat.bell, &seat.waker);
        let number = self.yard.roots.enter(&seat.bell, wants_place);
        while !root.poll() {
            // After `enter`: either we see the place that becomes free, or its last holder sees us.
            if self.closed_by_panic() || (wants_place && !self.yard.is_closing() && self.yard.places.any_free()) {
                break;
            }
            self.yard.reconsider_the_clock();
            seat.wait(!self.yard.drive.clock.is_paused());
        }
        let output = root.output.take();
        self.yard.roots.leave(number);
        if wants_place && output.is_some() && self.yard.places.any_free() {
            self.yard.roots.a_place_is_free();
        }
        // It kept a paused clock from moving, perhaps, and the leader sleeps until it is told.
        self.yard.reconsider_the_clock();
        seat.put_back();
        output
    }

    /// As the one worker of a current-thread flavor. `None`: another thread is that, or the engine shut down meanwhile.
    fn run_alone<F: Future>(self: &Arc<Self>, future: Pin<&mut F>) -> Option<thread::Result<F::Output>> {
        if self.yard.is_closing() {
            return None;
        }
        let (index, deque) = self.yard.places.take()?;
        let output = self.run_in_place(future, self.yard.places.get(index), index, deque);
        self.yard.roots.a_place_is_free();
        output
    }

    fn run_in_place<F: Future>(
        self: &Arc<Self>,
        future: Pin<&mut F>,
        place: &Place,
        index: usize,
        deque: Queues,
    ) -> Option<thread::Result<F::Output>> {
        place.seated.store(true, Ordering::Relaxed);
        place.set_thread(false);
        let set_up = set_up_thread(&self.yard.config, index);
        let bell = place.root.get_or_init(|| PlaceBell::new(self.as_driver(), place.parker.clone()));
        let mut root = RootFuture::new(future, bell.bell(), bell.waker());
        let mut standby = Standby::new(&self.yard, index, deque);
        let installed = standby.install();
        if !root.poll() {
            let worker = standby.worker();
            worker.root_was_polled(&root);
            worker.run_here(&mut root);
        }
        drop(installed);
        drop(set_up);
        match standby.end() {
            (deque, Some(searching)) => self.yard.leave_place(index, deque, searching),
            (deque, None) => self.yard.places.give_back(index, deque),
        }
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
