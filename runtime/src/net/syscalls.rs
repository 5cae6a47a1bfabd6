//! The system calls of sockets that run for every message.
//!
//! They take buffers that may be uninitialized, never raise SIGPIPE, and are repeated when a signal interrupts them.
//! Everything that a connection does once goes through `std` or `socket2` instead.

use super::sys::NO_SIGNAL;
use crate::io::ReadBuf;
use rustix::io::{Errno, retry_on_intr};
use rustix::net::{RecvFlags, SendAncillaryBuffer, SocketAddrAny};
use std::cell::Cell;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::SocketAddr;
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

/// Fills `buf` with one message and says who has sent it.
pub(super) fn recv_from(fd: impl AsFd, buf: &mut [u8], flags: RecvFlags) -> io::Result<(usize, Option<SocketAddrAny>)> {
    let (n, _, from) = retry_on_intr(|| rustix::net::recvfrom(fd.as_fd(), &mut *buf, flags))?;
    Ok((n, from))
}

/// Appends one message to `buf` and says who has sent it.
pub(super) fn recv_into_from(
    fd: impl AsFd,
    buf: &mut ReadBuf<'_>,
    flags: RecvFlags,
) -> io::Result<Option<SocketAddrAny>> {
    let sender = Cell::new(None);
    fill(buf, |memory| {
        let ((filled, _), _, from) = rustix::net::recvfrom(fd.as_fd(), memory, flags)?;
        sender.set(from);
        Ok(filled)
    })?;
    Ok(sender.into_inner())
}

#[inline]
pub(super) fn send_to(fd: impl AsFd, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
    let target = for_rustix(target);
    Ok(retry_on_intr(|| rustix::net::sendto(fd.as_fd(), buf, NO_SIGNAL, &target))?)
}

/// std hands the bytes of a flow label to the system as they are; `rustix` takes them for a number and turns them. Turned
/// once more before, they arrive as std's would.
#[inline]
pub(super) fn for_rustix(mut address: SocketAddr) -> SocketAddr {
    if let SocketAddr::V6(address) = &mut address {
        address.set_flowinfo(address.flowinfo().to_be());
    }
    address
}

/// The other way. `None` if it is none of IPv4 or IPv6.
#[inline]
pub(super) fn as_std(address: SocketAddrAny) -> Option<SocketAddr> {
    SocketAddr::try_from(address).ok().map(for_rustix)
}

#[inline]
pub(super) fn send(fd: impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::net::send(fd.as_fd(), buf, NO_SIGNAL))?)
}

#[inline]
pub(super) fn send_vectored(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(IOV_MAX)];
    let send = || rustix::net::sendmsg(fd.as_fd(), bufs, &mut SendAncillaryBuffer::default(), NO_SIGNAL);
    Ok(retry_on_intr(send)?)
}

#[inline]
pub(super) fn readv(fd: impl AsFd, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
    let count = bufs.len().min(IOV_MAX);
    Ok(retry_on_intr(|| rustix::io::readv(fd.as_fd(), &mut bufs[..count]))?)
}

#[inline]
pub(super) fn read(fd: impl AsFd, buf: &mut [u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::read(fd.as_fd(), &mut *buf))?)
}

#[inline]
pub(super) fn write(fd: impl AsFd, buf: &[u8]) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::io::write(fd.as_fd(), buf))?)
}

#[inline]
pub(super) fn writev(fd: impl AsFd, bufs: &[IoSlice<'_>]) -> io::Result<usize> {
    let bufs = &bufs[..bufs.len().min(IOV_MAX)];
    Ok(retry_on_intr(|| rustix::io::writev(fd.as_fd(), bufs))?)
}

/// Every system that we know takes this many buffers at once.
const IOV_MAX: usize = 1024;
