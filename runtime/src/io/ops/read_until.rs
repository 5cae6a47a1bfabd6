//! Reading up to a delimiter, as bytes and as text.

use super::super::AsyncBufRead;
use super::find::find;
use super::text::Borrowed;
use super::{Operation, Step, uninterrupted};
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

/// Appends to a `Vec` up to and with a delimiter.
#[derive(Debug)]
pub struct ReadUntil<'a, R: ?Sized> {
    reader: &'a mut R,
    delimiter: u8,
    buf: &'a mut Vec<u8>,
    read: usize,
}

pub(in super::super) fn read_until<'a, R: ?Sized>(
    reader: &'a mut R,
    delimiter: u8,
    buf: &'a mut Vec<u8>,
) -> Operation<ReadUntil<'a, R>> {
    Operation::new(ReadUntil { reader, delimiter, buf, read: 0 })
}

impl<R: AsyncBufRead + Unpin + ?Sized> Step for ReadUntil<'_, R> {
    type Output = io::Result<usize>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        poll_until(Pin::new(&mut *self.reader), cx, self.delimiter, self.buf, &mut self.read)
    }
}

/// Appends a line to a `String`.
#[derive(Debug)]
pub struct ReadLine<'a, R: ?Sized> {
    reader: &'a mut R,
    text: Borrowed<'a>,
    read: usize,
}

pub(in super::super) fn read_line<'a, R: ?Sized>(
    reader: &'a mut R,
    text: &'a mut String,
) -> Operation<ReadLine<'a, R>> {
    Operation::new(ReadLine { reader, text: Borrowed::new(text), read: 0 })
}

impl<R: AsyncBufRead + Unpin + ?Sized> Step for ReadLine<'_, R> {
    type Output = io::Result<usize>;

    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let reader = Pin::new(&mut *self.reader);
        poll_until(reader, cx, b'\n', self.text.bytes().vec_mut(), &mut self.read)
            .map(|result| self.text.finish(result, true))
    }
}

/// Goes on appending to `buf` up to and with `delimiter`, or to the end. `read` counts over all polls.
///
/// What has been taken out of the reader is in `buf`, whatever comes then: `Pending`, an error, or a panic.
pub(in super::super) fn poll_until<R: AsyncBufRead + ?Sized>(
    mut reader: Pin<&mut R>,
    cx: &mut Context<'_>,
    delimiter: u8,
    buf: &mut Vec<u8>,
    read: &mut usize,
) -> Poll<io::Result<usize>> {
    loop {
        let available = uninterrupted!(cx, reader.as_mut().poll_fill_buf(cx));
        let found = find(delimiter, available);
        let n = found.map_or(available.len(), |at| at + 1);
        buf.extend_from_slice(&available[..n]);
        reader.as_mut().consume(n);
        *read += n;
        if found.is_some() || n == 0 {
            return Poll::Ready(Ok(*read));
        }
    }
}
