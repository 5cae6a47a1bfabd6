//! A TCP connection.
//!
//! Owns: the type, its halves, its options.
//! Not here: how a connection is made (`connect`).

use super::connect::connect_one;
use crate::engine::{Caller, Direction};
use crate::io::{AsyncRead, AsyncWrite, Interest, ReadBuf, Ready, Watched, fill_spare};
use crate::net::addr::{ToSocketAddrs, no_address, resolve};
use crate::net::stream::stream;
use crate::net::{sys, syscalls};
use bytes::BufMut;
use rustix::net::RecvFlags;
use socket2::SockRef;
use std::fmt;
use std::io::{self, IoSlice, IoSliceMut};
use std::net::{self, Shutdown, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

/// A TCP connection.
///
/// Reading and writing are in [`AsyncReadExt`](crate::io::AsyncReadExt) and
/// [`AsyncWriteExt`](crate::io::AsyncWriteExt). Nothing is buffered: a write that is done has been handed to the kernel.
/// `shutdown` ends the writing direction; dropping the stream closes both.
///
/// # Examples
/// ```no_run
/// use runtime::io::{AsyncReadExt, AsyncWriteExt};
/// use runtime::net::TcpStream;
///
/// # async fn example() -> std::io::Result<()> {
/// let mut stream = TcpStream::connect("localhost:7000").await?;
/// stream.write_all(b"hello").await?;
/// stream.shutdown().await?;
/// let mut answer = Vec::new();
/// stream.read_to_end(&mut answer).await?;
/// # Ok(())
/// # }
/// ```
pub struct TcpStream {
    io: Watched<net::TcpStream>,
}

stream!(TcpStream, net::TcpStream, short_reads: sys::A_SHORT_READ_IS_ALL);

impl TcpStream {
    /// Connects to the first of the addresses that answers, one after the other.
    ///
    /// For hosts with addresses that may not answer at all there is [`connect_happy`](crate::net::connect_happy); for
    /// options before connecting, [`TcpSocket`](crate::net::TcpSocket).
    ///
    /// # Errors
    /// The last address's, if none works; `InvalidInput` if there is none.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it gives the attempt up and closes its socket.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<TcpStream>> {
        let caller = Caller::of("TcpStream::connect");
        async move {
            caller.needs_runtime();
            let mut last = None;
            for address in resolve(addr, caller).await? {
                match connect_one(address).await {
                    Ok(stream) => return Ok(stream),
                    Err(error) => last = Some(error),
                }
            }
            Err(last.unwrap_or_else(|| no_address(caller)))
        }
    }

    /// The address of this end.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr()
    }

    /// The address of the other end.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr()
    }

    /// Reads what is there without taking it away: the next read gives the same bytes. 0 means the end.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.async_io(Interest::READABLE, |socket| syscalls::recv(socket, buf, RecvFlags::PEEK)).await
    }

    /// [`peek`](TcpStream::peek) for hand-written futures: appends to `buf`, and tells how much. The task that has
    /// asked last is woken.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
        self.io.poll_io(Direction::Read, cx, |socket| syscalls::recv_into(socket, buf, RecvFlags::PEEK))
    }

    /// Does it send small pieces at once (`TCP_NODELAY`)?
    pub fn nodelay(&self) -> io::Result<bool> {
        self.io.get().nodelay()
    }

    /// Sends small pieces at once, instead of gathering them for a while.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        self.io.get().set_nodelay(nodelay)
    }

    /// Does it acknowledge at once (`TCP_QUICKACK`, Linux)?
    ///
    /// # Errors
    /// `Unsupported` on systems without it.
    pub fn quickack(&self) -> io::Result<bool> {
        sys::quickack(self)
    }

    /// Acknowledges at once, for the time being: the system may go back to waiting for something to send along.
    ///
    /// # Errors
    /// `Unsupported` on systems without it.
    pub fn set_quickack(&self, quickack: bool) -> io::Result<()> {
        sys::set_quickack(self, quickack)
    }

    /// How long closing waits for unsent bytes (`SO_LINGER`).
    pub fn linger(&self) -> io::Result<Option<Duration>> {
        SockRef::from(self).linger()
    }

    /// Lets closing wait for unsent bytes. It is the dropping thread that waits, and with it its tasks.
    #[deprecated = "dropping the stream then blocks the thread; use `set_zero_linger`, or shut down and read to the end"]
    pub fn set_linger(&self, dur: Option<Duration>) -> io::Result<()> {
        SockRef::from(self).set_linger(dur)
    }

    /// Lets closing throw unsent bytes away and reset the connection, which never waits.
    pub fn set_zero_linger(&self) -> io::Result<()> {
        SockRef::from(self).set_linger(Some(Duration::ZERO))
    }

    /// The time to live of its packets.
    pub fn ttl(&self) -> io::Result<u32> {
        self.io.get().ttl()
    }

    /// Sets the time to live of its packets.
    pub fn set_ttl(&self, ttl: u32) -> io::Result<()> {
        self.io.get().set_ttl(ttl)
    }
}

macro_rules! peeks {
    ($Half:ty, |$this:ident| $stream:expr) => {
        impl $Half {
            /// Reads what is there without taking it away: the next read gives the same bytes.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing.
            pub async fn peek(&mut self, buf: &mut [u8]) -> io::Result<usize> {
                let $this = self;
                $stream.peek(buf).await
            }

            /// [`peek`](Self::peek) for hand-written futures: appends to `buf`, and tells how much.
            pub fn poll_peek(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<usize>> {
                let $this = self;
                $stream.poll_peek(cx, buf)
            }
        }
    };
}

peeks!(ReadHalf<'_>, |half| half.0);
peeks!(OwnedReadHalf, |half| half.stream);
