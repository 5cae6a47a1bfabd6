//! Threads that come and go, and the end.

pub(in crate::engine::sched) mod pool;
pub(in crate::engine::sched) mod registry;
pub(in crate::engine::sched) mod shutdown;
pub(in crate::engine::sched) mod threads;
