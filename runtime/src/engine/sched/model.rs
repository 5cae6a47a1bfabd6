//! Sleeping, waking, stealing from the slot, and the end, under every interleaving.
//!
//! The yard with all that is in it, the guarantor's handshake, the drain, and where they need no more than two preemptions the
//! worker's loop, run as they are; around them stand small copies of what needs a thread's own engine (`Owner`, `spawn`).
//! The deques are not loom's: what is in them is seen at once.
//! "Fault" lines name a change that makes the model below fail; each was planted and seen to fail.

mod end;
mod guarantor;
mod idle;
mod yielded;

use crate::engine::base::atomics::{Arc, AtomicBool, AtomicUsize, Condvar, Mutex, fence, wait_for_another};
use crate::engine::base::id::Id;
use crate::engine::base::model::{check, spawn};
use crate::engine::base::parker::{AfterUnpark, Parker};
use crate::engine::cell::{JoinCell, Owner, PanicSink, Runnable, Running, TaskInfo, allocate};
use crate::engine::sched::life::drain::Drain;
use crate::engine::sched::places::idle::Wake;
use crate::engine::sched::places::inject::Inject;
use crate::engine::sched::places::next_task::NextTask;
use crate::engine::sched::places::place::Places;
use crate::engine::sched::places::roots::{Bell, Roots};
use crate::engine::sched::places::stats::SharedStats;
use crate::engine::sched::test_yard::{TestYard, yard_and_queues};
use crate::engine::sched::yard::Yard;
use std::cell::Cell;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::{AcqRel, Relaxed, SeqCst};
use std::task::{Context, Poll, Waker};

fn info() -> TaskInfo {
    TaskInfo::new(Id::fresh(), Location::caller())
}

/// A yard with so many places, in which so many workers are awake.
fn yard(places: usize, awake: usize) -> StdArc<TestYard> {
    yard_and_queues(places, awake).0
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
    fn link(&self, _task: &Running) -> Option<u32> {
        unreachable!("the task is never pending");
    }
    fn finished(&self, _task: &Running) {}
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
    let info = info();
    let span = info.span_of_future::<()>("task");
    let (task, join) = allocate(future, NonNull::from(&NOBODY), info, span);
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
