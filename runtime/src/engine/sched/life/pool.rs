//! The blocking pool of an engine: a lane for each class of closures.
//!
//! Owns: the classes, their limits, and the order in which they end.
//! Not here: what a lane does (`lane`); the engine's threads in it (`blocking`).
//!
//! | class | closures | threads at the most |
//! |---|---|---|
//! | internal | the runtime's own: files, names to look up, standard output and error | [`INTERNAL_MOST`] |
//! | user | `spawn_blocking` | `Builder::max_blocking_threads` |
//! | compute | `BlockingPool::compute` | one for each CPU |
//!
//! A thread belongs to one class, and they share nothing. So closures of users that all block, or compute, hold up no file;
//! and no class has a thread before its first closure. (One exception: where the system refuses a class its first thread, those of
//! users help out, if there are any.)
//!
//! The end. What the internal class has accepted is run, whatever it waits for: it may be bytes that somebody counts on. It
//! is closed last, since closures and tasks that end may still write. What users' closures wait for is limited by the
//! crew (`engine/blocking/crew`).

use crate::engine::blocking::Patience;
use crate::engine::cell::PanicSink;
use crate::engine::sched::config::Config;
use crate::engine::sched::life::lane::Lane;
use crate::engine::sched::sys::sizing;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

/// As tokio's pool, which has this limit for all.
const INTERNAL_MOST: usize = 512;

/// So many threads stay for the whole `thread_keep_alive`, and as many as there are CPUs.
const KEPT: usize = 8;
/// The others stay for so long. A burst that comes again within it finds its threads; a stack and the kernel's part of a
/// thread are some 30 KiB.
const SURPLUS_AFTER: Duration = Duration::from_secs(1);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Class {
    Internal,
    User,
    Compute,
}

pub(crate) struct Pool {
    internal: Lane,
    user: Lane,
    /// Made when it is needed: to count the CPUs takes longer than much else at the start of a runtime.
    compute: OnceLock<Lane>,
    keep_alive: Duration,
    waiting_most: usize,
    panic_sink: Option<Arc<dyn PanicSink>>,
}

impl Pool {
    pub(crate) fn new(config: &Config) -> Self {
        let eager = config.workers.max(2);
        let patience = || {
            if config.blocking_surplus_leaves {
                let kept = || sizing::worker_count() + KEPT;
                Patience::with_surplus(config.blocking_keep_alive, SURPLUS_AFTER, 1 + KEPT, kept)
            } else {
                Patience::even(config.blocking_keep_alive)
            }
        };
        let sink = &config.panic_sink;
        let lane = |most, waiting_most| Lane::new(eager, most, patience(), waiting_most).with_panic_sink(sink.clone());
        Pool {
            internal: lane(INTERNAL_MOST, usize::MAX),
            user: lane(config.blocking_max, config.blocking_queue_most),
            compute: OnceLock::new(),
            keep_alive: config.blocking_keep_alive,
            waiting_most: config.blocking_queue_most,
            panic_sink: sink.clone(),
        }
    }

    pub(crate) fn lane(&self, class: Class) -> &Lane {
        match class {
            Class::Internal => &self.internal,
            Class::User => &self.user,
            Class::Compute => self.compute.get_or_init(|| self.make_compute(sizing::worker_count())),
        }
    }

    fn make_compute(&self, cpus: usize) -> Lane {
        Lane::new(cpus, cpus, Patience::even(self.keep_alive), self.waiting_most)
            .with_panic_sink(self.panic_sink.clone())
    }

    /// Does no closure run or wait?
    pub(crate) fn is_quiet(&self) -> bool {
        // In this order: a closure of a user may hand on to the runtime's own, never the other way round.
        self.compute.get().is_none_or(Lane::is_quiet) && self.user.is_quiet() && self.internal.is_quiet()
    }

    /// Refuses further closures of users, and cancels those that wait because all threads that there may be are inside one.
    pub(crate) fn close(&self) {
        self.user.close();
        // One that is made from now on is made closed, for any number of CPUs.
        self.compute.get_or_init(|| self.make_compute(1)).close();
    }

    /// Waits for the others, and then for the runtime's own. What the deadline finds goes on in its threads.
    pub(crate) fn wait(&self, deadline: Option<Instant>) {
        self.user.wait(deadline);
        if let Some(compute) = self.compute.get() {
            compute.wait(deadline);
        }
        self.internal.close_to_new();
        self.internal.wait(deadline);
    }
}
