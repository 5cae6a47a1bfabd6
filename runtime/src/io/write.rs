//! The trait of everything that bytes can be written to, and its implementations for pointers and for memory.

use std::io::{self, IoSlice};
use std::ops::DerefMut;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A sink for bytes that does not block: where `std::io::Write` would wait, it says `Pending` and wakes the task later.
///
/// This is what implementors write; callers use the methods of [`AsyncWriteExt`](super::AsyncWriteExt).
pub trait AsyncWrite {
    /// Writes bytes from the front of `buf`, as many as can be taken now.
    ///
    /// - `Ready(Ok(n))`: the first `n` bytes have been taken, `n <= buf.len()`. A zero for a `buf` that is not empty
    ///   means that the sink takes no more.
    /// - `Pending`: none has been taken, and the task of `cx` (the one of the latest call) is woken when some may be.
    /// - `Ready(Err(_))`: none has been taken.
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>>;

    /// Brings everything that was written before to where it shall go.
    ///
    /// `Pending` means that this is under way; the task of `cx` is woken when there is something to do for it.
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// Flushes and then closes the sink in an orderly way: the other side learns that there is no more to come.
    ///
    /// Wrappers finish their own protocol (a closing message, say) and then shut down what they wrap. After
    /// `Ready(Ok(()))` the sink can be dropped without loss, and should not be written to. After an error it is of no
    /// use any more.
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>>;

    /// [`poll_write`](AsyncWrite::poll_write) for several buffers at once: what is taken is a prefix of all of them,
    /// one after the other.
    ///
    /// Whoever does not implement it takes bytes from the first buffer that is not empty.
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| &**buf);
        self.poll_write(cx, first)
    }

    /// Does [`poll_write_vectored`](AsyncWrite::poll_write_vectored) do better than taking from one buffer? If not,
    /// callers rather gather their bytes in one.
    fn is_write_vectored(&self) -> bool {
        false
    }
}

macro_rules! write_through {
    () => {
        #[inline]
        fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            Pin::new(&mut **self).poll_write(cx, buf)
        }

        #[inline]
        fn poll_write_vectored(
            mut self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            Pin::new(&mut **self).poll_write_vectored(cx, bufs)
        }

        #[inline]
        fn is_write_vectored(&self) -> bool {
            (**self).is_write_vectored()
        }

        #[inline]
        fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut **self).poll_flush(cx)
        }

        #[inline]
        fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            Pin::new(&mut **self).poll_shutdown(cx)
        }
    };
}

impl<T: ?Sized + AsyncWrite + Unpin> AsyncWrite for Box<T> {
    write_through!();
}

impl<T: ?Sized + AsyncWrite + Unpin> AsyncWrite for &mut T {
    write_through!();
}

impl<P> AsyncWrite for Pin<P>
where
    P: DerefMut,
    P::Target: AsyncWrite,
{
    #[inline]
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.as_deref_mut().poll_write(cx, buf)
    }

    #[inline]
    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.as_deref_mut().poll_write_vectored(cx, bufs)
    }

    #[inline]
    fn is_write_vectored(&self) -> bool {
        (**self).is_write_vectored()
    }

    #[inline]
    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_deref_mut().poll_flush(cx)
    }

    #[inline]
    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.as_deref_mut().poll_shutdown(cx)
    }
}

/// Sinks in memory never wait, so that the blocking `std::io::Write` of the same type does the work.
macro_rules! write_with_std {
    ($($(#[$doc:meta])* $sink:ty),* $(,)?) => {$(
        $(#[$doc])*
        impl AsyncWrite for $sink {
            #[inline]
            fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                Poll::Ready(io::Write::write(self.get_mut(), buf))
            }

            #[inline]
            fn poll_write_vectored(
                self: Pin<&mut Self>,
                _: &mut Context<'_>,
                bufs: &[IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                Poll::Ready(io::Write::write_vectored(self.get_mut(), bufs))
            }

            #[inline]
            fn is_write_vectored(&self) -> bool {
                true
            }

            #[inline]
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            #[inline]
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
    )*};
}

write_with_std! {
    /// Appends.
    Vec<u8>,
    /// Writes over what is there, up to the end of the slice.
    io::Cursor<&mut [u8]>,
    /// Writes over what is there, and appends.
    io::Cursor<&mut Vec<u8>>,
    /// Writes over what is there, and appends.
    io::Cursor<Vec<u8>>,
    /// Writes over what is there, up to the end of the slice.
    io::Cursor<Box<[u8]>>,
}
