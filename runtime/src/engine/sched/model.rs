//! Sleeping, waking, stealing from the slot, and the end, under every interleaving.
//!
//! `idle`, `inject`, `parker`, `NextTask`, the guarantor's handshake, the places with their counters and the drain run
//! as they are; around them stand small copies of what needs a whole engine (`Worker::work`, `Engine::schedule`).
//! "Fault" lines name a change that makes the model below fail; each was planted and seen to fail.

mod yielded;

use crate::engine::base::atomics::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, fence, wait_for_another};
use crate::engine::base::id::Id;
use crate::engine::base::model::{JoinHandle, check, spawn};
use crate::engine::base::parker::{AfterUnpark, Parker};
use crate::engine::cell::{Header, JoinCell, Owner, PanicSink, Runnable, TaskInfo, allocate};
use crate::engine::sched::guarantor::{Guarantor, Rouse};
use crate::engine::sched::life::shutdown::Drain;
use crate::engine::sched::places::idle::{Idle, Wake};
use crate::engine::sched::places::inject::Inject;
use crate::engine::sched::places::next_task::NextTask;
use crate::engine::sched::places::place::Places;
use crate::engine::sched::places::roots::{Bell, Roots};
use crate::engine::sched::places::stats::SharedStats;
use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst};
use std::task::{Context, Poll, Waker};

fn info() -> TaskInfo {
    TaskInfo { id: Id::fresh(), spawned_at: Location::caller(), name: () }
}

/// An owner for tasks that are ready in their first poll.
struct Nobody;

impl Owner for Nobody {
    fn schedule(&self, _task: Runnable) {
        unreachable!("the task is never asleep");
    }
    fn requeue(&self, _task: Runnable) {
        unreachable!("the task never yields");
    }
    fn link(&self, _task: &Header) -> Option<u32> {
        unreachable!("the task is never pending");
    }
    fn finished(&self, _task: &Header) {}
    fn panic_sink(&self) -> Option<StdArc<dyn PanicSink>> {
        panic!("the task of a model panicked")
    }
}

/// A task that runs `body` in its one poll, detached.
fn ready_task(body: impl Fn() + Send) -> Runnable {
    static NOBODY: Nobody = Nobody;
    let future = poll_fn(move |_| {
        body();
        Poll::Ready(())
    });
    let (task, join) = allocate(future, NonNull::from(&NOBODY), info());
    drop(join);
    task
}

// ---- The next-task slot ---------------------------------------------------------------------------------------------

/// The worker puts two tasks in and takes one out, while two thieves try.
/// Fault: `put` or `take` with Relaxed; `take` as a load and a store.
#[test]
fn each_task_leaves_the_slot_once() {
    check(|| {
        let ran = StdArc::new([Count::new(0), Count::new(0)]);
        let slot = Arc::new(NextTask::new());
        let thieves = [(); 2].map(|()| {
            let slot = slot.clone();
            spawn(move || slot.take().map(Runnable::run))
        });
        for which in 0..2 {
            let ran = ran.clone();
            let task = ready_task(move || {
                ran[which].fetch_add(1, Relaxed);
            });
            // Whoever takes it must see what was written into the cell before.
            task.set_next(None);
            slot.put(task).map(Runnable::run);
        }
        slot.take().map(Runnable::run);
        thieves.into_iter().for_each(|thief| drop(thief.join().unwrap()));
        slot.take().map(Runnable::run);
        assert_eq!((ran[0].load(Relaxed), ran[1].load(Relaxed)), (1, 1));
    });
}

// ---- Parking --------------------------------------------------------------------------------------------------------

/// The driver's wait: a flag (the eventfd) that `notify` sets and `wait` takes.
struct Driver {
    notified: Mutex<bool>,
    changed: Condvar,
}

impl Driver {
    fn new() -> Self {
        Driver { notified: Mutex::new(false), changed: Condvar::new() }
    }

    fn notify(&self) {
        *self.notified.lock() = true;
        self.changed.notify_one();
    }

    fn wait(&self) {
        let mut notified = self.notified.lock();
        while !*notified {
            self.changed.wait(&mut notified);
        }
        *notified = false;
    }
}

