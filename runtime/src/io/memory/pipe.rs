//! One direction of bytes in memory: who may read, who may write, and who is to be woken.
//!
//! Owns: the bytes on their way, the two closed flags, the waker of each side.
//! Not here: locks, budget, who is woken when (`streams`).
//!
//! A step changes the pipe and says in [`Effect`] which wakers its caller must wake and which drop. It never does so
//! itself: they are the user's code, which may come back to the same pipe, and the caller may hold a lock.

use super::super::ReadBuf;
use std::collections::VecDeque;
use std::io::{self, IoSlice};
use std::task::{Poll, Waker};

/// Bytes on their way from a writer to a reader.
#[derive(Debug)]
pub(super) struct Pipe {
    bytes: VecDeque<u8>,
    /// The most bytes that may be on their way.
    limit: usize,
    /// There will be no more bytes: the writer has shut down or is gone.
    write_closed: bool,
    /// Nobody will take the bytes: the reader is gone.
    read_closed: bool,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

/// What a step has left for its caller to do, outside of all locks.
#[must_use = "wakers that are not woken are a hang"]
#[derive(Debug, Default)]
pub(super) struct Effect {
    wake: Option<Waker>,
    replaced: Option<Waker>,
}

impl Effect {
    pub(super) fn run(self) {
        drop(self.replaced);
        if let Some(waker) = self.wake {
            waker.wake();
        }
    }
}

impl Pipe {
    #[track_caller]
    pub(super) fn new(limit: usize) -> Pipe {
        assert!(limit > 0, "a pipe with a `max_buf_size` of 0 could never carry a byte; give it at least 1");
        Pipe { bytes: VecDeque::new(), limit, write_closed: false, read_closed: false, reader: None, writer: None }
    }

    /// Reads what is there. A reader that has to wait leaves `waker`, which is taken only then.
    pub(super) fn read(&mut self, buf: &mut ReadBuf<'_>, waker: &mut Option<Waker>) -> (Poll<()>, Effect) {
        if buf.remaining() == 0 {
            return (Poll::Ready(()), Effect::default());
        }
        if self.bytes.is_empty() {
            if self.write_closed {
                return (Poll::Ready(()), Effect::default());
            }
            return (Poll::Pending, Effect { wake: None, replaced: leave(&mut self.reader, waker) });
        }
        let (front, back) = self.bytes.as_slices();
        let from_front = front.len().min(buf.remaining());
        buf.put_slice(&front[..from_front]);
        let from_back = back.len().min(buf.remaining());
        buf.put_slice(&back[..from_back]);
        self.bytes.drain(..from_front + from_back);
        (Poll::Ready(()), Effect { wake: self.writer.take(), replaced: None })
    }

    /// Writes what fits. A writer that has to wait leaves `waker`, which is taken only then.
    pub(super) fn write(
        &mut self,
        bufs: &[IoSlice<'_>],
        waker: &mut Option<Waker>,
    ) -> (Poll<io::Result<usize>>, Effect) {
        // First of all, so that a write of nothing tells, too.
        if self.write_closed || self.read_closed {
            return (Poll::Ready(Err(self.broken())), Effect::default());
        }
        if bufs.iter().all(|buf| buf.is_empty()) {
            return (Poll::Ready(Ok(0)), Effect::default());
        }
        let mut room = self.limit - self.bytes.len();
        if room == 0 {
            return (Poll::Pending, Effect { wake: None, replaced: leave(&mut self.writer, waker) });
        }
        let before = self.bytes.len();
        for buf in bufs {
            let n = buf.len().min(room);
            self.bytes.extend(&buf[..n]);
            room -= n;
            if room == 0 {
                break;
            }
        }
        let written = self.bytes.len() - before;
        (Poll::Ready(Ok(written)), Effect { wake: self.reader.take(), replaced: None })
    }

    /// The writer ends: the reader gets what is on its way, and then the end.
    pub(super) fn close_write(&mut self) -> Effect {
        self.write_closed = true;
        Effect { wake: self.reader.take(), replaced: self.writer.take() }
    }

    /// The reader is gone: what is on its way is lost, and the writer is told.
    pub(super) fn close_read(&mut self) -> Effect {
        self.read_closed = true;
        self.bytes = VecDeque::new();
        Effect { wake: self.writer.take(), replaced: self.reader.take() }
    }

    #[cold]
    fn broken(&self) -> io::Error {
        let why = match self.read_closed {
            true => "the other end of this pipe in memory has been dropped: nobody would read what is written",
            false => "this pipe in memory has been shut down: nothing can be written after that",
        };
        io::Error::new(io::ErrorKind::BrokenPipe, why)
    }
}

/// Leaves `waker` in `slot`, unless the same is there already. What was there goes to the caller.
fn leave(slot: &mut Option<Waker>, waker: &mut Option<Waker>) -> Option<Waker> {
    match waker.take() {
        Some(waker) => slot.replace(waker),
        None => None,
    }
}

impl Pipe {
    /// Does the reader wait with this waker already?
    pub(super) fn reader_is(&self, waker: &Waker) -> bool {
        self.reader.as_ref().is_some_and(|left| left.will_wake(waker))
    }

    /// Does the writer wait with this waker already?
    pub(super) fn writer_is(&self, waker: &Waker) -> bool {
        self.writer.as_ref().is_some_and(|left| left.will_wake(waker))
    }
}
