//! The yard: what the workers of one runtime share, to find work and to wake each other.
//!
//! Owns: places, queues, the idle protocol, the drive, the pool, the handshake with the guarantor; and how somebody is woken.
//! Not here: where a task goes (`route`), whether anything is left to happen (`rest`), what one worker does (`worker`), the
//! threads (`life`).
//!
//! A yard starts no thread and knows none. It lies inside its engine, and a worker holds a reference to it: its thread
//! keeps the engine alive. So models and tests have a yard without an engine.

use crate::engine::base::atomics::{AtomicBool, AtomicU32, Mutex, Ordering};
use crate::engine::base::pad::Padded;
use crate::engine::base::parker::AfterUnpark;
use crate::engine::drive::Drive;
use crate::engine::histogram::Histogram;
use crate::engine::sched::config::{Config, Flavor};
use crate::engine::sched::guarantor::{Guarantor, Rouse};
use crate::engine::sched::life::pool::Pool;
use crate::engine::sched::places::idle::{Idle, Wake};
use crate::engine::sched::places::inject::Inject;
use crate::engine::sched::places::place::{Doing, Place, Places};
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::places::roots::Roots;
use crate::engine::sched::places::stats::SharedStats;
use std::sync::{Arc, Weak};

/// For so many tasks of a batch one worker is woken at once, and so many workers at the most: each of them wakes the next.
const AT_ONCE: usize = 16;
const WOKEN_AT_ONCE: usize = 4;

/// What keeps a yard in memory: its engine.
pub(in crate::engine::sched) trait Keeper: Send + Sync {
    fn yard(&self) -> &Yard;
    /// There is no guarantor: tries to start one.
    fn recall_guarantor(&self);
}

pub(crate) struct Yard {
    /// No other engine and no `LocalSet` has this number.
    pub(super) id: u64,
    pub(super) config: Config,
    pub(super) places: Places,
    pub(super) idle: Padded<Idle>,
    pub(super) inject: Padded<Inject>,
    pub(super) drive: Drive,
    pub(super) blocking: Pool,
    pub(super) stats: SharedStats,
    pub(super) guarantor: Guarantor,
    /// Futures of `block_on` whose threads are no workers.
    pub(super) roots: Roots,
    /// Moves each millisecond or few while a worker is awake: see `worker::looks`.
    pub(super) beat: Padded<AtomicU32>,
    /// Hooks or a histogram want to see every poll.
    pub(super) watches_polls: bool,
    pub(super) histogram: Option<Histogram>,
    pub(super) closing: AtomicBool,
    /// It ends, and nobody drains any more: see `life/drain`.
    pub(super) drain_gave_up: AtomicBool,
    /// What kept the engine when a drain gave up, for those who still hold a task of it.
    pub(super) left_behind: Mutex<Option<Arc<dyn Keeper>>>,
    keeper: Weak<dyn Keeper>,
}

impl Yard {
    /// `places`: so many threads run tasks at the most.
    pub(super) fn new(id: u64, config: Config, places: usize, drive: Drive, keeper: Weak<dyn Keeper>) -> Yard {
        // On the current-thread flavors the one worker counts as there, whether a thread holds its place or not.
        let active = usize::from(config.flavor != Flavor::MultiThread);
        Yard {
            id,
            places: Places::new(places),
            idle: Padded(Idle::new(active, places)),
            inject: Padded(Inject::new()),
            drive,
            blocking: Pool::new(&config),
            stats: SharedStats::default(),
            guarantor: Guarantor::new(),
            roots: Roots::new(),
            beat: Padded::default(),
            watches_polls: config.before_poll.is_some()
                || config.after_poll.is_some()
                || config.poll_histogram.is_some(),
            histogram: config.poll_histogram.map(Histogram::new),
            closing: AtomicBool::new(false),
            drain_gave_up: AtomicBool::new(false),
            left_behind: Mutex::new(None),
            keeper,
            config,
        }
    }

    /// A reference that keeps the yard in memory.
    pub(super) fn keep(&self) -> Arc<dyn Keeper> {
        self.keeper.upgrade().expect("BUG: a yard is used after the last reference to its engine is gone")
    }

    /// How many tasks are alive. Exact once the engine is closing; never too small.
    pub(super) fn alive(&self) -> u64 {
        self.places.alive(&self.stats)
    }

