//! A client's end: connecting, and one whole exchange at a time.

use std::io::{self, ErrorKind, IoSlice, Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::Barrier;
use std::time::Duration;

use rustls::{ClientConnection, Stream};

use super::{HTTP_REPLY, HTTP_REQUEST, STALLED_FROM, Service, tls};
use crate::{Wrong, check};

/// A set-up step that takes longer than this is stuck.
const PATIENCE: Duration = Duration::from_secs(20);

/// What one message is and what must come back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Sent.
    pub message: Vec<u8>,
    /// Expected.
    pub reply: Vec<u8>,
}

impl Exchange {
    /// Number `number` of the exchanges with a service; echoes carry `size` bytes, and no two the same.
    pub fn with(service: Service, size: usize, number: usize) -> Self {
        if service == Service::Http {
            return Self { message: HTTP_REQUEST.into(), reply: HTTP_REPLY.into() };
        }
        let message: Vec<u8> = (0..size).map(|at| (at.wrapping_mul(31) ^ number ^ (number >> 8)) as u8).collect();
        Self { reply: message.clone(), message }
    }
}

/// A connected socket.
pub struct Client {
    pub(crate) socket: OwnedFd,
    pub(crate) exchange: Exchange,
    /// Of a service that encrypts.
    session: Option<Box<ClientConnection>>,
}

/// The socket, for a session.
struct Plain<'a>(&'a OwnedFd);

impl Read for Plain<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(rustix::io::read(self.0, buffer)?)
    }
}

impl Write for Plain<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(rustix::io::write(self.0, bytes)?)
    }

    fn write_vectored(&mut self, slices: &[IoSlice<'_>]) -> io::Result<usize> {
        Ok(rustix::io::writev(self.0, slices)?)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn cannot(what: &str) -> impl Fn(std::io::Error) -> Wrong {
    let what = what.to_owned();
    move |error| Wrong(format!("a client cannot {what}: {error}"))
}

/// One exchange on a socket that blocks.
fn exchange_once(mut stream: impl Read + Write, exchange: &Exchange) -> Result<(), Wrong> {
    stream.write_all(&exchange.message).map_err(cannot("send"))?;
    let mut got = vec![0; exchange.reply.len()];
    stream.read_exact(&mut got).map_err(cannot("receive"))?;
    check("the reply", got == exchange.reply, true)
}

/// A TCP address as the server announced it.
pub(crate) fn tcp_address(address: &str) -> Result<SocketAddr, Wrong> {
    address.parse().map_err(|_| Wrong(format!("BUG: the server announced {address:?}")))
}

/// A TCP connection whose calls block, but not forever.
pub(crate) fn tcp(address: &str) -> Result<TcpStream, Wrong> {
    let stream = TcpStream::connect_timeout(&tcp_address(address)?, PATIENCE).map_err(cannot("connect"))?;
    stream.set_nodelay(true).map_err(cannot("set an option"))?;
    stream.set_read_timeout(Some(PATIENCE)).map_err(cannot("set an option"))?;
    Ok(stream)
}

impl Client {
    /// Connects, and exchanges one message: the server has accepted it then, and its queue cannot overflow however many
    /// follow.
    pub fn connect(service: Service, address: &str, exchange: Exchange) -> Result<Self, Wrong> {
        let mut session = None;
        let socket: OwnedFd = match service {
            Service::TlsEcho(_) => {
                let (mut stream, mut new) = (tcp(address)?, Box::new(tls::client()?));
                exchange_once(Stream::new(&mut *new, &mut stream), &exchange)?;
                session = Some(new);
                stream.into()
            }
            Service::TcpEcho(_) | Service::Http => {
                let stream = tcp(address)?;
                exchange_once(&stream, &exchange)?;
                stream.into()
            }
            Service::UnixEcho => {
                let stream = UnixStream::connect(address).map_err(cannot("connect"))?;
                stream.set_read_timeout(Some(PATIENCE)).map_err(cannot("set an option"))?;
                exchange_once(&stream, &exchange)?;
                stream.into()
            }
            Service::UdpEcho => {
                let socket = UdpSocket::bind(super::service::ANY_PORT).map_err(cannot("bind"))?;
                socket.connect(tcp_address(address)?).map_err(cannot("connect"))?;
                socket.set_read_timeout(Some(PATIENCE)).map_err(cannot("set an option"))?;
                socket.send(&exchange.message).map_err(cannot("send"))?;
                let mut got = vec![0; exchange.reply.len() + 1];
                let length = socket.recv(&mut got).map_err(cannot("receive"))?;
                check("the reply", got[..length] == exchange.reply[..], true)?;
                socket.into()
            }
        };
        rustix::io::ioctl_fionbio(&socket, true).map_err(|error| cannot("set an option")(error.into()))?;
        Ok(Self { socket, exchange, session })
    }

    /// Sends what it can of the message from there on, and says how much that was.
    pub(crate) fn send(&mut self, from: usize) -> io::Result<usize> {
        let rest = &self.exchange.message[from..];
        let Some(session) = &mut self.session else { return Ok(rustix::io::write(&self.socket, rest)?) };
        let taken = session.writer().write(rest)?;
        while session.wants_write() {
            match session.write_tls(&mut Plain(&self.socket)) {
                // What the session has taken it keeps; `owes` says so.
                Err(error) if error.kind() == ErrorKind::WouldBlock && taken > 0 => break,
                written => written?,
            };
        }
        Ok(taken)
    }

    /// Does it still have to send, with so much of the message sent?
    pub(crate) fn owes(&self, sent: usize) -> bool {
        sent < self.exchange.message.len() || self.session.as_ref().is_some_and(|session| session.wants_write())
    }

    /// One read; of an encrypted stream as many as give `missing` bytes, or all there are.
    pub(crate) fn receive(&mut self, buffer: &mut [u8], missing: usize) -> io::Result<usize> {
        let Some(session) = &mut self.session else { return Ok(rustix::io::read(&self.socket, buffer)?) };
        let mut got = 0;
        while got < missing {
            match session.reader().read(&mut buffer[got..missing]) {
                Ok(0) => break,
                Ok(more) => got += more,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {
                    match session.read_tls(&mut Plain(&self.socket)) {
                        Err(error) if error.kind() == ErrorKind::WouldBlock && got > 0 => break,
                        read => read?,
                    };
                    session.process_new_packets().map_err(io::Error::other)?;
                }
                Err(error) => return Err(error),
            }
        }
        Ok(got)
    }

    /// Connects, waits for the start, then one exchange after the other with a pause behind each, for as long as `go_on` says;
    /// returns the longest in ns.
    pub fn paced(
        address: &str,
        exchange: &Exchange,
        start: &Barrier,
        pause: Duration,
        go_on: impl Fn() -> bool,
    ) -> Result<f64, Wrong> {
        let connected = tcp(address).and_then(|stream| exchange_once(&stream, exchange).map(|()| stream));
        start.wait();
        let stream = connected?;
        std::thread::sleep(STALLED_FROM);
        let mut longest = 0f64;
        while go_on() {
            let since = std::time::Instant::now();
            exchange_once(&stream, exchange)?;
            longest = longest.max(since.elapsed().as_nanos() as f64);
            std::thread::sleep(pause);
        }
        Ok(longest)
    }
}
