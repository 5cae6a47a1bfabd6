//! The scheduler of a `LocalSet`.
//!
//! Owns: the queue of woken tasks, the list of suspended ones, the waker of the task that polls the set.
//!
//! Any thread may wake a task and so push to the queue, but only the set's own thread takes from it: futures that are
//! not `Send` are polled and dropped there alone, also at the end (museum M4). The queue stays open until no task is
//! alive, so a thread that is about to push one is waited for, as in the engine's shutdown.

use crate::engine::entered::with_engine;
use crate::engine::{Chain, Header, Next, OwnedTasks, Owner, PanicSink, Runnable};
use crate::task::Id;
use parking_lot::Mutex;
use std::any::Any;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;

pub(super) struct LocalQueue {
    woken: Mutex<Chain>,
    owned: OwnedTasks,
    /// Of whatever polls the set; taken by the wake that uses it.
    waker: Mutex<Option<Waker>>,
    alive: AtomicU64,
    closing: AtomicBool,
    this: Weak<LocalQueue>,
}

impl LocalQueue {
    pub(super) fn new() -> Arc<Self> {
        Arc::new_cyclic(|this| LocalQueue {
            woken: Mutex::new(Chain::new()),
            owned: OwnedTasks::new(),
            waker: Mutex::new(None),
            alive: AtomicU64::new(0),
            closing: AtomicBool::new(false),
            this: this.clone(),
        })
    }

    /// A task has been spawned: counts and queues it, or cancels it when the set is going.
    pub(super) fn adopt(&self, task: Runnable) {
        self.alive.fetch_add(1, Ordering::Relaxed);
        if self.closing.load(Ordering::Relaxed) {
            return task.cancel();
        }
        self.push(task);
    }

    fn push(&self, task: Runnable) {
        self.woken.lock().push(task);
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
        let new = waker.clone();
        let old = self.waker.lock().replace(new);
        drop(old);
    }

    pub(super) fn pop(&self) -> Option<Runnable> {
        self.woken.lock().pop()
    }

    pub(super) fn has_woken(&self) -> bool {
        !self.woken.lock().is_empty()
    }

    pub(super) fn alive(&self) -> u64 {
        self.alive.load(Ordering::Acquire)
    }

    /// Cancels every task, on the set's own thread.
    pub(super) fn close(&self) {
        self.closing.store(true, Ordering::Relaxed);
        self.owned.close();
        while self.alive() > 0 {
            let mut found = false;
            loop {
                match self.owned.cancel_one() {
                    Next::Cancel(task) => task.run(),
                    Next::Elsewhere => {}
                    Next::Empty => break,
                }
                found = true;
            }
            while let Some(task) = self.pop() {
                task.cancel();
                found = true;
            }
            if !found {
                // A thread is between waking a task and pushing it.
                std::thread::yield_now();
            }
        }
    }
}

impl Owner for LocalQueue {
    fn schedule(&self, task: Runnable) {
        // Once the task is in the queue it may be run and the set be dropped before we are done here.
        let this = self.this.upgrade().expect("BUG: a local task is woken after its set is gone");
        this.push(task);
    }

    fn requeue(&self, task: Runnable) {
        self.woken.lock().push(task);
    }

    fn link(&self, task: &Header) -> Option<u32> {
        self.owned.link(task).then_some(0)
    }

    fn finished(&self, task: &Header) {
        if task.list().is_some() {
            self.owned.unlink(task);
        }
        self.alive.fetch_sub(1, Ordering::Release);
    }

    fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        let sink = with_engine(|engine| engine.and_then(|engine| engine.config.panic_sink.clone()))?;
        Some(Arc::new(ReportsOnly(sink)))
    }
}

/// The policy of the runtime that polls the set, for tasks that are not the runtime's own: it hears of what nobody has
/// handled, but a panic that somebody may still join does not shut it down.
struct ReportsOnly(Arc<dyn PanicSink>);

impl PanicSink for ReportsOnly {
    fn panicked(&self, _id: Id) {}

    fn unhandled(&self, id: Id, payload: &(dyn Any + Send)) {
        self.0.unhandled(id, payload);
    }
}