    pub(super) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::Relaxed)
    }

    /// Carries out what the idle protocol decided.
    pub(super) fn wake(&self, wake: Option<Wake>) {
        match wake {
            None => {}
            Some(Wake::Worker(index)) => self.unpark(self.places.get(index)),
            Some(Wake::Seat) => self.want_thread(),
        }
    }

    /// So many tasks came at once: those who sleep need not wait until one worker has woken the next.
    pub(super) fn wake_for(&self, tasks: usize) {
        for _ in 0..(tasks / AT_ONCE).min(WOKEN_AT_ONCE) {
            match self.idle.wake_sleeper() {
                Some(wake) => self.wake(Some(wake)),
                None => return,
            }
        }
    }

    pub(super) fn unpark(&self, place: &Place) {
        if place.parker.unpark() == AfterUnpark::NotifyDriver {
            self.drive.notify();
        }
    }

    /// Does a task lie in the queue of a worker?
    pub(super) fn any_backlog(&self) -> bool {
        self.places.iter().any(Place::has_backlog)
    }

    /// A searcher has found work, and stops. If nobody else searches and more waits, wherever it does, somebody else must
    /// look: whoever has it may have relied on this search.
    pub(super) fn found_work(&self) {
        let more_waits = || !self.inject.is_empty() || self.any_backlog();
        if self.idle.stop_searching() && self.idle.someone_to_wake() && more_waits() {
            self.wake(self.idle.submitted_locally());
        }
    }

    /// The last look before a sleep. `everywhere`: whoever looks was the last searcher.
    pub(super) fn work_waits(&self, everywhere: bool) -> bool {
        !self.inject.is_empty() || self.is_closing() || (everywhere && self.any_backlog())
    }

    /// A worker blocks, and says so. Its seat is for somebody who runs what it has and what it would have run.
    pub(super) fn enter_blocking(&self, place: &Place) {
        place.set_doing(Doing::Blocking);
        self.idle.give_seat(place.seated.swap(false, Ordering::Relaxed));
        // At all queues: a worker that has found nobody to wake for its own relied on nobody, and may be inside a long poll.
        if !self.is_closing() && (!self.inject.is_empty() || self.places.iter().any(Place::has_work)) {
            self.wake(self.idle.submitted());
        }
    }

    /// It is back, in a seat or as a spare.
    pub(super) fn leave_blocking(&self, place: &Place) {
        // In this order: a paused clock must find one or the other.
        place.seated.store(self.idle.come_back(), Ordering::Relaxed);
        place.set_doing(Doing::Running);
        self.a_worker_woke();
    }

    /// A worker leaves its place for good. What was pushed while nobody else could be woken needs somebody now.
    pub(super) fn leave_place(&self, index: usize, deque: Queues, searching: bool) {
        if self.config.flavor == Flavor::MultiThread {
            self.idle.leave(searching);
            // It may have waited for sockets and timers, and all others may be asleep elsewhere.
            self.rouse_guarantor();
        } else if searching {
            // Its one worker counts as there all the time. Nobody relies on this search: there is nobody to wake.
            let _ = self.idle.stop_searching();
        }
        self.places.give_back(index, deque);
        // Its timers are the leader's now.
        self.drive.settle(self.drive.wheels.get(index as u32).next());
        self.reconsider_the_clock();
        if !self.inject.is_empty() && !self.is_closing() {
            self.wake(self.idle.submitted());
        }
    }

    /// A worker has counted itself active: the guarantor must watch it.
    #[inline]
    pub(super) fn a_worker_woke(&self) {
        if self.guarantor.a_worker_woke() == Rouse::Unpark {
            self.unpark_guarantor();
        }
    }

    /// A worker has counted itself asleep.
    #[inline]
    pub(super) fn a_worker_sleeps(&self) {
        self.guarantor.a_worker_sleeps(|| self.idle.active() == 0);
    }

    /// A seat is vacant, and work waits.
    fn want_thread(&self) {
        self.guarantor.want_thread();
        self.rouse_guarantor();
    }

    /// There is something for the guarantor to see.
    pub(super) fn rouse_guarantor(&self) {
        self.guarantor.rouse();
        self.unpark_guarantor();
    }

    fn unpark_guarantor(&self) {
        if self.guarantor.parker.unpark() == AfterUnpark::NotifyDriver {
            self.drive.notify();
        }
    }

    /// Does nobody move the beat but workers?
    #[inline]
    pub(super) fn has_no_guarantor(&self) -> bool {
        self.config.flavor != Flavor::MultiThread || self.guarantor.is_gone()
    }

    /// The only worker, which moves the beat, asks whether there are threads again.
    pub(super) fn recall_guarantor(&self) {
        if self.config.flavor == Flavor::MultiThread && !self.is_closing() {
            self.keep().recall_guarantor();
        }
    }

    /// Something that kept a paused clock from moving may be over: the leader looks again.
    pub(super) fn reconsider_the_clock(&self) {
        if self.drive.clock.is_paused() {
            self.drive.notify();
        }
    }
}
