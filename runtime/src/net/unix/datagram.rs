//! Messages between processes of this machine.
//!
//! Owns: the type, messages with addresses.

use super::SocketAddr;
use crate::engine::{Blocked, Direction, Timer};
use crate::io::{Interest, ReadBuf, Ready, Watched, fill_spare};
use crate::net::datagram::datagram;
use crate::net::{sys, syscalls};
use bytes::BufMut;
use rustix::net::RecvFlags;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::net::Shutdown;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::os::unix::net;
use std::path::Path;
use std::pin::pin;
use std::task::{Context, Poll};
use std::time::Duration;

/// How long a sender waits before it tries again to send to a socket whose queue others have filled: short beside what
/// reading a full queue takes, long enough that trying costs nothing.
const LOOK_AGAIN: Duration = Duration::from_millis(5);

/// A unix socket for messages. Unlike UDP's they arrive, and in order.
///
/// The file at its path stays when the socket is dropped.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # runtime::runtime::Runtime::new()?.block_on(async {
/// use runtime::net::UnixDatagram;
///
/// let (one, other) = UnixDatagram::pair()?;
/// one.send(b"hello").await?;
/// let mut buf = [0; 16];
/// let n = other.recv(&mut buf).await?;
/// assert_eq!(&buf[..n], b"hello");
/// # Ok(())
/// # })
/// # }
/// ```
pub struct UnixDatagram {
    io: Watched<net::UnixDatagram>,
}

datagram!(UnixDatagram, net::UnixDatagram);

