//! The trip to a thread that may block, and back.

use crate::engine::Caller;
use crate::task::blocking::spawn_internal_for;
use std::io;

/// Runs `operation` where it may block, on behalf of `caller`. Once begun to be polled, it happens, whoever waits.
pub(super) async fn hop<T: Send + 'static>(
    caller: Caller,
    operation: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    caller.needs_runtime();
    match spawn_internal_for(caller.what(), operation).await {
        Ok(done) => done,
        Err(error) => Err(io::Error::other(format!(
            "`{}`, called at {}, was not done: {error}.\n  Do it before the runtime shuts down.",
            caller.what(),
            caller.asked_at()
        ))),
    }
}
