//! The server's process: for every byte that comes, one goes back.

use super::conductor::{SPARES_STAY, orders, tell};
use super::report::Counts;
use super::stream::Stream;
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpSocket, TcpStream};
use runtime::runtime::Runtime;
use runtime_tests::{Flavor, wait_until};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use std::io;
use std::time::Duration;

const BUFFER: usize = 8 << 10;

/// What a socket holds, at both ends.
pub(crate) const SOCKET_BUFFER: u32 = 64 << 10;

/// Until the conductor closes the pipe.
pub(crate) fn run() {
    all_descriptors();
    let orders = orders();
    let runtime =
        Flavor::MultiThread(4).builder().enable_all().thread_keep_alive(SPARES_STAY).build().expect("no runtime");
    let counts: &'static Counts = Box::leak(Box::default());
    let listener = runtime.block_on(async { listen() }).expect("no listener");
    tell(&format!("listening {}", listener.local_addr().expect("no address")));
    drop(runtime.spawn(accept(listener, counts)));
    for order in orders {
        let (word, number) = order.split_once(' ').unwrap_or((&order, "0"));
        let time = Duration::from_millis(number.parse().expect("a number"));
        match word {
            // What no task should do.
            "stuck" => drop(runtime.spawn(async move {
                std::thread::sleep(time);
                Counts::add(&counts.stuck, 1);
            })),
            "no-descriptors" => without_descriptors_for(time),
            "rest" => rest(&runtime, counts),
            other => panic!("no such order: {other}"),
        }
    }
}

fn listen() -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    // Connections inherit them: a stalled client is felt soon.
    socket.set_send_buffer_size(SOCKET_BUFFER)?;
    socket.set_recv_buffer_size(SOCKET_BUFFER)?;
    socket.bind(([127, 0, 0, 1], 0).into())?;
    socket.listen(4096)
}

fn rest(runtime: &Runtime, counts: &Counts) {
    // The one task left is the one that accepts.
    wait_until("every connection to end", || runtime.metrics().num_alive_tasks() == 1);
    tell(&format!("quiet {}", counts.report().line()));
}

/// As many descriptors as the system lets this process have.
pub(crate) fn all_descriptors() {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, ..limit }).expect("cannot raise a soft limit");
}

/// What is open stays open; nothing more can be opened.
fn without_descriptors_for(time: Duration) {
    let limit = getrlimit(Resource::Nofile);
    let set = |limit| setrlimit(Resource::Nofile, limit).expect("cannot set a soft limit");
    set(Rlimit { current: Some(3), maximum: limit.maximum });
    // Lasting for a while is the fault.
    std::thread::sleep(time);
    set(limit);
}

async fn accept(listener: TcpListener, counts: &'static Counts) {
    loop {
        match listener.accept().await {
            Ok((stream, _)) => drop(runtime::spawn(connection(stream, counts))),
            Err(error) if is(&error, rustix::io::Errno::MFILE) => Counts::add(&counts.refused, 1),
            // Reset before its turn.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => counts.wrong(format_args!("accept failed: {error}")),
        }
    }
}

fn is(error: &io::Error, errno: rustix::io::Errno) -> bool {
    error.raw_os_error() == Some(errno.raw_os_error())
}

async fn connection(mut stream: TcpStream, counts: &Counts) {
    match talk(&mut stream, counts).await {
        Ok(()) => Counts::add(&counts.clean, 1),
        Err(error) if matches!(error.kind(), io::ErrorKind::ConnectionReset | io::ErrorKind::BrokenPipe) => {
            Counts::add(&counts.resets, 1)
        }
        Err(error) => counts.wrong(format_args!("a connection of the server: {error}")),
    }
}

async fn talk(stream: &mut TcpStream, counts: &Counts) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let number = stream.read_u64().await?;
    let (mut theirs, mut ours) = (Stream::to_server(number), Stream::to_client(number));
    let mut buffer = vec![0; BUFFER];
    loop {
        let read = stream.read(&mut buffer).await?;
        if read == 0 {
            return stream.shutdown().await;
        }
        if let Err(misplaced) = theirs.check(&buffer[..read]) {
            counts.wrong(format_args!("connection {number}, at the server: {misplaced:?}"));
        }
        Counts::add(&counts.verified, read as u64);
        ours.fill(&mut buffer[..read]);
        stream.write_all(&buffer[..read]).await?;
    }
}
