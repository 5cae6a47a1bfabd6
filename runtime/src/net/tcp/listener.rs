//! Accepting TCP connections.

use super::connect::new_socket;
use super::stream::TcpStream;
use crate::engine::Caller;
use crate::io::{Watched, expect_runtime};
use crate::net::accept::Acceptor;
use crate::net::addr::{ToSocketAddrs, with_each};
use crate::net::{BACKLOG, sys, syscalls};
use socket2::{Domain, SockAddr, SockRef};
use std::fmt;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll};

/// A TCP socket that accepts connections.
///
/// # Out of descriptors
/// When a connection cannot be accepted because there are no descriptors (or no memory) left, `accept` returns that
/// error, and the next `accept` waits a little before it tries again: 5 ms at first, up to 100 ms. So a loop that merely
/// goes on after errors does not spin, and the tasks that would close descriptors get to run. The same happens after eight
/// errors in a row of any kind, for a socket that will never accept again.
///
/// # Examples
/// ```no_run
/// use runtime::io::{AsyncReadExt, AsyncWriteExt};
/// use runtime::net::TcpListener;
///
/// #[runtime::main]
/// async fn main() -> std::io::Result<()> {
///     let listener = TcpListener::bind("127.0.0.1:7000").await?;
///     loop {
///         let (mut stream, _) = listener.accept().await?;
///         runtime::spawn(async move {
///             let mut buf = [0; 1024];
///             while let Ok(n @ 1..) = stream.read(&mut buf).await {
///                 if stream.write_all(&buf[..n]).await.is_err() {
///                     break;
///                 }
///             }
///         });
///     }
/// }
/// ```
pub struct TcpListener {
    acceptor: Acceptor<net::TcpListener>,
}

impl TcpListener {
    /// A listener on the first of the addresses that can be had. Port 0 lets the system choose one:
    /// [`local_addr`](TcpListener::local_addr) tells.
    ///
    /// The address may be reused at once after an earlier listener (`SO_REUSEADDR`), and the system's longest queue of
    /// connections, or 4096, is asked for. For other options there is [`TcpSocket`](crate::net::TcpSocket).
    ///
    /// # Errors
    /// The last address's, if none works; `InvalidInput` if there is none.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it leaves nothing behind.
    #[track_caller]
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpListener>> {
        let caller = Caller::of("TcpListener::bind");
        async move {
            caller.needs_runtime();
            with_each(addr, caller, |address| {
                let socket = new_socket(Domain::for_address(address))?;
                socket.set_reuse_address(true)?;
                socket.bind(&SockAddr::from(address))?;
                socket.listen(BACKLOG)?;
                TcpListener::over(socket.into(), caller.what())
            })
            .await
        }
    }

    #[track_caller]
    pub(super) fn over(listener: net::TcpListener, what: &str) -> io::Result<TcpListener> {
        Ok(TcpListener { acceptor: Acceptor::new(Watched::new(listener, what)?) })
    }

    /// Waits for a connection, and gives it with its peer's address.
    ///
    /// Connections that their peer has given up in the queue are skipped.
    ///
    /// # Errors
    /// The system's. After being out of descriptors, and after several errors in a row, the next call waits a little: see
    /// [the type](TcpListener).
    ///
    /// # Panics
    /// Outside of a runtime, once there is a connection. It stays in the queue.
    ///
    /// # Cancel safety
    /// Cancelling it loses no connection.
    #[track_caller]
    pub fn accept(&self) -> impl Future<Output = io::Result<(TcpStream, SocketAddr)>> {
        let caller = Caller::of("TcpListener::accept");
        self.acceptor.accept(move |listener| {
            caller.needs_runtime();
            accept(listener)
        })
    }

    /// [`accept`](TcpListener::accept) for hand-written futures. The task that has asked last is woken.
    pub fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<(TcpStream, SocketAddr)>> {
        self.acceptor.poll_accept(cx, |listener| {
            expect_runtime("TcpListener::poll_accept");
            accept(listener)
        })
    }

    /// Takes a listener of std over. It is made non-blocking, as are its clones.
    ///
    /// # Errors
    /// The system's; `AlreadyExists` if it is registered by way of a clone of the same descriptor number.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn from_std(listener: net::TcpListener) -> io::Result<TcpListener> {
        listener.set_nonblocking(true)?;
        TcpListener::over(listener, "TcpListener::from_std")
    }

    /// Gives the socket to std. It stays non-blocking: `set_nonblocking(false)` changes that.
    pub fn into_std(self) -> io::Result<net::TcpListener> {
        Ok(self.acceptor.into_inner())
    }

    /// The address that it listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.acceptor.get().local_addr()
    }

    /// The time to live of the packets that it sends.
    pub fn ttl(&self) -> io::Result<u32> {
        SockRef::from(self.acceptor.get()).ttl_v4()
    }

    /// Sets the time to live of the packets that it and its connections send.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        SockRef::from(self.acceptor.get()).set_ttl_v4(ttl)
    }
}

fn accept(listener: &net::TcpListener) -> io::Result<(TcpStream, SocketAddr)> {
    let (fd, peer) = sys::accept(listener)?;
    let stream = net::TcpStream::from(fd);
    let peer = match peer.and_then(syscalls::as_std) {
        Some(peer) => peer,
        None => stream.peer_addr()?,
    };
    Ok((TcpStream::over(Watched::new_accepted(stream, "TcpListener::accept")?), peer))
}

impl TryFrom<net::TcpListener> for TcpListener {
    type Error = io::Error;

    /// [`TcpListener::from_std`].
    #[track_caller]
    fn try_from(listener: net::TcpListener) -> io::Result<TcpListener> {
        TcpListener::from_std(listener)
    }
}

impl AsRawFd for TcpListener {
    fn as_raw_fd(&self) -> RawFd {
        self.acceptor.get().as_raw_fd()
    }
}

impl AsFd for TcpListener {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.acceptor.get().as_fd()
    }
}

impl fmt::Debug for TcpListener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.acceptor.get().fmt(f)
    }
}
