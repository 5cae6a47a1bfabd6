//! The thread that holds a place: takes tasks from here and there, polls them, and sleeps when there are none.
//!
//! Owns: the loop, its queue.   Imports: `base`, `cell`, `drive`.
//! Not here: how it is found on its thread (`here`), the next-task slot (`next_task`), the future of `block_on` (`root`), looking elsewhere (`search`), sleeping (`sleep`), who may do either
//! (`idle`), what happens to a worker that is stuck (`rescue`), the end (`shutdown`).
//!
//! The order in which a worker looks for work:
//! 1. every `inject_interval` polls one task from the inject queue, so that a busy worker does not starve outsiders;
//! 2. the next-task slot, at most three times in a row: what the last poll woke runs while its data is in the cache;
//! 3. its own queue, first in first out (a LIFO queue is no faster here and ruins the tail: p99 40 ms against 10);
//! 4. a share of the inject queue; then it searches: half of another worker's queue, sockets and timers without
//!    blocking, for some rounds with a `sched_yield` in between; then it sleeps, in the driver if that place is free.
//!
//! A push to the worker's own queue wakes nobody while fewer than `BACKLOG` tasks wait there (of spawned ones: there and in
//! the slot): a wake-up costs more than a short task. What then waits behind a long poll is found by a searcher or, within a few milliseconds, by the
//! guarantor.

mod accounts;
pub(crate) mod block_on;
#[allow(unsafe_code)] // pointers to this thread's worker
mod here;
pub(in crate::engine::sched) mod root;
mod search;
mod sleep;
mod spin;
mod steal;

use crate::engine::base::budget::{self, Budget};
use crate::engine::cell::Runnable;
use crate::engine::drive::{NEVER, Reach, WOKEN_MOST, WheelSeat};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::{Engine, wake_all};
use crate::engine::sched::places::place::Place;
use crate::engine::sched::worker::accounts::Accounts;
pub(crate) use crate::engine::sched::worker::here::{with_worker, with_worker_of};
use crate::engine::sched::worker::root::{Root, Turn};
use crate::engine::sched::worker::spin::Spin;
use crate::engine::sched::worker::steal::Thief;
use crossbeam_deque::Worker as Deque;
use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;
use std::time::Instant;

/// How often in a row the next-task slot goes before the queue: a pair of tasks that wake each other must not starve
/// the rest (museum LW6).
const SLOT_STREAK: u32 = 3;

/// A local push wakes a sibling when this many tasks wait in the queue; of spawned ones, in queue and slot together. With 1
/// a message-passing pair wakes a sibling for nothing on every send (12,370 context switches against 43 in the
/// prototype's chain benchmark).
const BACKLOG: usize = 2;

/// With so many tasks in its queue a busy worker leaves sockets to others, so often in a row. For long polls it is the
/// guarantor's tick that bounds this.
const LONG_QUEUE: usize = 32;
const LEFT_LOOKS_MOST: u32 = 4;

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
    pub(in crate::engine::sched) deque: Deque<Runnable>,
    /// The polls that this thread has begun here.
    pub(in crate::engine::sched) tick: Cell<u64>,
    /// Those that others had begun before.
    polls_before: u64,
    /// How many looks in a row were left to others.
    left_looks: Cell<u32>,
    pub(in crate::engine::sched) streak: Cell<u32>,
    pub(in crate::engine::sched) roots_turn: Cell<Turn>,
    pub(in crate::engine::sched) searching: Cell<bool>,
    pub(in crate::engine::sched) pushes: Cell<Pushes>,
    pub(in crate::engine::sched) spin: Spin,
    pub(in crate::engine::sched) accounts: Accounts,
    wheel: WheelSeat<'e>,
    /// What the last look at sockets and timers found, until it is woken.
    pub(in crate::engine::sched) found: Cell<Vec<Waker>>,
    pub(in crate::engine::sched) thief: Thief,
    /// The last look in passing since the last search, and the polls begun by then.
    paced: Cell<Option<(Instant, u64)>>,
}

