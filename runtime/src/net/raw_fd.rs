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

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::fd::{AsRawFd, IntoRawFd};

    #[test]
    fn there_and_back() {
        let fd = TcpSocket::new_v4().unwrap().into_raw_fd();
        // SAFETY: the number was given away a line above.
        let socket = unsafe { TcpSocket::from_raw_fd(fd) };
        socket.set_nodelay(true).unwrap();
        assert_eq!(socket.as_raw_fd(), fd);
        let fd = UnixSocket::new_stream().unwrap().into_raw_fd();
        // SAFETY: the number was given away a line above.
        let socket = unsafe { UnixSocket::from_raw_fd(fd) };
        assert_eq!(socket.as_raw_fd(), fd);
    }
}
