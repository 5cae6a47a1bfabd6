//! The trait of readers that have a buffer of their own, and its implementations for pointers and for memory.

use super::AsyncRead;
use super::read::after_cursor;
use std::io;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A reader with a buffer that one can look into before taking bytes out of it.
///
/// This is what implementors write; callers use the methods of [`AsyncBufReadExt`](super::AsyncBufReadExt). A reader
/// without a buffer gets one in a [`BufReader`](super::BufReader).
pub trait AsyncBufRead: AsyncRead {
    /// The buffered bytes; if there are none, reads some first. An empty slice is the end.
    ///
    /// The bytes stay in the buffer, and come again at the next call, until [`consume`](AsyncBufRead::consume) takes
    /// them out.
    ///
    /// `Pending` means that there are none yet; the task of `cx` (the one of the latest call) is woken when there may be.
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>>;

    /// Takes the first `amt` bytes out of the buffer.
    ///
    /// `amt` must not be above the length of what [`poll_fill_buf`](AsyncBufRead::poll_fill_buf) has returned;
    /// implementors may panic if it is, or do something else that is safe.
    fn consume(self: Pin<&mut Self>, amt: usize);
}

macro_rules! buf_read_through {
    () => {
        #[inline]
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            Pin::new(&mut **self.get_mut()).poll_fill_buf(cx)
        }

        #[inline]
        fn consume(mut self: Pin<&mut Self>, amt: usize) {
            Pin::new(&mut **self).consume(amt);
        }
    };
}

impl<T: ?Sized + AsyncBufRead + Unpin> AsyncBufRead for Box<T> {
    buf_read_through!();
}

impl<T: ?Sized + AsyncBufRead + Unpin> AsyncBufRead for &mut T {
    buf_read_through!();
}

impl<P> AsyncBufRead for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncBufRead,
{
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.as_deref_mut().poll_fill_buf(cx)
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, amt: usize) {
        self.as_deref_mut().consume(amt);
    }
}

impl AsyncBufRead for &[u8] {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(*self))
    }

    #[inline]
    fn consume(mut self: Pin<&mut Self>, amt: usize) {
        *self = &self[amt..];
    }
}

impl<T: AsRef<[u8]> + Unpin> AsyncBufRead for io::Cursor<T> {
    #[inline]
    fn poll_fill_buf(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        Poll::Ready(Ok(after_cursor(self.get_mut())))
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, amt: usize) {
        let cursor = self.get_mut();
        cursor.set_position(cursor.position().saturating_add(amt as u64));
    }
}
