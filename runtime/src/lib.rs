//! A multi-threaded work-stealing async runtime for servers.
#![allow(missing_docs)] // the tour of the crate is written with the engine; removed before the first release

mod engine;
pub mod sync;
pub mod task;
