//! Sockets: TCP, UDP, unix sockets and pipes, and from names to addresses.
//!
//! | for | there is |
//! |---|---|
//! | TCP | [`TcpListener`], [`TcpStream`], and [`TcpSocket`] for options before listening or connecting |
//! | UDP | [`UdpSocket`] |
//! | processes of the same machine | [`UnixListener`], [`UnixStream`], [`UnixDatagram`], [`unix::pipe`] |
//! | names | [`lookup_host`]; whatever takes an address takes a name ([`ToSocketAddrs`]) |
//! | hosts of which some addresses do not answer | [`connect_happy`] |
//! | files to sockets | [`sendfile()`] |
//! | other descriptors | [`AsyncFd`](crate::io::unix::AsyncFd) |
//!
//! # Which runtime
//! A socket belongs to the runtime in which it was made, and works on any thread and in any other runtime as long as
//! that one runs. When it shuts down, every operation that waits for the socket ends with an error.
//!
//! # Readiness
//! Besides the `async` methods there are `try_*`, which never wait, and `ready`, `readable`, `writable`, which wait and
//! do nothing else. They go together: wait, try, and wait again if it was `WouldBlock`. Any number of tasks may use the
//! `async` methods of one socket at once. The `poll_*` methods, and with them `AsyncRead` and `AsyncWrite`, remember one
//! task per direction, the one that has asked last.
//!
//! # Closed peers
//! Bytes that were sent before a peer closed can still be read; then reads give 0, or an error after a reset. Writes
//! fail with `BrokenPipe` or `ConnectionReset`; there is never a signal.

mod accept;
mod addr;
mod datagram;
mod options;
// `FromRawFd` is an unsafe trait.
#[allow(unsafe_code)]
mod raw_fd;
mod sendfile;
mod stream;
mod sys;
mod syscalls;
pub mod tcp;
mod udp;
pub mod unix;

pub use addr::{ToSocketAddrs, lookup_host};
pub use sendfile::sendfile;
pub use tcp::happy::connect_happy;
pub use tcp::listener::TcpListener;
pub use tcp::socket::TcpSocket;
pub use tcp::stream::TcpStream;
pub use udp::UdpSocket;
pub use unix::datagram::UnixDatagram;
pub use unix::listener::UnixListener;
pub use unix::socket::UnixSocket;
pub use unix::stream::UnixStream;

use rustix::io::Errno;
use socket2::{SockAddr, Socket};
use std::io;

/// How many connections may wait to be accepted: more than any burst, and what Linux allows by default
/// (`net.core.somaxconn`), to which the system cuts it down.
const BACKLOG: i32 = 4096;

/// Begins to connect a non-blocking socket. `false`: it is writable when that is decided.
fn begin_connect(socket: &Socket, address: &SockAddr) -> io::Result<bool> {
    match socket.connect(address) {
        Ok(()) => Ok(true),
        Err(error) => match Errno::from_io_error(&error) {
            // Interrupted, it goes on in the background as well.
            Some(Errno::INPROGRESS | Errno::INTR) => Ok(false),
            _ => Err(error),
        },
    }
}
