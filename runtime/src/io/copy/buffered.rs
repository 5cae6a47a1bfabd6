//! One direction, from a reader that has a buffer.

use super::super::ops::{poll_again, taken, takes_no_more};
use super::super::{AsyncBufRead, AsyncWrite};
use crate::engine::budget::poll_proceed;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// [`copy`](super::copy) without a buffer of its own: the bytes go straight from the reader's buffer to the writer.
///
/// # Errors
/// The first error of either, `WriteZero` if the writer takes no more. Interrupted reads and writes are repeated.
///
/// # Cancel safety
/// Cancelling it loses nothing: a byte leaves the reader's buffer when it has been written. How many were written is not
/// told, and they may not have been flushed.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// # let example = async {
/// let mut writer = Vec::new();
/// let n = runtime::io::copy_buf(&mut &b"some bytes"[..], &mut writer).await?;
/// assert_eq!((n, &writer[..]), (10, &b"some bytes"[..]));
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub async fn copy_buf<'a, R, W>(reader: &'a mut R, writer: &'a mut W) -> io::Result<u64>
where
    R: AsyncBufRead + Unpin + ?Sized,
    W: AsyncWrite + Unpin + ?Sized,
{
    let mut progress = Progress { total: 0, unflushed: false };
    poll_fn(|cx| progress.poll(cx, Pin::new(&mut *reader), Pin::new(&mut *writer))).await
}

struct Progress {
    total: u64,
    /// Something has been written since the last flush.
    unflushed: bool,
}

impl Progress {
    fn poll<R: AsyncBufRead + ?Sized, W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>> {
        loop {
            let unit = ready!(poll_proceed(cx));
            let available = match reader.as_mut().poll_fill_buf(cx) {
                Poll::Ready(Ok(available)) => available,
                Poll::Ready(Err(error)) => {
                    ready!(poll_again(cx, error))?;
                    continue;
                }
                Poll::Pending => {
                    if self.unflushed {
                        ready!(writer.as_mut().poll_flush(cx))?;
                        self.unflushed = false;
                    }
                    return Poll::Pending;
                }
            };
            if available.is_empty() {
                ready!(writer.poll_flush(cx))?;
                return Poll::Ready(Ok(self.total));
            }
            let n = match ready!(writer.as_mut().poll_write(cx, available)) {
                Ok(0) => return Poll::Ready(Err(takes_no_more())),
                Ok(n) => taken(n, available.len()),
                Err(error) => {
                    ready!(poll_again(cx, error))?;
                    continue;
                }
            };
            reader.as_mut().consume(n);
            self.total += n as u64;
            self.unflushed = true;
            unit.made_progress();
        }
    }
}
