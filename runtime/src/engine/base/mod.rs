//! Floor 0: what everything else in the engine is built from. Imports nothing of ours.

pub(crate) mod alarm;
#[allow(unsafe_code)] // makes a cell in place
pub(crate) mod atomics;
pub(crate) mod budget;
pub(crate) mod coarse;
pub(crate) mod const_fn;
pub(crate) mod contain;
pub(crate) mod contention;
#[allow(unsafe_code)] // the allocator of models, which keeps what is freed
pub(crate) mod heap;
pub(crate) mod id;
#[cfg(all(test, loom))]
pub(crate) mod model;
pub(crate) mod pad;
pub(crate) mod parker;
pub(crate) mod rng;
pub(crate) mod spin;
mod sys;
pub(crate) mod value_lock;
pub(crate) mod wake;

pub(crate) use sys::clocks::cpu_time;
