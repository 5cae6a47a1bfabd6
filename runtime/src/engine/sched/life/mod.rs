//! Threads that come and go, and the end.

mod blocking;
pub(in crate::engine::sched) mod drain;
pub(in crate::engine::sched) mod pool;
pub(in crate::engine::sched) mod registry;
mod shutdown;
pub(in crate::engine::sched) mod threads;
mod workers;
