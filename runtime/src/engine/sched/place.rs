//! What other threads see of a worker, and where it leaves its things when its thread goes.
//!
//! Owns: the table of places, each with stealer, next-task slot, parker, list of owned tasks, counters.
//! Imports: `base`, `cell`.   Not here: the worker's own half (`worker`), who sleeps (`idle`).
//!
//! Places are made on demand and never go before the engine does: the first N belong to the workers, further ones to
//! spares, to threads whose neighbours called `block_in_place`, and to a second `block_on`. A thief looks at the places
//! made so far, so their number is also the length of a search.

use super::next_task::NextTask;
use super::stats::{PlaceStats, SharedStats};
use super::sys;
use crate::engine::base::atomics::Mutex;
use crate::engine::base::cpu_time;
use crate::engine::base::pad::Padded;
use crate::engine::base::parker::Parker;
use crate::engine::cell::Runnable;
use crate::engine::cell::owned::OwnedTasks;
use crossbeam_deque::{Stealer, Worker as Deque};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;
use std::time::Duration;

/// What the worker of a place is doing, for those who only look (the guarantor, metrics). Never decides about memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Doing {
    /// No thread holds the place.
    Nothing,
    Running,
    Sleeping,
    /// Inside `block_in_place`: it said itself that it blocks.
    Blocking,
}

pub(crate) struct Place {
    /// Written by its worker on every wake, by thieves seldom.
    pub(crate) next: Padded<NextTask>,
    /// How many polls the worker has begun: a number that stands still is a poll that takes long.
    pub(crate) polls: Padded<AtomicU64>,
    pub(crate) stealer: Stealer<Runnable>,
    pub(crate) parker: Arc<Parker>,
    pub(crate) owned: OwnedTasks,
    pub(crate) stats: PlaceStats,
    thread: Mutex<Option<ThreadId>>,
    /// The same thread as the operating system calls it.
    os_thread: AtomicU32,
    doing: AtomicU8,
    /// The deque's owning half while no thread holds the place.
    home: Mutex<Option<Deque<Runnable>>>,
    /// Does the place count as one of the N (else as a spare)?
    pub(crate) counted: AtomicBool,
    /// The guarantor's word to a spare: those it stood in for are back.
    dismissed: AtomicBool,
}

impl Place {
    fn new() -> Self {
        let deque = Deque::new_fifo();
        let stats = PlaceStats::default();
        // As if asleep: no thread holds it.
        stats.parks_and_unparks.add(1);
        Place {
            next: Padded(NextTask::new()),
            polls: Padded(AtomicU64::new(0)),
            stealer: deque.stealer(),
            parker: Arc::new(Parker::new()),
            owned: OwnedTasks::new(),
            stats,
            thread: Mutex::new(None),
            os_thread: AtomicU32::new(0),
            doing: AtomicU8::new(Doing::Nothing as u8),
            home: Mutex::new(Some(deque)),
            counted: AtomicBool::new(false),
            dismissed: AtomicBool::new(false),
        }
    }

    pub(crate) fn doing(&self) -> Doing {
        match self.doing.load(Ordering::Relaxed) {
            0 => Doing::Nothing,
            1 => Doing::Running,
            2 => Doing::Sleeping,
            _ => Doing::Blocking,
        }
    }

    pub(crate) fn set_doing(&self, doing: Doing) {
        self.doing.store(doing as u8, Ordering::Relaxed);
    }

    /// The thread that held the place last.
    pub(crate) fn thread_id(&self) -> Option<ThreadId> {
        *self.thread.lock()
    }

    pub(super) fn set_thread(&self) {
        *self.thread.lock() = Some(std::thread::current().id());
        self.os_thread.store(sys::this_thread(), Ordering::Relaxed);
    }

    /// Is the place's thread on a CPU, or ready for one?
    pub(super) fn computes(&self) -> bool {
        sys::is_running(self.os_thread.load(Ordering::Relaxed))
    }

    /// How long the place's thread has been on a CPU in all. `None`: not known.
    pub(super) fn cpu_time(&self) -> Option<Duration> {
        cpu_time(self.os_thread.load(Ordering::Relaxed))
    }

    /// Do tasks wait in the queue?
    pub(crate) fn has_backlog(&self) -> bool {
        !self.stealer.is_empty()
    }

    /// Is there a task that another worker could take?
    pub(crate) fn has_work(&self) -> bool {
        !self.stealer.is_empty() || !self.next.is_empty()
    }

    /// A spare leaves when it has finished its poll; any other worker stays.
    pub(super) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(super) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed) && !self.counted.load(Ordering::Relaxed)
    }

    pub(super) fn put_home(&self, deque: Deque<Runnable>) {
        *self.home.lock() = Some(deque);
    }

    pub(super) fn take_home(&self) -> Option<Deque<Runnable>> {
        self.home.lock().take()
    }
}

/// All places of an engine.
pub(crate) struct Places {
    table: Box<[OnceLock<Box<Place>>]>,
    made: AtomicUsize,
    free: Mutex<Vec<usize>>,
}

impl Places {
    pub(crate) fn new(most: usize) -> Self {
        Places {
            table: (0..most).map(|_| OnceLock::new()).collect(),
            made: AtomicUsize::new(0),
            free: Mutex::new(Vec::new()),
        }
    }

    /// The places made so far.
    pub(crate) fn iter(&self) -> impl Iterator<Item = &Place> {
        self.table[..self.made()].iter().filter_map(|place| place.get().map(|boxed| &**boxed))
    }

    pub(crate) fn made(&self) -> usize {
        self.made.load(Ordering::Acquire)
    }

    pub(crate) fn get(&self, index: usize) -> &Place {
        self.table[index].get().expect("BUG: a place is used by its index before it was made")
    }

    /// Takes a place that no thread holds, with its deque. `None`: all of the table is in use.
    pub(crate) fn take(&self) -> Option<(usize, Deque<Runnable>)> {
        let mut free = self.free.lock();
        let index = match free.pop() {
            Some(index) => index,
            None => {
                let index = self.made.load(Ordering::Relaxed);
                self.table.get(index)?.get_or_init(|| Box::new(Place::new()));
                self.made.store(index + 1, Ordering::Release);
                index
            }
        };
        let place = self.get(index);
        let deque = place.take_home().expect("BUG: a free place has its deque at home");
        place.set_doing(Doing::Running);
        place.dismissed.store(false, Ordering::Relaxed);
        Some((index, deque))
    }

    /// How many tasks are alive: the sum over all places and `shared`, in the order that `stats` explains.
    pub(crate) fn alive(&self, shared: &SharedStats) -> u64 {
        let finished: u64 = self.iter().map(|place| place.stats.finished.get()).sum();
        let finished = finished.wrapping_add(shared.finished.get());
        let spawned: u64 = self.iter().map(|place| place.stats.spawned.get()).sum();
        spawned.wrapping_add(shared.spawned.get()).wrapping_sub(finished)
    }

    /// May a thread take a place?
    pub(crate) fn any_free(&self) -> bool {
        !self.free.lock().is_empty() || self.made() < self.table.len()
    }

    /// Is a thread in any place?
    pub(crate) fn any_taken(&self) -> bool {
        let free = self.free.lock();
        free.len() < self.made()
    }

    /// Gives a place back. Its deque must be empty.
    pub(crate) fn give_back(&self, index: usize, deque: Deque<Runnable>) {
        let place = self.get(index);
        place.set_doing(Doing::Nothing);
        place.put_home(deque);
        let mut free = self.free.lock();
        free.push(index);
        // The lowest first: thieves look at few places then.
        free.sort_unstable_by(|a, b| b.cmp(a));
    }
}
