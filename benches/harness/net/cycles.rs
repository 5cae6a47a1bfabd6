//! Connections that come and go: connect, one message, close. And a storm of them at once.

use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;
use rustix::net::{AddressFamily, SocketFlags, SocketType, connect, socket_with, sockopt};

use super::socket::tcp_address;
use super::{Exchange, Server, Service, Usage};
use crate::{Meter, Wrong};

const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
const SERVICE: Service = Service::TcpEcho(1024);
const SIZE: usize = 64;
/// A storm that has not calmed down by now is counted as this long. The kernel sends a lost SYN again after 1 s, then
/// after 2 more.
const STORM_MAX: Duration = Duration::from_millis(2500);

/// Whole lives of connections.
#[derive(Debug)]
pub struct Cycles {
    /// From `connect` to the reply, in ns.
    pub latencies: Vec<f64>,
    /// How long the measurement took.
    pub wall: Duration,
    /// What the server used meanwhile.
    pub usage: Usage,
}

/// So many clients connect, exchange one message, close and start anew, for `time`.
pub fn repeat_cycles(peer: &str, clients: usize, meter: Meter, time: Duration) -> Result<Cycles, Wrong> {
    let mut server = Server::start(SERVICE, peer, meter)?;
    let mut crowd = Crowd::new(tcp_address(server.address())?, clients)?;
    crowd.start_all()?;
    crowd.run(Instant::now() + time / 6, Then::Again)?;
    crowd.latencies.clear();
    let (before, since) = (server.usage()?, Instant::now());
    crowd.run(since + time, Then::Again)?;
    let (wall, after) = (since.elapsed(), server.usage()?);
    if crowd.latencies.is_empty() {
        return Err(Wrong(format!("no connection was served within {time:?}")));
    }
    Ok(Cycles { latencies: crowd.latencies, wall, usage: after.since(before) })
}

/// So many connections at once, each with one message; returns how long it takes until all are answered.
pub fn storm(peer: &str, clients: usize, meter: Meter) -> Result<Duration, Wrong> {
    let server = Server::start(SERVICE, peer, meter)?;
    let mut crowd = Crowd::new(tcp_address(server.address())?, clients)?;
    let since = Instant::now();
    crowd.start_all()?;
    crowd.run(since + STORM_MAX, Then::Rest)?;
    Ok(since.elapsed().min(STORM_MAX))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Then {
    /// A connection that was answered is replaced.
    Again,
    /// It stays as it is; the run ends with the last.
    Rest,
}

struct Cycle {
    stream: OwnedFd,
    since: Instant,
    sent: bool,
    got: Vec<u8>,
    answered: bool,
}

struct Crowd {
    epoll: OwnedFd,
    address: SocketAddr,
    exchange: Exchange,
    clients: usize,
    cycles: Vec<Cycle>,
    latencies: Vec<f64>,
}

fn failed(what: &'static str) -> impl Fn(Errno) -> Wrong {
    move |error| Wrong(format!("a client cannot {what}: {error}"))
}

impl Crowd {
    fn new(address: SocketAddr, clients: usize) -> Result<Self, Wrong> {
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(failed("make an epoll"))?;
        let exchange = Exchange::with(SERVICE, SIZE, 1);
        Ok(Self { epoll, address, exchange, clients, cycles: Vec::new(), latencies: Vec::new() })
    }

    fn start_all(&mut self) -> Result<(), Wrong> {
        for key in 0..self.clients {
            let cycle = self.start(key)?;
            self.cycles.push(cycle);
        }
        Ok(())
    }

    fn start(&self, key: usize) -> Result<Cycle, Wrong> {
        let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
        let since = Instant::now();
        let stream =
            socket_with(AddressFamily::INET, SocketType::STREAM, flags, None).map_err(failed("make a socket"))?;
        match connect(&stream, &self.address) {
            Ok(()) | Err(Errno::INPROGRESS) => {}
            Err(error) => return Err(failed("connect")(error)),
        }
        let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
        epoll::add(&self.epoll, &stream, EventData::new_u64(key as u64), both).map_err(failed("be registered"))?;
        Ok(Cycle { stream, since, sent: false, got: Vec::with_capacity(SIZE), answered: false })
    }

    fn run(&mut self, end: Instant, then: Then) -> Result<(), Wrong> {
        let mut events = Vec::with_capacity(256);
        while Instant::now() < end {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&LOOK)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(failed("wait")(error)),
            }
            for event in events.drain(..) {
                let key = event.data.u64() as usize;
                let cycle = &mut self.cycles[key];
                if cycle.answered || !cycle.go_on(&self.exchange, event.flags)? {
                    continue;
                }
                self.latencies.push(cycle.since.elapsed().as_nanos() as f64);
                if then == Then::Again {
                    // The old socket is closed by this.
                    self.cycles[key] = self.start(key)?;
                }
            }
            if then == Then::Rest && self.latencies.len() == self.clients {
                return Ok(());
            }
        }
        Ok(())
    }
}

impl Cycle {
    /// Does what the socket lets it; true when the reply is complete.
    fn go_on(&mut self, exchange: &Exchange, flags: EventFlags) -> Result<bool, Wrong> {
        if !self.sent {
            if !flags.intersects(EventFlags::OUT | EventFlags::ERR | EventFlags::HUP) {
                return Ok(false);
            }
            sockopt::socket_error(&self.stream).map_err(failed("ask"))?.map_err(failed("connect"))?;
            match rustix::io::write(&self.stream, &exchange.message) {
                Ok(sent) if sent == exchange.message.len() => self.sent = true,
                // An event from before the connection stands; the next brings us back.
                Err(Errno::NOTCONN | Errno::AGAIN) => return Ok(false),
                Ok(sent) => return Err(Wrong(format!("a new connection took {sent} bytes"))),
                Err(error) => return Err(failed("send")(error)),
            }
        }
        let mut buffer = [0; SIZE];
        match rustix::io::read(&self.stream, &mut buffer) {
            Ok(0) => return Err(Wrong("the server closed a connection".to_owned())),
            Ok(got) => self.got.extend_from_slice(&buffer[..got]),
            Err(Errno::AGAIN | Errno::INTR) => {}
            Err(error) => return Err(failed("receive")(error)),
        }
        if self.got.len() < exchange.reply.len() {
            return Ok(false);
        }
        self.answered = true;
        if self.got == exchange.reply { Ok(true) } else { Err(Wrong("a reply is wrong".to_owned())) }
    }
}
