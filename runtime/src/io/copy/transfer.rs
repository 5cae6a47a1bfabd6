//! One direction, through a buffer of its own.

use super::super::adapt::BUFFER_SIZE;
use super::super::ops::{poll_again, taken, takes_no_more};
use super::super::read_buf::poll_read_slice;
use super::super::{AsyncRead, AsyncWrite};
use crate::engine::budget::poll_proceed;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Writes everything that `reader` yields to `writer`, and flushes it. Tells how many bytes it was.
///
/// Uses a buffer of 8 KiB. Readers that have one already are better served by [`copy_buf`](super::copy_buf). While the
/// reader has nothing, the writer is flushed.
///
/// # Errors
/// The first error of either, `WriteZero` if the writer takes no more. Interrupted reads and writes are repeated. What
/// was read before the reader failed has been written.
///
/// # Cancel safety
/// Not cancel safe: bytes that have been read but not yet written are lost.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # let example = async {
/// let mut writer = Vec::new();
/// let n = runtime::io::copy(&mut &b"some bytes"[..], &mut writer).await?;
/// assert_eq!((n, &writer[..]), (10, &b"some bytes"[..]));
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub async fn copy<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> io::Result<u64>
where
    R: AsyncRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut transfer = Transfer::new(BUFFER_SIZE);
    poll_fn(|cx| transfer.poll(cx, Pin::new(&mut *reader), Pin::new(&mut *writer))).await
}

/// Bytes on their way from a reader to a writer.
#[derive(Debug)]
pub(super) struct Transfer {
    memory: Box<[u8]>,
    // `memory[written..read]` has been read and not yet written.
    written: usize,
    read: usize,
    total: u64,
    /// How the reader ended. The error is told when everything before it has been written.
    ended: Option<io::Result<()>>,
    /// Something has been written since the last flush.
    unflushed: bool,
}

impl Transfer {
    pub(super) fn new(size: usize) -> Transfer {
        let memory = vec![0; size].into_boxed_slice();
        Transfer { memory, written: 0, read: 0, total: 0, ended: None, unflushed: false }
    }

    /// Goes on until the reader has ended and everything is written and flushed.
    pub(super) fn poll<R: AsyncRead + ?Sized, W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>> {
        loop {
            let unit = ready!(poll_proceed(cx));
            let read = self.poll_fill(cx, reader.as_mut());
            let wrote = self.poll_drain(cx, writer.as_mut());
            if read.is_ready() || wrote.is_ready() {
                unit.made_progress();
            }
            if let Poll::Ready(Err(error)) = wrote {
                return Poll::Ready(Err(error));
            }
            if self.written == self.read {
                (self.written, self.read) = (0, 0);
                if let Some(ended) = self.ended.take() {
                    self.ended = Some(Ok(()));
                    ended?;
                    ready!(writer.poll_flush(cx))?;
                    return Poll::Ready(Ok(self.total));
                }
            }
            if read.is_pending() && wrote.is_pending() {
                if self.unflushed && self.written == self.read {
                    ready!(writer.poll_flush(cx))?;
                    self.unflushed = false;
                }
                return Poll::Pending;
            }
        }
    }

    /// Reads once, if there is room and the reader has not ended. `Ready` means that something has changed.
    fn poll_fill<R: AsyncRead + ?Sized>(&mut self, cx: &mut Context<'_>, reader: Pin<&mut R>) -> Poll<()> {
        if self.ended.is_some() || self.read == self.memory.len() {
            return Poll::Pending;
        }
        match ready!(poll_read_slice(reader, cx, &mut self.memory[self.read..])) {
            Ok(0) => self.ended = Some(Ok(())),
            Ok(n) => self.read += n,
            Err(error) => {
                if let Err(error) = ready!(poll_again(cx, error)) {
                    self.ended = Some(Err(error));
                }
            }
        }
        Poll::Ready(())
    }

    /// Writes once, if there is something to write. `Ready(Ok(()))` means that something has changed.
    fn poll_drain<W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        writer: Pin<&mut W>,
    ) -> Poll<io::Result<()>> {
        let rest = &self.memory[self.written..self.read];
        if rest.is_empty() {
            return Poll::Pending;
        }
        match ready!(writer.poll_write(cx, rest)) {
            Ok(0) => Poll::Ready(Err(takes_no_more())),
            Ok(n) => {
                self.written += taken(n, rest.len());
                self.total += n as u64;
                self.unflushed = true;
                Poll::Ready(Ok(()))
            }
            Err(error) => poll_again(cx, error),
        }
    }
}
