//! The system calls of sockets that run for every message.
//!
//! They take buffers that may be uninitialized, never raise SIGPIPE, and are repeated when a signal interrupts them.
//! Everything that a connection does once goes through `std` or `socket2` instead.

use crate::io::ReadBuf;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SendFlags};
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::AsFd;

/// Appends to `buf` what one `recv` gives.
#[inline]
pub(super) fn recv_into(fd: impl AsFd, buf: &mut ReadBuf<'_>, flags: RecvFlags) -> io::Result<usize> {
    fill(buf, |memory| rustix::net::recv(fd.as_fd(), memory, flags).map(|((filled, _), _)| filled))
}

/// The same for what is no socket.
#[inline]
pub(super) fn read_into(fd: impl AsFd, buf: &mut ReadBuf<'_>) -> io::Result<usize> {
    fill(buf, |memory| rustix::io::read(fd.as_fd(), memory).map(|(filled, _)| filled))
}

#[inline]
pub(super) fn fill(
    buf: &mut ReadBuf<'_>,
    read: impl for<'m> Fn(&'m mut [std::mem::MaybeUninit<u8>]) -> Result<&'m mut [u8], Errno>,
) -> io::Result<usize> {
    loop {
        match buf.fill_with(|memory| read(memory).map_err(io::Error::from)) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

#[inline]
pub(super) fn recv(fd: impl AsFd, buf: &mut [u8], flags: RecvFlags) -> io::Result<usize> {
    let (n, _) = retry_on_intr(|| rustix::net::recv(fd.as_fd(), &mut *buf, flags))?;
    Ok(n)
}

#[inline]
pub(super) fn send(fd: impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::net::send(fd.as_fd(), buf, SendFlags::NOSIGNAL))?)
}

#[inline]
pub(super) fn send_vectored(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(IOV_MAX)];
    let send = || rustix::net::sendmsg(fd.as_fd(), bufs, &mut SendAncillaryBuffer::default(), SendFlags::NOSIGNAL);
    Ok(retry_on_intr(send)?)
}

#[inline]
pub(super) fn readv(fd: impl AsFd, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(IOV_MAX);
    Ok(retry_on_intr(|| rustix::io::readv(fd.as_fd(), &mut bufs[..count]))?)
}

#[inline]
pub(super) fn writev(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(IOV_MAX)];
    Ok(retry_on_intr(|| rustix::io::writev(fd.as_fd(), bufs))?)
}

/// Every system that we know takes this many buffers at once.
const IOV_MAX: usize = 1024;
