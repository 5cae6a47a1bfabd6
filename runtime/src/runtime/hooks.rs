//! What task hooks are told.

use crate::engine::config::TaskFacts;
use crate::task::Id;
use std::panic::Location;

/// A task, as the builder's task hooks see it.
#[derive(Clone, Copy, Debug)]
pub struct TaskMeta<'a> {
    id: Id,
    spawned_at: &'static Location<'static>,
    name: Option<&'a str>,
}

impl<'a> TaskMeta<'a> {
    pub(super) fn new(facts: &TaskFacts<'a>) -> Self {
        TaskMeta { id: facts.id, spawned_at: facts.spawned_at, name: facts.name }
    }

    /// The task's id.
    pub fn id(&self) -> Id {
        self.id
    }

    /// The line that spawned it.
    pub fn spawned_at(&self) -> &'static Location<'static> {
        self.spawned_at
    }

    /// The name given with [`task::Builder`](crate::task::Builder::name).
    pub fn name(&self) -> Option<&'a str> {
        self.name
    }
}
