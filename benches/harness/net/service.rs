//! What a server process serves, and what a runtime must offer to serve it.

use std::future::Future;
use std::io;
use std::path::PathBuf;

use crate::{Timers, Wrong};

/// The name of the server on bare epolls, where a peer's name stands otherwise.
pub const EPOLL: &str = "epoll";

/// A request as `wrk` and small clients send it.
pub const HTTP_REQUEST: &str = "GET / HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n";
/// The only answer of the HTTP service.
pub const HTTP_REPLY: &str = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\nHello, World!\n";

const HEAD_END: &[u8] = b"\r\n\r\n";
/// Longer heads are refused.
pub(crate) const HEAD_MAX: usize = 4096;

/// A protocol over a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service {
    /// Sends back what comes, through a buffer of this many bytes for each connection.
    TcpEcho(usize),
    /// The same, encrypted.
    TlsEcho(usize),
    /// As `TcpEcho`, over a unix stream.
    UnixEcho,
    /// Sends every datagram back.
    UdpEcho,
    /// `HTTP_REPLY` for every request.
    Http,
}

impl Service {
    /// For the command line of the server process.
    pub(crate) fn name(self) -> String {
        match self {
            Service::TcpEcho(buffer) => format!("tcp-echo:{buffer}"),
            Service::TlsEcho(buffer) => format!("tls-echo:{buffer}"),
            Service::UnixEcho => "unix-echo".to_owned(),
            Service::UdpEcho => "udp-echo".to_owned(),
            Service::Http => "http".to_owned(),
        }
    }

    pub(crate) fn from_name(name: &str) -> Option<Self> {
        match name {
            "unix-echo" => Some(Service::UnixEcho),
            "udp-echo" => Some(Service::UdpEcho),
            "http" => Some(Service::Http),
            _ => {
                let (echo, buffer) = name.split_once(':')?;
                let buffer = buffer.parse().ok()?;
                match echo {
                    "tcp-echo" => Some(Service::TcpEcho(buffer)),
                    "tls-echo" => Some(Service::TlsEcho(buffer)),
                    _ => None,
                }
            }
        }
    }
}

/// A runtime with sockets.
pub trait Servers: Timers {
    /// Binds, calls `announce` with the address, and serves until the process ends. It returns only errors of the service
    /// as a whole; a connection that breaks ends alone.
    fn serve(here: Self::Here, service: Service) -> impl Future<Output = io::Result<()>> + Send + 'static;
}

/// What a new server binds to: any free port, from this machine only.
pub(crate) const ANY_PORT: (std::net::Ipv4Addr, u16) = (std::net::Ipv4Addr::LOCALHOST, 0);
/// Buffer for unix streams and datagrams.
pub(crate) const BUFFER: usize = 16 * 1024;

/// Where a server process listens on a unix stream.
pub(crate) fn socket_path() -> PathBuf {
    std::env::temp_dir().join(format!("runtime-bench-{}.sock", std::process::id()))
}

/// Tells the parent process where the server listens.
pub(crate) fn announce(address: impl std::fmt::Display) {
    println!("bound {address}");
}

/// True for what `accept` reports of a connection that broke before it was taken.
pub(crate) fn concerns_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}

/// Takes whole requests off the front of `pending`; says how many.
pub(crate) fn take_requests(pending: &mut Vec<u8>) -> Result<usize, Wrong> {
    let mut count = 0;
    while let Some(at) = pending.windows(HEAD_END.len()).position(|window| window == HEAD_END) {
        pending.drain(..at + HEAD_END.len());
        count += 1;
    }
    if pending.len() > HEAD_MAX {
        return Err(Wrong(format!("a request's head is longer than {HEAD_MAX} bytes")));
    }
    Ok(count)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn services_survive_the_command_line() {
        for service in
            [Service::TcpEcho(512), Service::TlsEcho(512), Service::UnixEcho, Service::UdpEcho, Service::Http]
        {
            assert_eq!(Service::from_name(&service.name()), Some(service));
        }
        assert_eq!(Service::from_name("tcp-echo:x"), None);
        assert_eq!(Service::from_name("udp-echo:512"), None);
    }

    #[test]
    fn requests_are_taken_whole() {
        let mut pending = [HTTP_REQUEST, HTTP_REQUEST, "GET /"].concat().into_bytes();
        assert_eq!(take_requests(&mut pending).expect("short heads"), 2);
        assert_eq!(pending, b"GET /");
        assert!(take_requests(&mut vec![b'x'; HEAD_MAX + 1]).is_err());
    }

    #[test]
    fn the_reply_says_its_length() {
        let (head, body) = HTTP_REPLY.split_once("\r\n\r\n").expect("a head and a body");
        assert!(head.contains(&format!("Content-Length: {}", body.len())));
    }
}
