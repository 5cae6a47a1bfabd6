//! Closures as tasks, and threads for the crew.
//!
//! Owns: the crew of an engine.
//! Not here: who waits, and when one more thread is worth starting (`blocking`).
//!
//! A closure is a future that is ready in its first poll, in a cell like any other: join, abort and panics come from
//! there. Its owner is the pool's [`Closures`], which nobody asks to schedule: such a task is never asleep.

use crate::engine::base::budget;
use crate::engine::blocking::{AfterSubmit, Crew, Hand, Members, Next};
use crate::engine::cell::{self, JoinCell, Name, Owner, PanicSink, Runnable, Running, TaskInfo};
use crate::engine::sched::config::Config;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::sys::{self, sizing};
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(crate) struct Pool {
    crew: Crew<Runnable>,
    members: Members,
    closures: Closures,
    keep_alive: Duration,
}

/// The owner of closures.
struct Closures {
    panic_sink: Option<Arc<dyn PanicSink>>,
}

impl Owner for Closures {
    fn schedule(&self, _task: Runnable) {
        unreachable!("BUG: a blocking closure was asleep; it is ready in its first poll");
    }
    fn requeue(&self, _task: Runnable) {
        unreachable!("BUG: a blocking closure yielded; it is ready in its first poll");
    }
    fn link(&self, _task: &Running) -> Option<u32> {
        unreachable!("BUG: a blocking closure is pending; it is ready in its first poll");
    }
    fn finished(&self, _task: &Running) {}
    fn panic_sink(&self) -> Option<Arc<dyn PanicSink>> {
        self.panic_sink.clone()
    }
}

/// A closure as a future.
struct Closure<F>(Option<F>);

/// The closure is moved out before it runs, never pinned.
impl<F> Unpin for Closure<F> {}

impl<F: FnOnce() -> R, R> Future for Closure<F> {
    type Output = R;

    fn poll(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<R> {
        let closure = self.0.take().expect("BUG: a blocking closure is polled twice");
        budget::refill(budget::Budget::UNCONSTRAINED);
        Poll::Ready(closure())
    }
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Self {
        Pool {
            crew: Crew::new(config.workers.max(2), config.blocking_max),
            members: Members::new(),
            closures: Closures { panic_sink: config.panic_sink.clone() },
            keep_alive: config.blocking_keep_alive,
        }
    }

    pub(crate) fn threads(&self) -> usize {
        self.crew.threads()
    }

    pub(crate) fn idle_threads(&self) -> usize {
        self.crew.idle_threads()
    }

    pub(crate) fn queued(&self) -> usize {
        self.crew.queued()
    }

    /// Does no closure run or wait?
    pub(crate) fn is_quiet(&self) -> bool {
        self.crew.is_quiet()
    }

    /// Refuses further closures, and cancels those that wait because all threads that there may be are inside one.
    pub(crate) fn close(&self) {
        for task in self.crew.close() {
            task.cancel();
        }
    }

    /// Waits for the others. `false`: the deadline came first.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        self.crew.wait(deadline)
    }

    /// The life of the pacer. `true`: now it is a thread like the others.
    fn pace(&self, engine: &Arc<Engine>) -> bool {
        // Whether the system can be asked: this thread is running.
        let can_tell = sys::is_running(sys::this_thread()).is_some();
        let wants = |thread| sys::is_running(thread) == Some(true);
        let wanting = || can_tell.then(|| self.members.wanting(wants));
        self.crew.pace(sizing::worker_count(), self.keep_alive, wanting, || engine.start_pool_thread(false).is_ok())
    }

    /// The life of a thread of the pool.
    fn work(&self, engine: &Arc<Engine>, pacer: bool) {
        if pacer && !self.pace(engine) {
            return;
        }
        let member = self.members.enter(sys::this_thread());
        let mut hand = Hand::default();
        while let Next::Run(task) = self.crew.next(&mut hand, self.keep_alive, || engine.reconsider_the_clock()) {
            member.inside(|| task.run());
        }
    }
}

impl Engine {
    /// Runs a closure on a thread for such.
    ///
    /// # Panics
    /// If no thread can be started and none exists.
    #[track_caller]
    pub(crate) fn spawn_blocking<F, R, N>(&self, closure: F, info: TaskInfo<N>) -> JoinCell<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        let owner: NonNull<Closures> = NonNull::from(&self.blocking.closures);
        let (task, join) = cell::allocate(Closure(Some(closure)), owner, info);
        let starts_pacer = match self.blocking.crew.submit(task) {
            AfterSubmit::Nothing => return join,
            AfterSubmit::Closed(task) => {
                task.cancel();
                return join;
            }
            AfterSubmit::Ask => None,
            AfterSubmit::StartThread => Some(false),
            AfterSubmit::StartPacer => Some(true),
        };
        let refused = match starts_pacer.map(|pacer| self.start_counted(pacer)) {
            Some(Ok(())) => return join,
            Some(Err(error)) => Some(error),
            None => None,
        };
        // The closure waits for the threads that exist. If there are none, nothing would ever run it.
        if !self.blocking.crew.has_a_thread() {
            no_thread(refused);
        }
        join
    }

    /// Starts a thread that `submit` has counted.
    fn start_counted(&self, pacer: bool) -> io::Result<()> {
        let crew = &self.blocking.crew;
        let started = self.start_pool_thread(pacer);
        if started.is_ok() {
            crew.did_start();
        } else {
            for task in crew.did_not_start(pacer) {
                task.cancel();
            }
        }
        started
    }

    fn start_pool_thread(&self, pacer: bool) -> io::Result<()> {
        self.start_uncounted_thread(move |engine| engine.blocking.work(engine, pacer))
    }
}

#[cold]
#[track_caller]
fn no_thread(refused: Option<io::Error>) -> ! {
    let why = refused.map_or_else(String::new, |error| format!(": {error}"));
    panic!(
        "no thread for a blocking closure: the operating system refused to start one{why}.\n  Raise the limits on threads \
         and memory, or lower `Builder::max_blocking_threads`."
    )
}