/// Where this thread's wakes and spawns go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::engine::sched) enum Pushes {
    /// What the poll that runs has just touched goes next.
    Slot,
    /// Behind all that is there: first in, first out.
    InOrder,
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
    pub(crate) fn new(engine: &'e Arc<Engine>, index: usize, deque: Deque<Runnable>, searching: bool) -> Self {
        Worker {
            engine,
            place: engine.places.get(index),
            index,
            deque,
            tick: Cell::new(0),
            polls_before: engine.places.get(index).polls.load(Ordering::Relaxed),
            left_looks: Cell::new(0),
            streak: Cell::new(0),
            roots_turn: Cell::new(Turn::Asleep),
            searching: Cell::new(searching),
            pushes: Cell::new(match engine.config.flavor {
                Flavor::MultiThread if engine.config.next_task_slot => Pushes::Slot,
                Flavor::MultiThread | Flavor::CurrentThread | Flavor::Local => Pushes::Queue,
            }),
            spin: Spin::new(),
            accounts: Accounts::new(),
            wheel: engine.drive.wheels.get(index as u32).take_seat(),
            found: Cell::new(Vec::new()),
            thief: Thief::new(),
            paced: Cell::new(None),
        }
    }

    /// Works until the root is complete or the engine closes. Gives the deque back, and says whether it was searching.
    pub(in crate::engine::sched) fn run(self, root: &mut impl Root) -> (End, Deque<Runnable>, bool) {
        self.place.set_thread(self.engine.config.flavor == Flavor::MultiThread);
        let _set_up = self.engine.set_up_thread(self.index);
        let installed = here::install(&self);
        self.open_accounts();
        let end = self.run_here(root);
        drop(installed);
        self.close_accounts();
        (end, self.deque, self.searching.get())
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
            if self.is_time_for(self.engine.config.event_interval) {
                self.look_in_passing();
                if self.place.is_dismissed() {
                    return End::Retired;
                }
            }
            let task = self.next_task().or_else(|| self.search(root));
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
                self.root_goes_next();
            } else if !self.sleep(root) {
                return End::Retired;
            }
        }
    }

    #[inline]
    fn poll_task(&self, task: Runnable) {
        self.stop_searching();
        let tick = self.tick.get().wrapping_add(1);
        self.tick.set(tick);
        self.place.polls.store(self.polls_before.wrapping_add(tick), Ordering::Relaxed);
        budget::refill(Budget::PER_POLL);
        if self.engine.watches_polls {
            self.engine.poll_watched(task, self.index)
        } else {
            task.run()
        }
        budget::refill(Budget::UNCONSTRAINED);
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
        let more_waits =
            || !self.deque.is_empty() || !engine.inject.is_empty() || engine.places.iter().any(Place::has_backlog);
        if engine.idle.stop_searching() && engine.idle.someone_to_wake() && more_waits() {
            engine.wake(engine.idle.submitted_locally());
        }
    }

    /// Something that is done every so many polls.
    #[inline]
    fn is_time_for(&self, interval: u32) -> bool {
        // A division of 64 bits takes longer.
        (self.tick.get() as u32).is_multiple_of(interval)
    }

    #[inline]
    fn next_task(&self) -> Option<Runnable> {
        if self.is_time_for(self.engine.config.inject_interval)
            && let Some(task) = self.engine.inject.pop()
        {
            return Some(task);
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

    /// A look while there is work. Events that a worker takes on top of a long queue wait there behind all of it, while
    /// in the kernel they are anybody's: such a worker leaves them for a while.
    fn look_in_passing(&self) {
        self.pass_on();
        self.publish_pace();
        let leaves =
            self.engine.config.workers > 1 && self.deque.len() >= LONG_QUEUE && self.left_looks.get() < LEFT_LOOKS_MOST;
        self.left_looks.set(if leaves { self.left_looks.get() + 1 } else { 0 });
        self.turn(!leaves);
    }

    /// How long a poll takes here, for thieves.
    fn publish_pace(&self) {
        let (now, tick) = (Instant::now(), self.tick.get());
        if let Some((before, then)) = self.paced.replace(Some((now, tick)))
            && let Some(each) = (now.saturating_duration_since(before).as_nanos() as u64).checked_div(tick - then)
        {
            self.place.pace_ns.store(each, Ordering::Relaxed);
        }
    }

    /// Sockets and timers, if nobody else looks at them right now; and this worker's own timers.
    pub(in crate::engine::sched) fn turn_without_blocking(&self) {
        self.turn(true);
    }

    fn turn(&self, looks: bool) {
        let drive = &self.engine.drive;
        if !drive.is_used() {
            return;
        }
        let mut found = self.found.take();
        if looks && let Some(mut lead) = drive.try_lead() {
            lead.look(&mut found);
        }
        let next = self.wheel.wheel().next();
        if next != NEVER {
            let now = drive.clock.tick();
            if next <= now {
                Reach::Own(&self.wheel).visit(now, WOKEN_MOST, &mut found);
            }
        }
        self.found.set(found);
        self.wake_found();
    }

    /// Wakes what the last look found; it goes to the queue, not to the slot.
    pub(in crate::engine::sched) fn wake_found(&self) {
        let mut found = self.found.take();
        if !found.is_empty() {
            let before = self.pushes.replace(Pushes::Queue);
            wake_all(&mut found);
            self.pushes.set(before);
        }
        // The memory is for the next time, unless that was a great many.
        if found.capacity() <= WOKEN_MOST {
            self.found.set(found);
        }
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
            Pushes::InOrder => return self.push_in_order(task),
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
        self.deque.push(task);
        if self.deque.len() >= backlog {
            let wake = self.engine.idle.submitted_locally();
            if wake.is_some() {
                self.engine.wake(wake);
            }
        }
    }

    /// A yielding task: behind the others, and nobody is woken for it.
    #[inline]
    pub(crate) fn push_yielded(&self, task: Runnable) {
        self.accounts.count_schedule();
        self.deque.push(task);
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
        while let Some(task) = self.deque.pop() {
            left.push(task);
        }
        if !left.is_empty() {
            self.engine.inject.push_chain(left);
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
            self.deque.push(task);
        }
        self.rest();
        let pushes = self.pushes.replace(Pushes::Others);
        self.engine.enter_blocking(self.place);
        Blocking { worker: self, pushes, budget: budget::take() }
    }
}
