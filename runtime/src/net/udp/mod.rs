//! UDP.
//!
//! Owns: the type, messages with addresses.
//! Not here: options (`options`).

mod options;

use super::addr::{ToSocketAddrs, no_address, resolve, with_each};
use super::datagram::datagram;
use super::options::ip_options;
use super::{sys, syscalls};
use crate::engine::{Caller, Direction};
use crate::io::{Interest, ReadBuf, Ready, Watched, fill_spare};
use bytes::BufMut;
use rustix::net::RecvFlags;
use socket2::{Domain, Protocol, SockAddr, SockRef, Socket, Type};
use std::fmt;
use std::io;
use std::net::{self, SocketAddr};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

/// A UDP socket: messages that may get lost, to and from anywhere or one connected peer.
///
/// All methods take `&self`, so that several tasks can send and receive at once through an `Arc`.
///
/// # Examples
/// ```no_run
/// use runtime::net::UdpSocket;
///
/// # async fn example() -> std::io::Result<()> {
/// let socket = UdpSocket::bind("0.0.0.0:7000").await?;
/// let mut buf = [0; 1500];
/// loop {
///     let (n, peer) = socket.recv_from(&mut buf).await?;
///     socket.send_to(&buf[..n], peer).await?;
/// }
/// # }
/// ```
pub struct UdpSocket {
    io: Watched<net::UdpSocket>,
}

datagram!(UdpSocket, net::UdpSocket);
ip_options!(UdpSocket);

impl UdpSocket {
    /// A socket on the first of the addresses that can be had. Port 0 lets the system choose one.
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
    pub fn bind<A: ToSocketAddrs>(addr: A) -> impl Future<Output = io::Result<UdpSocket>> {
        let caller = Caller::of("UdpSocket::bind");
        async move {
            caller.needs_runtime();
            with_each(addr, caller, |address| {
                let kind = sys::nonblocking(Type::DGRAM);
                let socket = Socket::new(Domain::for_address(address), kind, Some(Protocol::UDP))?;
                sys::after_creation(&socket)?;
                socket.bind(&SockAddr::from(address))?;
                UdpSocket::over(socket.into(), caller.what())
            })
            .await
        }
    }

    /// Makes the first address that works the only peer: messages from others are not received, and
    /// [`send`](UdpSocket::send) goes there.
    ///
    /// # Errors
    /// The last address's, if none works; `InvalidInput` if there is none.
    ///
    /// # Panics
    /// Outside of a runtime, if it is a name and not a literal.
    ///
    /// # Cancel safety
    /// Cancelling it leaves the socket as it was.
    #[track_caller]
    pub fn connect<A: ToSocketAddrs>(&self, addr: A) -> impl Future<Output = io::Result<()>> {
        let caller = Caller::of("UdpSocket::connect");
        with_each(addr, caller, |address| self.io.get().connect(address))
    }

