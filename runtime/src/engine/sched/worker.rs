//! The thread that holds a place: takes tasks from here and there, polls them, and sleeps when there are none.
//!
//! Owns: the loop, this thread's pointer to its worker, the next-task slot.   Imports: `base`, `cell`, `drive`.
//! Not here: who may sleep (`idle`), what happens to a worker that is stuck (`rescue`), the end (`shutdown`).
//!
//! The order in which a worker looks for work:
//! 1. every `inject_interval` polls one task from the inject queue, so that a busy worker does not starve outsiders;
//! 2. the next-task slot, at most three times in a row: what the last poll woke runs while its data is in the cache;
//! 3. its own queue, first in first out (a LIFO queue is no faster here and ruins the tail: p99 40 ms against 10);
//! 4. a share of the inject queue; then it searches: half of another worker's queue, sockets and timers without
//!    blocking, for some rounds with a `sched_yield` in between; then it sleeps, in the driver if that place is free.
//!
//! A push to the worker's own queue wakes nobody while fewer than `BACKLOG` tasks wait there: a wake-up costs more
//! than a short task. What then waits behind a long poll is found by a searcher or, within a few milliseconds, by the
//! guarantor.

use super::config::Flavor;
use super::engine::Engine;
use super::place::{Doing, Place};
use crate::engine::base::atomics::{AtomicPtr, Ordering};
use crate::engine::base::budget::{self, Budget};
use crate::engine::base::rng;
use crate::engine::cell::{Header, Runnable};
use crossbeam_deque::{Steal, Worker as Deque};
use std::cell::Cell;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::Ordering as StdOrdering;
use std::time::Instant;

/// How often in a row the next-task slot goes before the queue: a pair of tasks that wake each other must not starve
/// the rest (museum LW6).
const SLOT_STREAK: u32 = 3;

/// A local push wakes a sibling when this many tasks wait. With 1 a message-passing pair wakes a sibling for nothing
/// on every send (12,370 context switches against 43 in the prototype's chain benchmark).
const BACKLOG: usize = 2;

/// Rounds of searching before sleep while spinning pays; about 15-20 us.
const SPIN_ROUNDS: u32 = 32;

/// From this round on a searcher may take a next-task slot: its worker has had some microseconds to run it itself.
const SLOT_THEFT_ROUND: u32 = 12;

/// The most tasks that a worker takes from the inject queue at once.
const SHARE_MAX: usize = 128;

/// A slot for the task to run next, which anybody may empty.
pub(crate) struct NextTask(AtomicPtr<Header>);

impl NextTask {
    pub(crate) fn new() -> Self {
        NextTask(AtomicPtr::new(ptr::null_mut()))
    }

    /// Puts a task in and gives back what was there.
    #[inline]
    pub(crate) fn put(&self, task: Runnable) -> Option<Runnable> {
        Self::own(self.0.swap(task.into_raw().as_ptr(), Ordering::AcqRel))
    }

    #[inline]
    pub(crate) fn take(&self) -> Option<Runnable> {
        if self.is_empty() { None } else { Self::own(self.0.swap(ptr::null_mut(), Ordering::AcqRel)) }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.0.load(Ordering::Relaxed).is_null()
    }

    fn own(task: *mut Header) -> Option<Runnable> {
        // SAFETY: only `put` stores pointers, from runnables that it gave up; the swap that returned this one makes
        // it ours alone.
        NonNull::new(task).map(|task| unsafe { Runnable::from_raw(task) })
    }
}

/// What a worker runs besides tasks: nothing, or the future of `block_on`.
pub(crate) trait Root {
    fn is_woken(&self) -> bool;
    /// Polls if woken; `true` when it is complete.
    fn poll(&mut self) -> bool;
}

/// For a thread of the runtime's own.
pub(crate) struct NoRoot;

impl Root for NoRoot {
    fn is_woken(&self) -> bool {
        false
    }
    fn poll(&mut self) -> bool {
        false
    }
}

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    RootComplete,
    Closing,
    /// A spare that has had nothing to do for long.
    Retired,
}

