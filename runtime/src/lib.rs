//! A multi-threaded work-stealing async runtime for servers.
#![allow(missing_docs)] // the tour of the crate is written with the engine; removed before the first release

mod engine;
#[cfg(feature = "macros")]
#[doc(hidden)]
pub mod macros;
pub mod runtime;
pub mod task;

#[cfg(feature = "macros")]
pub use macros::{main, test};
pub use task::spawn;
