//! Numbers of a fixed size, in either byte order.

use super::super::{AsyncRead, AsyncWrite};
use super::read::poll_full;
use super::write::poll_all;
use super::{Operation, Step};
use std::fmt;
use std::io;
use std::task::{Context, Poll, ready};

/// Reads `N` bytes and makes a number of them.
pub struct ReadNumber<'a, R: ?Sized, const N: usize, T> {
    reader: &'a mut R,
    bytes: [u8; N],
    filled: usize,
    decode: fn([u8; N]) -> T,
}

pub(in super::super) fn read_number<R: ?Sized, const N: usize, T>(
    reader: &mut R,
    decode: fn([u8; N]) -> T,
) -> Operation<ReadNumber<'_, R, N, T>> {
    Operation::new(ReadNumber { reader, bytes: [0; N], filled: 0, decode })
}

impl<R: AsyncRead + Unpin + ?Sized, const N: usize, T> Step for ReadNumber<'_, R, N, T> {
    type Output = io::Result<T>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<T>> {
        ready!(poll_full(self.reader, cx, &mut self.bytes, &mut self.filled))?;
        Poll::Ready(Ok((self.decode)(self.bytes)))
    }
}

impl<R: fmt::Debug + ?Sized, const N: usize, T> fmt::Debug for ReadNumber<'_, R, N, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let read = &self.bytes[..self.filled];
        f.debug_struct("ReadNumber").field("reader", &self.reader).field("read", &read).finish()
    }
}

/// Writes the `N` bytes of a number.
#[derive(Debug)]
pub struct WriteNumber<'a, W: ?Sized, const N: usize> {
    writer: &'a mut W,
    bytes: [u8; N],
    written: usize,
}

pub(in super::super) fn write_number<W: ?Sized, const N: usize>(
    writer: &mut W,
    bytes: [u8; N],
) -> Operation<WriteNumber<'_, W, N>> {
    Operation::new(WriteNumber { writer, bytes, written: 0 })
}

impl<W: AsyncWrite + Unpin + ?Sized, const N: usize> Step for WriteNumber<'_, W, N> {
    type Output = io::Result<()>;

    #[inline]
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        poll_all(self.writer, cx, &self.bytes, &mut self.written)
    }
}
