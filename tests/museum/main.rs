//! Real bugs of other runtimes, one test each: `museum_<id>`, by the ids of `docs/museum.md`.
//!
//! Exhibits that count what belongs to the whole process (S9, F5) stand in `leaks/`.

mod engine;
mod fs;
mod io;
mod net;
mod process;
// Beyond tokio.
#[cfg(not(feature = "oracle"))]
mod scope;
mod sync;
mod time;
