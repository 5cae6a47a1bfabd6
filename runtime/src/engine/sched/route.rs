//! Where a task goes that is spawned or woken.
//!
//! Owns: all pushes, and the batch of a thread that is no worker.   Not here: the queues (`places`), who is woken (`yard`).
//!
//! | who pushes                        | a new task, a woken one                          | one woken in its poll | one that gave way |
//! |-----------------------------------|--------------------------------------------------|-----------------------|-------------------|
//! | a worker, for what it polls       | its next-task slot; what lay there to its queue  | its queue             | its second queue  |
//! | the same without a slot, or while it wakes what a look found | its queue             | its queue             | its second queue  |
//! | a worker that blocks in place, any other thread | the inject queue                   | the inject queue      | the inject queue  |
//! | a thread that fills a batch       | its batch, and that to the inject queue          |                       |                   |
//!
//! The last row is the guarantor: as an outsider it wakes many tasks at once, and each alone would take the queue's lock, have
//! its fence and its own look at who sleeps.

use crate::engine::base::atomics::fence;
use crate::engine::base::budget;
use crate::engine::base::wake::wake_all;
use crate::engine::cell::{self, JoinCell, Name, Owner, PanicSink, Runnable, Running, TaskInfo, current};
use crate::engine::sched::config::TaskFacts;
use crate::engine::sched::places::inject::Chain;
use crate::engine::sched::worker::here::with_worker_of;
use crate::engine::sched::worker::{BACKLOG, Pushes, Worker};
use crate::engine::sched::yard::Yard;
use std::cell::{Cell, RefCell};
use std::future::Future;
use std::ptr::{self, NonNull};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Waker;

impl Owner for Yard {
    #[inline]
    fn schedule(&self, task: Runnable) {
        with_worker_of(self, |worker| match worker {
            Some(worker) => worker.push_next(task),
            None => {
                let Some(task) = put_into_batch(self, task) else { return };
                // Once it is published, the task may be run, the runtime shut down and the engine freed before we are
                // done here (museum M1).
                let keeper = self.keep();
                keeper.yard().push_from_outside(task);
            }
        });
    }

    #[inline]
    fn requeue(&self, task: Runnable) {
        with_worker_of(self, |worker| match worker {
            Some(worker) if budget::gave_way() => worker.push_yielded(task),
            // Somebody has woken it during its poll, perhaps itself: behind those that are ready.
            Some(worker) => worker.push_woken(task),
            None => self.push_from_outside(task),
        });
    }

    fn link(&self, task: &Running) -> Option<u32> {
        with_worker_of(self, |worker| {
            let worker = worker.expect("BUG: a task is polled outside of its engine's workers");
            worker.place.owned.link(task).then_some(worker.index() as u32)
        })
    }

    #[inline]
    fn finished(&self, task: &Running) {
        if let Some(list) = task.list() {
            self.places.get(list as usize).owned.unlink(task);
        }
        if let Some(hook) = &self.config.on_task_terminate {
            let (task, _no_task) = (task.header(), current::leave());
            hook(&TaskFacts { id: task.id(), spawned_at: task.spawned_at(), name: task.name() });
        }
        with_worker_of(self, |worker| match worker {
            Some(worker) => worker.place.stats.finished.add(1),
            None => self.stats.finished.add_shared(1),
        });
    }

    fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        self.config.panic_sink.clone()
    }
}

impl Yard {
    /// Spawns a future. `Send` or bound to the engine's one thread: the caller's business.
    #[inline]
    pub(super) fn spawn<F: Future, N: Name>(&self, future: F, info: TaskInfo<N>) -> JoinCell<F::Output> {
        let owner: NonNull<Yard> = NonNull::from(self);
        if let Some(hook) = &self.config.on_task_spawn {
            hook(&TaskFacts { id: info.id, spawned_at: info.spawned_at, name: info.name.as_name() });
        }
        let span = info.span_of_future::<F>("task");
        let (task, join) = cell::allocate(future, owner, info, span);
        with_worker_of(self, |worker| match worker {
            Some(worker) => {
                worker.place.stats.spawned.add(1);
                if self.is_closing() { task.cancel() } else { worker.push_spawned(task) }
            }
            None => self.spawn_from_outside(task),
        });
        join
    }

    fn spawn_from_outside(&self, task: Runnable) {
        self.stats.spawned.add_shared(1);
        // Pairs with the fence in `close`: either the closer counts this task, or we see that it closes.
        fence(Ordering::SeqCst);
        if self.is_closing() {
            return task.cancel();
        }
        self.push_from_outside(task);
    }

