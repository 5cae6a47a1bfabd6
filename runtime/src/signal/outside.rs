//! Listening to signals on a thread of ours that is in no runtime.
//!
//! Owns: a listener with the pipe of the handlers.
//! Not here: who else reads that pipe (`reader`).
//!
//! Such a thread waits for the pipe and reads it, as runtimes do: there may be none. Whoever reads first tells everybody,
//! so it needs a waker that wakes it from its wait for the pipe, too.

use super::board::Listener;
use super::catch::{self, Pipe};
use super::reader::empty;
use super::unix::SignalKind;
use std::io;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::{Context, Poll};

pub(crate) struct OutsideOfRuntimes {
    listener: Listener<'static>,
    pipe: Arc<Pipe>,
}

impl OutsideOfRuntimes {
    /// Hears of what comes from now on.
    pub(crate) fn listen(kind: SignalKind) -> io::Result<Self> {
        let pipe = catch::pipe()?;
        Ok(OutsideOfRuntimes { listener: catch::kind(kind.as_raw_value())?.listen(), pipe })
    }

    /// Ready once for all that have come since the last time.
    pub(crate) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.listener.poll_heard(cx)
    }

    /// Tells everybody what has come.
    pub(crate) fn read(&self) {
        empty(&self.pipe);
        catch::tell_all();
    }
}

/// Can be read when something has come.
impl AsFd for OutsideOfRuntimes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}
