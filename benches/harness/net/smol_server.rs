//! The services on smol: async-io's sockets, which `smol::net` wraps.

use std::io::{self, IoSlice};
use std::net::{TcpListener, TcpStream, UdpSocket};
use std::os::unix::net::UnixListener;
use std::pin::Pin;
use std::task::{Context, Poll};

use async_io::Async;
use futures_lite::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::service::{ANY_PORT, BUFFER, announce, concerns_one_connection, socket_path, take_requests};
use super::tls::{self, Wire};
use super::{HTTP_REPLY, Servers, Service};
use crate::{Peer, Smol, Spawn};

type Here = <Smol as Peer>::Here;

async fn echo<S: AsyncRead + AsyncWrite + Unpin>(mut stream: S, buffer: usize) -> io::Result<()> {
    let mut buffer = vec![0; buffer];
    loop {
        let got = stream.read(&mut buffer).await?;
        if got == 0 {
            return Ok(());
        }
        stream.write_all(&buffer[..got]).await?;
    }
}

impl Wire for Async<TcpStream> {
    fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
        AsyncRead::poll_read(Pin::new(self), cx, buffer)
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        AsyncWrite::poll_write_vectored(Pin::new(self), cx, slices)
    }
}

async fn http(mut stream: Async<TcpStream>) -> io::Result<()> {
    let (mut buffer, mut pending) = ([0; 1024], Vec::new());
    loop {
        let got = stream.read(&mut buffer).await?;
        if got == 0 {
            return Ok(());
        }
        pending.extend_from_slice(&buffer[..got]);
        let requests = take_requests(&mut pending).map_err(|wrong| io::Error::other(wrong.0))?;
        for _ in 0..requests {
            stream.write_all(HTTP_REPLY.as_bytes()).await?;
        }
    }
}

async fn tcp<F, S>(here: Here, serve: F) -> io::Result<()>
where
    F: Fn(Async<TcpStream>) -> S + Send + 'static,
    S: Future<Output = io::Result<()>> + Send + 'static,
{
    let listener = Async::<TcpListener>::bind(ANY_PORT)?;
    announce(listener.get_ref().local_addr()?);
    loop {
        match listener.accept().await {
            Ok((stream, _)) => {
                stream.get_ref().set_nodelay(true)?;
                here.detach(serve(stream));
            }
            Err(error) if concerns_one_connection(&error) => {}
            Err(error) => return Err(error),
        }
    }
}

async fn unix(here: Here) -> io::Result<()> {
    let listener = Async::<UnixListener>::bind(socket_path())?;
    announce(socket_path().display());
    loop {
        let (stream, _) = listener.accept().await?;
        here.detach(echo(stream, BUFFER));
    }
}

async fn udp() -> io::Result<()> {
    let socket = Async::<UdpSocket>::bind(ANY_PORT)?;
    announce(socket.get_ref().local_addr()?);
    let mut buffer = vec![0; BUFFER];
    loop {
        let (got, from) = socket.recv_from(&mut buffer).await?;
        socket.send_to(&buffer[..got], from).await?;
    }
}

impl Servers for Smol {
    async fn serve(here: Here, service: Service) -> io::Result<()> {
        match service {
            Service::TcpEcho(buffer) => tcp(here, move |stream| echo(stream, buffer)).await,
            Service::TlsEcho(buffer) => tcp(here, move |stream| tls::echo(stream, buffer)).await,
            Service::Http => tcp(here, http).await,
            Service::UnixEcho => unix(here).await,
            Service::UdpEcho => udp().await,
        }
    }
}
