//! The services on ours and on tokio: the same lines.

/// Implements `Servers` over a crate with tokio's module layout.
macro_rules! tokio_shaped_servers {
    ($peer:ident, $krate:ident) => {
        const _: () = {
            use ::std::io::{self, IoSlice};
            use ::std::pin::Pin;
            use ::std::task::{Context, Poll, ready};

            use ::$krate::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
            use ::$krate::net::{TcpListener, TcpStream, UdpSocket, UnixListener};

            use $crate::net::Service;
            use $crate::net::service::{
                ANY_PORT, BUFFER, announce, concerns_one_connection, socket_path, take_requests,
            };
            use $crate::net::tls::{self, Wire};

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

            impl Wire for TcpStream {
                fn poll_read(&mut self, cx: &mut Context<'_>, buffer: &mut [u8]) -> Poll<io::Result<usize>> {
                    let mut buffer = ReadBuf::new(buffer);
                    ready!(Pin::new(self).poll_read(cx, &mut buffer))?;
                    Poll::Ready(Ok(buffer.filled().len()))
                }

                fn poll_write(&mut self, cx: &mut Context<'_>, slices: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
                    Pin::new(self).poll_write_vectored(cx, slices)
                }
            }

            async fn http(mut stream: TcpStream) -> io::Result<()> {
                let (mut buffer, mut pending) = ([0; 1024], Vec::new());
                loop {
                    let got = stream.read(&mut buffer).await?;
                    if got == 0 {
                        return Ok(());
                    }
                    pending.extend_from_slice(&buffer[..got]);
                    let requests = take_requests(&mut pending).map_err(|wrong| io::Error::other(wrong.0))?;
                    for _ in 0..requests {
                        stream.write_all($crate::net::HTTP_REPLY.as_bytes()).await?;
                    }
                }
            }

            async fn tcp<F, S>(here: Here, serve: F) -> io::Result<()>
            where
                F: Fn(TcpStream) -> S + Send + 'static,
                S: Future<Output = io::Result<()>> + Send + 'static,
            {
                let listener = TcpListener::bind(ANY_PORT).await?;
                announce(listener.local_addr()?);
                loop {
                    match listener.accept().await {
                        Ok((stream, _)) => {
                            stream.set_nodelay(true)?;
                            here.detach(serve(stream));
                        }
                        Err(error) if concerns_one_connection(&error) => {}
                        Err(error) => return Err(error),
                    }
                }
            }

            async fn unix(here: Here) -> io::Result<()> {
                let listener = UnixListener::bind(socket_path())?;
                announce(socket_path().display());
                loop {
                    let (stream, _) = listener.accept().await?;
                    here.detach(echo(stream, BUFFER));
                }
            }

            async fn udp() -> io::Result<()> {
                let socket = UdpSocket::bind(ANY_PORT).await?;
                announce(socket.local_addr()?);
                let mut buffer = vec![0; BUFFER];
                loop {
                    let (got, from) = socket.recv_from(&mut buffer).await?;
                    socket.send_to(&buffer[..got], from).await?;
                }
            }

            impl $crate::net::Servers for $peer {
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
        };
    };
}

pub(crate) use tokio_shaped_servers;
