//! The door to the engine.
#![allow(dead_code)]

mod base;
mod context;
mod sched;

pub(crate) use context::random_below;
pub(crate) use sched::budget;

pub(crate) use base::atomics;

/// Is this thread polling a task?
pub(crate) fn in_async_context() -> bool {
    context::with(|context| context.budget.get() != budget::Budget::UNCONSTRAINED)
}
