//! The thread that holds a place: takes tasks from here and there, polls them, and sleeps when there are none.
//!
//! Owns: the loop, its queues.
//! Not here: how it is found on its thread (`here`), looking in passing (`passing`) and when (`looks`), the next-task slot (`next_task`), the future of `block_on` (`root`), looking elsewhere (`search`), sleeping (`sleep`), who may do either
//! (`idle`), what happens to a worker that is stuck (`guarantor`), the end (`life/shutdown`).
//!
//! The order in which a worker looks for work:
//! 1. one task from the inject queue, every `inject_interval` polls and after each look at sockets and timers that was due
//!    by time, so that a busy worker does not starve outsiders; when such a look is due is `looks`' business;
//! 2. the next-task slot, at most three times in a row: what the last poll woke runs while its data is in the cache;
//! 3. its own queue, first in first out (a LIFO queue is no faster here and ruins the tail: p99 40 ms against 10);
//! 4. a share of the inject queue;
//! 5. the tasks that gave way, with a look at sockets and timers in between, so that what those bring goes first;
//! 6. then it searches: half of another worker's queue, and while that pays sockets and timers without blocking, for some
//!    rounds with a `sched_yield` in between; then it sleeps, in the driver if that place is free.
//!
//! A push to the worker's own queue wakes nobody while fewer than `BACKLOG` tasks wait there (of spawned ones: there and in
//! the slot): a wake-up costs more than a short task. What then waits behind a long poll is found by a searcher or, within
//! a few milliseconds, by the guarantor; what waits between long polls is shown to others at each look that is due by time.

mod accounts;
pub(crate) mod block_on;
#[allow(unsafe_code)] // pointers to this thread's worker
mod here;
mod looks;
mod passing;
pub(in crate::engine::sched) mod root;
mod search;
mod sleep;
mod steal;

use crate::engine::base::budget::{self, Budget};
use crate::engine::base::spin::Spin;
use crate::engine::cell::Runnable;
use crate::engine::drive::{Reach, WheelSeat};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::worker::accounts::Accounts;
pub(crate) use crate::engine::sched::worker::here::{with_worker, with_worker_of};
use crate::engine::sched::worker::looks::Looks;
use crate::engine::sched::worker::root::{Root, Turn};
use crate::engine::sched::worker::steal::Thief;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// How often in a row the next-task slot goes before the queue: a pair of tasks that wake each other must not starve
/// the rest (museum LW6).
const SLOT_STREAK: u32 = 3;

/// A local push wakes a sibling when this many tasks wait in the queue; of spawned ones, in queue and slot together. With 1
/// a message-passing pair wakes a sibling for nothing on every send (12,370 context switches against 43 in the
/// prototype's chain benchmark).
pub(in crate::engine::sched) const BACKLOG: usize = 2;

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    RootComplete,
    Closing,
    /// A spare that has had nothing to do for long, or was dismissed.
    Retired,
}

pub(crate) struct Worker<'e> {
    pub(crate) engine: &'e Arc<Engine>,
    pub(crate) place: &'e Place,
    pub(in crate::engine::sched) index: usize,
    pub(in crate::engine::sched) queues: Queues,
    /// The polls that this thread has begun here.
    pub(in crate::engine::sched) tick: Cell<u64>,
    /// Those that others had begun before.
    polls_before: u64,
    pub(in crate::engine::sched) looks: Looks,
    /// The inject queue goes first, once.
    inject_due: Cell<bool>,
    /// How many looks in a row were left to others.
    left_looks: Cell<u32>,
    pub(in crate::engine::sched) streak: Cell<u32>,
    pub(in crate::engine::sched) roots_turn: Cell<Turn>,
    /// Tasks that gave way go before the root until they have had so many turns in all. `None`: it goes first.
    pub(in crate::engine::sched) root_waits_for: Cell<Option<u32>>,
    pub(in crate::engine::sched) searching: Cell<bool>,
    /// Does the guarantor know that this worker is awake?
    pub(in crate::engine::sched) is_watched: Cell<bool>,
    pub(in crate::engine::sched) pushes: Cell<Pushes>,
    pub(in crate::engine::sched) spin: Spin,
    pub(in crate::engine::sched) accounts: Accounts,
    wheel: WheelSeat<'e>,
    /// What the last look at sockets and timers found, until it is woken.
    pub(in crate::engine::sched) found: Cell<Vec<Waker>>,
    pub(in crate::engine::sched) thief: Thief,
}

