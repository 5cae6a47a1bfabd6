//! Beyond tokio: what it keeps unstable and we do not, and what it does not have.

mod big_futures;
mod hooks;
mod names;
mod refused_threads;
mod unhandled_panics;