impl UnixDatagram {
    /// A socket at `path`.
    ///
    /// # Errors
    /// The system's; `AddrInUse` if there is a file at `path`.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn bind<P: AsRef<Path>>(path: P) -> io::Result<UnixDatagram> {
        let socket = super::socket::new_socket(socket2::Type::DGRAM)?;
        socket.bind(&socket2::SockAddr::unix(path)?)?;
        UnixDatagram::over(socket.into(), "UnixDatagram::bind")
    }

    /// Two sockets that are connected to each other.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn pair() -> io::Result<(UnixDatagram, UnixDatagram)> {
        let (one, other) = net::UnixDatagram::pair()?;
        one.set_nonblocking(true)?;
        other.set_nonblocking(true)?;
        Ok((UnixDatagram::over(one, "UnixDatagram::pair")?, UnixDatagram::over(other, "UnixDatagram::pair")?))
    }

    /// A socket without an address: it can send, and receive only after it was connected.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn unbound() -> io::Result<UnixDatagram> {
        UnixDatagram::over(super::socket::new_socket(socket2::Type::DGRAM)?.into(), "UnixDatagram::unbound")
    }

    /// Makes the socket at `path` the only peer.
    pub fn connect<P: AsRef<Path>>(&self, path: P) -> io::Result<()> {
        socket2::SockRef::from(self).connect(&socket2::SockAddr::unix(path)?)
    }

    /// Sends a message to the socket at `target`, and says how long it was. If that one's queue is full, it waits.
    ///
    /// # Cancel safety
    /// Cancelling it means that the message was not sent.
    pub async fn send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        loop {
            let event = self.io.event(Interest::WRITABLE).await?;
            // As a user's: the queue that is full may be the other socket's.
            match self.io.users_settle(event, send_to(self.io.get(), buf, target.as_ref())) {
                Ok(done) => return done,
                Err(Blocked(_)) => self.until_there_may_be_room().await,
            }
        }
    }

    /// The queue that is full may be the other socket's, filled by others: the system reports it to us as "would block",
    /// and does not report when it has room again. So after a while it is tried again, whatever was reported.
    async fn until_there_may_be_room(&self) {
        let Ok(mut timer) = Timer::after(LOOK_AGAIN) else { return };
        let mut reported = pin!(self.io.event(Interest::WRITABLE));
        poll_fn(|cx| match reported.as_mut().poll(cx) {
            Poll::Ready(_) => Poll::Ready(()),
            Poll::Pending => timer.poll(cx).map(|_| self.io.set_writable()),
        })
        .await;
    }

    /// [`send_to`](UnixDatagram::send_to) for hand-written futures. The task that has asked last is woken; but if it is
    /// the target's queue that is full, and others have filled it, the system wakes nobody.
    pub fn poll_send_to<P: AsRef<Path>>(&self, cx: &mut Context<'_>, buf: &[u8], target: P) -> Poll<io::Result<usize>> {
        self.io.poll_io(Direction::Write, cx, |socket| send_to(socket, buf, target.as_ref()))
    }

    /// Sends a message if there is room.
    ///
    /// # Errors
    /// `WouldBlock` if there is none: wait with [`writable`](UnixDatagram::writable).
    pub fn try_send_to<P: AsRef<Path>>(&self, buf: &[u8], target: P) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |socket| send_to(socket, buf, target.as_ref()))
    }

    /// Receives a message, and says how long it is and who has sent it. What does not fit into `buf` is lost.
    ///
    /// A sender whose path has 108 bytes, the most that Linux takes and one more than std does, is shown without an address.
    ///
    /// # Cancel safety
    /// Cancelling it loses no message.
    pub async fn recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.async_io(Interest::READABLE, |socket| recv_from(socket, buf)).await
    }

    /// [`recv_from`](UnixDatagram::recv_from) for hand-written futures: appends to `buf`. The task that has asked last
    /// is woken.
    pub fn poll_recv_from(&self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<SocketAddr>> {
        self.io.poll_io(Direction::Read, cx, |socket| recv_into_from(socket, buf))
    }

    /// Receives a message if there is one.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UnixDatagram::readable).
    pub fn try_recv_from(&self, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| recv_from(socket, buf))
    }

    /// Receives a message, appends it to `buf`, and says how long it is and who has sent it.
    ///
    /// # Cancel safety
    /// Cancelling it loses no message.
    pub async fn recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        self.io.async_io(Interest::READABLE, |socket| fill_spare(buf, |buf| recv_into_from(socket, buf))).await
    }

    /// Receives a message if there is one, and appends it to `buf`.
    ///
    /// # Errors
    /// `WouldBlock` if there is none, or none has been reported yet: wait with [`readable`](UnixDatagram::readable).
    pub fn try_recv_buf_from<B: BufMut>(&self, buf: &mut B) -> io::Result<(usize, SocketAddr)> {
        self.io.try_io(Interest::READABLE, |socket| fill_spare(buf, |buf| recv_into_from(socket, buf)))
    }

    /// The address of this socket.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().local_addr().map(SocketAddr)
    }

    /// The connected peer.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        self.io.get().peer_addr().map(SocketAddr)
    }

    /// Ends receiving, sending, or both. [`recv`](UnixDatagram::recv) then gives what is left, and 0 after that;
    /// [`recv_from`](UnixDatagram::recv_from), which has no sender to tell, waits in vain.
    pub fn shutdown(&self, how: Shutdown) -> io::Result<()> {
        self.io.get().shutdown(how)
    }
}

fn send_to(socket: &net::UnixDatagram, buf: &[u8], target: &Path) -> io::Result<usize> {
    loop {
        match socket.send_to(buf, target) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}

fn recv_from(socket: &net::UnixDatagram, buf: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
    let (n, from) = syscalls::recv_from(socket, buf, RecvFlags::empty())?;
    Ok((n, SocketAddr::or_unnamed(sys::unix_address(from))))
}

fn recv_into_from(socket: &net::UnixDatagram, buf: &mut ReadBuf<'_>) -> io::Result<SocketAddr> {
    let from = syscalls::recv_into_from(socket, buf, RecvFlags::empty())?;
    Ok(SocketAddr::or_unnamed(sys::unix_address(from)))
}
