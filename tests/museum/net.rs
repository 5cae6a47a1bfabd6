//! Bugs of sockets. Exhibits about readiness itself stand in `io-driver` (I24 too: it is the driver's contract), those that
//! count descriptors in `leaks/`, those that need system calls to fail in `injected`.
//!
//! I22 (signals that were coalesced or dropped) does not apply yet: there is no `signal` module, and nothing else here
//! installs a handler. It belongs to that module's own tests.

mod injected;

use runtime::io::unix::AsyncFd;
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpSocket, TcpStream, UdpSocket, UnixListener, UnixSocket, UnixStream};
use runtime_tests::{Flavor, poll_once, watchdog, watchdog_secs};
use std::future::poll_fn;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::os::fd::AsFd;
use std::pin::pin;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

const FLAVORS: [Flavor; 2] = [Flavor::CurrentThread, Flavor::MultiThread(2)];

async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    (client, listener.accept().await.unwrap().0)
}

/// A socket closed before it left the kernel's queue could not be taken out any more, because a duplicate lived on, and
/// the duplicate could not be registered.
#[test]
fn museum_i4_a_duplicate_of_a_dropped_socket_can_be_registered() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let (client, mut server) = pair().await;
            let duplicate = client.as_fd().try_clone_to_owned().unwrap();
            drop(client);
            #[expect(deprecated, reason = "tests contain no unsafe code")]
            let duplicate = AsyncFd::new(std::net::TcpStream::from(duplicate)).unwrap();
            server.write_all(b"x").await.unwrap();
            drop(duplicate.readable().await.unwrap());
        });
    }
}

/// A read that gave less than was asked for was taken for the last one: with urgent data in the stream, or the end right
/// behind the data, the rest was never read.
#[test]
fn museum_i7_a_short_read_is_not_the_last() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for (before, size) in [(1, 2), (3, 64), (64, 64), (65, 64), (1000, 4096)] {
                let (mut client, server) = pair().await;
                // Not read by anybody before all is there.
                let std_server = server.into_std().unwrap();
                (&std_server).write_all(&vec![1; before]).unwrap();
                rustix::net::send(&std_server, b"!", rustix::net::SendFlags::OOB).unwrap();
                (&std_server).write_all(&vec![2; before]).unwrap();
                drop(std_server);
                let (mut all, mut buf) = (Vec::new(), vec![0; size]);
                loop {
                    match client.read(&mut buf).await.unwrap() {
                        0 => break,
                        n => all.extend_from_slice(&buf[..n]),
                    }
                }
                assert_eq!(all, [vec![1; before], vec![2; before]].concat(), "{before} bytes, read by {size}");
            }
        });
    }
}

/// The same while it arrives: the reader is at every place of the stream when the urgent byte comes.
///
/// Fault: a short read takes the readiness back although urgent data is reported.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio leaves bytes lying, and waits for ever")]
fn museum_i7_urgent_data_races_with_short_reads() {
    let _watch = watchdog_secs(60);
    const PIECES: usize = 3000;
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let (mut client, server) = pair().await;
            let mut dice = runtime_tests::Rng::from_env("museum_i7");
            let server = server.into_std().unwrap();
            server.set_nonblocking(false).unwrap();
            let writer = std::thread::spawn(move || {
                for piece in 0..PIECES {
                    (&server).write_all(&vec![1; 1 + dice.below(100)]).unwrap();
                    if dice.one_in(3) {
                        rustix::net::send(&server, b"!", rustix::net::SendFlags::OOB).unwrap();
                    }
                    if dice.one_in(4) {
                        std::thread::yield_now();
                    }
                    // A last byte that must not be forgotten.
                    (&server).write_all(&[2]).unwrap();
                    if piece % 100 == 99 {
                        // Until the reader has it all: a forgotten byte is a hang.
                        (&server).read_exact(&mut [0]).unwrap();
                    }
                }
            });
            let (mut lasts, mut buf) = (0, [0; 256]);
            while lasts < PIECES {
                let n = client.read(&mut buf).await.unwrap();
                let before = lasts;
                lasts += buf[..n].iter().filter(|byte| **byte == 2).count();
                if before / 100 < lasts / 100 {
                    client.write_all(b"x").await.unwrap();
                }
            }
            writer.join().unwrap();
        });
    }
}

