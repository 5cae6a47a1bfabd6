//! What metrics and inspection see of an engine.
//!
//! Owns: who an engine is, the names of its counters, and which places are added up for a worker.   Not here: the counters themselves
//! (`places/stats`, and beside what they count).
//!
//! Nothing is stopped for it: each number is right at some moment of the call, and two calls are two moments.

use crate::engine::histogram::Histogram;
use crate::engine::sched::config::Flavor;
use crate::engine::sched::engine::Engine;
use crate::engine::sched::life::pool::Class;
use crate::engine::sched::places::place::{Doing, Place};
use crate::engine::sched::worker::here::with_worker_of;
use crate::engine::sched::yard::Yard;
use std::iter::Sum;
use std::sync::atomic::Ordering;
use std::thread::ThreadId;
use std::time::Duration;

/// The counters of an engine.
#[derive(Clone, Copy)]
pub(crate) struct Counters<'e> {
    yard: &'e Yard,
}

impl Engine {
    pub(crate) fn id(&self) -> u64 {
        self.yard.id
    }

    pub(crate) fn flavor(&self) -> Flavor {
        self.yard.config.flavor
    }

    /// The name that its builder was given.
    pub(crate) fn name(&self) -> Option<&str> {
        self.yard.config.name.as_deref()
    }

    pub(crate) fn counters(&self) -> Counters<'_> {
        Counters { yard: &self.yard }
    }

    /// The number of this thread among the workers, if it runs tasks of this engine. A spare has that of the worker whose
    /// counters it adds to.
    pub(crate) fn worker_here(&self) -> Option<usize> {
        with_worker_of(&self.yard, |worker| worker.map(|worker| worker.index() % self.yard.config.workers))
    }
}

impl<'e> Counters<'e> {
    pub(crate) fn workers(self) -> usize {
        self.yard.config.workers
    }

    /// Never too small.
    pub(crate) fn alive(self) -> u64 {
        self.yard.alive()
    }

    pub(crate) fn spawned(self) -> u64 {
        self.all(|place| place.stats.spawned.get()) + self.yard.stats.spawned.get()
    }

    /// Tasks in the inject queue now.
    pub(crate) fn injected(self) -> usize {
        self.yard.inject.len()
    }

    /// Tasks that were ever pushed there from outside.
    pub(crate) fn pushed_from_outside(self) -> u64 {
        self.yard.inject.pushed()
    }

    pub(crate) fn forced_yields(self) -> u64 {
        self.all(|place| place.stats.forced_yields.get())
    }

    pub(crate) fn unhandled_panics(self) -> u64 {
        self.yard.stats.unhandled_panics.get()
    }

    pub(crate) fn spares_started(self) -> u64 {
        self.yard.stats.spares_started.get()
    }

    pub(crate) fn threads_refused(self) -> u64 {
        self.yard.stats.threads_refused.get()
    }

    /// Tasks that the guarantor took out of a stuck worker's slot.
    pub(crate) fn rescued(self) -> u64 {
        self.yard.stats.rescued.get()
    }

    /// Of the class for users' closures.
    pub(crate) fn pool_threads(self) -> usize {
        self.yard.blocking.lane(Class::User).threads()
    }

    pub(crate) fn pool_idle_threads(self) -> usize {
        self.yard.blocking.lane(Class::User).idle_threads()
    }

    /// Closures of users that wait for a thread.
    pub(crate) fn pool_queued(self) -> usize {
        self.yard.blocking.lane(Class::User).queued()
    }

    pub(crate) fn compute_threads(self) -> usize {
        self.yard.blocking.lane(Class::Compute).threads()
    }

    pub(crate) fn compute_queued(self) -> usize {
        self.yard.blocking.lane(Class::Compute).queued()
    }

    pub(crate) fn descriptors_registered(self) -> u64 {
        self.yard.drive.io().registrations()
    }

    pub(crate) fn descriptors_deregistered(self) -> u64 {
        self.yard.drive.io().deregistrations()
    }

    pub(crate) fn socket_events(self) -> u64 {
        self.yard.drive.io().events()
    }

    pub(crate) fn histogram(self) -> Option<&'e Histogram> {
        self.yard.histogram.as_ref()
    }

    /// Those of a worker, below `workers()`.
    pub(crate) fn worker(self, number: usize) -> WorkerCounters<'e> {
        // Whoever asks from inside of `block_on` is at work, and has been seen there from now on.
        with_worker_of(self.yard, |_| ());
        WorkerCounters { yard: self.yard, number }
    }

    fn all(self, f: impl Fn(&Place) -> u64) -> u64 {
        self.yard.places.iter().map(f).sum()
    }
}

/// The counters of one worker: of its place, or summed up over all places that have had its number. A worker whose thread has
/// never started has done nothing.
#[derive(Clone, Copy)]
pub(crate) struct WorkerCounters<'e> {
    yard: &'e Yard,
    number: usize,
}

impl<'e> WorkerCounters<'e> {
    pub(crate) fn parks(self) -> u64 {
        self.place().map_or(0, |place| place.stats.parks.get())
    }

    /// Odd while it sleeps, or has no thread.
    pub(crate) fn parks_and_unparks(self) -> u64 {
        self.place().map_or(1, |place| place.stats.parks_and_unparks.get())
    }

    pub(crate) fn mean_poll(self) -> Duration {
        Duration::from_nanos(self.place().map_or(0, |place| place.stats.mean_poll_ns.get()))
    }

    pub(crate) fn thread(self) -> Option<ThreadId> {
        self.place().filter(|place| place.doing() != Doing::Nothing).and_then(Place::thread_id)
    }

    /// Parks after which nothing was done before the next.
    pub(crate) fn noops(self) -> u64 {
        self.sum(|place| place.stats.noops.get())
    }

    pub(crate) fn busy(self) -> Duration {
        self.sum(|place| place.stats.busy.read())
    }

    pub(crate) fn steals(self) -> u64 {
        self.sum(|place| place.stats.steals.get())
    }

    pub(crate) fn steal_operations(self) -> u64 {
        self.sum(|place| place.stats.steal_operations.get())
    }

    pub(crate) fn polls(self) -> u64 {
        self.sum(|place| place.polls.load(Ordering::Relaxed))
    }

    pub(crate) fn local_schedules(self) -> u64 {
        self.sum(|place| place.stats.local_schedules.get())
    }

    /// Tasks in its queues now.
    pub(crate) fn queued(self) -> usize {
        self.sum(|place| place.stealer.len() + place.yielded.len())
    }

    fn place(self) -> Option<&'e Place> {
        self.yard.places.iter().nth(self.number)
    }

    fn sum<R: Sum>(self, f: impl Fn(&Place) -> R) -> R {
        self.yard.places.iter().skip(self.number).step_by(self.yard.config.workers).map(f).sum()
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::engine::entered;
    use crate::runtime::Builder;
    use std::sync::atomic::Ordering;

    /// E23: 86 seconds of short polls without a sleep.
    #[test]
    fn d23_more_polls_than_32_bits_can_say() {
        let runtime = Builder::new_current_thread().build().unwrap();
        runtime.block_on(async {
            entered::with_engine(|engine| {
                let place = engine.unwrap().counters().worker(0).place().unwrap();
                place.polls.store(u64::from(u32::MAX), Ordering::Relaxed);
            });
        });
        runtime.block_on(async { crate::spawn(crate::task::yield_now()).await.unwrap() });
        assert_eq!(runtime.metrics().worker_poll_count(0), u64::from(u32::MAX) + 2);
    }
}