/// Where this thread's wakes and spawns go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::sched) enum Pushes {
    /// What the poll that runs has just touched goes next.
    Slot,
    /// Never to the slot. Events are dispatched, and what they wake is not what this worker has just touched; or this is a
    /// current-thread flavor, where the order of tasks is part of what programs count on; or the builder said so.
    Queue,
    /// The worker blocks.
    Others,
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

impl<'e> Worker<'e> {
    /// `searching`: whoever made us counted us as a searcher.
    pub(crate) fn new(engine: &'e Arc<Engine>, index: usize, queues: Queues, searching: bool) -> Self {
        Worker {
            engine,
            place: engine.places.get(index),
            index,
            queues,
            tick: Cell::new(0),
            polls_before: engine.places.get(index).polls.load(Ordering::Relaxed),
            looks: Looks::new(
                engine.config.event_interval,
                engine.config.inject_interval,
                engine.has_no_guarantor(),
                engine.places.get(index).pace_ns.load(Ordering::Relaxed),
            ),
            inject_due: Cell::new(false),
            left_looks: Cell::new(0),
            streak: Cell::new(0),
            roots_turn: Cell::new(Turn::Asleep),
            root_waits_for: Cell::new(None),
            searching: Cell::new(searching),
            // The current-thread flavors have no guarantor.
            is_watched: Cell::new(engine.config.flavor != Flavor::MultiThread),
            pushes: Cell::new(match engine.config.flavor {
                Flavor::MultiThread if engine.config.next_task_slot => Pushes::Slot,
                Flavor::MultiThread | Flavor::CurrentThread | Flavor::Local => Pushes::Queue,
            }),
            spin: Spin::new(),
            accounts: Accounts::new(),
            wheel: engine.drive.wheels.get(index as u32).take_seat(),
            found: Cell::new(Vec::new()),
            thief: Thief::new(),
        }
    }

    /// Works until the root is complete or the engine closes. Gives the queues back, and says whether it was searching.
    pub(in crate::engine::sched) fn run(self, root: &mut impl Root) -> (End, Queues, bool) {
        self.place.set_thread(self.engine.config.flavor == Flavor::MultiThread);
        let _set_up = self.engine.set_up_thread(self.index);
        let installed = here::install(&self);
        self.open_accounts();
        let end = self.run_here(root);
        drop(installed);
        self.close_accounts();
        (end, self.queues, self.searching.get())
    }

    /// The same, on a thread that is set up.
    pub(in crate::engine::sched) fn run_here(&self, root: &mut impl Root) -> End {
        let end = self.work(root);
        if end == End::Closing {
            self.engine.drain();
        }
        if self.engine.config.flavor == Flavor::MultiThread {
            self.flush();
        }
        end
    }

    fn work(&self, root: &mut impl Root) -> End {
        loop {
            if self.is_roots_turn(root) && self.poll_root(root) {
                return End::RootComplete;
            }
            if self.looks.stops(self.polls_here(), self.engine.beat.load(Ordering::Relaxed)) {
                self.look_if_due();
                if self.place.is_dismissed() {
                    return End::Retired;
                }
            }
            let task = self.next_task().or_else(|| self.next_yielded(root)).or_else(|| self.search(root));
            // After it was taken: what the end has woken is dropped without another poll.
            if self.engine.is_closing() {
                if let Some(task) = task {
                    task.cancel();
                }
                return End::Closing;
            }
            if let Some(task) = task {
                self.poll_task(task);
            } else if root.is_woken() {
                if self.is_root_next() {
                    self.root_goes_next();
                }
            } else if !self.sleep(root) {
                return End::Retired;
            }
        }
    }

    #[inline]
    fn poll_task(&self, task: Runnable) {
        self.stop_searching();
        self.be_watched();
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        self.place.polls.store(self.polls_before.wrapping_add(tick), Ordering::Relaxed);
        budget::refill(Budget::PER_POLL);
        if self.engine.watches_polls {
            self.engine.poll_watched(task, self.index)
        } else {
            task.run()
        }
        budget::end();
    }

    /// Code of users comes next, which may never end: the guarantor must know that this worker is awake.
    #[inline]
    pub(in crate::engine::sched) fn be_watched(&self) {
        if !self.is_watched.replace(true) {
            self.engine.a_worker_woke();
        }
    }

    #[inline]
    pub(in crate::engine::sched) fn stop_searching(&self) {
        if self.searching.replace(false) {
            self.found_work();
        }
    }

    /// The search is over. If nobody else searches and more waits, wherever it does, somebody else must look: whoever has it
    /// may have relied on this search.
    fn found_work(&self) {
        self.has_found_work();
        let engine = self.engine;
        let more_waits = || !engine.inject.is_empty() || engine.places.iter().any(Place::has_backlog);
        if engine.idle.stop_searching() && engine.idle.someone_to_wake() && more_waits() {
            engine.wake(engine.idle.submitted_locally());
        }
    }