/// A listener out of descriptors was ready for ever, and the loop around it took a whole CPU, which the tasks that would
/// have closed some needed.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio spins, though politely")]
fn museum_i8_out_of_descriptors() {
    let _watch = watchdog_secs(60);
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "net::accepts_with_few_descriptors", "--include-ignored", "--nocapture"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
    let port = lines.find_map(|line| line.strip_prefix("port ").map(|port| port.parse::<u16>().unwrap())).unwrap();
    let clients: Vec<_> = (0..CLIENTS).map(|_| std::net::TcpStream::connect(("127.0.0.1", port)).unwrap()).collect();
    let rest: Vec<_> = lines.collect();
    drop(clients);
    assert!(child.wait().unwrap().success(), "{rest:?}");
    assert!(rest.iter().any(|line| line.starts_with("all accepted")), "{rest:?}");
}

const CLIENTS: usize = 200;

/// Only for the test above.
#[test]
#[ignore = "limits the whole process"]
fn accepts_with_few_descriptors() {
    let runtime = Flavor::MultiThread(2).build();
    runtime.block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let limit = rustix::process::Rlimit { current: Some(64), maximum: Some(64) };
        rustix::process::setrlimit(rustix::process::Resource::Nofile, limit).unwrap();
        println!("port {}", listener.local_addr().unwrap().port());
        let others = Arc::new(AtomicUsize::new(0));
        let ticks = others.clone();
        let ticker = runtime::spawn(async move {
            loop {
                runtime::time::sleep(Duration::from_millis(1)).await;
                ticks.fetch_add(1, Ordering::Relaxed);
            }
        });
        // What the ticks alone cost here, on this machine and in this build.
        let (before, alone) = (cpu_time(), Duration::from_millis(300));
        runtime::time::sleep(alone).await;
        let cost_of_ticks = (cpu_time() - before).as_secs_f64() / alone.as_secs_f64();
        let (mut streams, mut errors, mut accepted) = (Vec::new(), 0, 0);
        let (mut since, mut used) = (Instant::now(), cpu_time());
        while accepted < CLIENTS {
            match listener.accept().await {
                Ok((stream, _)) => {
                    accepted += 1;
                    streams.push(stream);
                }
                Err(error) => {
                    assert_eq!(error.raw_os_error(), Some(rustix::io::Errno::MFILE.raw_os_error()), "{error}");
                    errors += 1;
                    match errors {
                        1 => {
                            (since, used) = (Instant::now(), cpu_time());
                            others.store(0, Ordering::Relaxed);
                        }
                        10 => {
                            let (elapsed, used) = (since.elapsed(), cpu_time() - used);
                            assert!(elapsed > Duration::from_millis(300), "10 errors in {elapsed:?}: it spins");
                            let allowed = elapsed.mul_f64(0.1 + 2.0 * cost_of_ticks);
                            assert!(
                                used < allowed,
                                "{used:?} of CPU in {elapsed:?}, and {cost_of_ticks} a second before"
                            );
                            assert!(others.load(Ordering::Relaxed) > 20, "the other task starved");
                            streams.clear();
                        }
                        _ if errors > 10 => streams.clear(),
                        _ => {}
                    }
                }
            }
        }
        ticker.abort();
        println!("all accepted, after {errors} errors");
    });
}

fn cpu_time() -> Duration {
    let time = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(time.tv_sec as u64, time.tv_nsec as u32)
}

/// A refusal that arrives after the first wait was lost, and the stream taken for connected.
#[test]
fn museum_i9_a_connection_is_refused_or_works() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            for _ in 0..100 {
                // An address of its own: nobody else's listener gets the number that has become free, and resets us.
                let listener = TcpListener::bind("127.73.9.1:0").await.unwrap();
                let address = listener.local_addr().unwrap();
                let stream = TcpStream::connect(address).await.unwrap();
                assert_eq!(stream.peer_addr().unwrap(), address);
                drop((stream, listener));
                let error = TcpStream::connect(address).await.unwrap_err();
                assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
            }
            let error = TcpStream::connect("255.255.255.255:1").await.unwrap_err();
            assert!(error.raw_os_error().is_some(), "{error}");
            let bound = TcpSocket::new_v4().unwrap();
            bound.bind("127.0.0.1:0".parse().unwrap()).unwrap();
            let error = TcpStream::connect(bound.local_addr().unwrap()).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        });
    }
}

