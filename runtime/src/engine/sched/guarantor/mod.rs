//! The guarantor: a thread that runs no tasks, so that something is awake when every worker is stuck.
//!
//! Owns: how it sleeps and who wakes it.
//! Not here: what it does in a round (`round`), what it makes of what it sees (`judge`), the threads it starts (`life`).
//!
//! It starts all workers, and starts them again where the system refused one, so that a worker inherits from the thread
//! that built the runtime and not from whoever happened to wake it. Then it watches them, and it sleeps in three ways:
//!
//! * for [`WATCH`] while a worker has stayed awake since the last round: that one may be stuck;
//! * for [`CALM`] while workers come and go: each looks at sockets and timers when it comes, so there is little to do;
//! * deeply, without an end, when nobody is awake. An idle runtime does not wake up at all.
//!
//! A worker that wakes up while the guarantor sleeps deeply sets its *alarm* to `CALM` before its first poll, and the last
//! worker that falls asleep takes the alarm back. So a poll that ends soon wakes nobody, and one that never ends is noticed.
//!
//! ```text
//! guarantor: deep = on the alarm   - fence D1 -  read how many are active; sleep if none
//! worker:    counts itself active (SeqCst, in `idle`)   - fence D2 -  read deep; set the alarm;  first poll
//! ```
//!
//! One fence is first, so either the guarantor sees the worker, or the worker sees `deep`. Whoever sets the alarm or takes it
//! back holds the lock of `armed`, and takes it back only if nobody is active by then: a worker that counts itself active
//! later finds it taken back, and sets it.
//!
//! A worker that falls asleep waits for sockets and timers if nobody else does. One that leaves its place does not:
//!
//! ```text
//! guarantor: deep = on the alarm   - fence D1 -  does anybody lead? sleep if so
//! worker:    gives up the lead, leaves   - fence, in `rouse` -  read deep; set the alarm off
//! ```
//!
//! Where nobody waits for sockets and timers (all workers block in place, say) the guarantor does, on its
//! parker or in the driver; then whoever wakes up wakes it.
//!
//! It hides bugs as well as it cures stalls: `Config::guarantor_acts` takes its help away (not the thread, which starts the
//! workers), and the models and a part of the tests run without them.

mod judge;
mod missing;
mod round;

use crate::engine::base::alarm::Alarm;
use crate::engine::base::atomics::{AtomicBool, AtomicU8, AtomicUsize, Mutex, Ordering, fence};
use crate::engine::base::parker::Parker;
use crate::engine::sched::guarantor::missing::Leave;
use std::sync::Arc;
use std::time::Duration;

/// How long a wake-up may lie unnoticed while all workers are busy. A timed sleep of 1 ms costs about 0.5 % of a core.
pub(super) const WATCH: Duration = Duration::from_millis(1);

/// How long a first long poll may go unnoticed. With much more, a ticker of 10 ms beside it would miss a tick.
pub(super) const CALM: Duration = Duration::from_millis(4);

/// Is it asleep without an end?
const NO: u8 = 0;
/// Until its alarm goes off.
const ON_ALARM: u8 = 1;
/// As the leader, until it is unparked.
const LEADS: u8 = 2;

/// How the guarantor is to be woken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Rouse {
    No,
    /// It sleeps on its parker, or in the driver.
    Unpark,
}

/// What the alarm is set to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Armed {
    No,
    /// For workers that are awake.
    Calm,
    /// For good: somebody wants something.
    Now,
}

pub(crate) struct Guarantor {
    deep: AtomicU8,
    alarm: Alarm,
    armed: Mutex<Armed>,
    /// Seats that somebody wants a thread for.
    wanted: AtomicUsize,
    in_flight: InFlight,
    leave: Leave,
    pub(super) parker: Arc<Parker>,
}

impl Guarantor {
    pub(crate) fn new() -> Self {
        Guarantor {
            deep: AtomicU8::new(NO),
            alarm: Alarm::new(),
            armed: Mutex::new(Armed::No),
            wanted: AtomicUsize::new(0),
            in_flight: InFlight::default(),
            leave: Leave::new(),
            parker: Arc::new(Parker::new()),
        }
    }

    /// It will be started: what it needs is made here, so that no descriptor comes later.
    pub(super) fn prepare(&self) {
        self.alarm.prepare();
    }

