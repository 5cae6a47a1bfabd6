//! The task word and the cell under every interleaving: `cell/*.rs` as they are, over a queue that is a mutex.
//!
//! "Fault" lines name a change to the code that makes the model below fail; each was planted and seen to fail.

use super::owned::{Next, OwnedTasks};
use super::{JoinCell, Owner, PanicSink, Runnable, Running, TaskInfo, TaskRef, allocate};
use crate::engine::base::atomics::{Arc, AtomicUsize, Mutex};
use crate::engine::base::id::Id;
use crate::engine::base::model::{check, spawn};
use std::collections::VecDeque;
use std::future::{Future, poll_fn};
use std::panic::Location;
use std::ptr::NonNull;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc as StdArc, Mutex as StdMutex};
use std::task::{Context, Poll, Wake, Waker};

/// The owner of a model's tasks. It outlives them: `sched/model.rs` is about the other case.
struct Desk {
    queue: Mutex<VecDeque<Runnable>>,
    owned: OwnedTasks,
}

impl Owner for Desk {
    fn schedule(&self, task: Runnable) {
        self.queue.lock().push_back(task);
    }
    fn requeue(&self, task: Runnable) {
        self.schedule(task);
    }
    fn link(&self, task: &Running) -> Option<u32> {
        self.owned.link(task).then_some(0)
    }
    fn finished(&self, task: &Running) {
        if task.list().is_some() {
            self.owned.unlink(task);
        }
    }
    fn panic_sink(&self) -> Option<StdArc<dyn PanicSink>> {
        panic!("the future of a model panicked")
    }
}

impl Desk {
    fn new() -> Arc<Desk> {
        Arc::new(Desk { queue: Mutex::new(VecDeque::new()), owned: OwnedTasks::new() })
    }

    fn spawn<F: Future>(&self, future: F) -> JoinCell<F::Output> {
        let owner: NonNull<Desk> = NonNull::from(self);
        let info = TaskInfo::new(Id::fresh(), Location::caller());
        let span = info.span_of_future::<F>("task");
        let (task, join) = allocate(future, owner, info, span);
        self.schedule(task);
        join
    }

    /// Runs what is queued now and what that queues.
    fn run(&self) {
        loop {
            let task = self.queue.lock().pop_front();
            let Some(task) = task else { return };
            task.run();
        }
    }
}

/// What the model's futures and outputs leave behind. No loom objects: they order nothing.
#[derive(Clone, Default)]
struct Fates(StdArc<Counts>);

#[derive(Default)]
struct Counts {
    futures: std::sync::atomic::AtomicUsize,
    made: std::sync::atomic::AtomicUsize,
    outputs: std::sync::atomic::AtomicUsize,
    waker: StdMutex<Option<Waker>>,
}

struct InFuture(Fates);

impl Drop for InFuture {
    fn drop(&mut self) {
        self.0.0.futures.fetch_add(1, Relaxed);
    }
}

struct Output(Fates);

impl Drop for Output {
    fn drop(&mut self) {
        self.0.0.outputs.fetch_add(1, Relaxed);
    }
}

impl Fates {
    /// A future that is ready when `is_ready` says so.
    fn future(&self, is_ready: impl Fn(&mut Context<'_>) -> bool + Send) -> impl Future<Output = Output> + Send {
        let inside = InFuture(self.clone());
        poll_fn(move |cx| {
            if !is_ready(cx) {
                return Poll::Pending;
            }
            inside.0.0.made.fetch_add(1, Relaxed);
            Poll::Ready(Output(inside.0.clone()))
        })
    }

    /// A future that leaves its waker here and waits until `is_ready`.
    fn waiting(&self, is_ready: impl Fn() -> bool + Send) -> impl Future<Output = Output> + Send {
        let fates = self.clone();
        self.future(move |cx| {
            let ready = is_ready();
            let first = !ready && fates.0.waker.lock().unwrap().is_none();
            if first {
                // Cloned before the lock is taken: loom may switch threads inside.
                let waker = cx.waker().clone();
                *fates.0.waker.lock().unwrap() = Some(waker);
            }
            ready
        })
    }

    fn waker(&self) -> Waker {
        let waker = self.0.waker.lock().unwrap().take().expect("the future has been polled");
        let again = waker.clone();
        *self.0.waker.lock().unwrap() = Some(again);
        waker
    }

    fn drop_waker(&self) {
        let waker = self.0.waker.lock().unwrap().take();
        drop(waker);
    }

    /// The one task of the model is over and everybody has let go.
    #[track_caller]
    fn assert_dropped_once(&self) {
        self.drop_waker();
        assert_eq!(self.0.futures.load(Relaxed), 1, "the future is dropped once");
        assert_eq!(self.0.outputs.load(Relaxed), self.0.made.load(Relaxed), "each output is dropped once");
    }
}

/// Who waits for the task, as a waker that counts.
#[derive(Default)]
struct Joiner(std::sync::atomic::AtomicUsize);

impl Wake for Joiner {
    fn wake(self: StdArc<Self>) {
        self.wake_by_ref();
    }
    fn wake_by_ref(self: &StdArc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn poll_with(join: &mut JoinCell<Output>, joiner: &StdArc<Joiner>) -> bool {
    let waker = Waker::from(joiner.clone());
    join.poll(&mut Context::from_waker(&waker)).is_ready()
}

/// Museum LW4. Fault: `notify` with Relaxed, or without the write when NOTIFIED is set; `start` with Release only.
#[test]
fn a_write_before_a_wake_is_seen_by_the_poll() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let written = Arc::new([AtomicUsize::new(0), AtomicUsize::new(0)]);
        let looks = written.clone();
        let join = desk.spawn(fates.waiting(move || looks.iter().all(|flag| flag.load(Relaxed) == 1)));
        desk.run();
        let waker = fates.waker();
        let writers = [0, 1].map(|which| {
            let (waker, written) = (waker.clone(), written.clone());
            spawn(move || {
                written[which].store(1, Relaxed);
                waker.wake();
            })
        });
        desk.run();
        writers.map(|writer| writer.join().unwrap());
        desk.run();
        assert!(join.task().header().is_complete(), "a wake was lost");
        drop((waker, join));
        fates.assert_dropped_once();
    });
}