pub(crate) struct Worker<'e> {
    pub(crate) engine: &'e Arc<Engine>,
    pub(crate) place: &'e Place,
    index: usize,
    deque: Deque<Runnable>,
    tick: Cell<u32>,
    streak: Cell<u32>,
    searching: Cell<bool>,
    pushes: Cell<Pushes>,
    spin_rounds: Cell<u32>,
    failed_spins: Cell<u32>,
    awake_since: Cell<Instant>,
}

thread_local! {
    static WORKER: Cell<*const Worker<'static>> = const { Cell::new(ptr::null()) };
}

/// Runs `f` with this thread's worker, if it is one of `engine`'s.
#[inline]
pub(crate) fn with_worker_of<R>(engine: &Engine, f: impl FnOnce(Option<&Worker<'_>>) -> R) -> R {
    let worker = WORKER.get();
    // SAFETY: `Installed` puts the pointer there for as long as the worker lives on this thread's stack, and takes it
    // out before the worker goes.
    let worker = unsafe { worker.as_ref() };
    f(worker.filter(|worker| ptr::eq(Arc::as_ptr(worker.engine), engine)))
}

/// Is this thread a worker of any runtime?
pub(crate) fn is_worker() -> bool {
    !WORKER.get().is_null()
}

/// Where this thread's wakes and spawns go.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pushes {
    ToSlot,
    /// Events are dispatched: what they wake is not what this worker has just touched.
    ToQueue,
    /// The worker blocks.
    ToOthers,
}

/// A worker inside `block_in_place`.
pub(crate) struct Blocking<'w, 'e> {
    worker: &'w Worker<'e>,
    pushes: Pushes,
    budget: Budget,
}

impl Drop for Blocking<'_, '_> {
    fn drop(&mut self) {
        self.worker.engine.leave_blocking(self.worker.place);
        self.worker.pushes.set(self.pushes);
        budget::refill(self.budget);
    }
}

