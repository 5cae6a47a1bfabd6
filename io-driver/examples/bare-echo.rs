//! An echo server over a bare driver: one thread, a hand-written poll loop, no runtime.
//!
//! `cargo run -p io-driver --example bare-echo` listens on 127.0.0.1:7007; `-- --selftest` talks to itself and ends.

use std::collections::{HashMap, VecDeque};
use std::io::{self, ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker, ready};

use io_driver::{Direction, Driver, Events, Interest, Source};

/// Which connections to poll. A waker puts its number here; number 0 is the listener.
type Queue = Arc<Mutex<VecDeque<u64>>>;

struct Runnable {
    number: u64,
    queue: Queue,
}

impl Wake for Runnable {
    fn wake(self: Arc<Self>) {
        self.queue.lock().unwrap().push_back(self.number);
    }
}

fn waker(number: u64, queue: &Queue) -> Waker {
    Waker::from(Arc::new(Runnable { number, queue: queue.clone() }))
}

struct Connection {
    stream: TcpStream,
    source: Source,
    waker: Waker,
    unsent: Vec<u8>,
}

impl Connection {
    /// Echoes until it has to wait. Ready: the peer is done.
    fn poll(&mut self) -> Poll<io::Result<()>> {
        let mut cx = Context::from_waker(&self.waker);
        let mut buffer = [0; 16 * 1024];
        loop {
            while !self.unsent.is_empty() {
                let event = ready!(self.source.poll_ready(Direction::Write, &mut cx))?;
                match self.stream.write(&self.unsent) {
                    Ok(count) => drop(self.unsent.drain(..count)),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => self.source.clear(event),
                    Err(error) => return Poll::Ready(Err(error)),
                }
            }
            let event = ready!(self.source.poll_ready(Direction::Read, &mut cx))?;
            match self.stream.read(&mut buffer) {
                Ok(0) => return Poll::Ready(Ok(())),
                Ok(count) => self.unsent.extend_from_slice(&buffer[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.source.clear(event),
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }
}

struct Server {
    driver: Driver,
    queue: Queue,
    listener: TcpListener,
    source: Source,
    connections: HashMap<u64, Connection>,
    next: u64,
}

impl Server {
    fn new(listener: TcpListener) -> io::Result<Server> {
        listener.set_nonblocking(true)?;
        let driver = Driver::new()?;
        let source = driver.register(listener.as_fd(), Interest::READABLE)?;
        let queue = Queue::default();
        queue.lock().unwrap().push_back(0);
        Ok(Server { driver, queue, listener, source, connections: HashMap::new(), next: 1 })
    }

    /// Accepts until it has to wait.
    fn accept(&mut self) -> io::Result<()> {
        let waker = waker(0, &self.queue);
        let mut cx = Context::from_waker(&waker);
        while let Poll::Ready(event) = self.source.poll_ready(Direction::Read, &mut cx) {
            match self.listener.accept() {
                Ok((stream, _)) => {
                    stream.set_nonblocking(true)?;
                    let source = self.driver.register(stream.as_fd(), Interest::READABLE | Interest::WRITABLE)?;
                    let number = self.next;
                    self.next += 1;
                    let connection =
                        Connection { stream, source, waker: self::waker(number, &self.queue), unsent: Vec::new() };
                    self.connections.insert(number, connection);
                    self.queue.lock().unwrap().push_back(number);
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => self.source.clear(event?),
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Serves until `done` says so; it is asked before each wait.
    fn run(&mut self, mut done: impl FnMut(&Server) -> bool) -> io::Result<()> {
        let mut events = Events::with_capacity(256);
        loop {
            while let Some(number) = { self.queue.lock().unwrap().pop_front() } {
                if number == 0 {
                    self.accept()?;
                    continue;
                }
                let Some(connection) = self.connections.get_mut(&number) else { continue };
                if connection.poll().is_pending() {
                    continue;
                }
                if let Some(Connection { stream, source, .. }) = self.connections.remove(&number) {
                    // Before the descriptor is closed.
                    self.driver.deregister(source, stream.as_fd())?;
                }
            }
            if done(self) {
                return Ok(());
            }
            self.driver.turn(&mut events, None, Waker::wake)?;
        }
    }
}

fn main() -> io::Result<()> {
    if !std::env::args().any(|argument| argument == "--selftest") {
        return Server::new(TcpListener::bind("127.0.0.1:7007")?)?.run(|_| false);
    }
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let address = listener.local_addr()?;
    let client = std::thread::spawn(move || -> io::Result<bool> {
        let sent: Vec<u8> = (0..1_000_000u32).map(|n| n as u8).collect();
        let mut stream = TcpStream::connect(address)?;
        let mut writer = stream.try_clone()?;
        let (copy, mut echoed) = (sent.clone(), vec![0; sent.len()]);
        let sending = std::thread::spawn(move || writer.write_all(&copy));
        stream.read_exact(&mut echoed)?;
        sending.join().unwrap()?;
        Ok(sent == echoed)
    });
    Server::new(listener)?.run(|server| server.next > 1 && server.connections.is_empty())?;
    assert!(client.join().unwrap()?, "the echo differs from what was sent");
    println!("a million bytes came back as they were sent");
    Ok(())
}
