//! The guarantor: a thread that never runs user futures, so that something is awake when every worker is stuck.
//!
//! Owns: the driver thread's loop and its samples.   Imports: `engine`, `drive`.
//! Not here: polling the kernel in the common case (a worker that runs dry does it: `worker`).
//!
//! Once a millisecond, while any worker is awake, it
//! * looks at sockets and timers if no worker has, and queues what is due with one wake-up;
//! * compares each worker's count of polls with the last tick's. A count that stands still is a long poll, or a block.
//!   After `SLOT_TICKS` the task in that worker's next-task slot moves to the inject queue, and its due timers fire.
//!   After `STUCK_TICKS`, with work waiting, it wakes a sleeper, or starts a spare: a worker beyond the N, which takes the stuck one's queue
//!   through its stealer. A worker that *waits* is replaced by one spare; beside workers that *compute* only half as
//!   many as they are start in all; for one that is ready but *kept off the CPUs* by other threads, none: there is no
//!   CPU for a spare either. At most one spare starts in a tick, and no more than `SPARES_MAX` live;
//! * dismisses a spare when more than N workers have been getting on with their work for `OVERSTAFFED_TICKS`: more
//!   threads than CPUs only take turns, and move the tasks about.
//!
//! When all workers sleep it sleeps too, without a timeout, in the driver if nobody is there: an idle runtime does not
//! wake up at all.
//!
//! Deep sleep against a worker that wakes up:
//!
//! ```text
//! guarantor: deep = true   - fence D1 -  read how many are active; sleep if none
//! worker:    counts itself active (SeqCst, in `idle`)   - fence D2 -  read deep; unpark the guarantor
//! ```
//!
//! One fence is first, so either the guarantor sees the worker, or the worker sees `deep`.
//!
//! It hides bugs as well as it cures stalls: `Config::guarantor` turns it off, and the models and a part of the tests
//! run without it.

use crate::engine::base::atomics::{AtomicBool, Ordering, fence};
use crate::engine::base::parker::{AfterUnpark, Parker};
use crate::engine::drive::Sleeper;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::places::inject::Chain;
use crate::engine::sched::places::place::{Doing, Place};
use crate::engine::sched::sys::ExactSleeps;
use crate::engine::sched::sys::fd_table;
use std::io;
use std::sync::Arc;
use std::task::Waker;
use std::time::{Duration, Instant};

/// How long a wake-up may lie unnoticed while all workers are busy. A timed sleep of 1 ms costs about 0.5 % of a core.
const TICK: Duration = Duration::from_millis(1);

/// Ticks without a new poll before the task in the next-task slot is given to others.
const SLOT_TICKS: u32 = 1;

/// Ticks without a new poll before a worker counts as stuck. A loop that spawns 100,000 tasks takes longer: a spare
/// then is harmless, since it finds work.
const STUCK_TICKS: u32 = 3;

/// Ticks with more than N workers getting on before a spare goes. Spares cost 30 us to start, so one that may be needed
/// again at once is not sent away at once.
const OVERSTAFFED_TICKS: u32 = 5;

/// Ticks in which nobody was awake before the guarantor sleeps without a timeout.
const IDLE_TICKS: u32 = 10;

/// So many threads run tasks at the most while workers compute for long: some more than N, so that the system shares the
/// CPUs out and a ready task is not behind all of them; not many, since there are no more CPUs.
fn computing_limit(workers: usize) -> usize {
    workers + (workers / 2).max(1)
}

/// A limit on spares, for the case that every task blocks. Callers of `block_in_place` have spares beyond it.
const SPARES_MAX: u64 = 64;

pub(crate) struct Guarantor {
    deep: AtomicBool,
    hands: Hands,
    pub(in crate::engine::sched) parker: Arc<Parker>,
}

impl Guarantor {
    pub(crate) fn new() -> Self {
        Guarantor { deep: AtomicBool::new(false), hands: Hands::default(), parker: Arc::new(Parker::new()) }
    }

