//! The load: every client has one message under way, and sends the next when its reply is complete and right.

use std::io::ErrorKind;
use std::time::{Duration, Instant};

use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::io::Errno;

use super::{Client, Exchange, Server, Service, Usage};
use crate::{Meter, Wrong};

const READ: usize = 64 * 1024;
/// How long to wait for events before the clock is looked at; a server that answers is faster.
const LOOK: Timespec = Timespec { tv_sec: 0, tv_nsec: 20_000_000 };
/// A measurement in which nothing comes back for this long is stuck.
const STUCK: Duration = Duration::from_secs(5);

/// How many clients send what to which service.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// The service.
    pub service: Service,
    /// Connections, each with one message under way.
    pub clients: usize,
    /// Bytes of an echoed message.
    pub size: usize,
}

/// What a measurement saw.
#[derive(Debug)]
pub struct Pressed {
    /// The time of each exchange, in ns.
    pub latencies: Vec<f64>,
    /// How long the measurement took.
    pub wall: Duration,
    /// What the server used meanwhile.
    pub usage: Usage,
}

impl Load {
    /// Starts a server, connects the clients, warms up and measures for `time`.
    pub fn press(self, peer: &str, meter: Meter, time: Duration) -> Result<Pressed, Wrong> {
        let mut server = Server::start(self.service, peer, meter)?;
        let clients = (0..self.clients).map(|number| {
            Client::connect(self.service, server.address(), Exchange::with(self.service, self.size, number))
        });
        let mut crowd = Crowd::new(clients.collect::<Result<_, _>>()?)?;
        crowd.run(time / 6)?;
        crowd.latencies.clear();
        let (before, since) = (server.usage()?, Instant::now());
        crowd.run(time)?;
        let (wall, after) = (since.elapsed(), server.usage()?);
        if crowd.latencies.is_empty() {
            return Err(Wrong(format!("no reply came within {time:?}")));
        }
        Ok(Pressed { latencies: crowd.latencies, wall, usage: after.since(before) })
    }
}

struct UnderWay {
    client: Client,
    sent: usize,
    got: usize,
    since: Instant,
}

struct Crowd {
    epoll: rustix::fd::OwnedFd,
    clients: Vec<UnderWay>,
    latencies: Vec<f64>,
    buffer: Vec<u8>,
}

impl Crowd {
    /// Sends everybody's first message.
    fn new(clients: Vec<Client>) -> Result<Self, Wrong> {
        let failed = |error: Errno| Wrong(format!("the clients' epoll failed: {error}"));
        let epoll = epoll::create(CreateFlags::CLOEXEC).map_err(failed)?;
        let since = Instant::now();
        let mut under_way = Vec::with_capacity(clients.len());
        for (key, client) in clients.into_iter().enumerate() {
            let both = EventFlags::IN | EventFlags::OUT | EventFlags::ET;
            epoll::add(&epoll, &client.socket, EventData::new_u64(key as u64), both).map_err(failed)?;
            under_way.push(UnderWay { client, sent: 0, got: 0, since });
        }
        for client in &mut under_way {
            client.since = Instant::now();
            client.send()?;
        }
        Ok(Self { epoll, clients: under_way, latencies: Vec::with_capacity(1 << 17), buffer: vec![0; READ] })
    }

    fn run(&mut self, time: Duration) -> Result<(), Wrong> {
        let end = Instant::now() + time;
        let mut events = Vec::with_capacity(256);
        let mut last = Instant::now();
        loop {
            match epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&LOOK)) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(error) => return Err(Wrong(format!("the clients' epoll failed: {error}"))),
            }
            for event in events.drain(..) {
                let client = &mut self.clients[event.data.u64() as usize];
                if let Some(latency) = client.go_on(&mut self.buffer)? {
                    self.latencies.push(latency);
                    last = client.since;
                }
            }
            let now = Instant::now();
            if now >= end {
                return Ok(());
            }
            if now - last > STUCK {
                return Err(Wrong(format!("no reply for {STUCK:?} from {} clients' server", self.clients.len())));
            }
        }
    }
}

impl UnderWay {
    /// Does what the socket lets it; a completed exchange gives its time and starts the next.
    fn go_on(&mut self, buffer: &mut [u8]) -> Result<Option<f64>, Wrong> {
        if self.client.owes(self.sent) {
            self.send()?;
        }
        let missing = self.client.exchange.reply.len() - self.got;
        let got = match self.client.receive(buffer, missing) {
            Ok(0) => return Err(Wrong("the server closed a connection".to_owned())),
            Ok(got) => got,
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => return Ok(None),
            Err(error) => return Err(Wrong(format!("a client cannot receive: {error}"))),
        };
        let reply = &self.client.exchange.reply;
        if reply.get(self.got..self.got + got) != Some(&buffer[..got]) {
            return Err(Wrong(format!("a reply of {} bytes is wrong after byte {}", reply.len(), self.got)));
        }
        self.got += got;
        if self.got < reply.len() {
            return Ok(None);
        }
        let now = Instant::now();
        let latency = (now - self.since).as_nanos() as f64;
        (self.sent, self.got, self.since) = (0, 0, now);
        self.send()?;
        Ok(Some(latency))
    }

    fn send(&mut self) -> Result<(), Wrong> {
        while self.client.owes(self.sent) {
            match self.client.send(self.sent) {
                Ok(sent) => self.sent += sent,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                // The edge for writing brings us back.
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => return Err(Wrong(format!("a client cannot send: {error}"))),
            }
        }
        Ok(())
    }
}