    pub(super) fn push_from_outside(&self, task: Runnable) {
        self.inject.push(task);
        self.wake(self.idle.submitted());
        if self.is_closing() {
            self.drain_after_a_push();
        }
    }

    /// Queues what a turn of the guarantor found, with one wake-up.
    pub(super) fn push_batch(&self, batch: Chain) {
        if !batch.is_empty() {
            let tasks = batch.len();
            self.inject.push_chain(batch);
            self.wake(self.idle.submitted());
            self.wake_for(tasks);
        }
    }

    /// Wakes what a thread that is no worker has collected: one batch, one wake-up.
    pub(super) fn wake_as_batch(&self, due: &mut Vec<Waker>) {
        if !due.is_empty() {
            let batch = collect_batch(self, || wake_all(due));
            self.push_batch(batch);
        }
    }
}

impl Worker<'_> {
    /// A task has been woken by what this worker polls.
    #[inline]
    fn push_next(&self, task: Runnable) {
        self.push(task, BACKLOG);
    }

    /// A task has been spawned by what this worker polls: new work, which nobody's cache holds. So the one in the slot counts.
    #[inline]
    fn push_spawned(&self, task: Runnable) {
        self.push(task, BACKLOG - 1);
    }

    /// `backlog`: behind a full slot, so many tasks in the queue are enough to wake somebody.
    #[inline]
    fn push(&self, task: Runnable, backlog: usize) {
        let pushes = self.pushes.get();
        if pushes == Pushes::Others {
            return self.yard.push_from_outside(task);
        }
        self.accounts.count_schedule();
        match pushes {
            Pushes::Slot | Pushes::Others => {}
            Pushes::Queue => return self.push_behind(task, BACKLOG),
        }
        if let Some(displaced) = self.place.next.put(task) {
            self.push_behind(displaced, backlog);
        }
    }

    /// To the end of the worker's own queue.
    #[inline]
    fn push_behind(&self, task: Runnable, backlog: usize) {
        self.queues.ready.push(task);
        if self.queues.ready.len() >= backlog {
            let wake = self.yard.idle.submitted_locally();
            if wake.is_some() {
                self.yard.wake(wake);
            }
        }
    }

    /// A task that gave way: behind all others, and nobody is woken for it.
    #[inline]
    fn push_yielded(&self, task: Runnable) {
        self.accounts.count_schedule();
        self.queues.yielded.push(task);
    }

    /// A task that was woken during its own poll: behind those that are ready, and nobody is woken for it.
    #[inline]
    fn push_woken(&self, task: Runnable) {
        self.accounts.count_schedule();
        self.queues.ready.push(task);
    }
}

thread_local! {
    static BATCH_OF: Cell<*const Yard> = const { Cell::new(ptr::null()) };
    static BATCH: RefCell<Option<Chain>> = const { RefCell::new(None) };
}

/// Runs `f`, and gives back the tasks of `yard` that were scheduled meanwhile. `f` must not panic.
fn collect_batch(yard: &Yard, f: impl FnOnce()) -> Chain {
    BATCH.set(Some(Chain::new()));
    let before = BATCH_OF.replace(yard);
    f();
    BATCH_OF.set(before);
    BATCH.take().unwrap_or_else(Chain::new)
}