    /// The guarantor's side of the handshake. A token that was left meanwhile ends `wait` at once.
    pub(in crate::engine::sched) fn sleep_deeply(&self, nobody_awake: impl FnOnce() -> bool, wait: impl FnOnce()) {
        self.deep.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst); // D1
        if nobody_awake() {
            wait();
        }
        self.deep.store(false, Ordering::SeqCst);
    }

    /// The worker's side, after it has counted itself active. `true`: unpark the guarantor.
    #[inline]
    pub(in crate::engine::sched) fn is_needed(&self) -> bool {
        fence(Ordering::SeqCst); // D2
        self.deep.load(Ordering::Relaxed) && self.deep.swap(false, Ordering::SeqCst)
    }
}

/// Does the guarantor hold wakers or tasks that nobody else sees? A clock that stands still must not move then.
///
/// Set before anything is taken, and taken back when all of it has been handed on. Whoever asks in vain says so, and is
/// told: both sides write their word before they read the other's.
#[derive(Default)]
struct Hands {
    full: AtomicBool,
    asked: AtomicBool,
}

impl Hands {
    fn fill(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// `true`: somebody asked meanwhile.
    fn empty(&self) -> bool {
        self.full.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.asked.load(Ordering::SeqCst) && self.asked.swap(false, Ordering::SeqCst)
    }

    fn are_empty(&self) -> bool {
        if !self.full.load(Ordering::SeqCst) {
            return true;
        }
        self.asked.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        !self.full.load(Ordering::SeqCst)
    }
}

/// What the last tick saw of one place.
#[derive(Clone, Copy, Default)]
struct Sample {
    polls: u64,
    still: u32,
    /// When the count was first seen standing still, and how long the thread had been on a CPU by then.
    since: Option<(Instant, Duration)>,
}

impl Sample {
    fn take(&mut self, place: &Place) {
        match place.doing() {
            Doing::Nothing | Doing::Sleeping => self.still = 0,
            Doing::Blocking => self.still = STUCK_TICKS + 1,
            Doing::Running => {
                let polls = place.polls.load(Ordering::Relaxed);
                self.still = if polls == self.polls { self.still + 1 } else { 0 };
                self.polls = polls;
                if self.still == 1 {
                    self.since = place.cpu_time().map(|used| (Instant::now(), used));
                }
            }
        }
    }

    /// Why the count stands still.
    fn hold(&self, place: &Place) -> Hold {
        // Less than a quarter of the time is what a thread gets that is out of the CPU's reach, not one that has a share.
        let on_cpu = self.since.is_none_or(|(since, used)| {
            place.cpu_time().is_none_or(|now| now.saturating_sub(used) * 4 >= since.elapsed())
        });
        match (place.computes(), on_cpu) {
            (false, _) => Hold::Waits,
            (true, true) => Hold::Computes,
            (true, false) => Hold::OffCpu,
        }
    }
}

/// What holds up a worker whose count of polls stands still.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Hold {
    Waits,
    Computes,
    /// It could go on, but other threads have the CPUs.
    OffCpu,
}

/// What the guarantor remembers from tick to tick.
#[derive(Default)]
struct Watch {
    samples: Vec<Sample>,
    overstaffed: u32,
}

impl Engine {
    /// The thread is there from the start: its refusal is the builder's error.
    pub(in crate::engine::sched) fn start_guarantor(self: &Arc<Self>) -> io::Result<()> {
        self.start_driver_thread(|engine| engine.guard())
    }

    /// A worker is awake: the guarantor must watch it.
    #[inline]
    pub(crate) fn guarantor_awake(&self) {
        if self.guarantor.is_needed() {
            self.unpark_guarantor();
        }
    }

    pub(in crate::engine::sched) fn unpark_guarantor(&self) {
        if self.guarantor.parker.unpark() == AfterUnpark::NotifyDriver {
            self.drive.notify();
        }
    }

    pub(in crate::engine::sched) fn guarantor_holds_nothing(&self) -> bool {
        self.guarantor.hands.are_empty()
    }

    fn guard(&self) {
        let _exact = self.config.precise_timers.then(ExactSleeps::begin);
        let mut watch = Watch::default();
        let mut woken = Vec::new();
        let mut idle_ticks = 0;
        while !self.is_closing() {
            if self.is_asleep() {
                idle_ticks += 1;
            } else {
                idle_ticks = 0;
            }
            if idle_ticks > IDLE_TICKS {
                self.sleep_deeply(&mut woken);
                idle_ticks = 0;
            } else {
                self.guarantor.parker.park(Some(TICK));
            }
            self.beat.fetch_add(1, Ordering::Relaxed);
            self.guarantor.hands.fill();
            if self.config.guarantor {
                self.look_at_events(&mut woken);
                self.look_at_workers(&mut watch, &mut woken);
            }
            self.wake_as_batch(&mut woken);
            if self.guarantor.hands.empty() {
                self.reconsider_the_clock();
            }
        }
    }

