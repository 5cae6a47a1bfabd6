//! The pipe of the handlers, read by every runtime that somebody listens in.
//!
//! Owns: the pipe's registration with each runtime.
//! Not here: who is told (`board`).
//!
//! No thread waits for signals. The pipe is a socket like any other to each runtime: when it can be read, the waker that
//! lies there reads it, and tells listeners of *all* runtimes. So listeners in a runtime that nobody drives just now hear
//! by any other one. The waker is called as all wakers are, outside of every lock, also by the guarantor while workers
//! are stuck.
//!
//! Each runtime has a duplicate of the pipe's end, which it closes when the driver's end wakes the waker for the last time.

use super::catch::{self, Pipe};
use crate::engine::{self, Direction, Interest, NoDriver, Registration};
use parking_lot::Mutex;
use rustix::io::Errno;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};

/// One for each runtime.
static READERS: Mutex<Vec<Arc<Reader>>> = Mutex::new(Vec::new());

struct Reader {
    /// `None` only while it is dropped.
    registration: Option<Registration>,
    pipe: OwnedFd,
    /// Of whose handlers.
    of: Arc<Pipe>,
}

/// The runtime that this thread has entered reads the pipe from now on. Outside of any it does nothing.
pub(super) fn read_here() -> io::Result<()> {
    let of = catch::pipe()?;
    let mut readers = READERS.lock();
    if readers.iter().any(|reader| Arc::ptr_eq(&reader.of, &of) && engine::is_here(reader.registration())) {
        return Ok(());
    }
    let pipe = of.reader()?;
    let registration = match engine::register(pipe.as_fd(), Interest::READABLE, false) {
        Ok(registration) => registration?,
        Err(NoDriver) => return Ok(()),
    };
    let reader = Arc::new(Reader { registration: Some(registration), pipe, of });
    readers.push(reader.clone());
    drop(readers);
    reader.read();
    Ok(())
}

impl Reader {
    fn registration(&self) -> &Registration {
        self.registration.as_ref().expect("BUG: a reader of signals is used after its end")
    }

    /// Tells what has come, and leaves a waker for what comes next.
    fn read(self: Arc<Self>) {
        let waker = Waker::from(self.clone());
        let mut cx = Context::from_waker(&waker);
        loop {
            match self.registration().poll_ready(Direction::Read, &mut cx) {
                Poll::Pending => return,
                // The runtime ends.
                Poll::Ready(Err(_)) => return self.end(),
                Poll::Ready(Ok(event)) => {
                    empty(&self.pipe);
                    self.registration().clear(event, &self.pipe);
                    catch::tell_all();
                }
            }
        }
    }

    fn end(self: Arc<Self>) {
        let mut readers = READERS.lock();
        let at = readers.iter().position(|reader| Arc::ptr_eq(reader, &self));
        let left = at.map(|at| readers.swap_remove(at));
        drop(readers);
        drop(left);
    }
}

/// Until nothing is in it.
pub(super) fn empty(pipe: impl AsFd) {
    let mut bytes = [0; 64];
    loop {
        match rustix::io::read(&pipe, &mut bytes) {
            Ok(read) if read == bytes.len() => {}
            Err(Errno::INTR) => {}
            Ok(_) | Err(_) => return,
        }
    }
}

impl Wake for Reader {
    fn wake(self: Arc<Self>) {
        self.read();
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        if let Some(registration) = self.registration.take() {
            // Nothing is left to end where somebody else has closed the descriptor.
            let _ = registration.end(self.pipe.as_fd());
        }
    }
}
