//! One write, writes until a slice is out, flush, shutdown.

use super::super::AsyncWrite;
use super::{Operation, Step, taken, takes_no_more, uninterrupted};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// One write from a slice.
#[derive(Debug)]
pub struct Write<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
}

pub(in super::super) fn write<'a, W: ?Sized>(writer: &'a mut W, buf: &'a [u8]) -> Operation<Write<'a, W>> {
    Operation::new(Write { writer, buf })
}

impl<W: AsyncWrite + Unpin + ?Sized> Step for Write<'_, W> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut *self.writer).poll_write(cx, self.buf))?;
        Poll::Ready(Ok(taken(n, self.buf.len())))
    }
}

/// One write from several slices.
#[derive(Debug)]
pub struct WriteVectored<'a, 'b, W: ?Sized> {
    writer: &'a mut W,
    bufs: &'a [IoSlice<'b>],
}

pub(in super::super) fn write_vectored<'a, 'b, W: ?Sized>(
    writer: &'a mut W,
    bufs: &'a [IoSlice<'b>],
) -> Operation<WriteVectored<'a, 'b, W>> {
    Operation::new(WriteVectored { writer, bufs })
}

impl<W: AsyncWrite + Unpin + ?Sized> Step for WriteVectored<'_, '_, W> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let n = ready!(Pin::new(&mut *self.writer).poll_write_vectored(cx, self.bufs))?;
        Poll::Ready(Ok(taken(n, self.bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add))))
    }
}

/// Writes until all of a slice is out.
#[derive(Debug)]
pub struct WriteAll<'a, W: ?Sized> {
    writer: &'a mut W,
    buf: &'a [u8],
    written: usize,
}

pub(in super::super) fn write_all<'a, W: ?Sized>(writer: &'a mut W, buf: &'a [u8]) -> Operation<WriteAll<'a, W>> {
    Operation::new(WriteAll { writer, buf, written: 0 })
}

impl<W: AsyncWrite + Unpin + ?Sized> Step for WriteAll<'_, W> {
    type Output = io::Result<()>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_all(self.writer, cx, self.buf, &mut self.written)
    }
}

/// Goes on writing `buf`, of which `written` bytes are out.
#[inline]
pub(in super::super) fn poll_all<W: AsyncWrite + Unpin + ?Sized>(
    writer: &mut W,
    cx: &mut Context<'_>,
    buf: &[u8],
    written: &mut usize,
) -> Poll<io::Result<()>> {
    while *written < buf.len() {
        let rest = &buf[*written..];
        let n = uninterrupted!(cx, Pin::new(&mut *writer).poll_write(cx, rest));
        if n == 0 {
            return Poll::Ready(Err(takes_no_more()));
        }
        *written += taken(n, rest.len());
    }
    Poll::Ready(Ok(()))
}

/// Flushes.
#[derive(Debug)]
pub struct Flush<'a, W: ?Sized>(&'a mut W);

pub(in super::super) fn flush<W: ?Sized>(writer: &mut W) -> Operation<Flush<'_, W>> {
    Operation::new(Flush(writer))
}

impl<W: AsyncWrite + Unpin + ?Sized> Step for Flush<'_, W> {
    type Output = io::Result<()>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_flush(cx)
    }
}

/// Shuts down.
#[derive(Debug)]
pub struct Shutdown<'a, W: ?Sized>(&'a mut W);

pub(in super::super) fn shutdown<W: ?Sized>(writer: &mut W) -> Operation<Shutdown<'_, W>> {
    Operation::new(Shutdown(writer))
}

impl<W: AsyncWrite + Unpin + ?Sized> Step for Shutdown<'_, W> {
    type Output = io::Result<()>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut *self.0).poll_shutdown(cx)
    }
}
