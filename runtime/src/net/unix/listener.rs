//! Accepting connections of this machine's processes.

use super::SocketAddr;
use super::socket::new_socket;
use super::stream::UnixStream;
use crate::engine::Caller;
use crate::io::{Watched, expect_runtime};
use crate::net::accept::Acceptor;
use crate::net::{BACKLOG, sys};
use socket2::{SockAddr, Type};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::path::Path;
use std::task::{Context, Poll};

/// A unix socket that accepts connections.
///
/// The file at its path stays when the listener is dropped: remove it before binding again.
///
/// When descriptors run out, the same holds as for a [`TcpListener`](crate::net::TcpListener).
///
/// # Examples
/// ```no_run
/// use runtime::net::UnixListener;
///
/// # async fn example() -> std::io::Result<()> {
/// let listener = UnixListener::bind("/run/example.sock")?;
/// loop {
///     let (stream, _) = listener.accept().await?;
///     println!("a client of user {}", stream.peer_cred()?.uid());
/// }
/// # }
/// ```
pub struct UnixListener {
    acceptor: Acceptor<net::UnixListener>,
}

impl UnixListener {
    /// A listener at `path`. One that begins with a zero byte is a name of Linux's abstract namespace.
    ///
    /// # Errors
    /// The system's; `AddrInUse` if there is a file at `path`.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixListener> {
        UnixListener::at(&SockAddr::unix(path)?, "UnixListener::bind")
    }

    /// A listener at an address.
    ///
    /// # Errors
    /// As for [`bind`](UnixListener::bind); `InvalidInput` if the address is none.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn bind_addr(socket_addr: &SocketAddr) -> io::Result<UnixListener> {
        UnixListener::at(&socket_addr.to_system()?, "UnixListener::bind_addr")
    }

    #[track_caller]
    fn at(address: &SockAddr, what: &str) -> io::Result<UnixListener> {
        let socket = new_socket(Type::STREAM)?;
        socket.bind(address)?;
        socket.listen(BACKLOG)?;
        UnixListener::over(socket.into(), what)
    }

    #[track_caller]
    pub(super) fn over(listener: net::UnixListener, what: &str) -> io::Result<UnixListener> {
        Ok(UnixListener { acceptor: Acceptor::new(Watched::new(listener, what)?) })
    }

    /// Waits for a connection, and gives it with its peer's address, which usually is none.
    ///
    /// # Errors
    /// The system's. After being out of descriptors, and after several errors in a row, the next call waits a little: see
    /// [`TcpListener`](crate::net::TcpListener).
    ///
    /// # Panics
    /// Outside of a runtime, once there is a connection. It stays in the queue.
    ///
    /// # Cancel safety
    /// Cancelling it loses no connection.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(UnixStream, SocketAddr)>> {
        let caller = Caller::of("UnixListener::accept");
        self.acceptor.accept(move |listener| {
            caller.needs_runtime();
            accept(listener)
        })
    }

    /// [`accept`](UnixListener::accept) for hand-written futures. The task that has asked last is woken.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(UnixStream, SocketAddr)>> {
        self.acceptor.poll_accept(cx, |listener| {
            expect_runtime("UnixListener::poll_accept");
            accept(listener)
        })
    }

    /// Takes a listener of std over. It is made non-blocking, as are its clones.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` if it is registered by way of the same descriptor number.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn from_std(listener: net::UnixListener) -> io::Result<UnixListener> {
        listener.set_nonblocking(true)?;
        UnixListener::over(listener, "UnixListener::from_std")
    }

    /// Gives the socket to std. It stays non-blocking: `set_nonblocking(false)` changes that.
    pub fn into_std(self) -> io::Result<net::UnixListener> {
        Ok(self.acceptor.into_inner())
    }

    /// The address that it listens at.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.get().local_addr().map(SocketAddr)
    }

    /// Fetches the error that the socket has in store (`SO_ERROR`), which takes it away.
    pub fn take_error(&self) -> io::Result<Option<io::Error>> {
        self.acceptor.get().take_error()
    }
}

fn accept(listener: &net::UnixListener) -> io::Result<(UnixStream, SocketAddr)> {
    let (fd, peer) = sys::accept(listener)?;
    let stream = net::UnixStream::from(fd);
    // std reads the one address that it cannot make, a path of 108 bytes.
    let peer = sys::unix_address(peer).or_else(|| stream.peer_addr().ok());
    Ok((UnixStream::over(Watched::new_accepted(stream, "UnixListener::accept")?), SocketAddr::or_unnamed(peer)))
}

impl TryFrom<net::UnixListener> for UnixListener {
    type Error = io::Error;

    /// The same as `from_std`.
    #[track_caller]
    fn try_from(listener: net::UnixListener) -> io::Result<UnixListener> {
        UnixListener::from_std(listener)
    }
}

impl AsRawFd for UnixListener {
    fn as_raw_fd(&self) -> RawFd {
        self.acceptor.get().as_raw_fd()
    }
}

impl AsFd for UnixListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.acceptor.get().as_fd()
    }
}

impl fmt::Debug for UnixListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.get().fmt(f)
    }
}
