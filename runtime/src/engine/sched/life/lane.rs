//! A class of closures that block: how many threads it may have, and how a closure comes to one.
//!
//! Owns: the crew of a class, closures as tasks, the life of a thread in it.
//! Not here: who waits, and when one more thread is worth starting (`engine/blocking`); whose threads they are
//! (`blocking`: an engine's; `own`: nobody else's); which classes an engine has (`pool`).
//!
//! A closure is a future that is ready in its first poll, in a cell like any other: join, abort and panics come from
//! there. Its owner is the lane's [`Closures`], which nobody asks to schedule: such a task is never asleep. Whoever owns a
//! lane keeps it in place until its threads have left and it was closed.

use crate::engine::base::budget;
use crate::engine::blocking::{AfterSubmit, Crew, Hand, Members, Next, Patience, Refused};
use crate::engine::cell::{self, JoinCell, Name, Owner, PanicSink, Runnable, Running, TaskInfo};
use crate::engine::sched::sys;
use std::collections::VecDeque;
use std::future::Future;
use std::io;
use std::pin::Pin;
use std::ptr::NonNull;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

pub(crate) struct Lane {
    crew: Crew<Runnable>,
    members: Members,
    closures: Closures,
    patience: Patience,
    /// So many may wait besides those that a thread could be had for; asked for by `try_spawn` alone.
    waiting_most: usize,
}

/// Whose threads a lane has.
pub(super) trait Host {
    /// Starts a thread that calls `run`.
    fn start(&self, pacer: bool) -> io::Result<()>;

    /// A thread has nothing to do.
    fn waits(&self);

    /// One that was counted is so no more.
    fn left(&self);

    fn cpus(&self) -> usize;

    /// The system has refused a thread, and the lane has none for what is in its queue.
    #[track_caller]
    fn finds_none(&self, lane: &Lane, refused: NoThread);
}

/// A closure waits in a lane without a thread; and what the system has said, if it was asked on its behalf.
pub(super) struct NoThread(Option<io::Error>);

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

impl Lane {
    /// `eager` threads start without asking whether they are needed, `most` is the limit.
    pub(super) fn new(eager: usize, most: usize, patience: Patience, waiting_most: usize) -> Lane {
        let closures = Closures { panic_sink: None };
        Lane { crew: Crew::new(eager, most), members: Members::new(), closures, patience, waiting_most }
    }

    pub(super) fn with_panic_sink(mut self, panic_sink: Option<Arc<dyn PanicSink>>) -> Lane {
        self.closures.panic_sink = panic_sink;
        self
    }

