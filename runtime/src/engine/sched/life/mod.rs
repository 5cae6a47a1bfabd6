//! Threads that come and go, and the end.

mod blocking;
pub(in crate::engine::sched) mod drain;
mod lane;
pub(in crate::engine) mod own;
pub(in crate::engine) mod pool;
pub(in crate::engine::sched) mod registry;
mod shutdown;
pub(in crate::engine::sched) mod threads;
mod workers;
