//! Reading to the end, into a `Vec` and into a `String`.
//!
//! How much room a reader gets: a piece of the `Vec`'s free room that starts at [`FIRST_PIECE`], doubles when it was
//! filled and halves when it was hardly used. Room without a limit would cost readers that clear their buffer first a
//! whole gigabyte of clearing for each kilobyte, once the `Vec` is large.
//!
//! A `Vec` that is exactly full is not grown before a read on the stack has shown that there is more: one that was
//! allocated at the size of the file keeps it.

use super::super::AsyncRead;
use super::super::read_buf::{poll_read_slice, poll_read_spare};
use super::text::Borrowed;
use super::{Operation, Step, uninterrupted};
use bytes::BufMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// The size of one read from a socket in most programs; a file that is read at once grows past it in a few steps.
const FIRST_PIECE: usize = 8 * 1024;

/// Enough to see whether there is more; small enough for any stack.
const PROBE: usize = 32;

/// Reads to the end into a `Vec`.
#[derive(Debug)]
pub struct ReadToEnd<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
    progress: Progress,
}

pub(in super::super) fn read_to_end<'a, R: ?Sized>(
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
) -> Operation<ReadToEnd<'a, R>> {
    Operation::new(ReadToEnd { reader, progress: Progress::new(buf), buf })
}

impl<R: AsyncRead + Unpin + ?Sized> Step for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.progress.poll(self.reader, cx, self.buf)
    }
}

/// Reads to the end into a `String`.
#[derive(Debug)]
pub struct ReadToString<'a, R: ?Sized> {
    reader: &'a mut R,
    text: Borrowed<'a>,
    progress: Progress,
}

pub(in super::super) fn read_to_string<'a, R: ?Sized>(
    reader: &'a mut R,
    text: &'a mut String,
) -> Operation<ReadToString<'a, R>> {
    let mut text = Borrowed::new(text);
    Operation::new(ReadToString { reader, progress: Progress::new(text.bytes()), text })
}

impl<R: AsyncRead + Unpin + ?Sized> Step for ReadToString<'_, R> {
    type Output = io::Result<usize>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.progress.poll(self.reader, cx, self.text.bytes()).map(|result| self.text.finish(result, false))
    }
}

/// How far a read to the end has come.
#[derive(Debug)]
struct Progress {
    read: usize,
    piece: usize,
    /// The capacity that the caller gave: do not grow it without need.
    given: usize,
}

impl Progress {
    fn new(buf: &Vec<u8>) -> Progress {
        Progress { read: 0, piece: FIRST_PIECE, given: buf.capacity() }
    }

    fn poll<R: AsyncRead + Unpin + ?Sized>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
        buf: &mut Vec<u8>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let n = if buf.len() == buf.capacity() && buf.capacity() == self.given {
                let mut probe = [0; PROBE];
                let n = uninterrupted!(cx, poll_read_slice(Pin::new(&mut *reader), cx, &mut probe));
                buf.extend_from_slice(&probe[..n]);
                n
            } else {
                if buf.len() == buf.capacity() {
                    buf.reserve(PROBE);
                }
                let room = self.piece.min(buf.capacity() - buf.len());
                let n = uninterrupted!(cx, poll_read_spare(Pin::new(&mut *reader), cx, &mut (&mut *buf).limit(room)));
                self.adapt(n, room);
                n
            };
            if n == 0 {
                return Poll::Ready(Ok(self.read));
            }
            self.read += n;
        }
    }

    fn adapt(&mut self, n: usize, room: usize) {
        if n == self.piece {
            self.piece = self.piece.saturating_mul(2);
        } else if n < room && n < self.piece / 4 {
            self.piece = (self.piece / 2).max(FIRST_PIECE);
        }
    }
}
