//! Everything from a reader to a writer, in one direction or in both.
//!
//! Owns: the buffer between the two ([`transfer`]).
//!
//! The dangers:
//! - the reader has nothing, and what it waits for is the answer to bytes that lie in the writer's buffer: so the
//!   writer is flushed whenever the reader is `Pending`;
//! - the writer takes nothing because its peer first wants to get rid of bytes: so reading goes on while the writer is
//!   `Pending`, as long as there is room;
//! - the reader fails after bytes that are not written yet: they are written before the error is told;
//! - both are always ready: each round takes a unit of the budget.

mod both_ways;
mod buffered;
mod transfer;

pub use both_ways::{copy_bidirectional, copy_bidirectional_with_sizes};
pub use buffered::copy_buf;
pub use transfer::copy;
