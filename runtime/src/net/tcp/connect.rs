//! Making a connection.
//!
//! A non-blocking `connect` begins it; the socket becomes writable when it is decided, and then says in `SO_ERROR` how.
//! Some systems report a socket as writable before that, so a success is believed only when the socket has a peer.

use super::stream::TcpStream;
use crate::engine::unless_it_ends_with_its_task;
use crate::io::{Interest, Watched};
use crate::net::sys;
use rustix::io::Errno;
use socket2::{Domain, Protocol, SockAddr, Socket, Type};
use std::io;
use std::net::SocketAddr;

pub(super) fn new_socket(domain: Domain) -> io::Result<Socket> {
    let socket = Socket::new(domain, sys::nonblocking(Type::STREAM), Some(Protocol::TCP))?;
    sys::after_creation(&socket)?;
    Ok(socket)
}

pub(super) async fn connect_one(address: SocketAddr) -> io::Result<TcpStream> {
    connect_socket(new_socket(Domain::for_address(address))?, address, "TcpStream::connect").await
}

/// Cancelling it closes the socket.
pub(super) async fn connect_socket(socket: Socket, address: SocketAddr, what: &str) -> io::Result<TcpStream> {
    let decided = crate::net::begin_connect(&socket, &SockAddr::from(address))?;
    let io = unless_it_ends_with_its_task(Watched::new(std::net::TcpStream::from(socket), what)).await?;
    if !decided {
        until_connected(&io).await?;
    }
    Ok(TcpStream::over(io))
}

async fn until_connected(io: &Watched<std::net::TcpStream>) -> io::Result<()> {
    loop {
        let event = io.event(Interest::WRITABLE).await?;
        if let Some(error) = io.get().take_error()? {
            return Err(error);
        }
        match io.get().peer_addr() {
            Err(error) if Errno::from_io_error(&error) == Some(Errno::NOTCONN) && !event.ready().is_write_closed() => {
                io.clear(event);
            }
            Err(error) => return Err(error),
            Ok(_) => return Ok(()),
        }
    }
}
