//! One read, and reads until a buffer is full.

use super::super::AsyncRead;
use super::super::read_buf::{poll_read_slice, poll_read_spare};
use super::{Operation, Step, ended_early, uninterrupted};
use bytes::BufMut;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// One read into a slice.
#[derive(Debug)]
pub struct Read<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
}

pub(in super::super) fn read<'a, R: ?Sized>(reader: &'a mut R, buf: &'a mut [u8]) -> Operation<Read<'a, R>> {
    Operation::new(Read { reader, buf })
}

impl<R: AsyncRead + Unpin + ?Sized> Step for Read<'_, R> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_read_slice(Pin::new(&mut *self.reader), cx, self.buf)
    }
}

/// One read into the free room of a `BufMut`.
#[derive(Debug)]
pub struct ReadInto<'a, R: ?Sized, B: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut B,
}

pub(in super::super) fn read_into<'a, R: ?Sized, B: ?Sized>(
    reader: &'a mut R,
    buf: &'a mut B,
) -> Operation<ReadInto<'a, R, B>> {
    Operation::new(ReadInto { reader, buf })
}

impl<R: AsyncRead + Unpin + ?Sized, B: BufMut + ?Sized> Step for ReadInto<'_, R, B> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        if !self.buf.has_remaining_mut() {
            return Poll::Ready(Ok(0));
        }
        poll_read_spare(Pin::new(&mut *self.reader), cx, self.buf)
    }
}

/// Reads until a slice is full.
#[derive(Debug)]
pub struct ReadExact<'a, R: ?Sized> {
    reader: &'a mut R,
    buf: &'a mut [u8],
    filled: usize,
}

pub(in super::super) fn read_exact<'a, R: ?Sized>(reader: &'a mut R, buf: &'a mut [u8]) -> Operation<ReadExact<'a, R>> {
    Operation::new(ReadExact { reader, buf, filled: 0 })
}

impl<R: AsyncRead + Unpin + ?Sized> Step for ReadExact<'_, R> {
    type Output = io::Result<usize>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_full(self.reader, cx, self.buf, &mut self.filled)
    }
}

/// Goes on filling `buf`, of which `filled` bytes are there.
#[inline]
pub(super) fn poll_full<R: AsyncRead + Unpin + ?Sized>(
    reader: &mut R,
    cx: &mut Context<'_>,
    buf: &mut [u8],
    filled: &mut usize,
) -> Poll<io::Result<usize>> {
    while *filled < buf.len() {
        let n = uninterrupted!(cx, poll_read_slice(Pin::new(&mut *reader), cx, &mut buf[*filled..]));
        if n == 0 {
            return Poll::Ready(Err(ended_early(*filled, buf.len())));
        }
        *filled += n;
    }
    Poll::Ready(Ok(buf.len()))
}
