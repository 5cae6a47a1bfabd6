//! Sockets: what is given up, and what a runtime takes with it.

use super::assert_flat;
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixStream, unix::pipe};
use runtime::time::sleep;
use runtime_tests::{Flavor, Rng, poll_once, process, wait_until, watchdog_secs};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

const FLAVORS: [Flavor; 2] = [Flavor::CurrentThread, Flavor::MultiThread(2)];

/// Runs the scenario twice; the second time must leave as many descriptors open as the first.
fn assert_descriptors_come_back(name: &str, mut scenario: impl FnMut()) {
    scenario();
    let before = process::fds();
    scenario();
    wait_until(name, || process::fds() <= before);
}

/// An operation that was given up when the kernel had done it lost a connection, a descriptor or bytes.
#[test]
fn museum_i21_what_is_given_up_is_not_lost() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    let mut dice = Rng::from_env("museum_i21");
    for flavor in FLAVORS {
        let runtime = flavor.build();
        assert_descriptors_come_back("the descriptors of accepted connections", || {
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let clients: Vec<_> = (0..100).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
                let mut accepted = Vec::new();
                while accepted.len() < clients.len() {
                    let mut polls = 1 + dice.below(2);
                    let mut accept = pin!(listener.accept());
                    let given_up = poll_fn(|cx| {
                        polls -= 1;
                        match accept.as_mut().poll(cx) {
                            std::task::Poll::Pending if polls == 0 => std::task::Poll::Ready(None),
                            other => other.map(Some),
                        }
                    });
                    match given_up.await {
                        Some(stream) => accepted.push(stream.unwrap().0),
                        None => runtime::task::yield_now().await,
                    }
                }
                assert!(poll_once(&mut pin!(listener.accept())).is_pending(), "there are more than were made");
            });
        });
        assert_descriptors_come_back("the descriptors of attempts to connect", || {
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let under_way = Arc::new(());
                for _ in 0..100 {
                    let _ = poll_once(&mut pin!(TcpStream::connect(address)));
                    let ends = under_way.clone();
                    drop(runtime::spawn(async move { TcpStream::connect(address).await.map(|_| drop(ends)) }));
                }
                let aborted: Vec<_> = (0..100).map(|_| runtime::spawn(TcpStream::connect(address))).collect();
                aborted.iter().for_each(|task| task.abort());
                for task in aborted {
                    drop(task.await);
                }
                // Nobody polls them after `block_on` where it is the only thread.
                while Arc::strong_count(&under_way) > 1 {
                    sleep(Duration::from_millis(1)).await;
                }
            });
        });
    }
}

/// Operations of each kind under way when the runtime goes.
#[test]
fn museum_s13_a_runtime_takes_its_sockets_with_it() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for flavor in FLAVORS {
        assert_descriptors_come_back("the descriptors of a runtime that went", || {
            let runtime = flavor.build();
            runtime.block_on(async {
                let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let mut stream = TcpStream::connect(address).await.unwrap();
                let (full, _silent) = listener.accept().await.unwrap();
                let (mut read, mut write) = full.into_split();
                let (unix, mut other) = UnixStream::pair().unwrap();
                let udp = UdpSocket::bind("127.0.0.1:0").await.unwrap();
                let datagram = UnixDatagram::unbound().unwrap();
                let (sender, mut receiver) = pipe::pipe().unwrap();
                let name = format!("\0museum-s13-{}", std::process::id());
                let unix_listener = UnixListener::bind(name).unwrap();
                drop(runtime::spawn(async move { listener.accept().await.map(drop) }));
                drop(runtime::spawn(async move { unix_listener.accept().await.map(drop) }));
                drop(runtime::spawn(async move { stream.read(&mut [0]).await }));
                drop(runtime::spawn(async move { write.write_all(&[0; 100_000_000]).await }));
                drop(runtime::spawn(async move { read.read(&mut [0]).await }));
                drop(runtime::spawn(async move { unix.readable().await }));
                drop(runtime::spawn(async move { other.read(&mut [0]).await }));
                drop(runtime::spawn(async move { udp.recv(&mut [0]).await }));
                drop(runtime::spawn(async move { datagram.recv(&mut [0]).await }));
                drop(runtime::spawn(async move { receiver.read(&mut [0]).await.map(|_| drop(sender)) }));
                for _ in 0..10 {
                    runtime::task::yield_now().await;
                }
            });
        });
    }
}

/// Waiting for readiness again and again, and giving it up.
#[test]
fn museum_i13_waits_that_are_given_up_leave_nothing() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    Flavor::CurrentThread.build().block_on(async {
        let (one, mut other) = UnixStream::pair().unwrap();
        assert_flat("given up waits", || {
            for _ in 0..1000 {
                assert!(poll_once(&mut pin!(one.readable())).is_pending());
                assert!(poll_once(&mut pin!(other.read(&mut [0]))).is_pending());
            }
        });
    });
}

/// Connections, from connecting to the last byte.
#[test]
fn connections_leave_nothing() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
        let address = listener.local_addr().unwrap();
        drop(runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                drop(runtime::spawn(async move {
                    let (mut read, mut write) = stream.into_split();
                    runtime::io::copy(&mut read, &mut write).await
                }));
            }
        }));
        assert_flat("connections", || {
            runtime.block_on(async {
                let mut stream = TcpStream::connect(address).await.unwrap();
                stream.write_all(b"hello").await.unwrap();
                stream.shutdown().await.unwrap();
                let mut all = Vec::new();
                stream.read_to_end(&mut all).await.unwrap();
                assert_eq!(all, b"hello");
            });
        });
    }
}