/// A unix socket's queue was full, and the stream taken for connected.
#[test]
fn museum_i9_a_full_queue_is_an_error() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let name = format!("\0museum-i9-{}-{flavor:?}", std::process::id());
            let socket = UnixSocket::new_stream().unwrap();
            socket.bind(&name).unwrap();
            let listener = socket.listen(2).unwrap();
            let mut clients = Vec::new();
            let error = loop {
                match UnixStream::connect(&name).await {
                    Ok(client) => clients.push(client),
                    Err(error) => break error,
                }
                assert!(clients.len() < 100, "a queue of two takes them all");
            };
            assert_eq!(error.kind(), ErrorKind::WouldBlock, "{error}");
            for (number, client) in clients.iter_mut().enumerate() {
                client.write_u8(number as u8).await.unwrap();
                assert_eq!(listener.accept().await.unwrap().0.read_u8().await.unwrap(), number as u8);
            }
            UnixStream::connect(&name).await.unwrap();
        });
    }
}

/// A blocking socket taken over blocked the worker in its first read.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio panics or blocks")]
fn museum_i11_a_blocking_socket_is_made_non_blocking() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let std_listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
            let client = std::net::TcpStream::connect(std_listener.local_addr().unwrap()).unwrap();
            let mut client = TcpStream::from_std(client).unwrap();
            let listener = TcpListener::from_std(std_listener).unwrap();
            let (_server, _) = listener.accept().await.unwrap();
            assert!(poll_once(&mut pin!(listener.accept())).is_pending());
            assert!(poll_once(&mut pin!(client.read(&mut [0]))).is_pending());
            let udp = UdpSocket::from_std(std::net::UdpSocket::bind("127.0.0.1:0").unwrap()).unwrap();
            assert!(poll_once(&mut pin!(udp.recv(&mut [0]))).is_pending());
            let (one, _other) = std::os::unix::net::UnixStream::pair().unwrap();
            assert!(poll_once(&mut pin!(UnixStream::from_std(one).unwrap().read(&mut [0]))).is_pending());
        });
    }
}

/// What was taken out of its wrapper stayed registered: it could not be registered again, or was shut down.
#[test]
fn museum_i14_what_is_taken_out_is_free() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let (mut client, mut server) = pair().await;
            for round in 0..10_u8 {
                let (read, write) = client.into_split();
                client = TcpStream::from_std(read.reunite(write).unwrap().into_std().unwrap()).unwrap();
                client.write_all(&[round]).await.unwrap();
                assert_eq!(server.read_u8().await.unwrap(), round);
                #[expect(deprecated, reason = "tests contain no unsafe code")]
                let fd = AsyncFd::new(client.into_std().unwrap()).unwrap();
                drop(fd.writable().await.unwrap());
                client = TcpStream::from_std(fd.into_inner()).unwrap();
            }
        });
    }
}

/// The halves of a close, each way: what was sent arrives, and the other direction goes on.
#[test]
fn museum_i15_half_closes() {
    #[derive(Clone, Copy, Debug)]
    enum Way {
        Shutdown,
        DropWriteHalf,
        ShutdownWriteHalf,
        BorrowedHalf,
    }

    async fn check<S, H>(way: Way, mut near: S, mut far: S, close: impl AsyncFnOnce(S, Way) -> H)
    where
        S: AsyncReadExt + AsyncWriteExt + Unpin,
        H: AsyncReadExt + Unpin,
    {
        near.write_all(&[1; 100_000]).await.unwrap();
        let mut near = close(near, way).await;
        let mut all = Vec::new();
        far.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [1; 100_000], "{way:?}");
        let (mut back, mut answer) = (Vec::new(), pin!(far.write_all(&[2; 50_000])));
        let _ = poll_once(&mut answer);
        let mut buf = [0; 1000];
        while back.len() < 50_000 {
            let n = near.read(&mut buf).await.unwrap();
            assert!(n > 0, "{way:?}: the other direction was closed, too");
            back.extend_from_slice(&buf[..n]);
            let _ = poll_once(&mut pin!(async {}));
        }
        assert_eq!(back, [2; 50_000], "{way:?}");
    }

    macro_rules! close {
        () => {
            async |mut stream, way| match way {
                Way::Shutdown => {
                    stream.shutdown().await.unwrap();
                    let (read, write) = stream.into_split();
                    write.forget();
                    read
                }
                Way::BorrowedHalf => {
                    stream.split().1.shutdown().await.unwrap();
                    let (read, write) = stream.into_split();
                    write.forget();
                    read
                }
                Way::DropWriteHalf => stream.into_split().0,
                Way::ShutdownWriteHalf => {
                    let (read, mut write) = stream.into_split();
                    write.shutdown().await.unwrap();
                    read
                }
            }
        };
    }

    let _watch = watchdog();
    for way in [Way::Shutdown, Way::DropWriteHalf, Way::ShutdownWriteHalf, Way::BorrowedHalf] {
        Flavor::MultiThread(2).build().block_on(async {
            // Both ends fit into the buffers of a fresh connection: 100,000 bytes are below what loopback takes.
            let (near, far) = pair().await;
            check(way, near, far, close!()).await;
            let (near, far) = UnixStream::pair().unwrap();
            check(way, near, far, close!()).await;
        });
    }
}