    /// For those who only look at differences.
    #[inline]
    pub(in crate::engine::sched) fn polls_here(&self) -> u32 {
        self.tick.get() as u32
    }

    #[inline]
    fn next_task(&self) -> Option<Runnable> {
        if self.inject_due.get() {
            self.inject_due.set(false);
            if let Some(task) = self.engine.inject.pop() {
                return Some(task);
            }
        }
        if self.looks.owes()
            && let Some(task) = self.pop_yielded()
        {
            return Some(task);
        }
        if let Some(task) = self.place.next.take() {
            let streak = self.streak.get();
            if streak < SLOT_STREAK {
                self.streak.set(streak + 1);
                return Some(task);
            }
            self.queues.ready.push(task);
        }
        self.streak.set(0);
        self.queues.ready.pop().or_else(|| self.take_injected())
    }

    /// A task has been woken by what this worker polls.
    #[inline]
    pub(crate) fn push_next(&self, task: Runnable) {
        self.push(task, BACKLOG);
    }

    /// A task has been spawned by what this worker polls: new work, which nobody's cache holds. So the one in the slot counts.
    #[inline]
    pub(crate) fn push_spawned(&self, task: Runnable) {
        self.push(task, BACKLOG - 1);
    }

    /// `backlog`: behind a full slot, so many tasks in the queue are enough to wake somebody.
    #[inline]
    fn push(&self, task: Runnable, backlog: usize) {
        let pushes = self.pushes.get();
        if pushes == Pushes::Others {
            return self.engine.push_from_outside(task);
        }
        self.accounts.count_schedule();
        match pushes {
            Pushes::Slot | Pushes::Others => {}
            Pushes::Queue => return self.push_back(task),
        }
        if let Some(displaced) = self.place.next.put(task) {
            self.push_behind(displaced, backlog);
        }
    }

    /// To the end of the worker's own queue.
    #[inline]
    pub(crate) fn push_back(&self, task: Runnable) {
        self.push_behind(task, BACKLOG);
    }

    #[inline]
    fn push_behind(&self, task: Runnable, backlog: usize) {
        self.queues.ready.push(task);
        if self.queues.ready.len() >= backlog {
            let wake = self.engine.idle.submitted_locally();
            if wake.is_some() {
                self.engine.wake(wake);
            }
        }
    }

    /// A task that gave way: behind all others, and nobody is woken for it.
    #[inline]
    pub(crate) fn push_yielded(&self, task: Runnable) {
        self.accounts.count_schedule();
        self.queues.yielded.push(task);
    }

    /// A task that was woken during its own poll: behind those that are ready, and nobody is woken for it.
    #[inline]
    pub(crate) fn push_woken(&self, task: Runnable) {
        self.accounts.count_schedule();
        self.queues.ready.push(task);
    }

    /// Its wheel, if it looks after that now: inside `block_in_place` it is a thread like any other.
    #[inline]
    pub(crate) fn own_wheel(&self) -> Option<Reach<'_>> {
        (self.pushes.get() != Pushes::Others).then_some(Reach::Own(&self.wheel))
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Puts what is left where others find it.
    pub(crate) fn flush(&self) {
        let mut left = crate::engine::sched::places::inject::Chain::new();
        if let Some(task) = self.place.next.take() {
            left.push(task);
        }
        for queue in [&self.queues.ready, &self.queues.yielded] {
            while let Some(task) = queue.pop() {
                left.push(task);
            }
        }
        if !left.is_empty() {
            self.engine.inject.put_back(left);
            self.engine.wake(self.engine.idle.submitted());
        }
    }

    /// This worker will not look after its timers for a while: the leader does.
    pub(in crate::engine::sched) fn rest(&self) {
        self.wheel.rest();
        self.engine.drive.settle(self.wheel.wheel().next());
    }

    /// Does it block already, further out on this thread's stack?
    pub(crate) fn blocks(&self) -> bool {
        self.pushes.get() == Pushes::Others
    }

    /// This worker is about to block, and says so: others take its tasks, and one more thread keeps the number of
    /// workers. Ends with the guard.
    pub(crate) fn block(&self) -> Blocking<'_, 'e> {
        // In the queue is where thieves look first.
        if let Some(task) = self.place.next.take() {
            self.queues.ready.push(task);
        }
        self.rest();
        let pushes = self.pushes.replace(Pushes::Others);
        self.engine.enter_blocking(self.place);
        Blocking { worker: self, pushes, budget: budget::take() }
    }
}
