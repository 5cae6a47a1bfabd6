//! What other threads see of workers, and where tasks wait. Nothing here knows an engine.

pub(crate) mod idle;
#[allow(unsafe_code)] // the end of an intrusive queue
pub(crate) mod inject;
#[allow(unsafe_code)] // a task behind an atomic pointer
pub(in crate::engine::sched) mod next_task;
pub(crate) mod place;
pub(crate) mod queues;
pub(crate) mod roots;
pub(crate) mod stats;