    /// Nobody is awake and nothing waits. Tasks wait without anybody awake only where the system refused a thread.
    fn is_asleep(&self) -> bool {
        self.idle.active() == 0 && self.inject.is_empty()
    }

    fn sleep_deeply(&self, woken: &mut Vec<Waker>) {
        let nobody_awake = || self.is_asleep() && !self.is_closing();
        let parker = &self.guarantor.parker;
        self.guarantor.sleep_deeply(nobody_awake, || match self.drive.try_lead() {
            // Nobody waits for sockets and timers: no worker has started yet, or none is left.
            Some(mut lead) => {
                lead.wait(&Sleeper { parker, limit: None, idle: &|| self.nobody_else_is_busy() }, woken);
                self.guarantor.hands.fill();
            }
            None => parker.park(None),
        });
    }

    /// Sockets and timers that no worker has looked at.
    fn look_at_events(&self, woken: &mut Vec<Waker>) {
        fd_table::grow_for(|| self.drive.sockets());
        if self.drive.is_used()
            && let Some(mut lead) = self.drive.try_lead()
        {
            lead.look_for_workers(woken);
        }
    }

    fn look_at_workers(&self, watch: &mut Watch, woken: &mut Vec<Waker>) {
        let (mut running, mut still) = (0, Vec::new());
        let mut rescued = Chain::new();
        watch.samples.resize(self.places.made(), Sample::default());
        for (index, (place, sample)) in self.places.iter().zip(&mut watch.samples).enumerate() {
            sample.take(place);
            if sample.still >= SLOT_TICKS
                && let Some(task) = place.next.take()
            {
                rescued.push(task);
            }
            if sample.still >= SLOT_TICKS {
                self.drive.fire_overdue(index as u32, woken);
            }
            if place.doing() == Doing::Running {
                running += 1;
                if sample.still >= STUCK_TICKS {
                    still.push((place, *sample));
                }
            }
        }
        if !rescued.is_empty() {
            self.stats.rescues.add_shared(rescued.len() as u64);
            self.push_batch(rescued);
        }
        let backlog = || !self.inject.is_empty() || self.places.iter().any(Place::has_backlog);
        let relief = self.idle.searching() == 0 && backlog();
        if !relief && running <= self.config.workers {
            watch.overstaffed = 0;
            return;
        }
        let stuck: Vec<_> =
            still.iter().map(|(place, sample)| sample.hold(place)).filter(|hold| *hold != Hold::OffCpu).collect();
        if relief {
            self.run_backlog(&stuck);
        }
        watch.overstaffed = if running - stuck.len() > self.config.workers { watch.overstaffed + 1 } else { 0 };
        if watch.overstaffed >= OVERSTAFFED_TICKS {
            watch.overstaffed = 0;
            let spare = |place: &&Place| place.doing() == Doing::Running && !place.counted.load(Ordering::Relaxed);
            if let Some(spare) = self.places.iter().filter(spare).last() {
                spare.dismiss();
            }
        }
    }

    /// Work waits and nobody searches: wakes a sleeper, or adds a spare for a stuck worker.
    fn run_backlog(&self, stuck: &[Hold]) {
        if let Some(wake) = self.idle.wake_another() {
            return self.wake(Some(wake));
        }
        if stuck.is_empty() || self.spares() >= SPARES_MAX {
            return;
        }
        let waiting = stuck.iter().filter(|hold| **hold == Hold::Waits).count();
        let computing = stuck.len() - waiting;
        let running = self.idle.active().saturating_sub(waiting);
        let limit = if computing == 0 { self.config.workers } else { computing_limit(self.config.workers) };
        if running < limit {
            self.start_spare();
        }
    }

    fn spares(&self) -> u64 {
        let spare = |place: &&Place| place.doing() != Doing::Nothing && !place.counted.load(Ordering::Relaxed);
        self.places.iter().filter(spare).count() as u64
    }
}
