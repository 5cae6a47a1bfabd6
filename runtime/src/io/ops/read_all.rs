//! Reading to the end, into a `Vec` and into a `String`.
//!
//! How much room a reader gets: a piece of the `Vec`'s free room that starts at [`FIRST_PIECE`], doubles when it was
//! filled and halves when it was hardly used. Room without a limit would cost readers that clear their buffer first a
//! whole gigabyte of clearing for a kilobyte, once the `Vec` is large. What they have cleared and not used they need not
//! clear again ([`Growing`]).
//!
//! A `Vec` that is exactly full is not grown before a read on the stack has shown that there is more: one that was
//! allocated at the size of the file keeps it.

use super::super::AsyncRead;
use super::super::growing::Growing;
use super::super::read_buf::poll_read_slice;
use super::text::Borrowed;
use super::{Operation, Step, uninterrupted};
use std::borrow::BorrowMut;
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
    buf: Growing<&'a mut Vec<u8>>,
    progress: Progress,
}

pub(in super::super) fn read_to_end<'a, R: ?Sized>(
    reader: &'a mut R,
    buf: &'a mut Vec<u8>,
) -> Operation<ReadToEnd<'a, R>> {
    Operation::new(ReadToEnd { reader, progress: Progress::new(buf), buf: Growing::borrowed(buf) })
}

impl<R: AsyncRead + Unpin + ?Sized> Step for ReadToEnd<'_, R> {
    type Output = io::Result<usize>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        self.progress.poll(self.reader, cx, &mut self.buf)
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
    Operation::new(ReadToString { reader, progress: Progress::new(text.bytes().vec()), text })
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

    fn poll<R: AsyncRead + Unpin + ?Sized, V: BorrowMut<Vec<u8>>>(
        &mut self,
        reader: &mut R,
        cx: &mut Context<'_>,
        buf: &mut Growing<V>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let (len, capacity) = (buf.vec().len(), buf.vec().capacity());
            let n = if len == capacity && capacity == self.given {
                let mut probe = [0; PROBE];
                let n = uninterrupted!(cx, poll_read_slice(Pin::new(&mut *reader), cx, &mut probe));
                buf.vec_mut().extend_from_slice(&probe[..n]);
                n
            } else {
                if len == capacity {
                    buf.vec_mut().reserve(PROBE);
                }
                let room = self.room(buf.written()).min(buf.vec().capacity() - len);
                let n = uninterrupted!(cx, buf.poll_read(Pin::new(&mut *reader), cx, room));
                self.adapt(n, room);
                n
            };
            if n == 0 {
                return Poll::Ready(Ok(self.read));
            }
            self.read += n;
        }
    }

    /// A piece; less where most of one is there that a reader has cleared already, so that it need not clear a little more
    /// for each little that it reads.
    fn room(&self, written: usize) -> usize {
        if written > self.piece / 2 { written.min(self.piece) } else { self.piece }
    }

    #[inline]
    fn adapt(&mut self, n: usize, room: usize) {
        if n == self.piece {
            self.piece = self.piece.saturating_mul(2);
        } else if n < room && n < self.piece / 4 {
            self.piece = (self.piece / 2).max(FIRST_PIECE);
        }
    }
}
