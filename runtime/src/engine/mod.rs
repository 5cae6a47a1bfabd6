//! The door to the engine.
#![allow(dead_code)]

mod base;
mod blocking;
mod cell;
mod drive;
#[allow(unsafe_code)] // a pointer to the entered engine
mod entered;
pub(crate) mod histogram;
mod sched;

pub(crate) use base::budget;
pub use base::id::Id;
pub(crate) use base::rng::random_below;
