//! Closures as tasks, and the crew that runs them.
//!
//! Owns: the crew of an engine.   Not here: its threads (`life/blocking`); who waits, and when one more thread is worth
//! starting (`engine/blocking`).
//!
//! A closure is a future that is ready in its first poll, in a cell like any other: join, abort and panics come from
//! there. Its owner is the pool's [`Closures`], which nobody asks to schedule: such a task is never asleep.

use crate::engine::base::budget;
use crate::engine::blocking::{Crew, Members};
use crate::engine::cell::{Owner, PanicSink, Runnable, Running};
use crate::engine::sched::config::Config;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

pub(crate) struct Pool {
    pub(super) crew: Crew<Runnable>,
    pub(super) members: Members,
    pub(super) closures: Closures,
    pub(super) keep_alive: Duration,
}

/// The owner of closures.
pub(super) struct Closures {
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
pub(super) struct Closure<F>(pub(super) Option<F>);

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
}
