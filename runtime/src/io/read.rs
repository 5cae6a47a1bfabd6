//! The trait of everything that bytes can be read from, and its implementations for pointers and for memory.

use super::ReadBuf;
use std::io;
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A source of bytes that does not block: where `std::io::Read` would wait, it says `Pending` and wakes the task later.
///
/// This is what implementors write; callers use the methods of [`AsyncReadExt`](super::AsyncReadExt).
pub trait AsyncRead {
    /// Appends bytes to `buf`, as many as are there and fit in.
    ///
    /// - `Ready(Ok(()))`: what has been read stands in `buf`. If nothing was added although `buf` has room, the source
    ///   has come to its end. A `buf` without room is left alone and tells nothing about the end.
    /// - `Pending`: nothing has been added, and the task of `cx` (the one of the latest call, if there were several) is
    ///   woken when there may be something.
    /// - `Ready(Err(_))`: nothing has been added.
    ///
    /// An implementor must not put another `ReadBuf` in the place of `*buf` and must not take filled bytes back; the
    /// readers of this crate panic if it does.
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>>;
}

macro_rules! read_through {
    () => {
        #[inline]
        fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut **self).poll_read(cx, buf)
        }
    };
}

impl<T: ?Sized + AsyncRead + Unpin> AsyncRead for Box<T> {
    read_through!();
}

impl<T: ?Sized + AsyncRead + Unpin> AsyncRead for &mut T {
    read_through!();
}

impl<P> AsyncRead for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncRead,
{
    #[inline]
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.as_deref_mut().poll_read(cx, buf)
    }
}

/// Reads from the front and shortens the slice.
impl AsyncRead for &[u8] {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let (front, rest) = self.split_at(self.len().min(buf.remaining()));
        buf.put_slice(front);
        *self = rest;
        Poll::Ready(Ok(()))
    }
}

/// Reads from the cursor's position on; beyond the end there is nothing.
impl<T: AsRef<[u8]> + Unpin> AsyncRead for io::Cursor<T> {
    #[inline]
    fn poll_read(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let rest = after_cursor(&self);
        let n = rest.len().min(buf.remaining());
        buf.put_slice(&rest[..n]);
        let position = self.position() + n as u64;
        self.set_position(position);
        Poll::Ready(Ok(()))
    }
}

/// The bytes from the cursor's position on.
#[inline]
pub(super) fn after_cursor<T: AsRef<[u8]>>(cursor: &io::Cursor<T>) -> &[u8] {
    let all = cursor.get_ref().as_ref();
    let from = usize::try_from(cursor.position()).map_or(all.len(), |position| position.min(all.len()));
    &all[from..]
}