/// "Not connected" came out of a shutdown, although that is what was asked for.
#[test]
fn museum_i15_shutting_down_what_has_ended_is_no_error() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        flavor.build().block_on(async {
            let (mut client, server) = pair().await;
            server.set_zero_linger().unwrap();
            drop(server);
            assert_eq!(client.read(&mut [0]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
            client.shutdown().await.unwrap();
            client.into_split().1.shutdown().await.unwrap();
        });
    }
}

/// Sockets that are always ready kept their task running, and its neighbours starved.
#[test]
fn museum_i20_a_flood_lets_others_run() {
    async fn beside_others<T>(mut flood: impl AsyncFnMut() -> T) {
        let ran = Arc::new(AtomicBool::new(false));
        let sets = ran.clone();
        let other = runtime::spawn(async move { sets.store(true, Ordering::Relaxed) });
        let mut operations = 0;
        while !ran.load(Ordering::Relaxed) {
            let _ = flood().await;
            operations += 1;
            assert!(operations < 500, "500 operations in a row without letting another task run");
        }
        other.await.unwrap();
    }

    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(async {
        let (one, two) = (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap());
        one.connect(two.local_addr().unwrap()).await.unwrap();
        one.writable().await.unwrap();
        one.send(b"x").await.unwrap();
        two.readable().await.unwrap();
        beside_others(async || two.peek(&mut [0; 4]).await.unwrap()).await;
        beside_others(async || two.peek_from(&mut [0; 4]).await.unwrap()).await;
        beside_others(async || two.peek_sender().await.unwrap()).await;
        beside_others(async || poll_fn(|cx| two.poll_peek_sender(cx)).await.unwrap()).await;
        beside_others(async || one.send(b"x").await.unwrap()).await;
        beside_others(async || poll_fn(|cx| one.poll_send(cx, b"x")).await.unwrap()).await;
        #[cfg(not(feature = "oracle"))]
        beside_others(async || two.readable().await.unwrap()).await;

        let (client, mut server) = pair().await;
        server.write_all(b"x").await.unwrap();
        client.readable().await.unwrap();
        beside_others(async || client.peek(&mut [0; 4]).await.unwrap()).await;
        let (mut near, far) = UnixStream::pair().unwrap();
        far.writable().await.unwrap();
        far.try_write(&[0; 600]).unwrap();
        beside_others(async || near.read_u8().await.unwrap()).await;

        // tokio's queue is shorter than its budget.
        #[cfg(not(feature = "oracle"))]
        {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let address = listener.local_addr().unwrap();
            let clients: Vec<_> = (0..300).map(|_| std::net::TcpStream::connect(address).unwrap()).collect();
            beside_others(async || listener.accept().await.unwrap()).await;
            drop(clients);
        }
    });
}

/// An operation on a socket whose runtime was gone waited for ever.
#[test]
fn museum_s8_operations_after_the_end_say_so() {
    let _watch = watchdog();
    for flavor in FLAVORS {
        let runtime = flavor.build();
        let handle = runtime.handle().clone();
        let (stream, listener, udp, unix) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
            (stream, listener, UdpSocket::bind("127.0.0.1:0").await.unwrap(), UnixStream::pair().unwrap().0)
        });
        let entered = handle.enter();
        drop(runtime);
        let mut stream = stream;
        let says = |error: std::io::Error| assert!(error.to_string().contains("shut"), "{error}");
        Flavor::CurrentThread.build().block_on(async {
            says(stream.read(&mut [0]).await.unwrap_err());
            says(stream.write(b"x").await.unwrap_err());
            says(stream.readable().await.unwrap_err());
            says(listener.accept().await.map(drop).unwrap_err());
            says(udp.recv(&mut [0]).await.unwrap_err());
            says(unix.writable().await.unwrap_err());
        });
        // Registering with it.
        says(UnixStream::pair().map(drop).unwrap_err());
        says(UnixListener::bind(format!("\0museum-s8-{}-{flavor:?}", std::process::id())).map(drop).unwrap_err());
        drop(entered);
    }
}
