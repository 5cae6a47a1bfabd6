//! Linux.

// Reads what the kernel has written.
#[allow(unsafe_code)]
mod given;
mod name;

use name::{Name, decode};
use rustix::io::retry_on_intr;
use rustix::net::{SendFlags, SocketAddrAny, SocketFlags, sockopt};
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

pub(in crate::net) fn reuse_port(socket: &socket2::Socket) -> io::Result<bool> {
    socket.reuse_port()
}

pub(in crate::net) fn set_reuse_port(socket: &socket2::Socket, reuse: bool) -> io::Result<()> {
    socket.set_reuse_port(reuse)
}

pub(in crate::net) fn pipe() -> io::Result<(OwnedFd, OwnedFd)> {
    use rustix::pipe::{PipeFlags, pipe_with};
    Ok(pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?)
}

/// User, group and process of a unix socket's peer.
pub(in crate::net) fn peer_cred(socket: impl AsFd) -> io::Result<(u32, u32, Option<i32>)> {
    given::peer_cred(socket).map(credentials)
}

/// A process of another pid namespace, which this one does not see, has no number here: the kernel says 0.
fn credentials(cred: libc::ucred) -> (u32, u32, Option<i32>) {
    (cred.uid, cred.gid, Some(cred.pid).filter(|pid| *pid > 0))
}

/// The name of an address in the abstract namespace.
pub(in crate::net) fn abstract_name(address: &net::SocketAddr) -> Option<&[u8]> {
    address.as_abstract_name()
}

/// Who has connected, or sent a message, in std's form. `None`: std has no form for it.
pub(in crate::net) fn unix_address(any: Option<SocketAddrAny>) -> Option<net::SocketAddr> {
    match any.as_ref().map_or(Name::Unnamed, |any| decode(given::bytes(any))) {
        // An empty path is how std spells an address that is none.
        Name::Unnamed => net::SocketAddr::from_pathname("").ok(),
        Name::Path(path) => net::SocketAddr::from_pathname(OsStr::from_bytes(path)).ok(),
        Name::Abstract(name) => net::SocketAddr::from_abstract_name(name).ok(),
    }
}

/// Copies from the file to the socket inside the kernel, as much as the socket takes.
pub(in crate::net) fn sendfile(socket: impl AsFd, file: &File, offset: &mut u64, count: usize) -> io::Result<usize> {
    Ok(retry_on_intr(|| rustix::fs::sendfile(socket.as_fd(), file.as_fd(), Some(&mut *offset), count))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn d4_a_process_that_is_not_seen_has_no_number() {
        let cred = |pid| libc::ucred { pid, uid: 1000, gid: u32::MAX };
        assert_eq!(credentials(cred(0)), (1000, u32::MAX, None));
        assert_eq!(credentials(cred(1)), (1000, u32::MAX, Some(1)));
    }

    /// The kernel's own order of the bytes behind an address's port: std's, not `rustix`'s.
    #[test]
    fn d13_a_flow_label_goes_as_std_lets_it_go() {
        use crate::net::syscalls::{as_std, for_rustix};
        use std::net::{SocketAddr, SocketAddrV6};
        let address = SocketAddrV6::new("fe80::1".parse().unwrap(), 7, 0x0001_2345, 3);
        let given = SocketAddrAny::from(for_rustix(SocketAddr::V6(address)));
        let bytes = given::bytes(&given);
        assert_eq!(bytes[4..8], 0x0001_2345_u32.to_ne_bytes());
        assert_eq!(bytes[24..28], 3_u32.to_ne_bytes());
        assert_eq!(as_std(given), Some(SocketAddr::V6(address)));
    }
}
