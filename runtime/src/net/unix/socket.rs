//! A unix socket before it listens or connects.

use super::datagram::UnixDatagram;
use super::listener::UnixListener;
use super::stream::UnixStream;
use crate::engine::{Caller, unless_it_ends_with_its_task};
use crate::io::{Interest, Watched};
use crate::net::{begin_connect, sys};
use socket2::{Domain, SockAddr, Socket, Type};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, IntoRawFd, RawFd};
use std::os::unix::net;
use std::path::Path;

/// A unix socket that is not yet a listener, a stream or a datagram socket: to bind it before connecting, or to choose
/// the length of the queue.
///
/// It is non-blocking, and belongs to no runtime until it becomes one of them.
pub struct UnixSocket {
    socket: Socket,
}

pub(super) fn new_socket(kind: Type) -> io::Result<Socket> {
    let socket = Socket::new(Domain::UNIX, sys::nonblocking(kind), None)?;
    sys::after_creation(&socket)?;
    Ok(socket)
}

/// Cancelling it closes the socket.
pub(super) async fn connect(socket: Socket, address: &SockAddr, what: &str) -> io::Result<UnixStream> {
    let decided = begin_connect(&socket, address)?;
    let stream = net::UnixStream::from(socket);
    if decided {
        let io = unless_it_ends_with_its_task(Watched::new_writable(stream, what)).await?;
        return Ok(UnixStream::over(io));
    }
    let io = unless_it_ends_with_its_task(Watched::new(stream, what)).await?;
    io.event(Interest::WRITABLE).await?;
    match io.get().take_error()? {
        Some(error) => Err(error),
        None => Ok(UnixStream::over(io)),
    }
}

impl UnixSocket {
    pub(in crate::net) fn over(socket: Socket) -> UnixSocket {
        UnixSocket { socket }
    }

    /// A socket for messages.
    pub fn new_datagram() -> io::Result<UnixSocket> {
        Ok(UnixSocket { socket: new_socket(Type::DGRAM)? })
    }

    /// A socket for connections.
    pub fn new_stream() -> io::Result<UnixSocket> {
        Ok(UnixSocket { socket: new_socket(Type::STREAM)? })
    }

    /// Binds it to `path`. One that begins with a zero byte is a name of Linux's abstract namespace.
    pub fn bind(&self, path: impl AsRef<Path>) -> io::Result<()> {
        self.socket.bind(&SockAddr::unix(path)?)
    }

    /// Lets it listen, with room for `backlog` connections that nobody has accepted yet.
    ///
    /// # Errors
    /// The system's; `InvalidInput` for a socket for messages.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn listen(self, backlog: u32) -> io::Result<UnixListener> {
        self.expect(Type::STREAM, "listen", "new_stream")?;
        self.socket.listen(i32::try_from(backlog).unwrap_or(i32::MAX))?;
        UnixListener::over(self.socket.into(), "UnixSocket::listen")
    }

    /// Connects it to the listener at `path`.
    ///
    /// # Errors
    /// The system's; `InvalidInput` for a socket for messages.
    ///
    /// # Panics
    /// Outside of a runtime, when polled.
    ///
    /// # Cancel safety
    /// Cancelling it gives the attempt up and closes the socket.
    #[track_caller]
    pub fn connect(self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<UnixStream>> {
        let caller = Caller::of("UnixSocket::connect");
        async move {
            caller.needs_runtime();
            self.expect(Type::STREAM, "connect", "new_stream")?;
            let address = SockAddr::unix(path)?;
            connect(self.socket, &address, caller.what()).await
        }
    }

    /// Makes a datagram socket of it.
    ///
    /// # Errors
    /// The system's; `InvalidInput` for a socket for connections.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn datagram(self) -> io::Result<UnixDatagram> {
        self.expect(Type::DGRAM, "datagram", "new_datagram")?;
        UnixDatagram::over(self.socket.into(), "UnixSocket::datagram")
    }

    fn expect(&self, kind: Type, what: &str, instead: &str) -> io::Result<()> {
        if self.socket.r#type()? == kind {
            return Ok(());
        }
        let text = format!("`UnixSocket::{what}` on a socket of the other kind: make it with `UnixSocket::{instead}`");
        Err(io::Error::new(io::ErrorKind::InvalidInput, text))
    }
}

impl AsRawFd for UnixSocket {
    fn as_raw_fd(&self) -> RawFd {
        self.socket.as_raw_fd()
    }
}

impl AsFd for UnixSocket {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

impl IntoRawFd for UnixSocket {
    fn into_raw_fd(self) -> RawFd {
        self.socket.into_raw_fd()
    }
}

impl fmt::Debug for UnixSocket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.socket.fmt(f)
    }
}
