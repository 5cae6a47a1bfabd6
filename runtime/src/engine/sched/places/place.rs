//! What other threads see of a worker, and where it leaves its things when its thread goes.
//!
//! Owns: the table of places, each with stealers, next-task slot, parker, list of owned tasks, counters.
//! Not here: the worker's own half (`worker`), who sleeps (`idle`).
//!
//! Places are made on demand and never go before the engine does: the first N belong to the workers, further ones to
//! spares and to threads whose neighbours called `block_in_place`. A thief looks at the places
//! made so far, so their number is also the length of a search.

use crate::engine::base::atomics::Mutex;
use crate::engine::base::pad::Padded;
use crate::engine::base::parker::Parker;
use crate::engine::cell::Runnable;
use crate::engine::cell::owned::OwnedTasks;
use crate::engine::sched::places::next_task::NextTask;
use crate::engine::sched::places::queues::Queues;
use crate::engine::sched::places::stats::{PlaceStats, SharedStats};
use crate::engine::sched::sys;
use crate::engine::sched::worker::block_on::PlaceBell;
use crossbeam_deque::Stealer;
use std::cell::Cell;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::thread::ThreadId;

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
    /// How long a poll takes here, as measured at the last look: for thieves. 0: not known yet.
    pub(crate) pace_ns: AtomicU64,
    pub(crate) stealer: Stealer<Runnable>,
    /// Of the tasks that gave way.
    pub(crate) yielded: Stealer<Runnable>,
    pub(crate) parker: Arc<Parker>,
    pub(crate) owned: OwnedTasks,
    pub(crate) stats: PlaceStats,
    /// What the future of `block_on` is woken by, made for the first one that is polled here.
    pub(in crate::engine::sched) root: OnceLock<PlaceBell>,
    thread: Mutex<Option<ThreadId>>,
    /// Our own number of that thread: whoever comes back here has nothing to write.
    thread_number: AtomicU64,
    /// The same thread as the operating system calls it.
    os_thread: AtomicU32,
    doing: AtomicU8,
    /// The queues' owning halves on their way to a thread that is being started.
    home: Mutex<Option<Queues>>,
    /// Has its worker one of the N seats? (Else it is a spare, or blocks in place.) Written by its thread.
    pub(crate) seated: AtomicBool,
    /// The guarantor's word to a spare: those it stood in for are back.
    dismissed: AtomicBool,
}

impl Place {
    fn new(queues: &Queues) -> Self {
        let stats = PlaceStats::default();
        // As if asleep: no thread holds it.
        stats.parks_and_unparks.add(1);
        Place {
            next: Padded(NextTask::new()),
            polls: Padded(AtomicU64::new(0)),
            pace_ns: AtomicU64::new(0),
            stealer: queues.ready.stealer(),
            yielded: queues.yielded.stealer(),
            parker: Arc::new(Parker::new()),
            owned: OwnedTasks::new(),
            stats,
            root: OnceLock::new(),
            thread: Mutex::new(None),
            thread_number: AtomicU64::new(0),
            os_thread: AtomicU32::new(0),
            doing: AtomicU8::new(Doing::Nothing as u8),
            home: Mutex::new(None),
            seated: AtomicBool::new(false),
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

    /// The calling thread holds the place now. `is_watched`: by a guarantor, which asks what the thread does.
    pub(in crate::engine::sched) fn set_thread(&self, is_watched: bool) {
        let number = this_threads_number();
        if self.thread_number.load(Ordering::Relaxed) == number {
            return;
        }
        *self.thread.lock() = Some(std::thread::current().id());
        if is_watched {
            self.os_thread.store(sys::this_thread(), Ordering::Relaxed);
        }
        self.thread_number.store(number, Ordering::Relaxed);
    }

    /// The place's thread, as the operating system calls it.
    pub(in crate::engine::sched) fn os_thread(&self) -> u32 {
        self.os_thread.load(Ordering::Relaxed)
    }

    /// Do tasks wait in a queue?
    pub(crate) fn has_backlog(&self) -> bool {
        !self.stealer.is_empty() || !self.yielded.is_empty()
    }

    /// Is there a task that another worker could take?
    pub(crate) fn has_work(&self) -> bool {
        self.has_backlog() || !self.next.is_empty()
    }

    /// A spare leaves when it has finished its poll; any other worker stays.
    pub(in crate::engine::sched) fn dismiss(&self) {
        self.dismissed.store(true, Ordering::Relaxed);
    }

    #[inline]
    pub(in crate::engine::sched) fn is_dismissed(&self) -> bool {
        self.dismissed.load(Ordering::Relaxed) && !self.seated.load(Ordering::Relaxed)
    }

    pub(in crate::engine::sched) fn put_home(&self, queues: Queues) {
        *self.home.lock() = Some(queues);
    }

    pub(in crate::engine::sched) fn take_home(&self) -> Option<Queues> {
        self.home.lock().take()
    }
}

/// A number that no other thread of this process ever has; not 0.
fn this_threads_number() -> u64 {
    static NUMBERS: AtomicU64 = AtomicU64::new(1);
    thread_local!(static NUMBER: Cell<u64> = const { Cell::new(0) });
    if NUMBER.get() == 0 {
        NUMBER.set(NUMBERS.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.get()
}

/// All places of an engine.
pub(crate) struct Places {
    table: Box<[OnceLock<Box<Place>>]>,
    made: AtomicUsize,
    /// Places without a thread, each with its queues.
    free: Mutex<Vec<(usize, Queues)>>,
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

    /// Takes a place that no thread holds, with its queues. `None`: all of the table is in use.
    pub(crate) fn take(&self) -> Option<(usize, Queues)> {
        let mut free = self.free.lock();
        let (index, queues) = match free.pop() {
            Some(free) => free,
            None => {
                let index = self.made.load(Ordering::Relaxed);
                let entry = self.table.get(index)?;
                let queues = Queues::new();
                entry.get_or_init(|| Box::new(Place::new(&queues)));
                self.made.store(index + 1, Ordering::Release);
                (index, queues)
            }
        };
        let place = self.get(index);
        place.set_doing(Doing::Running);
        place.dismissed.store(false, Ordering::Relaxed);
        Some((index, queues))
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

    /// Gives a place back. Its queues must be empty.
    pub(crate) fn give_back(&self, index: usize, queues: Queues) {
        self.get(index).set_doing(Doing::Nothing);
        let mut free = self.free.lock();
        // The lowest comes out first: thieves look at few places then.
        let at = free.partition_point(|other| other.0 > index);
        free.insert(at, (index, queues));
    }
}
