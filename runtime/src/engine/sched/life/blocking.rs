//! Threads that run blocking closures.
//!
//! Owns: the way of a closure to a thread, and that thread's life.   Not here: the closure as a task (`pool`); who waits, and
//! when one more thread is worth starting (`engine/blocking`).

use crate::engine::blocking::{AfterSubmit, Hand, Next};
use crate::engine::cell::{self, JoinCell, Name, TaskInfo};
use crate::engine::sched::engine::Engine;
use crate::engine::sched::life::pool::{Closure, Closures};
use crate::engine::sched::sys::{self, sizing};
use std::io;
use std::ptr::NonNull;

impl Engine {
    /// Runs a closure that may block on a thread of the pool.
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
        let owner: NonNull<Closures> = NonNull::from(&self.yard.blocking.closures);
        let (task, join) = cell::allocate(Closure(Some(closure)), owner, info);
        let starts_pacer = match self.yard.blocking.crew.submit(task) {
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
        if !self.yard.blocking.crew.has_a_thread() {
            no_thread(refused);
        }
        join
    }

    /// Starts a thread that `submit` has counted.
    fn start_counted(&self, pacer: bool) -> io::Result<()> {
        let crew = &self.yard.blocking.crew;
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
        self.start_uncounted_thread(move |engine| engine.run_closures(pacer))
    }

    /// The life of the pacer. `true`: now it is a thread like the others.
    fn pace(&self) -> bool {
        let pool = &self.yard.blocking;
        // Whether the system can be asked: this thread is running.
        let can_tell = sys::is_running(sys::this_thread()).is_some();
        let wants = |thread| sys::is_running(thread) == Some(true);
        let wanting = || can_tell.then(|| pool.members.wanting(wants));
        pool.crew.pace(sizing::worker_count(), pool.keep_alive, wanting, || self.start_pool_thread(false).is_ok())
    }

    /// The life of a thread of the pool.
    fn run_closures(&self, pacer: bool) {
        if pacer && !self.pace() {
            return;
        }
        let pool = &self.yard.blocking;
        let member = pool.members.enter(sys::this_thread());
        let mut hand = Hand::default();
        while let Next::Run(task) = pool.crew.next(&mut hand, pool.keep_alive, || self.yard.reconsider_the_clock()) {
            member.inside(|| task.run());
        }
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
