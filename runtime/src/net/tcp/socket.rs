//! A TCP socket before it listens or connects, for its options.

use super::connect::{connect_socket, new_socket};
use super::listener::TcpListener;
use super::stream::TcpStream;
use crate::engine::Caller;
use crate::net::options::ip_options;
use crate::net::sys;
use socket2::{Domain, SockAddr, SockRef, Socket};
use std::fmt;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::time::Duration;

/// A TCP socket that neither listens nor is connected yet: for options that must be set before.
///
/// It is non-blocking, and belongs to no runtime until it listens or connects.
///
/// # Examples
/// ```no_run
/// use runtime::net::TcpSocket;
///
/// # async fn example() -> std::io::Result<()> {
/// let socket = TcpSocket::new_v4()?;
/// socket.set_reuseaddr(true)?;
/// socket.set_reuseport(true)?;
/// socket.bind("127.0.0.1:7000".parse().unwrap())?;
/// let listener = socket.listen(1024)?;
/// # Ok(())
/// # }
/// ```
pub struct TcpSocket {
    socket: Socket,
}

ip_options!(TcpSocket);

impl TcpSocket {
    pub(in crate::net) fn over(socket: Socket) -> TcpSocket {
        TcpSocket { socket }
    }

    /// A socket for IPv4.
    pub fn new_v4() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: new_socket(Domain::IPV4)? })
    }

    /// A socket for IPv6.
    pub fn new_v6() -> io::Result<TcpSocket> {
        Ok(TcpSocket { socket: new_socket(Domain::IPV6)? })
    }

    /// Takes a socket of std over, which must not be connected. It is made non-blocking.
    pub fn from_std_stream(std_stream: net::TcpStream) -> TcpSocket {
        // Fails for no open descriptor.
        let _ = std_stream.set_nonblocking(true);
        TcpSocket { socket: std_stream.into() }
    }

    /// Asks a silent peer now and then whether it is still there (`SO_KEEPALIVE`).
    pub fn set_keepalive(&self, keepalive: bool) -> io::Result<()> {
        self.socket.set_keepalive(keepalive)
    }

    /// Does it ask silent peers whether they are still there?
    pub fn keepalive(&self) -> io::Result<bool> {
        self.socket.keepalive()
    }

    /// Allows binding to an address that an earlier socket has not quite left yet (`SO_REUSEADDR`).
    pub fn set_reuseaddr(&self, reuseaddr: bool) -> io::Result<()> {
        self.socket.set_reuse_address(reuseaddr)
    }

    /// May it bind to an address that an earlier socket has not quite left yet?
    pub fn reuseaddr(&self) -> io::Result<bool> {
        self.socket.reuse_address()
    }

    /// Allows several sockets to bind to the same address, all of which set this (`SO_REUSEPORT`).
    pub fn set_reuseport(&self, reuseport: bool) -> io::Result<()> {
        sys::set_reuse_port(&self.socket, reuseport)
    }

    /// May other sockets bind to the same address?
    pub fn reuseport(&self) -> io::Result<bool> {
        sys::reuse_port(&self.socket)
    }

    /// Asks for a buffer of this size for sending. Linux takes twice as much, for its own needs, within its limits.
    pub fn set_send_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_send_buffer_size(size as usize)
    }

    /// The size of the buffer for sending.
    pub fn send_buffer_size(&self) -> io::Result<u32> {
        self.socket.send_buffer_size().map(|size| size as u32)
    }

    /// Asks for a buffer of this size for receiving. Linux takes twice as much, for its own needs, within its limits.
    pub fn set_recv_buffer_size(&self, size: u32) -> io::Result<()> {
        self.socket.set_recv_buffer_size(size as usize)
    }

    /// The size of the buffer for receiving.
    pub fn recv_buffer_size(&self) -> io::Result<u32> {
        self.socket.recv_buffer_size().map(|size| size as u32)
    }

    /// Lets closing wait for unsent bytes. It is the dropping thread that waits, and with it its tasks.
    #[deprecated = "dropping the stream then blocks the thread; use `set_zero_linger`, or shut down and read to the end"]
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        self.socket.set_linger(dur)
    }

    /// Lets closing throw unsent bytes away and reset the connection, which never waits.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        self.socket.set_linger(Some(Duration::ZERO))
    }

    /// How long closing waits for unsent bytes (`SO_LINGER`).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        self.socket.linger()
    }

    /// Sends small pieces at once, instead of gathering them for a while.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.socket.set_tcp_nodelay(nodelay)
    }

    /// Does it send small pieces at once (`TCP_NODELAY`)?
    pub fn nodelay(&self) -> io::Result<bool> {
        self.socket.tcp_nodelay()
    }

    /// The address that it is bound to.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        let address = self.socket.local_addr()?;
        address.as_socket().ok_or_else(|| io::Error::other("the socket's address is none of IPv4 or IPv6"))
    }

    /// Fetches the error that the socket has in store (`SO_ERROR`), which takes it away.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.socket.take_error()
    }

    /// Binds it to an address of this machine.
    pub fn bind(&self, addr: SocketAddr) -> io::Result<()> {
        self.socket.bind(&SockAddr::from(addr))
    }

    /// Connects it.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it gives the attempt up and closes the socket.
    #[track_caller]
    pub fn connect(self, addr: SocketAddr) -> impl Future<Output = io::Result<TcpStream>> {
        let caller = Caller::of("TcpSocket::connect");
        async move {
            caller.needs_runtime();
            connect_socket(self.socket, addr, caller.what()).await
        }
    }

    /// Lets it listen, with room for `backlog` connections that nobody has accepted yet.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<TcpListener> {
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        TcpListener::over(self.socket.into(), "TcpSocket::listen")
    }
}

impl AsRawFd for TcpSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for TcpSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl IntoRawFd for TcpSocket {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}

impl fmt::Debug for TcpSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