struct Installed(*const Worker<'static>);

impl Drop for Installed {
    fn drop(&mut self) {
        WORKER.set(self.0);
    }
}

impl<'e> Worker<'e> {
    /// `searching`: whoever made us counted us as a searcher.
    pub(crate) fn new(engine: &'e Arc<Engine>, index: usize, deque: Deque<Runnable>, searching: bool) -> Self {
        Worker {
            engine,
            place: engine.places.get(index),
            index,
            deque,
            tick: Cell::new(0),
            streak: Cell::new(0),
            searching: Cell::new(searching),
            pushes: Cell::new(Pushes::ToSlot),
            spin_rounds: Cell::new(SPIN_ROUNDS),
            failed_spins: Cell::new(0),
            awake_since: Cell::new(Instant::now()),
        }
    }

    /// Works until the root is complete or the engine closes. Gives the deque back, and says whether it was searching.
    pub(crate) fn run(self, root: &mut impl Root) -> (End, Deque<Runnable>, bool) {
        self.place.set_thread();
        let this: *const Worker<'_> = &self;
        let installed = Installed(WORKER.replace(this.cast()));
        let end = self.work(root);
        if end == End::Closing {
            self.engine.drain();
        }
        if self.engine.config.flavor == Flavor::MultiThread {
            self.flush();
        }
        drop(installed);
        self.count_busy();
        (end, self.deque, self.searching.get())
    }

    fn work(&self, root: &mut impl Root) -> End {
        loop {
            if root.is_woken() {
                // Submitters wake nobody while somebody searches, and this poll may take long, or be the last.
                self.stop_searching();
                if root.poll() {
                    return End::RootComplete;
                }
            }
            if self.tick.get() % self.engine.config.event_interval == 0 {
                self.turn_without_blocking();
            }
            if self.engine.is_closing() {
                return End::Closing;
            }
            if let Some(task) = self.next_task().or_else(|| self.search(root)) {
                self.poll_task(task);
            } else if !root.is_woken() && !self.sleep(root) {
                return End::Retired;
            }
        }
    }

    #[inline]
    fn poll_task(&self, task: Runnable) {
        self.stop_searching();
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        self.place.polls.store(tick, StdOrdering::Relaxed);
        budget::refill(Budget::PER_POLL);
        if self.engine.watches_polls {
            self.engine.poll_watched(task, self.place)
        } else {
            task.run()
        }
        budget::refill(Budget::UNCONSTRAINED);
    }

    #[inline]
    fn stop_searching(&self) {
        if self.searching.replace(false) {
            self.found_work();
        }
    }

    /// The search is over. If nobody else searches and more waits, somebody else must look.
    fn found_work(&self) {
        let last = self.engine.idle.stop_searching();
        if last && (!self.deque.is_empty() || !self.engine.inject.is_empty()) {
            self.engine.wake(self.engine.idle.submitted_locally());
        }
    }

    #[inline]
    fn next_task(&self) -> Option<Runnable> {
        if self.tick.get() % self.engine.config.inject_interval == 0 {
            if let Some(task) = self.engine.inject.pop() {
                return Some(task);
            }
        }
        if let Some(task) = self.place.next.take() {
            let streak = self.streak.get();
            if streak < SLOT_STREAK {
                self.streak.set(streak + 1);
                return Some(task);
            }
            self.deque.push(task);
        }
        self.streak.set(0);
        self.deque.pop().or_else(|| self.take_injected())
    }

    fn take_injected(&self) -> Option<Runnable> {
        let workers = self.engine.config.workers;
        let mut share = self.engine.inject.pop_share(workers, SHARE_MAX);
        let first = share.pop();
        while let Some(task) = share.pop() {
            self.deque.push(task);
        }
        first
    }

    /// Looks where others keep their work. At most half of the workers do so at a time.
    fn search(&self, root: &impl Root) -> Option<Runnable> {
        if !self.searching.get() {
            if !self.engine.idle.start_searching() {
                return None;
            }
            self.searching.set(true);
        }
        let rounds = self.spin_rounds.get();
        for round in 0..rounds {
            let found = self.take_injected().or_else(|| self.steal(round)).or_else(|| {
                self.turn_without_blocking();
                self.deque.pop()
            });
            if found.is_some() {
                self.spin_paid(round);
                return found;
            }
            if root.is_woken() || self.engine.is_closing() {
                self.spin_paid(round);
                return None;
            }
            if rounds > 1 {
                std::thread::yield_now();
            }
        }
        self.spin_failed();
        None
    }

    fn spin_paid(&self, round: u32) {
        if round > 0 {
            self.failed_spins.set(0);
            self.spin_rounds.set(SPIN_ROUNDS);
        }
    }

    /// Each failure halves the next spin; now and then a longer one asks whether times have changed.
    fn spin_failed(&self) {
        let failed = self.failed_spins.get() + 1;
        self.failed_spins.set(failed);
        let rounds = if failed % 8 == 0 { SPIN_ROUNDS } else { self.spin_rounds.get() / 2 };
        self.spin_rounds.set(rounds.max(2));
    }

    fn steal(&self, round: u32) -> Option<Runnable> {
        let places = self.engine.places.made();
        let start = rng::random_below(places as u32) as usize;
        for step in 0..places {
            let victim = (start + step) % places;
            if victim == self.index {
                continue;
            }
            let victim = self.engine.places.get(victim);
            loop {
                match victim.stealer.steal_batch_and_pop(&self.deque) {
                    Steal::Success(task) => {
                        self.place.stats.steal_operations.add(1);
                        self.place.stats.steals.add(self.deque.len() as u64 + 1);
                        return Some(task);
                    }
                    Steal::Empty => break,
                    Steal::Retry => {}
                }
            }
            if round >= SLOT_THEFT_ROUND {
                if let Some(task) = victim.next.take() {
                    self.place.stats.steal_operations.add(1);
                    self.place.stats.steals.add(1);
                    return Some(task);
                }
            }
        }
        None
    }

    /// Sleeps until somebody or something wakes this worker. `false`: a spare that is not needed any more.
    fn sleep(&self, root: &impl Root) -> bool {
        if let Some(hook) = &self.engine.config.on_park {
            hook();
            // The hook may have woken tasks (museum LW10).
            if self.place.has_work() || root.is_woken() {
                return true;
            }
        }
        self.count_busy();
        self.place.set_doing(Doing::Sleeping);
        let was_searching = self.searching.replace(false);
        let work_waits = |everywhere: bool| {
            !self.engine.inject.is_empty()
                || self.engine.is_closing()
                || root.is_woken()
                || (everywhere && self.engine.places.iter().any(|place| !place.stealer.is_empty()))
        };
        let (woken, searches) = self.engine.idle.sleep_through(self.index, was_searching, work_waits, || self.wait());
        self.searching.set(searches);
        self.place.set_doing(Doing::Running);
        self.engine.guarantor_awake();
        self.awake_since.set(Instant::now());
        self.place.stats.parks_and_unparks.add(1);
        if let Some(hook) = &self.engine.config.on_unpark {
            hook();
        }
        self.turn_events();
        woken || searches || self.place.counted.load(StdOrdering::Relaxed) || root.is_woken()
    }

    /// In the driver if nobody else waits there, else on the parker. `false`: it was a spare's time that ran out.
    fn wait(&self) -> bool {
        self.place.stats.parks.add(1);
        self.place.stats.parks_and_unparks.add(1);
        if let Some(mut lead) = self.engine.drive.try_lead() {
            if self.place.parker.enter_driver() {
                lead.wait(None);
                self.place.parker.leave_driver();
            }
            drop(lead);
            return true;
        }
        if self.place.counted.load(StdOrdering::Relaxed) {
            self.place.parker.park(None);
            return true;
        }
        let begun = Instant::now();
        let patience = self.engine.config.blocking_keep_alive;
        self.place.parker.park(Some(patience));
        begun.elapsed() < patience
    }

    /// Sockets and timers, if nobody else looks at them right now.
    fn turn_without_blocking(&self) {
        if let Some(mut lead) = self.engine.drive.try_lead() {
            lead.look();
        }
        self.turn_events();
    }

    /// Wakes what the last turn found due; it goes to the queue, not to the slot.
    fn turn_events(&self) {
        let before = self.pushes.replace(Pushes::ToQueue);
        self.engine.drive.dispatch();
        self.pushes.set(before);
    }

    fn count_busy(&self) {
        let busy = self.awake_since.get().elapsed();
        self.place.stats.busy_ns.add(busy.as_nanos() as u64);
        self.awake_since.set(Instant::now());
        self.place.stats.polls.add(u64::from(self.tick.get().wrapping_sub(self.place.stats.polls.get() as u32)));
    }

    /// A task has been woken by (or spawned from) what this worker polls.
    #[inline]
    pub(crate) fn push_next(&self, task: Runnable) {
        match self.pushes.get() {
            Pushes::ToSlot => {}
            Pushes::ToQueue => return self.push_back(task),
            Pushes::ToOthers => return self.engine.push_from_outside(task),
        }
        if let Some(displaced) = self.place.next.put(task) {
            self.push_back(displaced);
        }
    }

    /// To the end of the worker's own queue.
    #[inline]
    pub(crate) fn push_back(&self, task: Runnable) {
        self.deque.push(task);
        if self.deque.len() >= BACKLOG {
            let wake = self.engine.idle.submitted_locally();
            if wake.is_some() {
                self.engine.wake(wake);
            }
        }
    }

    /// A yielding task: behind the others, and nobody is woken for it.
    #[inline]
    pub(crate) fn push_yielded(&self, task: Runnable) {
        self.deque.push(task);
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Puts what is left where others find it.
    pub(crate) fn flush(&self) {
        let mut left = super::inject::Chain::new();
        if let Some(task) = self.place.next.take() {
            left.push(task);
        }
        while let Some(task) = self.deque.pop() {
            left.push(task);
        }
        if !left.is_empty() {
            self.engine.inject.push_chain(left);
            self.engine.wake(self.engine.idle.submitted());
        }
    }

    /// This worker is about to block, and says so: others take its tasks, and one more thread keeps the number of
    /// workers. Ends with the guard.
    pub(crate) fn block(&self) -> Blocking<'_, 'e> {
        // In the queue is where thieves look first.
        if let Some(task) = self.place.next.take() {
            self.deque.push(task);
        }
        let pushes = self.pushes.replace(Pushes::ToOthers);
        self.engine.enter_blocking(self.place);
        Blocking { worker: self, pushes, budget: budget::take() }
    }
}
