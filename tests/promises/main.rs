//! What a user may rely on beyond tokio: a file per promise.

mod big_futures;
// tokio panics there.
#[cfg(not(feature = "oracle"))]
mod drop_anywhere;
mod hooks;
mod names;
mod refused_threads;
mod stuck_workers;
mod unhandled_panics;