/// Two threads run the queue, and the task is woken while it runs or before.
/// Fault: `pending` that never says `Requeue`, or with Relaxed; `notify` that answers `Schedule` for a RUNNING task.
#[test]
fn a_task_is_polled_by_one_thread_at_a_time() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let ready = Arc::new(AtomicUsize::new(0));
        let looks = ready.clone();
        let join = desk.spawn(fates.waiting(move || looks.load(Relaxed) == 1));
        desk.run();
        // One poll that may come before the write, hence in vain.
        fates.waker().wake();
        let waker = fates.waker();
        let foreign = spawn(move || {
            ready.store(1, Relaxed);
            waker.wake();
        });
        let other = desk.clone();
        let second = spawn(move || other.run());
        desk.run();
        foreign.join().unwrap();
        second.join().unwrap();
        desk.run();
        assert!(join.task().header().is_complete(), "a wake was lost");
        drop(join);
        fates.assert_dropped_once();
    });
}

/// A task that would wait for ever is aborted while it is woken, and while it runs.
/// Fault: `start` that ignores CANCELLED; `cancel` that does not set NOTIFIED.
#[test]
fn an_abort_always_ends_the_task() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let join = desk.spawn(fates.waiting(|| false));
        desk.run();
        let (waker, abort) = (fates.waker(), join.task().clone());
        fates.drop_waker();
        let wakes = spawn(move || waker.wake());
        let aborts = spawn(move || abort.abort());
        desk.run();
        wakes.join().unwrap();
        aborts.join().unwrap();
        desk.run();
        assert!(join.task().header().is_complete(), "the abort was lost");
        drop(join);
        fates.assert_dropped_once();
    });
}

/// Fault: `cancel` that schedules what is NOTIFIED already; `complete_unawaited` that ignores JOIN_WAKER.
#[test]
fn wake_abort_run_and_join_in_every_order() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let ready = Arc::new(AtomicUsize::new(0));
        let looks = ready.clone();
        let mut join = desk.spawn(fates.waiting(move || looks.load(Relaxed) == 1));
        desk.run();
        let (waker, abort) = (fates.waker(), join.task().clone());
        let wakes = spawn(move || {
            ready.store(1, Relaxed);
            waker.wake();
        });
        let aborts = spawn(move || abort.abort());
        desk.run();
        let joiner = StdArc::<Joiner>::default();
        let joined = poll_with(&mut join, &joiner);
        wakes.join().unwrap();
        aborts.join().unwrap();
        desk.run();
        assert!(joined || joiner.0.load(Relaxed) == 1, "the join handle was not woken");
        assert!(joined || poll_with(&mut join, &joiner));
        drop(join);
        fates.assert_dropped_once();
        assert_eq!(StdArc::strong_count(&joiner), 1, "a join waker has leaked");
    });
}

