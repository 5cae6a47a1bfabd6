//! Sockets are served while workers are stuck, as long as one is not.
//!
//! The bound is generous (a loaded test machine); the benchmarks measure what it really is.

use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, UdpSocket};
use runtime::runtime::Runtime;
use runtime_tests::{Event, Flavor, watchdog};
use std::io::{Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::{Duration, Instant};

/// What a loaded machine may take.
const SOON: Duration = Duration::from_millis(50);

/// How long a worker is stuck.
const STUCK: Duration = Duration::from_millis(300);

/// Runs `trip`, a blocking one from outside of the runtime, again and again while one of four workers is stuck. The
/// median over a few times of the longest trip must be below the bound.
fn assert_served(what: &str, runtime: &Runtime, mut trip: impl FnMut()) {
    trip();
    let mut longest: Vec<_> = (0..5)
        .map(|_| {
            let begun = Event::new();
            let begins = begun.clone();
            // Being stuck for a while is what this test is about.
            let stuck = runtime.spawn(async move {
                begins.set();
                std::thread::sleep(STUCK);
            });
            begun.wait_blocking();
            let mut longest = Duration::ZERO;
            while !stuck.is_finished() {
                let before = Instant::now();
                trip();
                longest = longest.max(before.elapsed());
            }
            longest
        })
        .collect();
    longest.sort();
    assert!(longest[longest.len() / 2] < SOON, "{what} took {longest:?} beside a worker that is stuck for {STUCK:?}");
}

fn echo_server(runtime: &Runtime) -> SocketAddr {
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    drop(runtime.spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            drop(runtime::spawn(async move {
                let mut buf = [0; 64];
                while let Ok(n @ 1..) = stream.read(&mut buf).await {
                    stream.write_all(&buf[..n]).await.unwrap();
                }
            }));
        }
    }));
    address
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn an_echo_comes_back() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(4).build();
    let mut client = std::net::TcpStream::connect(echo_server(&runtime)).unwrap();
    client.set_nodelay(true).unwrap();
    assert_served("an echo", &runtime, || {
        let mut buf = [7; 64];
        client.write_all(&buf).unwrap();
        client.read_exact(&mut buf).unwrap();
    });
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_connection_is_accepted() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(4).build();
    let address = echo_server(&runtime);
    assert_served("a connection", &runtime, || {
        let mut client = std::net::TcpStream::connect(address).unwrap();
        client.write_all(b"x").unwrap();
        client.read_exact(&mut [0]).unwrap();
    });
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_message_is_answered() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(4).build();
    let server = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let address = server.local_addr().unwrap();
    drop(runtime.spawn(async move {
        let mut buf = [0; 64];
        while let Ok((n, peer)) = server.recv_from(&mut buf).await {
            server.send_to(&buf[..n], peer).await.unwrap();
        }
    }));
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(address).unwrap();
    assert_served("an answer", &runtime, || {
        client.send(b"x").unwrap();
        client.recv(&mut [0; 4]).unwrap();
    });
}

/// Whoever waits for sockets is the one that gets stuck, by what it has just received there; the others sleep elsewhere. So
/// only the guarantor is left to look at the sockets.
///
/// Fault: no rescues.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_message_is_answered_although_the_last_one_blocks_its_receiver() {
    let _watch = watchdog();
    for workers in [2, 4] {
        let runtime = Flavor::MultiThread(workers).build();
        let (blocks, blocked) = server(&runtime, |over| over.wait_blocking());
        let (answers, _) = server(&runtime, |_| ());
        let mut took: Vec<_> = (0..9)
            .map(|_| {
                // Long enough for every worker to sleep.
                std::thread::sleep(Duration::from_millis(10));
                blocks.send(b"x").unwrap();
                let begun = blocked.recv().unwrap();
                let before = Instant::now();
                answers.send(b"x").unwrap();
                answers.recv(&mut [0; 4]).unwrap();
                let took = before.elapsed();
                begun.set();
                blocks.recv(&mut [0; 4]).unwrap();
                took
            })
            .collect();
        took.sort();
        assert!(took[took.len() / 2] < SOON, "an answer took {took:?} beside a receiver that blocks");
    }
}

/// Answers each message after it has called `does`, whose event is sent before that. A client of its own.
fn server(runtime: &Runtime, does: fn(&Event)) -> (std::net::UdpSocket, mpsc::Receiver<Event>) {
    let server = runtime.block_on(UdpSocket::bind("127.0.0.1:0")).unwrap();
    let client = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
    client.connect(server.local_addr().unwrap()).unwrap();
    let (tells, told) = mpsc::channel();
    drop(runtime.spawn(async move {
        let mut buf = [0; 64];
        while let Ok((n, peer)) = server.recv_from(&mut buf).await {
            let over = Event::new();
            let _ = tells.send(over.clone());
            does(&over);
            server.send_to(&buf[..n], peer).await.unwrap();
        }
    }));
    (client, told)
}
