//! The future of `block_on` among the tasks of the worker that polls it.
//!
//! Owns: when it has its turn, and the order of what it spawns and wakes.
//! Not here: its waker, and how a thread becomes a worker for it (`block_on`).
//!
//! Where one thread does everything (the current-thread flavors), programs count on an order, that of every `#[test]`: a
//! future of `block_on` that was woken waits behind what is ready, and behind what that makes ready, for `event_interval`
//! polls at the most. So a `yield_now` lets everybody run (also those that gave way before it did), and a small task that whoever
//! woke it has spawned (to put a
//! connection back into a pool) is done before it.
//!
//! What it spawns and wakes runs in that order: nothing goes to the next-task slot on these flavors, whose last-in first-out
//! order gave 4 0 1 2 3 for five spawns. On the multi-thread flavor no worker has a root (`block_on`).

use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::{Root, Turn};

impl Worker<'_> {
    /// Is the root woken, and is it its turn?
    #[inline]
    pub(in crate::engine::sched) fn is_roots_turn(&self, root: &impl Root) -> bool {
        if !root.is_woken() {
            return false;
        }
        match self.roots_turn.get() {
            Turn::Now => true,
            Turn::Waits(since) => self.tick.get().wrapping_sub(since) >= u64::from(self.yard.config.event_interval),
            Turn::Asleep => {
                self.roots_turn.set(Turn::Waits(self.tick.get()));
                false
            }
        }
    }

    /// Nothing is ready but tasks that gave way. The root goes before them, unless it gave way itself, and they were there
    /// already.
    #[inline]
    pub(in crate::engine::sched) fn is_root_before_yielded(&self, root: &impl Root) -> bool {
        root.is_woken()
            && self.root_waits_for.get().is_none_or(|turns| (turns.wrapping_sub(self.looks.turns()) as i32) <= 0)
    }

    /// Nothing is ready, so nothing is before it.
    pub(in crate::engine::sched) fn root_goes_next(&self) {
        self.roots_turn.set(Turn::Now);
    }

    /// `true`: the root is complete.
    pub(in crate::engine::sched) fn poll_root(&self, root: &mut impl Root) -> bool {
        // Submitters wake nobody while somebody searches, and this poll may take long, or be the last.
        self.stop_searching();
        self.polls_root();
        let complete = root.poll();
        self.root_was_polled(root);
        complete
    }

    /// If it is woken already, then it waits from here on.
    pub(in crate::engine::sched) fn root_was_polled(&self, root: &impl Root) {
        if !root.is_woken() {
            self.roots_turn.set(Turn::Asleep);
            return self.root_waits_for.set(None);
        }
        self.roots_turn.set(Turn::Waits(self.tick.get()));
        // Also where it did not say that it gives way: it may do nothing else, and they would wait for ever.
        let waiting = self.queues.yielded.len() as u32;
        self.root_waits_for.set((waiting > 0).then(|| self.looks.turns().wrapping_add(waiting)));
    }
}