/// Two threads leave tokens; the third sleeps in turn on its parker and in the driver, and must not miss one.
/// Fault: `unpark` with Relaxed, or that leaves no token for a thread that is awake; `park` that does not look for a
/// token first; `unpark` that forgets POLLING.
#[test]
fn no_token_is_lost() {
    for driver_first in [false, true] {
        check(move || {
            let shared = Arc::new((Parker::new(), Driver::new(), [AtomicUsize::new(0), AtomicUsize::new(0)]));
            let wakers = [0, 1].map(|which| {
                let shared = shared.clone();
                spawn(move || {
                    let (parker, driver, written) = &*shared;
                    written[which].store(1, Relaxed);
                    if parker.unpark() == AfterUnpark::NotifyDriver {
                        driver.notify();
                    }
                })
            });
            let (parker, driver, written) = &*shared;
            let mut in_driver = driver_first;
            while written.iter().any(|flag| flag.load(Relaxed) == 0) {
                if !in_driver {
                    parker.park(None);
                } else if parker.enter_driver() {
                    driver.wait();
                    parker.leave_driver();
                }
                in_driver = !in_driver;
            }
            wakers.into_iter().for_each(|waker| waker.join().unwrap());
        });
    }
}

// ---- Idle word, inject queue and parkers ----------------------------------------------------------------------------

/// What two workers share.
struct Yard {
    idle: Idle,
    inject: Inject,
    parkers: [Parker; 2],
}

impl Yard {
    /// With so many workers that are awake.
    fn new(active: usize) -> Arc<Yard> {
        let parkers = [Parker::new(), Parker::new()];
        Arc::new(Yard { idle: Idle::new(active, 2), inject: Inject::new(), parkers })
    }
}

thread_local! {
    /// The workers that a model has started on demand. All threads of a model are one to `std`.
    static STARTED: RefCell<Vec<JoinHandle<()>>> = const { RefCell::new(Vec::new()) };
}

/// `Engine::wake`.
fn wake(yard: &Arc<Yard>, wake: Option<Wake>) {
    match wake {
        None => {}
        Some(Wake::Worker(place)) => {
            let _ = yard.parkers[place].unpark();
        }
        Some(Wake::Seat) => {
            let yard = yard.clone();
            let started = spawn(move || {
                yard.idle.arrive();
                work(&yard, 1, true, 1);
            });
            STARTED.with_borrow_mut(|threads| threads.push(started));
        }
    }
}

/// `Engine::push_from_outside`.
fn push_from_outside(yard: &Arc<Yard>, task: Runnable) {
    yard.inject.push(task);
    wake(yard, yard.idle.submitted());
}

/// `Worker::found_work`.
fn found_work(yard: &Arc<Yard>) {
    let last = yard.idle.stop_searching();
    if last && !yard.inject.is_empty() {
        wake(yard, yard.idle.submitted_locally());
    }
}

/// `Worker::work` of a worker that has no queue of its own, until it has run so many tasks.
fn work(yard: &Arc<Yard>, place: usize, mut searching: bool, tasks: usize) {
    let mut ran = 0;
    while ran < tasks {
        let found = yard.inject.pop().or_else(|| {
            if searching || !yard.idle.start_searching() {
                return None;
            }
            searching = true;
            yard.inject.pop()
        });
        if let Some(task) = found {
            if std::mem::take(&mut searching) {
                found_work(yard);
            }
            task.run();
            ran += 1;
            continue;
        }
        let work_waits = |_everywhere: bool| !yard.inject.is_empty();
        let wait = || {
            yard.parkers[place].park(None);
            true
        };
        let (_woken, chosen) = yard.idle.sleep_through(place, std::mem::take(&mut searching), work_waits, wait);
        searching = chosen;
    }
}

/// A worker that runs two tasks, against two producers. A task that nobody wakes up for leaves the worker asleep: a
/// deadlock.
/// Fault: no fence S1; no fence S2; `sleep_through` without its last look; `submitted` before the push.
#[test]
fn no_wake_up_is_lost() {
    check(|| {
        let yard = Yard::new(1);
        let (theirs, others) = (yard.clone(), yard.clone());
        let worker = spawn(move || work(&others, 0, false, 2));
        let producer = spawn(move || push_from_outside(&theirs, ready_task(|| ())));
        push_from_outside(&yard, ready_task(|| ()));
        producer.join().unwrap();
        worker.join().unwrap();
        assert!(yard.inject.is_empty());
    });
}

