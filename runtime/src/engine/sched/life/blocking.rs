//! An engine's threads in its blocking pool.
//!
//! Not here: the way of a closure to a thread (`lane`); the classes (`pool`).

use crate::engine::base::budget::{self, Budget};
use crate::engine::blocking::Refused;
use crate::engine::cell::{JoinCell, Name, TaskInfo};
use crate::engine::sched::engine::Engine;
use crate::engine::sched::life::lane::{Host, Lane, NoThread};
use crate::engine::sched::life::pool::Class;
use crate::engine::sched::sys::sizing;
use std::io;

/// An engine, and which of its closures a thread is for.
struct OfClass<'e>(&'e Engine, Class);

impl Host for OfClass<'_> {
    fn start(&self, pacer: bool) -> io::Result<()> {
        let class = self.1;
        self.0.start_uncounted_thread(move |engine| {
            engine.yard.blocking.lane(class).run(pacer, &OfClass(engine, class));
        })
    }

    fn waits(&self) {
        self.0.yard.reconsider_the_clock();
    }

    fn left(&self) {}

    fn cpus(&self) -> usize {
        sizing::worker_count()
    }

    /// The threads of users help out. If there are none either, an operation of our own is done right here: late, but not
    /// lost, and a poll that panicked would help nobody.
    #[track_caller]
    fn finds_none(&self, lane: &Lane, refused: NoThread) {
        let users = self.0.yard.blocking.lane(Class::User);
        let right_here = || self.1 == Class::Internal && users.threads() == 0;
        if self.1 == Class::User {
            refused.panic();
        } else if right_here() {
            for task in lane.take_back() {
                budget::with_budget(Budget::UNCONSTRAINED, || task.run());
            }
        } else {
            let mut helped = Ok(());
            for task in lane.take_back() {
                helped = users.submit(task, &OfClass(self.0, Class::User));
            }
            if helped.is_err() {
                refused.panic();
            }
        }
    }
}

impl Engine {
    /// Runs a closure that may block on a thread of its class.
    ///
    /// # Panics
    /// If no thread can be started and none exists.
    #[track_caller]
    pub(crate) fn spawn_blocking<F, R, N>(&self, class: Class, closure: F, info: TaskInfo<N>) -> JoinCell<R>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        self.yard.blocking.lane(class).spawn(closure, info, &OfClass(self, class))
    }

    /// The same, if there is room in the queue, and the engine has not ended.
    ///
    /// # Panics
    /// As `spawn_blocking`.
    #[track_caller]
    pub(crate) fn try_spawn_blocking<F, R, N>(
        &self,
        class: Class,
        closure: F,
        info: TaskInfo<N>,
    ) -> Result<JoinCell<R>, (Refused, F)>
    where
        F: FnOnce() -> R + Send + 'static,
        R: Send + 'static,
        N: Name,
    {
        self.yard.blocking.lane(class).try_spawn(closure, |closure| closure, info, &OfClass(self, class))
    }
}
