//! The same services without a runtime: a thread and an epoll per worker, nothing between the kernel and the answer. It
//! does what no runtime may do (it blocks, it serves one protocol only), so it is the limit, not a peer.

use std::io;
use std::net::{TcpListener, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixListener;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::net::{SocketFlags, accept_with, listen, sockopt};

use super::service::{ANY_PORT, BUFFER, announce, socket_path, take_requests};
use super::{HTTP_REPLY, Service};

const LISTENER: u64 = u64::MAX;
const BACKLOG: i32 = 4096;

/// Serves until the process ends.
pub(crate) fn serve(service: Service, threads: usize) -> io::Result<()> {
    let (listener, address): (OwnedFd, String) = match service {
        Service::UdpEcho => return serve_datagrams(threads),
        Service::TlsEcho(_) => {
            return Err(io::Error::new(io::ErrorKind::Unsupported, "the epoll server speaks no TLS"));
        }
        Service::UnixEcho => (UnixListener::bind(socket_path())?.into(), socket_path().display().to_string()),
        Service::TcpEcho(_) | Service::Http => {
            let listener = TcpListener::bind(ANY_PORT)?;
            let address = listener.local_addr()?.to_string();
            (listener.into(), address)
        }
    };
    rustix::io::ioctl_fionbio(&listener, true)?;
    listen(&listener, BACKLOG)?;
    let desk = Arc::new(Desk::new(service, listener, threads)?);
    announce(address);
    on_threads(threads, move |number| desk.turn(number))
}

fn serve_datagrams(threads: usize) -> io::Result<()> {
    let socket = Arc::new(UdpSocket::bind(ANY_PORT)?);
    announce(socket.local_addr()?);
    on_threads(threads, move |_| {
        let mut buffer = vec![0; BUFFER];
        loop {
            let (got, from) = socket.recv_from(&mut buffer)?;
            socket.send_to(&buffer[..got], from)?;
        }
    })
}

fn on_threads(threads: usize, work: impl Fn(usize) -> io::Result<()> + Send + Sync + 'static) -> io::Result<()> {
    let work = Arc::new(work);
    let threads: Vec<_> = (0..threads)
        .map(|number| {
            let work = work.clone();
            thread::spawn(move || work(number))
        })
        .collect();
    threads.into_iter().try_for_each(|thread| match thread.join() {
        Ok(result) => result,
        Err(_) => Err(io::Error::other("a thread of the epoll server panicked")),
    })
}

struct Connection {
    stream: OwnedFd,
    /// The start of a request whose end has not come.
    pending: Vec<u8>,
}

/// Connections by index; free ones are taken again.
#[derive(Default)]
struct Slots {
    all: Vec<Option<Connection>>,
    free: Vec<usize>,
}

impl Slots {
    fn next(&self) -> usize {
        self.free.last().copied().unwrap_or(self.all.len())
    }

    /// Puts a connection where `next` said.
    fn put(&mut self, connection: Connection) {
        match self.free.pop() {
            Some(index) => self.all[index] = Some(connection),
            None => self.all.push(Some(connection)),
        }
    }
}

struct Place {
    epoll: OwnedFd,
    /// Its thread holds this for a batch of events; others only to put a connection in.
    connections: Mutex<Slots>,
    /// How many those are.
    held: AtomicUsize,
}

struct Desk {
    service: Service,
    listener: OwnedFd,
    places: Vec<Place>,
}

impl Desk {
    fn new(service: Service, listener: OwnedFd, threads: usize) -> io::Result<Self> {
        let mut places = Vec::new();
        for _ in 0..threads {
            let epoll = epoll::create(CreateFlags::CLOEXEC)?;
            // Each thread waits for connections; the kernel wakes one of them.
            epoll::add(&epoll, &listener, EventData::new_u64(LISTENER), EventFlags::IN | EventFlags::EXCLUSIVE)?;
            places.push(Place { epoll, connections: Mutex::default(), held: AtomicUsize::new(0) });
        }
        Ok(Self { service, listener, places })
    }

    /// One thread's life.
    fn turn(&self, number: usize) -> io::Result<()> {
        let place = &self.places[number];
        let buffer = if let Service::TcpEcho(buffer) = self.service { buffer } else { BUFFER };
        let mut buffer = vec![0; buffer];
        let mut events = Vec::with_capacity(256);
        loop {
            match epoll::wait(&place.epoll, spare_capacity(&mut events), None) {
                Ok(_) => {}
                Err(Errno::INTR) => continue,
                Err(error) => return Err(error.into()),
            }
            let mut connections = place.connections.lock().unwrap_or_else(PoisonError::into_inner);
            let mut knocked = false;
            for event in events.drain(..) {
                if event.data.u64() == LISTENER {
                    knocked = true;
                    continue;
                }
                let index = event.data.u64() as usize;
                if let Some(Some(connection)) = connections.all.get_mut(index)
                    && !self.answer(connection, &mut buffer)
                {
                    // The drop closes it, and the kernel forgets what is closed.
                    connections.all[index] = None;
                    connections.free.push(index);
                    place.held.fetch_sub(1, Ordering::Relaxed);
                }
            }
            drop(connections);
            if knocked {
                self.accept(number)?;
            }
        }
    }

    /// Takes all new connections. It keeps them while it has no more than the others; handing one over costs both sides.
    fn accept(&self, me: usize) -> io::Result<()> {
        loop {
            let stream = match accept_with(&self.listener, SocketFlags::NONBLOCK | SocketFlags::CLOEXEC) {
                Ok(stream) => stream,
                Err(Errno::AGAIN) => return Ok(()),
                Err(Errno::INTR | Errno::CONNABORTED) => continue,
                Err(error) => return Err(error.into()),
            };
            if self.service != Service::UnixEcho {
                sockopt::set_tcp_nodelay(&stream, true)?;
            }
            let held = |place: &Place| place.held.load(Ordering::Relaxed);
            let fewest = self.places.iter().min_by_key(|place| held(place)).unwrap_or(&self.places[me]);
            let place = if held(&self.places[me]) <= held(fewest) { &self.places[me] } else { fewest };
            place.held.fetch_add(1, Ordering::Relaxed);
            let mut connections = place.connections.lock().unwrap_or_else(PoisonError::into_inner);
            let key = EventData::new_u64(connections.next() as u64);
            epoll::add(&place.epoll, &stream, key, EventFlags::IN | EventFlags::ET)?;
            connections.put(Connection { stream, pending: Vec::new() });
        }
    }

    /// Reads what is there and answers; false when the connection is over.
    fn answer(&self, connection: &mut Connection, buffer: &mut [u8]) -> bool {
        loop {
            let got = match rustix::io::read(&connection.stream, &mut *buffer) {
                Ok(0) => return false,
                Ok(got) => got,
                Err(Errno::INTR) => continue,
                Err(Errno::AGAIN) => return true,
                Err(_) => return false,
            };
            if !self.reply(connection, &buffer[..got]) {
                return false;
            }
            // A short read has emptied the socket; what comes later is a new edge.
            if got < buffer.len() {
                return true;
            }
        }
    }

    fn reply(&self, connection: &mut Connection, bytes: &[u8]) -> bool {
        if self.service != Service::Http {
            return write_all(&connection.stream, bytes).is_ok();
        }
        connection.pending.extend_from_slice(bytes);
        let Ok(requests) = take_requests(&mut connection.pending) else { return false };
        (0..requests).all(|_| write_all(&connection.stream, HTTP_REPLY.as_bytes()).is_ok())
    }
}

fn write_all(stream: &OwnedFd, mut bytes: &[u8]) -> rustix::io::Result<()> {
    while !bytes.is_empty() {
        match rustix::io::write(stream, bytes) {
            Ok(sent) => bytes = &bytes[sent..],
            Err(Errno::INTR) => {}
            Err(Errno::AGAIN) => {
                poll(&mut [PollFd::new(stream, PollFlags::OUT)], None)?;
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
