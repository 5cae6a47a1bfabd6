//! Writes from a `Buf`, which moves on by what is out.

use super::super::AsyncWrite;
use super::{Operation, Step, taken, takes_no_more, uninterrupted};
use bytes::Buf;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// How many pieces of a `Buf` go into one vectored write. Linux takes 1024 in one call, but the array stands on the
/// stack of each poll, and a `Buf` of more than a few pieces is rare.
const PIECES: usize = 64;

/// One write from a `Buf`.
#[derive(Debug)]
pub struct WriteBuf<'a, W: ?Sized, B: ?Sized> {
    writer: &'a mut W,
    buf: &'a mut B,
}

pub(in super::super) fn write_buf<'a, W: ?Sized, B: ?Sized>(
    writer: &'a mut W,
    buf: &'a mut B,
) -> Operation<WriteBuf<'a, W, B>> {
    Operation::new(WriteBuf { writer, buf })
}

impl<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized> Step for WriteBuf<'_, W, B> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.buf.has_remaining() {
            return Poll::Ready(Ok(0));
        }
        poll_once(self.writer, cx, self.buf)
    }
}

/// Writes until a `Buf` is empty.
#[derive(Debug)]
pub struct WriteAllBuf<'a, W: ?Sized, B: ?Sized> {
    writer: &'a mut W,
    buf: &'a mut B,
}

pub(in super::super) fn write_all_buf<'a, W: ?Sized, B: ?Sized>(
    writer: &'a mut W,
    buf: &'a mut B,
) -> Operation<WriteAllBuf<'a, W, B>> {
    Operation::new(WriteAllBuf { writer, buf })
}

impl<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized> Step for WriteAllBuf<'_, W, B> {
    type Output = io::Result<()>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        while self.buf.has_remaining() {
            if uninterrupted!(cx, poll_once(self.writer, cx, self.buf)) == 0 {
                return Poll::Ready(Err(takes_no_more()));
            }
        }
        Poll::Ready(Ok(()))
    }
}

/// One write of what is left in `buf`, which moves on by what was taken.
fn poll_once<W: AsyncWrite + Unpin + ?Sized, B: Buf + ?Sized>(
    writer: &mut W,
    cx: &mut Context<'_>,
    buf: &mut B,
) -> Poll<io::Result<usize>> {
    let writer = Pin::new(writer);
    let in_one_piece = buf.chunk().len() >= buf.remaining();
    let n = if in_one_piece || !writer.is_write_vectored() {
        let piece = buf.chunk();
        taken(ready!(writer.poll_write(cx, piece))?, piece.len())
    } else {
        let mut pieces = [IoSlice::new(&[]); PIECES];
        let count = buf.chunks_vectored(&mut pieces);
        let offered = pieces[..count].iter().map(|piece| piece.len()).sum();
        taken(ready!(writer.poll_write_vectored(cx, &pieces[..count]))?, offered)
    };
    buf.advance(n);
    Poll::Ready(Ok(n))
}