    /// The address of this socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr()
    }

    /// The connected peer.
    ///
    /// # Errors
    /// `NotConnected` if there is none.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr()
    }

    /// Sends a message to the first of the addresses, and says how long it was.
    ///
    /// # Errors
    /// The system's; `InvalidInput` if there is no address.
    ///
    /// # Panics
    /// Outside of a runtime, if it is a name and not a literal.
    ///
    /// # Cancel safety
    /// Cancelling it means that the message was not sent.
    #[track_caller]
    pub fn send_to<A: ToSocketAddrs>(&self, buf: &[u8], addr: A) -> impl Future<Output = io::Result<usize>> {
        let caller = Caller::of("UdpSocket::send_to");
        async move {
            let target = resolve(addr, caller).await?.next().ok_or_else(|| no_address(caller))?;
            self.io.async_io(Interest::WRITABLE, |socket| syscalls::send_to(socket, buf, target)).await
        }
    }

    /// [`send_to`](UdpSocket::send_to) for hand-written futures. The task that has asked last is woken.
    pub fn poll_send_to(&self, cx: &mut Context<'_>, buf: &[u8], target: SocketAddr) -> Poll<io::Result<usize>> {
        self.io.poll_io(Direction::Write, cx, |socket| syscalls::send_to(socket, buf, target))
    }

    /// Sends a message if there is room.
    ///
    /// # Errors
    /// `WouldBlock` if there is none: wait with [`writable`](UdpSocket::writable).
    pub fn try_send_to(&self, buf: &[u8], target: SocketAddr) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| syscalls::send_to(socket, buf, target))
    }

    /// Receives a message, and says how long it is and who has sent it. What does not fit into `buf` is lost.
    ///
    /// # Cancel safety
    /// Cancelling it loses no message.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.async_io(Interest::READABLE, |socket| recv_from(socket, buf, RecvFlags::empty())).await
    }

    /// [`recv_from`](UdpSocket::recv_from) for hand-written futures: appends to `buf`. The task that has asked last is
    /// woken.
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        self.io.poll_io(Direction::Read, cx, |socket| recv_into_from(socket, buf, RecvFlags::empty()))
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UdpSocket::readable).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| recv_from(socket, buf, RecvFlags::empty()))
    }

    /// Receives a message, appends it to `buf`, and says how long it is and who has sent it.
    ///
    /// # Cancel safety
    /// Cancelling it loses no message.
    pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        self.io.async_io(Interest::READABLE, |socket| recv_spare_from(socket, buf)).await
    }

    /// Receives a message if there is one, and appends it to `buf`.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UdpSocket::readable).
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| recv_spare_from(socket, buf))
    }

    /// Looks at the next message without taking it away.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.async_io(Interest::READABLE, |socket| syscalls::recv(socket, buf, RecvFlags::PEEK)).await
    }

    /// [`peek`](UdpSocket::peek) for hand-written futures: appends to `buf`. The task that has asked last is woken.
    pub fn poll_peek(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let peek = |socket: &net::UdpSocket| syscalls::recv_into(socket, buf, RecvFlags::PEEK);
        self.io.poll_io(Direction::Read, cx, peek).map_ok(|_| ())
    }

    /// Looks at the next message, if there is one, without taking it away.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UdpSocket::readable).
    pub fn try_peek(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |socket| syscalls::recv(socket, buf, RecvFlags::PEEK))
    }

    /// Looks at the next message and its sender without taking it away.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.async_io(Interest::READABLE, |socket| recv_from(socket, buf, RecvFlags::PEEK)).await
    }

    /// [`peek_from`](UdpSocket::peek_from) for hand-written futures: appends to `buf`. The task that has asked last is
    /// woken.
    pub fn poll_peek_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        self.io.poll_io(Direction::Read, cx, |socket| recv_into_from(socket, buf, RecvFlags::PEEK))
    }

    /// Looks at the next message and its sender, if there is one, without taking it away.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UdpSocket::readable).
    pub fn try_peek_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| recv_from(socket, buf, RecvFlags::PEEK))
    }

    /// Waits for a message and says who has sent it, without taking it away.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn peek_sender(&self) -> io::Result<SocketAddr> {
        self.io.async_io(Interest::READABLE, sender).await
    }

    /// [`peek_sender`](UdpSocket::peek_sender) for hand-written futures. The task that has asked last is woken.
    pub fn poll_peek_sender(&self, cx: &mut Context<'_>) -> Poll<io::Result<SocketAddr>> {
        Poll::Ready(ready!(self.io.poll_io(Direction::Read, cx, sender)))
    }

    /// Says who has sent the next message, if there is one.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UdpSocket::readable).
    pub fn try_peek_sender(&self) -> io::Result<SocketAddr> {
        self.io.try_io(Interest::READABLE, sender)
    }
}

fn recv_from(socket: &net::UdpSocket, buf: &mut [u8], flags: RecvFlags) -> io::Result<(usize, SocketAddr)> {
    let (n, from) = syscalls::recv_from(socket, buf, flags)?;
    Ok((n, address(from)?))
}

fn recv_into_from(socket: &net::UdpSocket, buf: &mut ReadBuf<'_>, flags: RecvFlags) -> io::Result<SocketAddr> {
    address(syscalls::recv_into_from(socket, buf, flags)?)
}

fn recv_spare_from<B: BufMut>(socket: &net::UdpSocket, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
    fill_spare(buf, |buf| recv_into_from(socket, buf, RecvFlags::empty()))
}

fn sender(socket: &net::UdpSocket) -> io::Result<SocketAddr> {
    recv_from(socket, &mut [], RecvFlags::PEEK).map(|(_, from)| from)
}

fn address(any: Option<rustix::net::SocketAddrAny>) -> io::Result<SocketAddr> {
    any.and_then(syscalls::as_std)
        .ok_or_else(|| io::Error::other("the system gave a message without the address of its sender"))
}
