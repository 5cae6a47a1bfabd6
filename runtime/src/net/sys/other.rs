//! macOS, the BSDs and illumos.

use rustix::io::retry_on_intr;
use rustix::net::{SendFlags, SocketAddrAny, SocketAddrUnix};
use socket2::SockRef;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::FileExt;
use std::os::unix::net;

/// Not known of every poller.
pub(in crate::net) const A_SHORT_READ_IS_ALL: bool = false;

/// Nothing: a socket is told once not to raise SIGPIPE, where there is a way, or the program ignores it, as Rust's do.
pub(in crate::net) const NO_SIGNAL: SendFlags = SendFlags::empty();

/// A connection from the queue.
pub(in crate::net) fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    let (fd, peer) = retry_on_intr(|| rustix::net::acceptfrom(listener.as_fd()))?;
    rustix::io::fcntl_setfd(&fd, rustix::io::FdFlags::CLOEXEC)?;
    rustix::io::ioctl_fionbio(&fd, true)?;
    Ok((fd, peer))
}

/// There is no such type: see `after_creation`.
pub(in crate::net) fn nonblocking(socket: socket2::Type) -> socket2::Type {
    socket
}

/// Makes a new socket non-blocking.
pub(in crate::net) fn after_creation(socket: &socket2::Socket) -> io::Result<()> {
    socket.set_nonblocking(true)
}

fn unsupported(what: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, format!("this system has no {what}"))
}

pub(in crate::net) fn quickack(_: impl AsFd) -> io::Result<bool> {
    Err(unsupported("TCP_QUICKACK"))
}

pub(in crate::net) fn set_quickack(_: impl AsFd, _: bool) -> io::Result<()> {
    Err(unsupported("TCP_QUICKACK"))
}

pub(in crate::net) fn device(_: SockRef<'_>) -> io::Result<Option<Vec<u8>>> {
    Err(unsupported("SO_BINDTODEVICE"))
}

pub(in crate::net) fn bind_device(_: SockRef<'_>, _: Option<&[u8]>) -> io::Result<()> {
    Err(unsupported("SO_BINDTODEVICE"))
}

#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
pub(in crate::net) fn reuse_port(socket: &socket2::Socket) -> io::Result<bool> {
    socket.reuse_port()
}

#[cfg(not(any(target_os = "illumos", target_os = "solaris")))]
pub(in crate::net) fn set_reuse_port(socket: &socket2::Socket, reuse: bool) -> io::Result<()> {
    socket.set_reuse_port(reuse)
}

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
pub(in crate::net) fn reuse_port(_: &socket2::Socket) -> io::Result<bool> {
    Err(unsupported("SO_REUSEPORT"))
}

#[cfg(any(target_os = "illumos", target_os = "solaris"))]
pub(in crate::net) fn set_reuse_port(_: &socket2::Socket, _: bool) -> io::Result<()> {
    Err(unsupported("SO_REUSEPORT"))
}

pub(in crate::net) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    let (reads, writes) = std::io::pipe()?;
    rustix::io::ioctl_fionbio(&reads, true)?;
    rustix::io::ioctl_fionbio(&writes, true)?;
    Ok((reads.into(), writes.into()))
}

/// There are several calls for this, none of which std or rustix has.
pub(in crate::net) fn peer_cred(_: impl AsFd) -> io::Result<(u32, u32, Option<i32>)> {
    Err(unsupported("SO_PEERCRED"))
}

/// There is no abstract namespace.
pub(in crate::net) fn abstract_name(_: &net::SocketAddr) -> Option<&[u8]> {
    None
}

/// Who has connected, or sent a message, in std's form. `None`: std has no form for it.
pub(in crate::net) fn unix_address(any: Option<SocketAddrAny>) -> Option<net::SocketAddr> {
    let address = any.and_then(|any| SocketAddrUnix::try_from(any).ok());
    // An empty path is how std spells an address that is none.
    let path = address.as_ref().and_then(|address| address.path_bytes()).unwrap_or_default();
    net::SocketAddr::from_pathname(OsStr::from_bytes(path)).ok()
}

/// Copies from the file to the socket through a buffer, as much as the socket takes.
pub(in crate::net) fn sendfile(socket: impl AsFd, file: &File, offset: &mut u64, count: usize) -> io::Result<usize> {
    let mut buf = [0; 16 * 1024];
    let room = count.min(buf.len());
    let n = file.read_at(&mut buf[..room], *offset)?;
    if n == 0 {
        return Ok(0);
    }
    let sent = retry_on_intr(|| rustix::net::send(socket.as_fd(), &buf[..n], NO_SIGNAL))?;
    *offset += sent as u64;
    Ok(sent)
}
