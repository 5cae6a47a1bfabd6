//! The thread that holds a place: takes tasks from here and there, polls them, and sleeps when there are none.
//!
//! Owns: a worker's half of its place: its queues, its wheel, what it has learned. It works in a yard, and knows no engine.
//! Not here: its loop (`run`), what is pushed to its queues (`route`), who may sleep or search (`places/idle`), what happens to
//! a worker that is stuck (`guarantor`).
//!
//! | file       | a worker                                                                            |
//! |------------|-------------------------------------------------------------------------------------|
//! | `run`      | takes a task, polls it, and so on                                                   |
//! | `passing`  | looks at sockets and timers between polls, when `looks` says so                     |
//! | `search`   | looks for work elsewhere, and takes from whom `steal` says                          |
//! | `sleep`    | sleeps                                                                              |
//! | `root`     | runs a future of `block_on` besides; `turn`: when that has its turn                 |
//! | `block_on` | is a thread inside `block_on`, or such a thread waits apart from the tasks          |
//! | `here`     | is found on its thread                                                              |
//! | `busy`     | writes down what it does, in its `accounts` and for all to see                      |

mod accounts;
pub(crate) mod block_on;
mod busy;
#[allow(unsafe_code)] // pointers to this thread's worker
pub(crate) mod here;
mod looks;
mod passing;
pub(in crate::engine::sched) mod root;
pub(in crate::engine::sched) mod run;
mod search;
mod sleep;
mod steal;
mod turn;

use crate::engine::base::budget::{self, Budget};
use crate::engine::base::spin::Spin;
use crate::engine::drive::{Access, WheelSeat};
use crate::engine::sched::config::Flavor;
use crate::engine::sched::places::inject::Chain;
use crate::engine::sched::places::place::Place;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::worker::accounts::Accounts;
use crate::engine::sched::worker::looks::Looks;
use crate::engine::sched::worker::root::Turn;
use crate::engine::sched::worker::steal::Thief;
use crate::engine::sched::yard::Yard;
use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::task::Waker;

/// A local push wakes a sibling when this many tasks wait in the queue; of spawned ones, in queue and slot together. With 1
/// a message-passing pair wakes a sibling for nothing on every send (12,370 context switches against 43 in the
/// prototype's chain benchmark).
pub(in crate::engine::sched) const BACKLOG: usize = 2;

pub(crate) struct Worker<'e> {
    pub(in crate::engine::sched) yard: &'e Yard,
    pub(in crate::engine::sched) place: &'e Place,
    pub(in crate::engine::sched) index: usize,
    pub(in crate::engine::sched) queues: Queues,
    /// The polls that this thread has begun here.
    pub(in crate::engine::sched) tick: Cell<u64>,
    /// Those that others had begun before.
    pub(in crate::engine::sched) polls_before: u64,
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
        self.worker.yard.leave_blocking(self.worker.place);
        self.worker.pushes.set(self.pushes);
        budget::refill(self.budget);
    }
}

impl<'e> Worker<'e> {
    /// `searching`: whoever made us counted us as a searcher.
    pub(in crate::engine::sched) fn new(yard: &'e Yard, index: usize, queues: Queues, searching: bool) -> Self {
        Worker {
            yard,
            place: yard.places.get(index),
            index,
            queues,
            tick: Cell::new(0),
            polls_before: yard.places.get(index).polls.load(Ordering::Relaxed),
            looks: Looks::new(
                yard.config.event_interval,
                yard.config.inject_interval,
                yard.has_no_guarantor(),
                yard.places.get(index).pace_ns.load(Ordering::Relaxed),
            ),
            inject_due: Cell::new(false),
            left_looks: Cell::new(0),
            streak: Cell::new(0),
            roots_turn: Cell::new(Turn::Asleep),
            root_waits_for: Cell::new(None),
            searching: Cell::new(searching),
            // The current-thread flavors have no guarantor.
            is_watched: Cell::new(yard.config.flavor != Flavor::MultiThread),
            pushes: Cell::new(match yard.config.flavor {
                Flavor::MultiThread if yard.config.next_task_slot => Pushes::Slot,
                Flavor::MultiThread | Flavor::CurrentThread | Flavor::Local => Pushes::Queue,
            }),
            spin: Spin::new(),
            accounts: Accounts::new(),
            wheel: yard.drive.wheels.get(index as u32).take_seat(),
            found: Cell::new(Vec::new()),
            thief: Thief::new(),
        }
    }

    /// For those who only look at differences.
    #[inline]
    pub(in crate::engine::sched) fn polls_here(&self) -> u32 {
        self.tick.get() as u32
    }

    /// Its wheel, if it looks after that now: inside `block_in_place` it is a thread like any other.
    #[inline]
    pub(crate) fn own_wheel(&self) -> Option<Access<'_>> {
        (self.pushes.get() != Pushes::Others).then_some(Access::Own(&self.wheel))
    }

    pub(crate) fn index(&self) -> usize {
        self.index
    }

    /// Puts what is left where others find it.
    pub(crate) fn flush(&self) {
        let mut left = Chain::new();
        if let Some(task) = self.place.next.take() {
            left.push(task);
        }
        for queue in [&self.queues.ready, &self.queues.yielded] {
            while let Some(task) = queue.pop() {
                left.push(task);
            }
        }
        if !left.is_empty() {
            self.yard.inject.put_back(left);
            self.yard.wake(self.yard.idle.submitted());
        }
    }

    /// This worker will not look after its timers for a while: the leader does.
    pub(in crate::engine::sched) fn rest(&self) {
        self.wheel.rest();
        self.yard.drive.settle(self.wheel.wheel().next());
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
        self.yard.enter_blocking(self.place);
        Blocking { worker: self, pushes, budget: budget::take() }
    }
}
