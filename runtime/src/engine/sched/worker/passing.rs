//! What a busy worker does between polls for others: looks at sockets and timers, lets its backlog be seen, and gives those
//! that gave way their turn.
//!
//! Owns: the looks themselves.
//! Not here: when a look is due (`looks`), looks of a worker without work (`search`, `sleep`).

use crate::engine::base::coarse;
use crate::engine::base::wake::wake_all;
use crate::engine::cell::Runnable;
use crate::engine::drive::{NEVER, Reach, WOKEN_MOST};
use crate::engine::sched::worker::looks::Due;
use crate::engine::sched::worker::root::Root;
use crate::engine::sched::worker::{BACKLOG, Pushes, Worker};
use std::sync::atomic::Ordering;
use std::time::Instant;

/// With so many tasks in its queue a busy worker leaves sockets to others, so often in a row, while polls are short.
const LONG_QUEUE: usize = 32;
const LEFT_LOOKS_MOST: u32 = 4;

impl Worker<'_> {
    /// Nothing is ready: those that gave way have a turn, unless the root has one. What a look brings goes before them.
    #[inline]
    pub(in crate::engine::sched) fn next_yielded(&self, root: &impl Root) -> Option<Runnable> {
        if self.queues.yielded.is_empty() || self.is_root_before_yielded(root) {
            return None;
        }
        if self.looks.is_due_before_yielded() {
            self.look(Due::Polls);
            if let Some(task) = self.next_task() {
                return Some(task);
            }
        }
        self.pop_yielded()
    }

    #[inline]
    pub(in crate::engine::sched) fn pop_yielded(&self) -> Option<Runnable> {
        let task = self.queues.yielded.pop()?;
        self.looks.count_turn();
        Some(task)
    }

    /// At a stop of `looks`.
    #[cold]
    pub(in crate::engine::sched) fn look_if_due(&self) {
        let stop = self.looks.stop(self.polls_here(), self.beat(), Instant::now);
        if stop.inject {
            self.inject_due.set(true);
        }
        if let Some(due) = stop.look {
            self.pass_on();
            self.place.pace_ns.store(self.looks.pace_ns(), Ordering::Relaxed);
            if due == Due::Time {
                self.show_backlog();
            }
            self.look(due);
        }
    }

    /// The beat, which is moved here where there is no guarantor.
    pub(in crate::engine::sched) fn beat(&self) -> u32 {
        if self.looks.beats() && self.engine.has_no_guarantor() {
            self.engine.beat.store(coarse::beat(), Ordering::Relaxed);
            self.engine.recall_guarantor();
        }
        self.engine.beat.load(Ordering::Relaxed)
    }

    /// What has waited here for some time may run elsewhere; one task is this worker's next.
    fn show_backlog(&self) {
        let here = self.queues.ready.len() + self.queues.yielded.len() + usize::from(!self.place.next.is_empty());
        if here >= BACKLOG || !self.engine.inject.is_empty() {
            self.engine.wake(self.engine.idle.submitted_locally());
        }
    }

    /// A look while there is work. Events that a worker takes on top of a long queue wait there behind all of it, while
    /// in the kernel they are anybody's: such a worker leaves them for a while.
    fn look(&self, due: Due) {
        let leaves = self.engine.config.workers > 1
            && self.queues.ready.len() >= LONG_QUEUE
            && self.left_looks.get() < LEFT_LOOKS_MOST;
        self.left_looks.set(if leaves { self.left_looks.get() + 1 } else { 0 });
        self.turn(!leaves);
        self.looks.looked(self.polls_here(), due, self.queues.yielded.len());
    }

    /// The root is woken, and nothing was ready before it. What a look brings is: a root that gives way for ever starves no
    /// socket.
    pub(in crate::engine::sched) fn is_root_next(&self) -> bool {
        self.looks.count_turn();
        if self.looks.is_due_before_yielded() {
            self.look(Due::Polls);
        } else if self.looks.beats() {
            // No task runs, so nothing else counts: the root may be a set of tasks.
            self.look_if_due();
        }
        self.queues.ready.is_empty()
    }

    /// Sockets and timers, if nobody else looks at them right now; and this worker's own timers.
    pub(in crate::engine::sched) fn turn_without_blocking(&self) {
        self.turn(true);
    }

    fn turn(&self, looks: bool) {
        let drive = &self.engine.drive;
        if !drive.is_used() {
            return;
        }
        let mut found = self.found.take();
        if looks && let Some(mut lead) = drive.try_lead() {
            lead.look(&mut found);
        }
        let next = self.wheel.wheel().next();
        if next != NEVER {
            let now = drive.clock.tick();
            if next <= now {
                Reach::Own(&self.wheel).visit(now, WOKEN_MOST, &mut found);
            }
        }
        self.found.set(found);
        self.wake_found();
    }

    /// Wakes what the last look found; it goes to the queue, not to the slot.
    pub(in crate::engine::sched) fn wake_found(&self) {
        let mut found = self.found.take();
        if !found.is_empty() {
            self.be_watched();
            let (before, tasks) = (self.pushes.replace(Pushes::Queue), found.len());
            wake_all(&mut found);
            self.pushes.set(before);
            self.engine.wake_for(tasks);
        }
        // The memory is for the next time, unless that was a great many.
        if found.capacity() <= WOKEN_MOST {
            self.found.set(found);
        }
    }
}