/// Museum LW1: two workers, two producers. Both workers must come, the second one perhaps by the first one's hand-over.
/// A worker that has run its task is as good as one that polls for ever, so a task that nobody wakes up for is a
/// deadlock.
///
/// This thread is the first producer, and then the second worker: asleep already when the producers begin, or still
/// awake. With a thread for each, which adds no order that matters, the model takes thirty times as long.
fn two_workers_against_two_producers(begins_asleep: bool) {
    let yard = Yard::new(2);
    let [first, second] = [(); 2].map(|()| ready_task(|| ()));
    let mut threads = Vec::new();
    let produce = || {
        let (theirs, others) = (yard.clone(), yard.clone());
        threads.push(spawn(move || push_from_outside(&theirs, second)));
        threads.push(spawn(move || work(&others, 0, false, 1)));
        push_from_outside(&yard, first);
    };
    let searching = if begins_asleep {
        let wait = || {
            produce();
            yard.parkers[1].park(None);
            true
        };
        yard.idle.sleep_through(1, false, |_everywhere| false, wait).1
    } else {
        produce();
        false
    };
    work(&yard, 1, searching, 1);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(yard.inject.is_empty());
}

/// Fault: as above, and `stop_searching` that never says "last"; `found_work` that looks at the queue before it stops
/// to search; `awake` that never says "chosen"; `choose` that marks the place before it changes the word.
#[test]
fn the_last_searcher_hands_the_search_on() {
    check(|| two_workers_against_two_producers(true));
    check(|| two_workers_against_two_producers(false));
}

/// The one worker blocks in place while another thread pushes a task: a thread must be asked for, which fills its seat.
/// Fault: `give_seat` without its fence; the look at the queue before it; a seat that is not vacant then.
#[test]
fn a_seat_that_is_given_away_is_filled_for_whoever_submits() {
    check(|| {
        let yard = Yard::new(1);
        let ran = StdArc::new(Count::new(0));
        let (theirs, runs) = (yard.clone(), ran.clone());
        let task = ready_task(move || {
            runs.fetch_add(1, Relaxed);
        });
        let producer = spawn(move || push_from_outside(&theirs, task));
        // `Engine::enter_blocking`
        yard.idle.give_seat(true);
        if !yard.inject.is_empty() {
            wake(&yard, yard.idle.submitted());
        }
        producer.join().unwrap();
        let started = STARTED.take();
        started.into_iter().for_each(|worker| worker.join().unwrap());
        assert_eq!(ran.load(Relaxed), 1);
        // Somebody has its seat.
        assert!(!yard.idle.come_back());
        assert!(!yard.idle.claim_seat());
    });
}

/// Two workers are back from blocking, and another thread submits: one seat is one worker's, or one thread's.
/// Fault: `claim_seat` as a load and an addition.
#[test]
fn a_seat_is_given_once() {
    check(|| {
        let yard = Yard::new(2);
        yard.idle.give_seat(true);
        yard.idle.give_seat(false);
        let [mine, theirs] = [(); 2].map(|()| yard.clone());
        let back = spawn(move || usize::from(mine.idle.come_back()));
        let submits = spawn(move || usize::from(theirs.idle.submitted() == Some(Wake::Seat)));
        let seats = usize::from(yard.idle.come_back()) + back.join().unwrap() + submits.join().unwrap();
        assert_eq!(seats, 1);
    });
}

/// A sleeper is chosen while it wakes up by itself, and sleeps once more: it counts as searching once for each time that
/// it was chosen.
/// Fault: a mark that stays after the second look; one that is set after the lock is free.
#[test]
fn who_was_chosen_knows_it_once() {
    check(|| {
        let yard = Yard::new(1);
        let theirs = yard.clone();
        let chooses = spawn(move || theirs.idle.submitted().is_some());
        let mut chosen = 0;
        for _ in 0..2 {
            let (_woken, searches) = yard.idle.sleep_through(0, false, |_everywhere| false, || true);
            if searches {
                chosen += 1;
                let _ = yard.idle.stop_searching();
            }
        }
        // It may be chosen after all of that only if it sleeps, and it does not.
        assert_eq!(chosen, usize::from(chooses.join().unwrap()));
        assert_eq!((yard.idle.active(), yard.idle.searching()), (1, 0));
    });
}

// ---- The guarantor's deep sleep -------------------------------------------------------------------------------------

/// `Engine::a_worker_woke`.
fn a_worker_woke(guarantor: &Guarantor) {
    if guarantor.a_worker_woke() == Rouse::Unpark {
        let _ = guarantor.parker.unpark();
    }
}

