//! A reader that ends early.

use super::super::{AsyncBufRead, AsyncRead, ReadBuf};
use super::access_to_field;
use pin_project_lite::pin_project;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The reader of [`AsyncReadExt::take`](crate::io::AsyncReadExt::take).
    #[derive(Debug)]
    #[must_use = "readers do nothing unless read"]
    pub struct Take<R> {
        #[pin]
        reader: R,
        left: u64,
    }
}

pub(in super::super) fn take<R>(reader: R, limit: u64) -> Take<R> {
    Take { reader, left: limit }
}

impl<R> Take<R> {
    /// How many bytes may still be read. The reader may end before.
    pub fn limit(&self) -> u64 {
        self.left
    }

    /// Lets `limit` more bytes be read, however many have been before.
    pub fn set_limit(&mut self, limit: u64) {
        self.left = limit;
    }

    access_to_field!(reader: R, "reader");
}

impl<R: AsyncRead> AsyncRead for Take<R> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = self.project();
        if *this.left == 0 {
            return Poll::Ready(Ok(()));
        }
        let limit = usize::try_from(*this.left).unwrap_or(usize::MAX);
        let n = ready!(buf.poll_limited(limit, |part| this.reader.poll_read(cx, part)))?;
        *this.left -= n as u64;
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncBufRead> AsyncBufRead for Take<R> {
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        let this = self.project();
        if *this.left == 0 {
            return Poll::Ready(Ok(&[]));
        }
        let limit = usize::try_from(*this.left).unwrap_or(usize::MAX);
        let bytes = ready!(this.reader.poll_fill_buf(cx))?;
        Poll::Ready(Ok(&bytes[..bytes.len().min(limit)]))
    }

    fn consume(self: Pin<&mut Self>, amt: usize) {
        let this = self.project();
        let amt = usize::try_from(*this.left).map_or(amt, |left| amt.min(left));
        *this.left -= amt as u64;
        this.reader.consume(amt);
    }
}
