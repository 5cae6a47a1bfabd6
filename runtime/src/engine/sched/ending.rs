//! Who is told that a runtime ends, and who has nobody left to tell.
//!
//! A task that waits for a socket or a timer of a runtime that ends is about to be dropped, so it waits on. Whoever else does is
//! told by an error.

use crate::engine::cell::current;
use crate::engine::entered::{self, Role};
use crate::engine::sched::worker::here::with_worker_of;
use crate::engine::sched::yard::Yard;

impl Yard {
    /// Is this thread polling one of our tasks while we end? It will be dropped before anything else happens to it, unless
    /// the poll blocks in place, perhaps for what it asks about.
    #[cold]
    pub(super) fn is_about_to_drop_this_task(&self) -> bool {
        self.is_closing()
            && current::id().is_some()
            && entered::role() != Role::Blocks
            && with_worker_of(self, |worker| worker.is_some())
    }
}