/// Two workers wake up for good while the guarantor wants to sleep without a timeout: it must not oversleep them.
/// Fault: no fence D1; no fence D2.
#[test]
fn the_guarantor_does_not_oversleep() {
    for leads in [false, true] {
        check(move || {
            let shared = Arc::new((Guarantor::new(), Idle::new(0, 0)));
            let workers = [(); 2].map(|()| {
                let shared = shared.clone();
                spawn(move || {
                    let (guarantor, idle) = &*shared;
                    idle.arrive();
                    a_worker_woke(guarantor);
                })
            });
            let (guarantor, idle) = &*shared;
            let nobody = || idle.active() == 0;
            for _ in 0..2 {
                if leads {
                    guarantor.sleep_as_leader(nobody, || guarantor.parker.park(None));
                } else {
                    guarantor.sleep_on_alarm(nobody);
                }
            }
            workers.into_iter().for_each(|worker| worker.join().unwrap());
        });
    }
}

/// One worker sleeps again, which takes the alarm back; another one wakes up for good: the alarm stands. The guarantor sleeps
/// already.
/// Fault: `a_worker_sleeps` that does not ask again with the lock held; `set_alarm` without the lock.
#[test]
fn the_last_sleeper_takes_back_nobody_elses_alarm() {
    check(|| {
        let shared = Arc::new((Guarantor::new(), Idle::new(0, 0)));
        let (guarantor, idle) = &*shared;
        let mut threads = Vec::new();
        guarantor.sleep_on_alarm(|| {
            idle.arrive();
            a_worker_woke(guarantor);
            let [first, second] = [(); 2].map(|()| shared.clone());
            threads.push(spawn(move || {
                let (guarantor, idle) = &*first;
                idle.leave(true);
                guarantor.a_worker_sleeps(|| idle.active() == 0);
            }));
            threads.push(spawn(move || {
                let (guarantor, idle) = &*second;
                idle.arrive();
                a_worker_woke(guarantor);
            }));
            true
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Somebody wants a thread while a worker wakes up and sleeps again: the guarantor, which sleeps, hears of it.
/// Fault: `set_alarm` that sets it whatever it is set to; `a_worker_sleeps` that takes any alarm back; `rouse` without
/// its fence.
#[test]
fn a_wanted_thread_is_not_slept_over() {
    check(|| {
        let shared = Arc::new((Guarantor::new(), Idle::new(0, 0)));
        let (guarantor, idle) = &*shared;
        let mut threads = Vec::new();
        let begin = || {
            let [first, second] = [(); 2].map(|()| shared.clone());
            threads.push(spawn(move || {
                let (guarantor, idle) = &*first;
                idle.arrive();
                a_worker_woke(guarantor);
                idle.leave(true);
                guarantor.a_worker_sleeps(|| idle.active() == 0);
            }));
            threads.push(spawn(move || {
                second.0.want_thread();
                second.0.rouse();
            }));
            true
        };
        guarantor.sleep_on_alarm(begin);
        // An alarm for the worker ends one sleep, too.
        while guarantor.take_wanted() == 0 {
            guarantor.sleep_on_alarm(|| idle.active() == 0 && !guarantor.is_wanted());
            wait_for_another();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

// ---- The end --------------------------------------------------------------------------------------------------------

loom::thread_local! {
    /// The place that this thread of a model holds.
    static PLACE: Cell<Option<usize>> = Cell::new(None);
}

/// An engine as far as its end is concerned. It counts its holders itself and stays in memory after the last one, so
/// that a model can say who came too late.
struct Small {
    places: Places,
    inject: Inject,
    shared: SharedStats,
    closing: AtomicBool,
    holders: AtomicUsize,
    freed: AtomicBool,
    dropped: StdArc<Count>,
}

impl Small {
    /// With one holder, this thread, which is the worker at place 0.
    fn new() -> StdArc<Small> {
        let small = Small {
            places: Places::new(3),
            inject: Inject::new(),
            shared: SharedStats::default(),
            closing: AtomicBool::new(false),
            holders: AtomicUsize::new(1),
            freed: AtomicBool::new(false),
            dropped: StdArc::default(),
        };
        for _ in 0..2 {
            let _deque = small.places.take().expect("there are two places");
        }
        PLACE.with(|place| place.set(Some(0)));
        StdArc::new(small)
    }

    /// Every access. Without an order between it and the last holder's end, loom tries both answers.
    fn touch(&self) {
        assert!(!self.freed.load(Relaxed), "the engine is used after it was freed");
    }

    /// `Engine::count`.
    fn count(&self) {
        self.touch();
        let before = self.holders.fetch_add(1, Relaxed);
        assert_ne!(before, 0, "the engine is counted after its last count is gone");
    }

    /// The end of a count.
    fn uncount(&self) {
        if self.holders.fetch_sub(1, AcqRel) == 1 {
            assert!(self.inject.is_empty(), "a task was left in the queue");
            self.freed.store(true, Relaxed);
        }
    }

    /// `Engine::spawn`.
    fn spawn<F: Future>(&self, future: F) -> JoinCell<F::Output> {
        self.touch();
        let owner: NonNull<Small> = NonNull::from(self);
        let (task, join) = allocate(future, owner, info());
        match PLACE.with(Cell::get) {
            Some(index) => {
                let place = self.places.get(index);
                place.stats.spawned.add(1);
                if self.closing.load(Relaxed) {
                    task.cancel();
                } else if let Some(displaced) = place.next.put(task) {
                    self.inject.push(displaced);
                }
            }
            None => self.spawn_from_outside(task),
        }
        join
    }

    /// `Engine::spawn_from_outside`.
    fn spawn_from_outside(&self, task: Runnable) {
        self.shared.spawned.add_shared(1);
        fence(SeqCst);
        if self.closing.load(Relaxed) {
            return task.cancel();
        }
        self.push_from_outside(task);
    }

    /// `Engine::push_from_outside`: after the push it still wakes somebody up.
    fn push_from_outside(&self, task: Runnable) {
        self.inject.push(task);
        self.touch();
    }

    /// `Engine::close`, `Engine::drain`.
    fn close_and_drain(&self) {
        self.closing.store(true, SeqCst);
        fence(SeqCst);
        self.drain();
    }

    fn drain(&self) {
        assert!(Drain { places: &self.places, inject: &self.inject, shared: &self.shared }.until(None));
        self.touch();
    }

    /// A future whose drop is counted.
    fn future(&self, mut poll: impl FnMut(&mut Context<'_>) -> Poll<()> + Send) -> impl Future<Output = ()> + Send {
        let inside = CountsDrop(self.dropped.clone());
        poll_fn(move |cx| {
            let _inside = &inside;
            poll(cx)
        })
    }

    #[track_caller]
    fn assert_dropped(&self, futures: usize) {
        assert_eq!(self.dropped.load(Relaxed), futures, "each future is dropped once, before the drain is over");
    }
}

struct CountsDrop(StdArc<Count>);

impl Drop for CountsDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Relaxed);
    }
}

impl Owner for Small {
    /// As `Engine::schedule`.
    fn schedule(&self, task: Runnable) {
        match PLACE.with(Cell::get) {
            Some(index) => {
                if let Some(displaced) = self.places.get(index).next.put(task) {
                    self.inject.push(displaced);
                }
            }
            None => {
                self.count();
                self.push_from_outside(task);
                self.uncount();
            }
        }
    }
    fn requeue(&self, task: Runnable) {
        self.touch();
        self.inject.push(task);
    }
    /// As `Engine::link`.
    fn link(&self, task: &Header) -> Option<u32> {
        let index = PLACE.with(Cell::get).expect("a task is polled on a worker");
        self.places.get(index).owned.link(task).then_some(index as u32)
    }
    /// As `Engine::finished`.
    fn finished(&self, task: &Header) {
        self.touch();
        if let Some(list) = task.list() {
            self.places.get(list as usize).owned.unlink(task);
        }
        match PLACE.with(Cell::get) {
            Some(index) => self.places.get(index).stats.finished.add(1),
            None => self.shared.finished.add_shared(1),
        }
    }
    fn panic_sink(&self) -> Option<StdArc<dyn PanicSink>> {
        panic!("the task of a model panicked")
    }
}

/// One place, and two other threads that wait for it, of which one is done before it gets it.
/// Fault: `enter` after the first look for a place; `a_place_is_free` before the place is given back; who leaves without
/// the place tells nobody.
#[test]
fn nobody_waits_for_a_place_that_is_free() {
    check(|| {
        let shared = StdArc::new((Places::new(1), Roots::new()));
        let (index, deque) = shared.0.take().expect("the place is free");
        let waits = [false, true].map(|is_done_early| {
            let shared = shared.clone();
            spawn(move || {
                let (places, roots) = &*shared;
                let bell = StdArc::new(Bell::new(StdArc::new(Parker::new())));
                let number = roots.enter(&bell, true);
                let mut any_free = places.any_free();
                while !any_free {
                    bell.parker.park(None);
                    any_free = places.any_free();
                    if is_done_early {
                        break;
                    }
                }
                // `Engine::run_apart`, `Engine::run_alone`
                roots.leave(number);
                if is_done_early {
                    if places.any_free() {
                        roots.a_place_is_free();
                    }
                } else if let Some((index, deque)) = places.take() {
                    places.give_back(index, deque);
                    roots.a_place_is_free();
                }
            })
        });
        shared.0.give_back(index, deque);
        shared.1.a_place_is_free();
        waits.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A future of `block_on` is woken while it is polled, by one who has queued something: whoever asks whether all is quiet
/// finds the bell busy or what was queued.
/// Fault: `end_poll` as a store; `ring` after the push is seen to be over.
#[test]
fn a_bell_is_busy_until_its_poll_is_over() {
    check(|| {
        let shared = StdArc::new((Roots::new(), Inject::new(), AtomicBool::new(false)));
        let bell = StdArc::new(Bell::new(StdArc::new(Parker::new())));
        let number = shared.0.enter(&bell, false);
        let (theirs, rings) = (shared.clone(), bell.clone());
        let asks = spawn(move || {
            let (roots, inject, _) = &*theirs;
            // `Engine::nobody_else_is_busy`
            !(roots.all_asleep() && inject.is_empty())
        });
        let wakes = spawn(move || rings.ring());
        bell.begin_poll();
        shared.1.push(ready_task(|| ()));
        bell.end_poll();
        assert!(asks.join().unwrap(), "a task was queued, or about to be, all the time");
        let woken = wakes.join().unwrap();
        assert!(!woken || bell.is_woken(), "its wake is for the next poll");
        shared.0.leave(number);
        shared.1.pop().map(Runnable::run);
    });
}

/// A foreign thread wakes a suspended task while its engine ends and is freed (museum M1).
/// Fault: `schedule` that takes its count after the push, or none; `drain` that does not wait for `alive`.
#[test]
fn the_engine_outlives_a_foreign_wake() {
    check(|| {
        let small = Small::new();
        let kept = StdArc::new(std::sync::Mutex::new(None::<Waker>));
        let keep = kept.clone();
        let join = small.spawn(small.future(move |cx| {
            let waker = cx.waker().clone();
            *keep.lock().unwrap() = Some(waker);
            Poll::Pending
        }));
        small.places.get(0).next.take().expect("the task is in the slot").run();
        let waker = kept.lock().unwrap().take().expect("the task has been polled");
        let foreign = spawn(move || waker.wake());
        small.close_and_drain();
        small.assert_dropped(1);
        small.uncount();
        foreign.join().unwrap();
        assert!(join.task().header().is_complete() && small.freed.load(Relaxed));
    });
}

/// A foreign thread spawns through a handle while the engine closes: the closer finds the task, or the spawner sees
/// that it closes.
/// Fault: no fence in `spawn_from_outside`, or none in `close`; the count after the look at `closing`.
#[test]
fn no_task_is_left_behind_by_a_foreign_spawn() {
    check(|| {
        let small = Small::new();
        small.count();
        let handle = small.clone();
        let foreign = spawn(move || {
            drop(handle.spawn(handle.future(|_| Poll::Pending)));
            handle.uncount();
        });
        small.close_and_drain();
        small.uncount();
        foreign.join().unwrap();
        small.assert_dropped(1);
        assert!(small.freed.load(Relaxed));
    });
}

/// A worker finishes a task that spawns another one, while the closer counts who is alive.
/// Fault: `alive` that reads `spawned` first; `Counter::add` with Relaxed.
#[test]
fn the_drain_counts_no_task_too_few() {
    check(|| {
        let small = Small::new();
        let child = small.clone();
        let spawner = StdArc::new(std::sync::Mutex::new(Some(child)));
        drop(small.spawn(small.future(move |_| {
            let small = spawner.lock().unwrap().take().expect("polled once");
            drop(small.spawn(small.future(|_| Poll::Pending)));
            Poll::Ready(())
        })));
        let task = small.places.get(0).next.take().expect("the task is in the slot");
        small.count();
        let theirs = small.clone();
        let worker = spawn(move || {
            PLACE.with(|place| place.set(Some(1)));
            task.run();
            if theirs.closing.load(Relaxed) {
                theirs.drain();
            }
            theirs.uncount();
        });
        small.close_and_drain();
        // The worker has begun, or the drain would still wait: so both tasks are over.
        small.assert_dropped(2);
        small.uncount();
        worker.join().unwrap();
        assert!(small.freed.load(Relaxed));
    });
}
