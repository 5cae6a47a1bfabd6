//! Reading and writing descriptors that are no sockets: pipes, and whatever else.
//!
//! Owns: the system calls, with buffers that may be uninitialized, repeated when a signal interrupts them; what a pipe's
//! `AsyncRead` and `AsyncWrite` do.
//! Not here: sockets, for which `net` has calls that never raise SIGPIPE.

use super::{ReadBuf, Watched};
use crate::engine::Direction;
use rustix::io::{Errno, retry_on_intr};
use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::os::fd::AsFd;
use std::task::{Context, Poll};

/// Every system that we know takes this many buffers at once.
pub(crate) const IOV_MAX: usize = 1024;

/// Appends to `buf` what one call of `read` gives.
#[inline]
pub(crate) fn fill(
    buf: &mut ReadBuf<'_>,
    read: impl for<'m> Fn(&'m mut [MaybeUninit<u8>]) -> Result<&'m mut [u8], Errno>,
) -> io::Result<usize> {
    loop {
        match buf.fill_with(|memory| read(memory).map_err(io::Error::from)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[inline]
pub(crate) fn read_into(fd: impl AsFd, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
    fill(buf, |memory| rustix::io::read(fd.as_fd(), memory).map(|(filled, _)| filled))
}

#[inline]
pub(crate) fn read(fd: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::read(fd.as_fd(), &mut *buf))?)
}

#[inline]
pub(crate) fn readv(fd: impl AsFd, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(IOV_MAX);
    Ok(retry_on_intr(|| rustix::io::readv(fd.as_fd(), &mut bufs[..count]))?)
}

#[inline]
pub(crate) fn write(fd: impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::write(fd.as_fd(), buf))?)
}

#[inline]
pub(crate) fn writev(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(IOV_MAX)];
    Ok(retry_on_intr(|| rustix::io::writev(fd.as_fd(), bufs))?)
}

/// For pipes.
impl<S: AsFd> Watched<S> {
    pub(crate) fn poll_read_into(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if buf.remaining() == 0 {
            // A call without room would wait for bytes that it cannot take.
            return Poll::Ready(Ok(()));
        }
        self.poll_io(Direction::Read, cx, |fd| read_into(fd, buf)).map_ok(|_| ())
    }

    pub(crate) fn poll_write_from(&self, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if buf.is_empty() {
            return Poll::Ready(Ok(0));
        }
        self.poll_io(Direction::Write, cx, |fd| write(fd, buf))
    }

    pub(crate) fn poll_write_from_all(&self, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        if bufs.iter().all(|buf| buf.is_empty()) {
            return Poll::Ready(Ok(0));
        }
        self.poll_io(Direction::Write, cx, |fd| writev(fd, bufs))
    }
}

/// `AsyncWrite` for the end of a pipe that is written: its field `io` is a `Watched`.
macro_rules! written_end {
    ($End:ident) => {
        impl crate::io::AsyncWrite for $End {
            fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.io.poll_write_from(cx, buf)
            }

            fn poll_write_vectored(
                self: Pin<&mut Self>,
                cx: &mut Context<'_>,
                bufs: &[io::IoSlice<'_>],
            ) -> Poll<io::Result<usize>> {
                self.io.poll_write_from_all(cx, bufs)
            }

            fn is_write_vectored(&self) -> bool {
                true
            }

            /// Does nothing: what is written is the kernel's at once.
            fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }

            /// Does nothing: a pipe's end is closed by dropping it.
            fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
                Poll::Ready(Ok(()))
            }
        }
    };
}

pub(crate) use written_end;