    /// # Panics
    /// If no thread can be started and none exists.
    #[track_caller]
    pub(super) fn spawn<F, R, N>(&self, closure: F, info: TaskInfo<N>, host: &impl Host) -> JoinCell<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        let span = info.span_of_closure::<F>();
        let (task, join) = cell::allocate(Closure(Some(closure)), NonNull::from(&self.closures), info, span);
        if let Err(refused) = self.submit(task, host) {
            host.finds_none(self, refused);
        }
        join
    }

    /// The same, if no more wait than may. `prepare` makes of the closure what runs.
    ///
    /// # Panics
    /// As `spawn`.
    #[track_caller]
    pub(super) fn try_spawn<F, G, R, N>(
        &self,
        closure: F,
        prepare: impl FnOnce(F) -> G,
        info: TaskInfo<N>,
        host: &impl Host,
    ) -> Result<JoinCell<R>, (Refused, F)>
    where
        F: FnOnce() -> R,
        G: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        // Before the lock is taken: so one that is refused has a span, too, which ends here.
        let span = info.span_of_closure::<F>();
        let (mut closure, mut join) = (Some(closure), None);
        let tried = self.crew.try_submit(self.waiting_most, || {
            let closure = prepare(closure.take().expect("BUG: a closure is taken twice"));
            let (task, joined) = cell::allocate(Closure(Some(closure)), NonNull::from(&self.closures), info, span);
            join = Some(joined);
            task
        });
        match (tried, closure, join) {
            (Ok(after), None, Some(join)) => {
                if let Err(refused) = self.see_to(after, host) {
                    host.finds_none(self, refused);
                }
                Ok(join)
            }
            (Err(refused), Some(closure), None) => Err((refused, closure)),
            _ => unreachable!("BUG: a closure is in two places, or in none"),
        }
    }

    pub(super) fn submit(&self, task: Runnable, host: &impl Host) -> Result<(), NoThread> {
        self.see_to(self.crew.submit(task), host)
    }

    /// Starts the thread that a closure needs, if it does.
    fn see_to(&self, after: AfterSubmit<Runnable>, host: &impl Host) -> Result<(), NoThread> {
        let starts_pacer = match after {
            AfterSubmit::Nothing => return Ok(()),
            AfterSubmit::Closed(task) => {
                task.cancel();
                return Ok(());
            }
            AfterSubmit::Ask => None,
            AfterSubmit::StartThread => Some(false),
            AfterSubmit::StartPacer => Some(true),
        };
        let refused = match starts_pacer.map(|pacer| self.start_counted(pacer, host)) {
            Some(Ok(())) => return Ok(()),
            Some(Err(error)) => Some(error),
            None => None,
        };
        // The closure waits for the threads that exist. If there are none, nothing would ever run it.
        if self.crew.has_a_thread() { Ok(()) } else { Err(NoThread(refused)) }
    }

    /// Starts a thread that `submit` has counted.
    fn start_counted(&self, pacer: bool, host: &impl Host) -> io::Result<()> {
        let started = host.start(pacer);
        if started.is_ok() {
            self.crew.did_start();
        } else {
            for task in self.crew.did_not_start(pacer) {
                task.cancel();
            }
            host.left();
        }
        started
    }

    /// The life of a thread.
    pub(super) fn run(&self, pacer: bool, host: &impl Host) {
        if !pacer || self.pace(host) {
            let member = self.members.enter(sys::this_thread());
            let mut hand = Hand::default();
            while let Next::Run(task) = self.crew.next(&mut hand, &self.patience, || host.waits()) {
                member.inside(|| task.run());
            }
        }
        host.left();
    }

    /// The life of the pacer. `true`: now it is a thread like the others.
    fn pace(&self, host: &impl Host) -> bool {
        // Whether the system can be asked: this thread is running.
        let can_tell = sys::is_running(sys::this_thread()).is_some();
        let wants = |thread| sys::is_running(thread) == Some(true);
        let wanting = || can_tell.then(|| self.members.wanting(wants));
        self.crew.pace(host.cpus(), self.patience.keep_alive(), wanting, || host.start(false).is_ok())
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
    pub(super) fn is_quiet(&self) -> bool {
        self.crew.is_quiet()
    }

    /// Is it closed, and has every thread left?
    pub(super) fn is_over(&self) -> bool {
        self.crew.is_over()
    }

    /// Refuses further closures, and cancels those that wait because all threads that there may be are inside one.
    pub(super) fn close(&self) {
        cancel(self.crew.close());
    }

    /// Refuses further closures, and runs all others.
    pub(super) fn close_to_new(&self) {
        cancel(self.crew.close_to_new());
    }

    /// Waits until all threads have left. `false`: the deadline came first.
    pub(super) fn wait(&self, deadline: Option<Instant>) -> bool {
        self.crew.wait(deadline)
    }

    /// What has not begun.
    pub(super) fn take_back(&self) -> VecDeque<Runnable> {
        self.crew.take_back()
    }

    /// Cancels what has not begun.
    pub(super) fn cancel_queued(&self) {
        cancel(self.take_back());
    }
}

impl NoThread {
    #[cold]
    #[track_caller]
    pub(super) fn panic(self) -> ! {
        let why = self.0.map_or_else(String::new, |error| format!(": {error}"));
        panic!(
            "no thread for a blocking closure: the operating system refused to start one{why}.\n  Raise the limits on \
             threads and memory, or lower `Builder::max_blocking_threads`."
        )
    }
}

fn cancel(tasks: impl IntoIterator<Item = Runnable>) {
    for task in tasks {
        task.cancel();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::cell::Cell;
    use std::panic::Location;

    /// A system that refuses threads, slowly: the lane closes meanwhile.
    struct ClosesAndRefuses<'l> {
        lane: &'l Lane,
        told: Cell<usize>,
    }

    impl Host for ClosesAndRefuses<'_> {
        fn start(&self, _pacer: bool) -> io::Result<()> {
            self.lane.close_to_new();
            assert!(!self.lane.is_over(), "a thread may still come");
            Err(io::ErrorKind::WouldBlock.into())
        }
        fn waits(&self) {}
        fn left(&self) {
            assert!(self.lane.is_over());
            self.told.set(self.told.get() + 1);
        }
        fn cpus(&self) -> usize {
            1
        }
        fn finds_none(&self, _lane: &Lane, _refused: NoThread) {
            unreachable!("nothing waits for one")
        }
    }

    /// Fault: `start_counted` that does not tell its host: who waits for the end waits for ever.
    #[test]
    fn the_end_comes_with_a_refused_thread() {
        let lane = Lane::new(1, 1, Patience::even(std::time::Duration::MAX), 0);
        let host = ClosesAndRefuses { lane: &lane, told: Cell::new(0) };
        let info = crate::engine::sched::engine::Engine::info(Location::caller());
        let join = lane.spawn(|| (), info, &host);
        assert_eq!(host.told.get(), 1);
        assert!(join.task().header().is_complete(), "it is cancelled");
    }
}
