//! The scheduler of a `LocalSet`.
//!
//! Owns: the queue of woken tasks, those that gave way, the list of suspended ones, the waker of the task that polls the set.
//!
//! Any thread may wake a task and so push to the queue, but only the set's own thread takes from it: futures that are
//! not `Send` are polled and dropped there alone, also at the end (museum M4). The queue stays open until no task is
//! alive, so a thread that is about to push one is waited for, as in the engine's shutdown.

use crate::engine::budget;
use crate::engine::entered::with_engine;
use crate::engine::{Chain, Next, OwnedTasks, Owner, PanicSink, Runnable, Running};
use crate::runtime::{UnhandledPanic, tell_subscriber};
use crate::task::Id;
use parking_lot::Mutex;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock, Weak};
use std::task::Waker;

pub(super) struct LocalQueue {
    woken: Mutex<Woken>,
    owned: OwnedTasks,
    /// Of whatever polls the set; taken by the wake that uses it.
    waker: Mutex<Option<Waker>>,
    alive: AtomicU64,
    closing: AtomicBool,
    /// What the set does about panics of its tasks, from its first use on.
    policy: OnceLock<UnhandledPanic>,
    /// A task has panicked, and the policy is to shut down.
    closed_by_panic: AtomicBool,
    this: Weak<LocalQueue>,
}

struct Woken {
    tasks: Chain,
    /// Those that gave way: they run when the set is polled again, behind what sockets and timers have woken by then.
    gave_way: Chain,
}

impl LocalQueue {
    pub(super) fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| LocalQueue {
            woken: Mutex::new(Woken { tasks: Chain::new(), gave_way: Chain::new() }),
            owned: OwnedTasks::new(),
            waker: Mutex::new(None),
            alive: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            policy: OnceLock::new(),
            closed_by_panic: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// `false`: the set is in use.
    #[must_use]
    pub(super) fn set_policy(&self, policy: UnhandledPanic) -> bool {
        self.policy.set(policy).is_ok()
    }

    fn policy(&self) -> UnhandledPanic {
        *self.policy.get_or_init(UnhandledPanic::default)
    }

    pub(super) fn closed_by_panic(&self) -> bool {
        self.closed_by_panic.load(Ordering::Relaxed)
    }

    /// A task has been spawned: counts and queues it, or cancels it when the set is going.
    pub(super) fn adopt(&self, task: Runnable) {
        let _decided = self.policy();
        self.alive.fetch_add(1, Ordering::Relaxed);
        if self.closing.load(Ordering::Relaxed) {
            return task.cancel();
        }
        self.push(task);
    }

    fn push(&self, task: Runnable) {
        self.woken.lock().tasks.push(task);
        self.wake_set();
    }

    fn wake_set(&self) {
        let waker = self.waker.lock().take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Remembers whom to wake when a task is woken. Before the queue is looked at, so that no wake falls between.
    pub(super) fn set_waker(&self, waker: &Waker) {
        let _decided = self.policy();
        let new = waker.clone();
        let old = self.waker.lock().replace(new);
        drop(old);
    }

    pub(super) fn pop(&self) -> Option<Runnable> {
        self.woken.lock().tasks.pop()
    }

    pub(super) fn has_woken(&self) -> bool {
        !self.woken.lock().tasks.is_empty()
    }

    /// Puts those that gave way behind the others. `true`: there are some.
    pub(super) fn end_turn(&self) -> bool {
        let mut woken = self.woken.lock();
        let gave_way = std::mem::replace(&mut woken.gave_way, Chain::new());
        let any = !gave_way.is_empty();
        woken.tasks.append(gave_way);
        any
    }

    pub(super) fn alive(&self) -> u64 {
        self.alive.load(Ordering::Acquire)
    }

    /// Cancels every task, on the set's own thread.
    pub(super) fn close(&self) {
        loop {
            let found = self.cancel_all();
            if self.alive() == 0 {
                return;
            }
            if !found {
                // A thread is between waking a task and pushing it.
                std::thread::yield_now();
            }
        }
    }

    /// Cancels the tasks that are not between two queues or in a poll right now; those are by the next call. What is
    /// spawned from now on is cancelled at once. `false`: there was none.
    pub(super) fn cancel_all(&self) -> bool {
        self.closing.store(true, Ordering::Relaxed);
        self.owned.close();
        let mut found = false;
        loop {
            match self.owned.cancel_one() {
                Next::Cancel(task) => task.run(),
                Next::Elsewhere => {}
                Next::Empty => break,
            }
            found = true;
        }
        self.end_turn();
        while let Some(task) = self.pop() {
            task.cancel();
            found = true;
        }
        found
    }
}

impl Owner for LocalQueue {
    fn schedule(&self, task: Runnable) {
        // Once the task is in the queue it may be run and the set be dropped before we are done here.
        let this = self.this.upgrade().expect("BUG: a local task is woken after its set is gone");
        this.push(task);
    }

    fn requeue(&self, task: Runnable) {
        let mut woken = self.woken.lock();
        if budget::gave_way() { woken.gave_way.push(task) } else { woken.tasks.push(task) }
    }

    fn link(&self, task: &Running) -> Option<u32> {
        self.owned.link(task).then_some(0)
    }

    fn finished(&self, task: &Running) {
        if task.list().is_some() {
            self.owned.unlink(task);
        }
        self.alive.fetch_sub(1, Ordering::Release);
    }

    fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        let runtimes = with_engine(|engine| engine?.panic_sink());
        Some(Arc::new(Policies { set: self.this.clone(), policy: self.policy(), runtimes }))
    }
}

/// The set's policy, and that of the runtime that polls the set: this one hears of what nobody has handled, but a panic
/// of a task that is not its own does not shut it down.
struct Policies {
    set: Weak<LocalQueue>,
    policy: UnhandledPanic,
    runtimes: Option<Arc<dyn PanicSink>>,
}

impl PanicSink for Policies {
    fn panicked(&self, _id: Id) {
        if self.policy == UnhandledPanic::ShutdownRuntime
            && let Some(set) = self.set.upgrade()
        {
            set.closed_by_panic.store(true, Ordering::Relaxed);
        }
    }

    fn unhandled(&self, id: Id, payload: &(dyn Any + Send)) {
        match &self.runtimes {
            Some(runtimes) => runtimes.unhandled(id, payload),
            None => tell_subscriber(id, payload),
        }
        self.policy.report(id, payload);
    }
}
