//! A connection between two processes of this machine.
//!
//! Owns: the type, its halves.

use super::{SocketAddr, UCred};
use crate::engine::{Caller, Direction};
use crate::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready, Watched, fill_spare};
use crate::net::stream::stream;
use crate::net::syscalls;
use bytes::BufMut;
use rustix::net::RecvFlags;
use socket2::{SockAddr, Type};
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// A connection between two processes of this machine.
///
/// Used like a [`TcpStream`](crate::net::TcpStream).
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # runtime::runtime::Runtime::new()?.block_on(async {
/// use runtime::io::{AsyncReadExt, AsyncWriteExt};
/// use runtime::net::UnixStream;
///
/// let (mut one, mut other) = UnixStream::pair()?;
/// one.write_all(b"hello").await?;
/// let mut buf = [0; 5];
/// other.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"hello");
/// # Ok(())
/// # })
/// # }
/// ```
pub struct UnixStream {
    io: Watched<net::UnixStream>,
}

// A message with descriptors or other credentials ends a read, with more behind it.
stream!(UnixStream, net::UnixStream, short_reads: false);

impl UnixStream {
    /// Connects to the listener at `path`. A path that begins with a zero byte is a name of Linux's abstract namespace.
    ///
    /// # Errors
    /// The system's; `WouldBlock` if the listener has no room for another connection that waits.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it gives the attempt up.
    #[track_caller]
    pub fn connect<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<UnixStream>> {
        let caller = Caller::of("UnixStream::connect");
        async move {
            caller.needs_runtime();
            let address = SockAddr::unix(path)?;
            super::socket::connect(super::socket::new_socket(Type::STREAM)?, &address, caller.what()).await
        }
    }

    /// [`connect`](UnixStream::connect) to an address.
    ///
    /// # Errors
    /// As for `connect`; `InvalidInput` if the address is none.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it gives the attempt up.
    #[track_caller]
    pub fn connect_addr(socket_addr: &SocketAddr) -> impl Future<Output = io::Result<UnixStream>> {
        let caller = Caller::of("UnixStream::connect_addr");
        async move {
            caller.needs_runtime();
            let address = socket_addr.to_system()?;
            super::socket::connect(super::socket::new_socket(Type::STREAM)?, &address, caller.what()).await
        }
    }

    /// Two streams that are connected to each other.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixStream, UnixStream)> {
        let (one, other) = net::UnixStream::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        let one = Watched::new_writable(one, "UnixStream::pair")?;
        let other = Watched::new_writable(other, "UnixStream::pair")?;
        Ok((UnixStream::over(one), UnixStream::over(other)))
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr().map(SocketAddr)
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr().map(SocketAddr)
    }

    /// Who is at the other end. User and group are always known; the process is not where this one cannot see it, as from
    /// inside of a container.
    pub fn peer_cred(&self) -> io::Result<UCred> {
        UCred::of_peer(self)
    }
}
