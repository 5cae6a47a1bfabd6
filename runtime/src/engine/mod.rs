//! The door to the engine.
#![allow(dead_code)]

mod base;
mod context;
mod sched;

pub(crate) use context::random_below;
pub(crate) use sched::budget;