/// The task completes while its handle is polled with these wakers in turn, and then kept or dropped.
fn completion_against(polls: &'static [usize], keep: bool) {
    check(move || {
        let (desk, fates) = (Desk::new(), Fates::default());
        let mut join = desk.spawn(fates.future(|_| true));
        let reference = join.task().clone();
        let joiners = [StdArc::<Joiner>::default(), StdArc::default()];
        let theirs = joiners.clone();
        let side = spawn(move || {
            let joined = polls.iter().any(|which| poll_with(&mut join, &theirs[*which]));
            keep.then_some((join, joined))
        });
        desk.run();
        if let Some((mut join, joined)) = side.join().unwrap() {
            if !joined {
                let last = &joiners[polls[polls.len() - 1]];
                assert_eq!(last.0.load(Relaxed), 1, "the join handle's last waker was not woken");
                assert!(poll_with(&mut join, last));
            }
        }
        // Not only when the last reference goes.
        assert_eq!(fates.0.outputs.load(Relaxed), 1, "nobody has dropped the output");
        let wakers_left = joiners.iter().any(|joiner| StdArc::strong_count(joiner) != 1);
        assert!(keep || !wakers_left, "nobody has dropped the join waker");
        drop(reference);
        fates.assert_dropped_once();
        assert!(joiners.iter().all(|joiner| StdArc::strong_count(joiner) == 1), "a join waker has leaked");
    });
}

/// Fault: `complete_unawaited` that ignores JOIN_WAKER; `set_join_waker` that ignores COMPLETE.
#[test]
fn completion_wakes_the_waker_that_was_registered() {
    completion_against(&[0], true);
}

/// Fault: as above. (`register` without its second look at COMPLETE does *not* fail: the waker is woken then.)
#[test]
fn completion_wakes_a_waker_that_is_registered_twice() {
    completion_against(&[0, 0], true);
}

/// Fault: `register` that does not take the slot back before it changes the waker; `take_back_join_waker` that ignores
/// COMPLETE.
#[test]
fn completion_wakes_the_waker_that_was_changed() {
    completion_against(&[0, 1], true);
}

/// Fault: `without_join_handle` that always drops the waker, or never the output; `join_waker_done` that always
/// gives the same answer; `complete`'s exchange with Relaxed.
#[test]
fn completion_while_the_handle_goes() {
    completion_against(&[], false);
    completion_against(&[0], false);
    completion_against(&[0, 1], false);
}

/// Fault: `drop_ref` with Relaxed; `drop_ref` that answers from a load after the subtraction.
#[test]
fn the_last_reference_frees_the_cell_once() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let join = desk.spawn(fates.waiting(|| true));
        let task = join.task().clone();
        let handle = spawn(move || drop(join));
        let reference = spawn(move || drop(task.clone()));
        desk.run();
        handle.join().unwrap();
        reference.join().unwrap();
        fates.assert_dropped_once();
    });
}

/// Wakers dropped or used up, while the task completes and its handle goes.
/// Fault: `wake` (by value) that releases its reference before it wakes.
#[test]
fn wakers_go_while_the_task_completes() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let ready = Arc::new(AtomicUsize::new(0));
        let looks = ready.clone();
        let join = desk.spawn(fates.waiting(move || looks.load(Relaxed) == 1));
        desk.run();
        let (used, dropped) = (fates.waker(), fates.waker());
        fates.drop_waker();
        let aborts = spawn(move || {
            join.task().abort();
            drop(dropped);
        });
        let wakes = spawn(move || {
            ready.store(1, Relaxed);
            used.wake();
        });
        desk.run();
        aborts.join().unwrap();
        wakes.join().unwrap();
        desk.run();
        fates.assert_dropped_once();
    });
}

/// Shutdown takes a suspended task while it is woken, run and completed. Another one is in the list, and stays there.
/// Fault: `cancel_one` that ignores what `cancel` answers; `remove` that does not ask whether the task is in the list.
#[test]
fn a_linked_task_is_cancelled_once() {
    check(|| {
        let (desk, fates) = (Desk::new(), Fates::default());
        let other = desk.spawn(std::future::pending::<()>()).task().clone();
        let ready = Arc::new(AtomicUsize::new(0));
        let looks = ready.clone();
        let join: TaskRef = desk.spawn(fates.waiting(move || looks.load(Relaxed) == 1)).task().clone();
        desk.run();
        let waker = fates.waker();
        let wakes = spawn(move || {
            ready.store(1, Relaxed);
            waker.wake();
        });
        let closing = desk.clone();
        let closes = spawn(move || {
            closing.owned.close();
            if let Next::Cancel(task) = closing.owned.cancel_one() {
                task.run();
            }
        });
        desk.run();
        wakes.join().unwrap();
        closes.join().unwrap();
        desk.run();
        assert!(join.header().is_complete(), "neither the wake nor the cancellation came through");
        while let Next::Cancel(task) = desk.owned.cancel_one() {
            task.run();
        }
        assert!(matches!(desk.owned.cancel_one(), Next::Empty), "the list still has a task");
        assert!(other.header().is_complete(), "the list has lost a task");
        drop((join, other));
        fates.assert_dropped_once();
    });
}
