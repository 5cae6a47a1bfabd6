//! Linux.

use rustix::io::retry_on_intr;
use rustix::net::{SendFlags, SocketAddrAny, SocketAddrUnix, SocketFlags, sockopt};
use socket2::SockRef;
use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net;

/// A write to a socket that nobody reads is an error, and no signal.
pub(in crate::net) const NO_SIGNAL: SendFlags = SendFlags::NOSIGNAL;

/// A TCP read that fills less than its buffer has taken all there was, unless urgent data is reported; and what comes later
/// is a new edge.
pub(in crate::net) const A_SHORT_READ_IS_ALL: bool = true;

/// A connection from the queue, non-blocking and close-on-exec from its first moment on.
pub(in crate::net) fn accept(listener: impl AsFd) -> io::Result<(OwnedFd, Option<SocketAddrAny>)> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    Ok(retry_on_intr(|| rustix::net::acceptfrom_with(listener.as_fd(), flags))?)
}

/// A new socket's type with "non-blocking" in it.
pub(in crate::net) fn nonblocking(socket: socket2::Type) -> socket2::Type {
    socket.nonblocking()
}

/// For systems without the above.
pub(in crate::net) fn after_creation(_: &socket2::Socket) -> io::Result<()> {
    Ok(())
}

pub(in crate::net) fn quickack(socket: impl AsFd) -> io::Result<bool> {
    Ok(sockopt::tcp_quickack(socket)?)
}

pub(in crate::net) fn set_quickack(socket: impl AsFd, quickack: bool) -> io::Result<()> {
    Ok(sockopt::set_tcp_quickack(socket, quickack)?)
}

pub(in crate::net) fn device(socket: SockRef<'_>) -> io::Result<Option<Vec<u8>>> {
    socket.device()
}

pub(in crate::net) fn bind_device(socket: SockRef<'_>, interface: Option<&[u8]>) -> io::Result<()> {
    socket.bind_device(interface)
}

pub(in crate::net) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pipe::{PipeFlags, pipe_with};
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// User, group and process of a unix socket's peer.
pub(in crate::net) fn peer_cred(socket: impl AsFd) -> io::Result<(u32, u32, Option<i32>)> {
    let cred = sockopt::socket_peercred(socket)?;
    Ok((cred.uid.as_raw(), cred.gid.as_raw(), Some(cred.pid.as_raw_nonzero().get())))
}

/// The name of an address in the abstract namespace.
pub(in crate::net) fn abstract_name(address: &net::SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}

/// Who has connected, or sent a message, in std's form.
pub(in crate::net) fn unix_address(any: Option<SocketAddrAny>) -> io::Result<net::SocketAddr> {
    // `rustix` takes an address of nothing but its family for an empty abstract name.
    let named = any.filter(|any| any.addr_len() as usize > size_of::<libc::sa_family_t>());
    let Some(address) = named.and_then(|any| SocketAddrUnix::try_from(any).ok()) else {
        // An empty path is how std spells an address that is none.
        return net::SocketAddr::from_pathname("");
    };
    match (address.path_bytes(), address.abstract_name()) {
        (Some(path), _) => net::SocketAddr::from_pathname(OsStr::from_bytes(path)),
        (None, Some(name)) => net::SocketAddr::from_abstract_name(name),
        (None, None) => net::SocketAddr::from_pathname(""),
    }
}

/// Copies from the file to the socket inside the kernel, as much as the socket takes.
pub(in crate::net) fn sendfile(socket: impl AsFd, file: &File, offset: &mut u64, count: usize) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::fs::sendfile(socket.as_fd(), file.as_fd(), Some(&mut *offset), count))?)
}
