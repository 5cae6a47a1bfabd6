//! Floor 2: who runs what, and when.
//!
//! An *engine* is one runtime: places for workers, the inject queue, the idle protocol, the blocking pool, the drive.
//! A *place* is what other threads see of a worker: its stealer, its next-task slot, its parker, its counters. A
//! *worker* is the thread that holds a place: a thread of ours, or the thread inside `block_on`.
//!
//! Both flavors are this one engine. A current-thread runtime has one place, taken by whoever is inside `block_on`,
//! and neither threads of its own nor a guarantor.

mod accounts;
mod batch;
pub(crate) mod block_on;
pub(crate) mod caller;
pub(crate) mod clockwork;
pub(crate) mod config;
pub(crate) mod engine;
mod engines;
pub(crate) mod fd_table;
#[allow(unsafe_code)] // pointers to this thread's worker
mod here;
pub(crate) mod idle;
#[allow(unsafe_code)] // the end of an intrusive queue
pub(crate) mod inject;
#[allow(unsafe_code)] // a task behind an atomic pointer
mod next_task;
pub(crate) mod place;
pub(crate) mod place_queue;
mod pool;
mod rescue;
mod root;
mod search;
mod shutdown;
pub(crate) mod sizing;
mod sleep;
pub(crate) mod sockets;
mod spin;
pub(crate) mod stats;
mod sys;
mod threads;
mod thrift;
pub(crate) mod timer;
pub(crate) mod worker;

#[cfg(all(test, loom))]
mod model;
