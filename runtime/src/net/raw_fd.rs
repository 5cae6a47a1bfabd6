//! Sockets made from a descriptor's number: what `FromRawFd` asks for, and nothing else.

use super::{TcpSocket, UnixSocket};
use socket2::Socket;
use std::os::fd::{FromRawFd, OwnedFd, RawFd};

/// The socket with this number, made non-blocking.
///
/// # Safety
/// The descriptor is open, and the caller's to give away.
unsafe fn socket(fd: RawFd) -> Socket {
    // SAFETY: the same is asked of our caller.
    let socket = Socket::from(unsafe { OwnedFd::from_raw_fd(fd) });
    // Fails for no open descriptor.
    let _ = socket.set_nonblocking(true);
    socket
}

/// The descriptor must be a TCP socket; it is made non-blocking.
impl FromRawFd for TcpSocket {
    unsafe fn from_raw_fd(fd: RawFd) -> TcpSocket {
        // SAFETY: the trait asks our caller for an open descriptor that is its own.
        TcpSocket::over(unsafe { socket(fd) })
    }
}

/// The descriptor must be a unix socket; it is made non-blocking.
impl FromRawFd for UnixSocket {
    unsafe fn from_raw_fd(fd: RawFd) -> UnixSocket {
        // SAFETY: the trait asks our caller for an open descriptor that is its own.
        UnixSocket::over(unsafe { socket(fd) })
    }
}
