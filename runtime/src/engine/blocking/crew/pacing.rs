//! The life of the pacer, which looks at a queue that stands and asks for threads.
//!
//! Not here: what it decides (`pace`); who relies on it (`crew`, whose head tells the protocol).

use super::{Crew, Pacer, State};
use crate::engine::base::atomics::{MutexGuard, now};
use crate::engine::blocking::pace::{Pace, Seen};
use std::time::Duration;

impl<T> Crew<T> {
    /// The life of the pacer. `wanting` says how many workers want a CPU; `start` starts a thread, which is counted, and
    /// says whether that went well; both are called without the lock. `true`: now the pacer works like the others, else
    /// it is not counted any more.
    pub(crate) fn pace(
        &self,
        cpus: usize,
        keep_alive: Duration,
        wanting: impl Fn() -> Option<usize>,
        start: impl Fn() -> bool,
    ) -> bool {
        let mut state = self.state.lock();
        let mut pace = Pace::new(cpus);
        while state.threads < self.most && !(state.closed && state.queue.is_empty()) {
            if state.queue.is_empty() {
                if !self.rest(&mut state, keep_alive) {
                    return false;
                }
                pace = Pace::new(cpus);
                continue;
            }
            let (since, taken) = (now(), state.taken);
            self.pace.wait_for(&mut state, pace.pause());
            if state.queue.is_empty() {
                continue;
            }
            let (workers, queued) = (state.workers(), state.queue.len());
            let seen = Seen { time: now() - since, taken: state.taken - taken, workers, queued };
            drop(state);
            let threads = pace.look(seen, &wanting);
            let started;
            (state, started) = self.start(threads, &start);
            if !started && state.threads == 1 {
                // Refused, and alone: there is nobody to run what waits but the pacer.
                break;
            }
        }
        state.pacer = Pacer::None;
        true
    }

    /// The pacer's, while no queue stands. `false`: it was not needed for so long that it is not counted any more.
    fn rest(&self, state: &mut MutexGuard<'_, State<T>>, keep_alive: Duration) -> bool {
        state.pacer = Pacer::Rests;
        self.pace.wait_for(state, keep_alive);
        // Neither called nor sent home: its time is up.
        let leaves = state.pacer == Pacer::Rests && !state.closed;
        if leaves {
            self.uncount(state);
        }
        state.pacer = if leaves { Pacer::None } else { Pacer::Looks };
        !leaves
    }

    /// The pacer's: starts threads while they are needed. `false`: one was refused.
    fn start(&self, threads: usize, start: impl Fn() -> bool) -> (MutexGuard<'_, State<T>>, bool) {
        let mut state = self.state.lock();
        for _ in 0..threads {
            if state.threads >= self.most || state.queue.is_empty() {
                break;
            }
            state.threads += 1;
            drop(state);
            let started = start();
            state = self.state.lock();
            if !started {
                self.uncount(&mut state);
                return (state, false);
            }
        }
        (state, true)
    }
}