/// Puts a task into this thread's batch, if it fills one for `yard`; else gives it back.
#[inline]
fn put_into_batch(yard: &Yard, task: Runnable) -> Option<Runnable> {
    if !ptr::eq(BATCH_OF.get(), yard) {
        return Some(task);
    }
    BATCH.with_borrow_mut(|batch| match batch {
        Some(batch) => {
            batch.push(task);
            None
        }
        None => Some(task),
    })
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::base::id::Id;
    use crate::engine::sched::test_yard::{TestYard, yard_and_queues};
    use crate::engine::sched::worker::here::install;
    use std::future::poll_fn;
    use std::panic::Location;
    use std::sync::Mutex;
    use std::task::Poll;
    use std::thread;

    /// Runs `f` on the worker of a yard without an engine, and drops what it leaves behind.
    fn on_a_worker(f: impl FnOnce(&TestYard, &Worker<'_>)) {
        let (yard, mut queues) = yard_and_queues(1, 1);
        let worker = Worker::new(&yard, 0, queues.remove(0), false);
        let installed = install(&worker);
        f(&yard, &worker);
        yard.close();
        yard.drain();
        drop(installed);
    }

    fn spawn(yard: &Yard, future: impl Future<Output = ()> + Send) -> Id {
        let id = Id::fresh();
        drop(yard.spawn(future, TaskInfo::new(id, Location::caller())));
        id
    }

    /// A task that leaves its waker behind in its one poll, which is over.
    fn asleep(yard: &Yard, worker: &Worker<'_>) -> Waker {
        let kept = Arc::new(Mutex::new(None));
        let keep = kept.clone();
        spawn(
            yard,
            poll_fn(move |cx| {
                *keep.lock().unwrap() = Some(cx.waker().clone());
                Poll::Pending
            }),
        );
        worker.place.next.take().expect("it was put into the slot").run();
        kept.lock().unwrap().take().expect("it has been polled")
    }

    /// Tasks in the slot, the queue, the queue of those that gave way, and the inject queue.
    fn lengths(yard: &Yard, worker: &Worker<'_>) -> [usize; 4] {
        let queues = &worker.queues;
        let slot = usize::from(!worker.place.next.is_empty());
        [slot, queues.ready.len(), queues.yielded.len(), yard.inject.len()]
    }

    #[test]
    fn the_newest_goes_to_the_slot_and_what_lay_there_to_the_queue() {
        on_a_worker(|yard, worker| {
            let waker = asleep(yard, worker);
            let fresh = spawn(yard, async {});
            assert_eq!(lengths(yard, worker), [1, 0, 0, 0]);
            waker.wake();
            assert_eq!(lengths(yard, worker), [1, 1, 0, 0]);
            let woken = worker.place.next.take().unwrap();
            assert_ne!(woken.header().id(), fresh, "the woken one is in the slot");
            woken.run();
            worker.queues.ready.pop().unwrap().run();
        });
    }

    /// Fault: `drain_after_a_push` does nothing; or it does not clear up.
    #[test]
    fn what_comes_when_a_drain_has_given_up_is_dropped_and_the_yard_is_freed() {
        let (yard, _queues) = yard_and_queues(1, 1);
        spawn(&yard, async {});
        let in_flight = yard.inject.pop().expect("no worker is here");
        yard.close();
        assert!(!yard.drain_until(Some(std::time::Instant::now())));
        assert_eq!(Arc::strong_count(&yard), 2, "the task's owner must stay");
        yard.push_from_outside(in_flight);
        assert_eq!((yard.alive(), Arc::strong_count(&yard)), (0, 1));
    }

    #[test]
    fn what_a_look_found_goes_to_the_queue() {
        on_a_worker(|yard, worker| {
            let waker = asleep(yard, worker);
            worker.pushes.set(Pushes::Queue);
            waker.wake();
            spawn(yard, async {});
            assert_eq!(lengths(yard, worker), [0, 2, 0, 0]);
        });
    }

    #[test]
    fn one_woken_in_its_poll_goes_behind_the_ready_and_one_that_gave_way_behind_all() {
        on_a_worker(|yard, worker| {
            for (gives_way, lie) in [(false, [0, 1, 0, 0]), (true, [0, 1, 1, 0])] {
                spawn(
                    yard,
                    poll_fn(move |cx| {
                        if gives_way {
                            budget::give_way(cx)
                        } else {
                            cx.waker().wake_by_ref()
                        }
                        Poll::Pending
                    }),
                );
                worker.place.next.take().unwrap().run();
                assert_eq!(lengths(yard, worker), lie);
            }
        });
    }

    #[test]
    fn other_threads_and_a_worker_that_blocks_push_from_outside() {
        on_a_worker(|yard, worker| {
            let waker = asleep(yard, worker);
            thread::scope(|scope| {
                scope.spawn(|| {
                    waker.wake();
                    spawn(yard, async {})
                });
            });
            assert_eq!(lengths(yard, worker), [0, 0, 0, 2]);
            let waker = asleep(yard, worker);
            let blocking = worker.block();
            waker.wake();
            spawn(yard, async {});
            assert_eq!(lengths(yard, worker), [0, 0, 0, 4]);
            drop(blocking);
        });
    }

    #[test]
    fn a_batch_comes_at_once_and_holds_its_own_yards_tasks_only() {
        on_a_worker(|yard, worker| {
            let mut due = vec![asleep(yard, worker), asleep(yard, worker)];
            on_a_worker(|other, theirs| {
                due.push(asleep(other, theirs));
                let (yard, other) = (yard, other);
                thread::scope(|scope| {
                    scope.spawn(|| {
                        let batch = collect_batch(yard, || wake_all(&mut due));
                        assert_eq!((batch.len(), yard.inject.len(), other.inject.len()), (2, 0, 1));
                        yard.push_batch(batch);
                    });
                });
            });
            assert_eq!(lengths(yard, worker), [0, 0, 0, 2]);
        });
    }
}