    /// The guarantor's side of the handshake: until its alarm goes off.
    pub(super) fn sleep_on_alarm(&self, nothing_to_do: impl FnOnce() -> bool) {
        // What is left of an alarm that was set when nobody waited for it.
        self.set(Armed::No);
        self.sleep_deeply(ON_ALARM, nothing_to_do, || self.alarm.wait());
    }

    /// The same as the leader: `wait` ends when the parker has a token.
    pub(super) fn sleep_as_leader(&self, nothing_to_do: impl FnOnce() -> bool, wait: impl FnOnce()) {
        self.sleep_deeply(LEADS, nothing_to_do, wait);
    }

    fn sleep_deeply(&self, how: u8, nothing_to_do: impl FnOnce() -> bool, wait: impl FnOnce()) {
        self.deep.store(how, Ordering::SeqCst);
        fence(Ordering::SeqCst); // D1
        if nothing_to_do() {
            wait();
        }
        self.deep.store(NO, Ordering::SeqCst);
    }

    /// The worker's side, after it has counted itself active.
    #[inline]
    pub(super) fn a_worker_woke(&self) -> Rouse {
        fence(Ordering::SeqCst); // D2
        match self.deep.load(Ordering::Relaxed) {
            NO => Rouse::No,
            ON_ALARM => {
                self.set_alarm();
                Rouse::No
            }
            _ => Rouse::Unpark,
        }
    }

    #[cold]
    fn set_alarm(&self) {
        let mut armed = self.armed.lock();
        if *armed == Armed::No {
            self.set_to(&mut armed, Armed::Calm);
        }
    }

    fn set(&self, to: Armed) {
        self.set_to(&mut self.armed.lock(), to);
    }

    fn set_to(&self, armed: &mut Armed, to: Armed) {
        *armed = to;
        match to {
            Armed::No => self.alarm.clear(),
            Armed::Calm => self.alarm.set(CALM),
            Armed::Now => self.alarm.set(Duration::ZERO),
        }
    }

    /// A worker has counted itself asleep. `nobody_awake` is asked only if it matters.
    #[inline]
    pub(super) fn a_worker_sleeps(&self, nobody_awake: impl Fn() -> bool) {
        if self.deep.load(Ordering::Relaxed) == ON_ALARM && nobody_awake() {
            let mut armed = self.armed.lock();
            if *armed == Armed::Calm && nobody_awake() {
                self.set_to(&mut armed, Armed::No);
            }
        }
    }

    /// It does another round soon, once its parker is unparked, too. What it is to find was written before.
    pub(super) fn rouse(&self) {
        fence(Ordering::SeqCst); // pairs with D1
        if self.deep.load(Ordering::Relaxed) == ON_ALARM {
            self.set(Armed::Now);
        }
    }

    /// A seat is vacant, and a thread is wanted for it. Then `rouse`.
    pub(super) fn want_thread(&self) {
        self.wanted.fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn take_wanted(&self) -> usize {
        self.wanted.swap(0, Ordering::SeqCst)
    }

    pub(super) fn is_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst) != 0
    }

    /// Has it become a worker, so that there is none?
    #[inline]
    pub(super) fn is_gone(&self) -> bool {
        self.leave.taken.load(Ordering::Relaxed)
    }

    pub(super) fn holds_nothing(&self) -> bool {
        self.in_flight.is_nothing()
    }
}

/// Does the guarantor hold wakers or tasks that nobody else sees? A clock that stands still must not move then.
///
/// Set before anything is taken, and taken back when all of it has been handed on. Whoever asks in vain says so, and is
/// told: both sides write their word before they read the other's.
#[derive(Default)]
struct InFlight {
    full: AtomicBool,
    asked: AtomicBool,
}

impl InFlight {
    fn begin(&self) {
        self.full.store(true, Ordering::SeqCst);
    }

    /// `true`: somebody asked meanwhile.
    fn end(&self) -> bool {
        self.full.store(false, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        self.asked.load(Ordering::SeqCst) && self.asked.swap(false, Ordering::SeqCst)
    }

    fn is_nothing(&self) -> bool {
        if !self.full.load(Ordering::SeqCst) {
            return true;
        }
        self.asked.store(true, Ordering::SeqCst);
        fence(Ordering::SeqCst);
        !self.full.load(Ordering::SeqCst)
    }
}
