//! Floor 1: a spawned future in memory.
//!
//! A *cell* is one allocation: header, then the future, and in the same place later its output. Three kinds of handle
//! point at it: a [`Runnable`] (the right to poll it; at most one exists), wakers, and one [`JoinCell`]. The word in
//! the header decides who may touch what; `word.rs` has the table. Each right is a value that a step of the word gives
//! and another takes: `docs/design/cells.md`.
//!
//! Not here: queues and threads. The cell reaches its scheduler through [`Owner`], a table of functions.
//!
//! References. One belongs to the runtime from spawn to completion, each waker has one, the join handle has one.
//! A runnable has none: the runtime's reference cannot go before the task is complete, and only the holder of the
//! runnable can complete it. The cell holds no counted reference to its owner either; `Owner` says why that is safe.

mod context;
#[allow(unsafe_code)] // gives out references to the header that this thread polls, and to the context in force
pub(crate) mod current;
pub(crate) mod header;
#[allow(unsafe_code)] // the type of the output
pub(crate) mod join;
mod join_error;
#[allow(unsafe_code)] // raw memory: size classes and free lists
pub(crate) mod memory;
#[allow(unsafe_code)] // an intrusive list
pub(crate) mod owned;
#[allow(unsafe_code)] // the vtable of `Waker`
mod raw_waker;
#[allow(unsafe_code)] // the typed half of a cell: future and output in one place
mod slot;
pub(crate) mod word;

#[cfg(all(test, loom))]
mod model;

pub(crate) use context::{Context, Inherited};
pub(crate) use header::{ChildOfGroup, Header, Name, Owner, Runnable, Running, TaskInfo, TaskRef};
pub(crate) use join::JoinCell;
pub use join_error::JoinError;
pub(crate) use join_error::{PanicSink, panic_text};
pub(crate) use slot::allocate;
