//! Floor 2: who runs what, and when.
//!
//! An *engine* is one runtime: places for workers, the inject queue, the idle protocol, the blocking pool, the drive.
//! A *place* is what other threads see of a worker: its stealer, its next-task slot, its parker, its counters. A
//! *worker* is the thread that holds a place: a thread of ours, or on the current-thread flavors the one inside `block_on`.
//!
//! Both flavors are this one engine. A current-thread runtime has one place, taken by whoever is inside `block_on`,
//! and neither threads of its own nor a guarantor.

pub(crate) mod caller;
pub(crate) mod config;
pub(crate) mod counters;
mod ending;
pub(crate) mod engine;
mod guarantor;
pub(super) mod life;
pub(crate) mod places;
mod rest;
mod route;
pub(crate) mod sockets;
mod sys;
#[cfg(test)]
mod test_yard;
pub(crate) mod time;
pub(crate) mod worker;
mod yard;

pub(crate) use sys::sizing;

#[cfg(all(test, loom))]
mod model;
