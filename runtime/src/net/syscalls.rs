//! The system calls of sockets that run for every message.
//!
//! They take buffers that may be uninitialized, never raise SIGPIPE, and are repeated when a signal interrupts them.
//! Everything that a connection does once goes through `std` or `socket2` instead. What works on any descriptor stands in
//! `io::descriptor`.

use super::sys::NO_SIGNAL;
use crate::io::ReadBuf;
use crate::io::descriptor::{IOV_MAX, fill};
pub(super) use crate::io::descriptor::{read, read_into, readv, write, writev};
use rustix::io::retry_on_intr;
use rustix::net::{RecvFlags, SendAncillaryBuffer, SocketAddrAny};
use std::cell::Cell;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::os::fd::AsFd;

/// Appends to `buf` what one `recv` gives.
#[inline]
pub(super) fn recv_into(fd: impl AsFd, buf: &mut ReadBuf<'_>, flags: RecvFlags) -> io::Result<usize> {
    fill(buf, |memory| rustix::net::recv(fd.as_fd(), memory, flags).map(|((filled, _), _)| filled))
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
