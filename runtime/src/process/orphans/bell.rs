//! What wakes the keeper out of `poll`: a pipe with a byte in it.
//!
//! Owns: the pipe, non-blocking at both ends.

use rustix::io::{Errno, ioctl_fionbio, read, write};
use std::io::{self, PipeReader, PipeWriter};
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::Arc;
use std::task::Wake;

pub(super) struct Bell {
    reader: PipeReader,
    writer: PipeWriter,
}

impl Bell {
    pub(super) fn new() -> io::Result<Arc<Bell>> {
        let (reader, writer) = io::pipe()?;
        ioctl_fionbio(&reader, true)?;
        ioctl_fionbio(&writer, true)?;
        Ok(Arc::new(Bell { reader, writer }))
    }

    pub(super) fn empty(&self) {
        empty(&self.reader);
    }
}

/// Until nothing is in it.
fn empty(pipe: impl AsFd) {
    let mut bytes = [0; 64];
    loop {
        match read(&pipe, &mut bytes) {
            Ok(read) if read == bytes.len() => {}
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

/// To wait for it to ring.
impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        // Where it is full, bytes wait to be read: that is as good.
        while write(&self.writer, &[0]) == Err(Errno::INTR) {}
    }
}
