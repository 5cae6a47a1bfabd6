//! Sockets inside the measuring process: for workloads in which other things of the same runtime happen beside them. (What
//! servers do under load is `net`'s, where the server is a process of its own.)
//!
//! Both ends are made by plain calls of std; the runtime gets one of them, a plain thread keeps the other. Tokio's names and
//! ours are the same, so the macro implements the trait for both; smol's stand here.

use std::future::Future;
use std::io::{self, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream, UdpSocket};

use async_io::Async;
use futures_lite::{AsyncReadExt, AsyncWriteExt};

use crate::smol::SmolCurrent;
use crate::{Smol, Timers, Wrong, check};

/// Bytes of a message.
pub const MESSAGE: usize = 64;

/// A runtime with sockets.
pub trait Sockets: Timers {
    /// A connected stream.
    type Tcp: Send + 'static;
    /// A socket for datagrams.
    type Udp: Send + Sync + 'static;

    /// Takes a stream that does not block. Only inside the runtime.
    fn tcp(stream: TcpStream) -> io::Result<Self::Tcp>;
    /// Takes a socket that does not block. Only inside the runtime.
    fn udp(socket: UdpSocket) -> io::Result<Self::Udp>;
    /// Fills `bytes`.
    fn read(stream: &mut Self::Tcp, bytes: &mut [u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Writes all of `bytes`.
    fn write(stream: &mut Self::Tcp, bytes: &[u8]) -> impl Future<Output = io::Result<()>> + Send;
    /// Receives one datagram.
    fn receive(socket: &Self::Udp, bytes: &mut [u8]) -> impl Future<Output = io::Result<(usize, SocketAddr)>> + Send;
    /// Sends one datagram.
    fn send(socket: &Self::Udp, bytes: &[u8], to: SocketAddr) -> impl Future<Output = io::Result<usize>> + Send;
}

/// Implements `Sockets` over a crate with tokio's module layout.
macro_rules! tokio_shaped_sockets {
    ($peer:ident, $krate:ident) => {
        impl $crate::Sockets for $peer {
            type Tcp = ::$krate::net::TcpStream;
            type Udp = ::$krate::net::UdpSocket;

            fn tcp(stream: ::std::net::TcpStream) -> ::std::io::Result<Self::Tcp> {
                Self::Tcp::from_std(stream)
            }

            fn udp(socket: ::std::net::UdpSocket) -> ::std::io::Result<Self::Udp> {
                Self::Udp::from_std(socket)
            }

            async fn read(stream: &mut Self::Tcp, bytes: &mut [u8]) -> ::std::io::Result<()> {
                ::$krate::io::AsyncReadExt::read_exact(stream, bytes).await.map(drop)
            }

            async fn write(stream: &mut Self::Tcp, bytes: &[u8]) -> ::std::io::Result<()> {
                ::$krate::io::AsyncWriteExt::write_all(stream, bytes).await
            }

            async fn receive(
                socket: &Self::Udp,
                bytes: &mut [u8],
            ) -> ::std::io::Result<(usize, ::std::net::SocketAddr)> {
                socket.recv_from(bytes).await
            }

            async fn send(socket: &Self::Udp, bytes: &[u8], to: ::std::net::SocketAddr) -> ::std::io::Result<usize> {
                socket.send_to(bytes, to).await
            }
        }
    };
}

pub(crate) use tokio_shaped_sockets;

macro_rules! smol_sockets {
    ($peer:ident) => {
        impl Sockets for $peer {
            type Tcp = Async<TcpStream>;
            type Udp = Async<UdpSocket>;

            fn tcp(stream: TcpStream) -> io::Result<Self::Tcp> {
                Async::try_from(stream)
            }

            fn udp(socket: UdpSocket) -> io::Result<Self::Udp> {
                Async::try_from(socket)
            }

            async fn read(stream: &mut Self::Tcp, bytes: &mut [u8]) -> io::Result<()> {
                stream.read_exact(bytes).await
            }

            async fn write(stream: &mut Self::Tcp, bytes: &[u8]) -> io::Result<()> {
                stream.write_all(bytes).await
            }

            async fn receive(socket: &Self::Udp, bytes: &mut [u8]) -> io::Result<(usize, SocketAddr)> {
                socket.recv_from(bytes).await
            }

            async fn send(socket: &Self::Udp, bytes: &[u8], to: SocketAddr) -> io::Result<usize> {
                socket.send_to(bytes, to).await
            }
        }
    };
}

smol_sockets!(Smol);
smol_sockets!(SmolCurrent);

fn failed(what: &str) -> impl Fn(io::Error) -> Wrong {
    move |error| Wrong(format!("{what}: {error}"))
}

/// Both ends of a connection: a plain one, and one that does not block, for a runtime.
pub fn tcp_pairs(count: usize) -> Result<Vec<(TcpStream, TcpStream)>, Wrong> {
    let pair = |listener: &TcpListener| -> io::Result<(TcpStream, TcpStream)> {
        let near = TcpStream::connect(listener.local_addr()?)?;
        let (far, _) = listener.accept()?;
        near.set_nodelay(true)?;
        far.set_nodelay(true)?;
        far.set_nonblocking(true)?;
        Ok((near, far))
    };
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).map_err(failed("cannot listen"))?;
    (0..count).map(|_| pair(&listener).map_err(failed("cannot connect"))).collect()
}

/// A plain socket that is connected to the second one, which does not block, for a runtime.
pub fn udp_pair() -> Result<(UdpSocket, UdpSocket), Wrong> {
    let pair = || -> io::Result<(UdpSocket, UdpSocket)> {
        let (near, far) = (UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?, UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?);
        near.connect(far.local_addr()?)?;
        far.set_nonblocking(true)?;
        Ok((near, far))
    };
    pair().map_err(failed("cannot make sockets"))
}

/// The runtime's side: sends every message back until the other side is closed; returns how many came.
pub async fn echo<P: Sockets>(stream: TcpStream) -> Result<u64, Wrong> {
    let mut stream = P::tcp(stream).map_err(failed("the runtime does not take the stream"))?;
    let (mut bytes, mut count) = ([0; MESSAGE], 0);
    loop {
        match P::read(&mut stream, &mut bytes).await {
            Ok(()) => P::write(&mut stream, &bytes).await.map_err(failed("the echo cannot write"))?,
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => return Ok(count),
            Err(error) => return Err(failed("the echo cannot read")(error)),
        }
        count += 1;
    }
}

/// The runtime's side of datagrams: sends each back, for ever.
pub async fn echo_datagrams<P: Sockets>(socket: UdpSocket) -> Result<(), Wrong> {
    let socket = P::udp(socket).map_err(failed("the runtime does not take the socket"))?;
    let mut bytes = [0; MESSAGE];
    loop {
        let (count, from) = P::receive(&socket, &mut bytes).await.map_err(failed("the echo cannot receive"))?;
        P::send(&socket, &bytes[..count], from).await.map_err(failed("the echo cannot send"))?;
    }
}

/// The plain side: one message there and back.
pub fn exchange(mut stream: &TcpStream, number: u64) -> Result<(), Wrong> {
    let (sent, mut got) = ([number as u8; MESSAGE], [0; MESSAGE]);
    stream.write_all(&sent).map_err(failed("a client cannot write"))?;
    stream.read_exact(&mut got).map_err(failed("a client cannot read"))?;
    check("the echo", got, sent)
}

/// The plain side: one datagram there and back.
pub fn exchange_datagram(socket: &UdpSocket, number: u64) -> Result<(), Wrong> {
    let (sent, mut got) = ([number as u8; MESSAGE], [0; MESSAGE]);
    socket.send(&sent).map_err(failed("a client cannot send"))?;
    let count = socket.recv(&mut got).map_err(failed("a client cannot receive"))?;
    check("the echo", &got[..count], &sent)
}
