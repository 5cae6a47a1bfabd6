//! Outside of a runtime: whatever needs one says so, and names the line of whoever has called it.
//!
//! A function that is no `async fn` blames its caller's line. A future panics where it is polled, which may be anywhere, so its
//! message says where it was made.

use runtime::net::unix::pipe;
use runtime::net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSocket, UnixStream, lookup_host,
};
use runtime::time::{self, Duration, Instant};
use runtime_tests::{Flavor, assert_panics_here, hostile, watchdog};
use std::io::{PipeReader, PipeWriter};
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::net as std_unix;

/// The future panics when it is polled outside of a runtime, says each of the words, and which line has made it.
macro_rules! assert_names_here {
    ($future:expr, $($word:expr),+ $(,)?) => {{
        let line = line!();
        let future = $future;
        let caught = runtime_tests::catch(|| hostile::block_on(future).map(drop)).expect_err("it did not panic");
        // tokio blames a line of its own.
        if cfg!(not(feature = "oracle")) {
            for word in ["no runtime here", "Runtime::block_on", "Handle::enter", $($word),+] {
                assert!(caught.message.contains(word), "no {word:?} in the panic {:?}", caught.message);
            }
            let places: Vec<String> = (line..line + 4).map(|line| format!("{}:{line}:", file!())).collect();
            let named = places.iter().any(|place| caught.message.contains(place));
            assert!(named, "{} is not named in the panic {:?}", places[0], caught.message);
        }
    }};
}

fn any_port() -> std::net::SocketAddr {
    "127.0.0.1:0".parse().unwrap()
}

#[test]
fn d21_sockets_that_are_taken_over() {
    let _watch = watchdog();
    let tcp = std::net::TcpListener::bind(any_port()).unwrap();
    let stream = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let udp = std::net::UdpSocket::bind(any_port()).unwrap();
    let (one, other) = std_unix::UnixStream::pair().unwrap();
    let (datagram, _other) = std_unix::UnixDatagram::pair().unwrap();
    let name = format!("panics-outside-{}", std::process::id());
    let address = std_unix::SocketAddr::from_abstract_name(name).unwrap();
    let unix = std_unix::UnixListener::bind_addr(&address).unwrap();
    for socket in [&one, &other] {
        socket.set_nonblocking(true).unwrap();
    }
    tcp.set_nonblocking(true).unwrap();
    stream.set_nonblocking(true).unwrap();
    udp.set_nonblocking(true).unwrap();
    datagram.set_nonblocking(true).unwrap();
    unix.set_nonblocking(true).unwrap();
    assert_panics_here!(TcpListener::from_std(tcp.try_clone().unwrap()), "no runtime here", "TcpListener::from_std");
    assert_panics_here!(TcpListener::try_from(tcp), "no runtime here");
    assert_panics_here!(TcpStream::from_std(stream.try_clone().unwrap()), "no runtime here", "TcpStream::from_std");
    assert_panics_here!(TcpStream::try_from(stream), "no runtime here");
    assert_panics_here!(UdpSocket::from_std(udp.try_clone().unwrap()), "no runtime here", "UdpSocket::from_std");
    assert_panics_here!(UdpSocket::try_from(udp), "no runtime here");
    assert_panics_here!(UnixStream::from_std(one.try_clone().unwrap()), "no runtime here", "UnixStream::from_std");
    assert_panics_here!(UnixStream::try_from(one), "no runtime here");
    assert_panics_here!(
        UnixDatagram::from_std(datagram.try_clone().unwrap()),
        "no runtime here",
        "UnixDatagram::from_std"
    );
    assert_panics_here!(UnixDatagram::try_from(datagram), "no runtime here");
    assert_panics_here!(UnixListener::from_std(unix.try_clone().unwrap()), "no runtime here", "UnixListener::from_std");
    assert_panics_here!(UnixListener::try_from(unix), "no runtime here");
}

#[test]
fn d21_sockets_that_are_made_at_once() {
    let _watch = watchdog();
    let name = |tail: &str| format!("\0panics-outside-{tail}-{}", std::process::id());
    assert_panics_here!(UnixListener::bind(name("a")), "no runtime here", "UnixListener::bind");
    let std_name = format!("panics-outside-b-{}", std::process::id());
    let address = std_unix::SocketAddr::from_abstract_name(std_name).unwrap();
    assert_panics_here!(UnixListener::bind_addr(&address.into()), "no runtime here", "UnixListener::bind_addr");
    // std, which tokio asks, takes no abstract name for a path.
    #[cfg(not(feature = "oracle"))]
    assert_panics_here!(UnixDatagram::bind(name("c")), "no runtime here", "UnixDatagram::bind");
    assert_panics_here!(UnixDatagram::unbound(), "no runtime here", "UnixDatagram::unbound");
    assert_panics_here!(UnixDatagram::pair(), "no runtime here", "UnixDatagram::pair");
    assert_panics_here!(UnixStream::pair(), "no runtime here", "UnixStream::pair");
    let socket = UnixSocket::new_stream().unwrap();
    socket.bind(name("d")).unwrap();
    assert_panics_here!(socket.listen(1), "no runtime here", "UnixSocket::listen");
    assert_panics_here!(UnixSocket::new_datagram().unwrap().datagram(), "no runtime here", "UnixSocket::datagram");
    let socket = TcpSocket::new_v4().unwrap();
    socket.bind(any_port()).unwrap();
    assert_panics_here!(socket.listen(1), "no runtime here", "TcpSocket::listen");
}

fn std_pipe() -> (PipeReader, PipeWriter) {
    std::io::pipe().unwrap()
}

#[test]
fn d21_pipes() {
    let _watch = watchdog();
    assert_panics_here!(pipe::pipe(), "no runtime here", "pipe");
    let read = || OwnedFd::from(std_pipe().0);
    let write = || OwnedFd::from(std_pipe().1);
    assert_panics_here!(pipe::Sender::from_owned_fd(write()), "no runtime here", "Sender::from_owned_fd");
    assert_panics_here!(
        pipe::Sender::from_owned_fd_unchecked(write()),
        "no runtime here",
        "Sender::from_owned_fd_unchecked"
    );
    assert_panics_here!(pipe::Sender::from_file(write().into()), "no runtime here", "Sender::from_file");
    assert_panics_here!(
        pipe::Sender::from_file_unchecked(write().into()),
        "no runtime here",
        "Sender::from_file_unchecked"
    );
    assert_panics_here!(pipe::Receiver::from_owned_fd(read()), "no runtime here", "Receiver::from_owned_fd");
    assert_panics_here!(
        pipe::Receiver::from_owned_fd_unchecked(read()),
        "no runtime here",
        "Receiver::from_owned_fd_unchecked"
    );
    assert_panics_here!(pipe::Receiver::from_file(read().into()), "no runtime here", "Receiver::from_file");
    assert_panics_here!(
        pipe::Receiver::from_file_unchecked(read().into()),
        "no runtime here",
        "Receiver::from_file_unchecked"
    );
    // Linux opens a pipe by its number, as it does a named one.
    let (read, write) = std_pipe();
    let path = |fd: i32| format!("/proc/self/fd/{fd}");
    let (read, write) = (path(std::os::fd::AsRawFd::as_raw_fd(&read)), path(std::os::fd::AsRawFd::as_raw_fd(&write)));
    assert_panics_here!(pipe::OpenOptions::new().open_receiver(&read), "no runtime here", "open_receiver");
    assert_panics_here!(pipe::OpenOptions::new().open_sender(&write), "no runtime here", "open_sender");
}

#[test]
#[expect(deprecated, reason = "tests contain no unsafe code")]
fn d21_any_descriptor() {
    use runtime::io::Interest;
    use runtime::io::unix::AsyncFd;

    let _watch = watchdog();
    let socket = || {
        let (one, _other) = std_unix::UnixStream::pair().unwrap();
        one.set_nonblocking(true).unwrap();
        one
    };
    assert_panics_here!(AsyncFd::new(socket()), "no runtime here", "AsyncFd::");
    assert_panics_here!(AsyncFd::try_new(socket()), "no runtime here", "AsyncFd::");
    assert_panics_here!(AsyncFd::with_interest(socket(), Interest::READABLE), "no runtime here", "AsyncFd::");
    assert_panics_here!(AsyncFd::try_with_interest(socket(), Interest::READABLE), "no runtime here", "AsyncFd::");
}

/// A message named a line of this crate.
#[test]
fn d21_futures_of_sockets_name_who_has_made_them() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let name = format!("\0panics-futures-{}", std::process::id());
    let (tcp, unix, udp) = runtime.block_on(async {
        let udp = UdpSocket::bind(any_port()).await.unwrap();
        udp.writable().await.unwrap();
        (TcpListener::bind(any_port()).await.unwrap(), UnixListener::bind(&name).unwrap(), udp)
    });
    let address = tcp.local_addr().unwrap();
    assert_names_here!(TcpListener::bind(any_port()), "TcpListener::bind");
    assert_names_here!(TcpListener::bind("localhost:0"), "TcpListener::bind");
    assert_names_here!(TcpStream::connect(address), "TcpStream::connect");
    assert_names_here!(TcpStream::connect("localhost:1"), "TcpStream::connect");
    assert_names_here!(TcpSocket::new_v4().unwrap().connect(address), "TcpSocket::connect");
    assert_names_here!(UdpSocket::bind(any_port()), "UdpSocket::bind");
    assert_names_here!(UdpSocket::bind("localhost:0"), "UdpSocket::bind");
    assert_names_here!(udp.connect("localhost:1"), "UdpSocket::connect");
    assert_names_here!(udp.send_to(b"x", "localhost:1"), "UdpSocket::send_to");
    assert_names_here!(udp.send_to(b"x", ("localhost", 1)), "UdpSocket::send_to");
    assert_names_here!(lookup_host("localhost:1"), "lookup_host");
    assert_names_here!(lookup_host(String::from("localhost:1")), "lookup_host");
    assert_names_here!(UnixStream::connect(&name), "UnixStream::connect");
    let unix_address = unix.local_addr().unwrap();
    assert_names_here!(UnixStream::connect_addr(&unix_address), "UnixStream::connect_addr");
    assert_names_here!(UnixSocket::new_stream().unwrap().connect(&name), "UnixSocket::connect");
    // beyond tokio
    #[cfg(not(feature = "oracle"))]
    assert_names_here!(runtime::net::connect_happy("localhost:1"), "connect_happy");

    // Without a name to look up none of these needs a runtime.
    hostile::block_on(udp.connect(udp.local_addr().unwrap())).unwrap();
    assert_eq!(hostile::block_on(udp.send_to(b"x", udp.local_addr().unwrap())).unwrap(), 1);
    assert_eq!(hostile::block_on(lookup_host("127.0.0.1:7")).unwrap().count(), 1);
}

/// The panic took a connection with it.
#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio's does")]
fn d21_an_accept_outside_of_a_runtime_loses_no_connection() {
    let _watch = watchdog();
    // It goes on while nobody is inside of it.
    let runtime = Flavor::MultiThread(1).build();
    let name = format!("\0panics-accept-{}", std::process::id());
    let (tcp, unix) =
        runtime.block_on(async { (TcpListener::bind(any_port()).await.unwrap(), UnixListener::bind(&name).unwrap()) });
    let client = std::net::TcpStream::connect(tcp.local_addr().unwrap()).unwrap();
    let _other = runtime.block_on(async { UnixStream::connect(&name).await }).unwrap();
    assert_names_here!(tcp.accept(), "TcpListener::accept");
    assert_names_here!(unix.accept(), "UnixListener::accept");
    let polled =
        runtime_tests::catch(|| hostile::block_on(std::future::poll_fn(|cx| tcp.poll_accept(cx)))).unwrap_err();
    assert!(polled.message.contains("TcpListener::poll_accept"), "{}", polled.message);
    let (_stream, peer) = runtime.block_on(tcp.accept()).unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    runtime.block_on(unix.accept()).unwrap();
}

#[test]
fn d21_timers() {
    let _watch = watchdog();
    let (zero, second, now) = (Duration::ZERO, Duration::from_secs(1), Instant::now());
    // Also when they would not have to wait.
    for duration in [zero, second, Duration::MAX] {
        assert_panics_here!(time::sleep(duration), "no runtime here", "time::sleep");
        // tokio's needs no timer for a timeout without an end, against its word.
        if cfg!(not(feature = "oracle")) || duration < Duration::MAX {
            assert_panics_here!(time::timeout(duration, std::future::ready(())), "no runtime here", "time::timeout");
        }
    }
    assert_panics_here!(time::sleep_until(now), "no runtime here", "time::sleep_until");
    assert_panics_here!(time::timeout_at(now, std::future::ready(())), "no runtime here", "time::timeout_at");
    assert_panics_here!(time::interval(second), "no runtime here", "time::interval");
    assert_panics_here!(time::interval_at(now, second), "no runtime here", "time::interval_at");
    // tokio looks at the period first, then for a runtime; both are the caller's mistake.
    assert_panics_here!(time::interval(zero), "zero");
    assert_panics_here!(time::interval_at(now, zero), "zero");
}

/// With room it sent, and panicked another day, when there was none.
#[test]
fn d21_send_timeout_with_and_without_room() {
    let _watch = watchdog();
    let (tx, mut rx) = runtime::sync::mpsc::channel(1);
    assert_names_here!(tx.send_timeout(1, Duration::from_secs(1)), "send_timeout");
    assert!(rx.try_recv().is_err());
    tx.try_send(1).unwrap();
    assert_names_here!(tx.send_timeout(2, Duration::from_secs(1)), "send_timeout");
    assert_names_here!(tx.send_timeout(2, Duration::ZERO), "send_timeout");
    rx.close();
    assert_names_here!(tx.send_timeout(2, Duration::from_secs(1)), "send_timeout");
}

#[test]
fn d21_advance() {
    let _watch = watchdog();
    assert_names_here!(unit(time::advance(Duration::from_secs(1))), "time::advance");
    let runtime = Flavor::CurrentThread.build();
    let line = line!() + 1;
    let advance = time::advance(Duration::from_secs(1));
    let caught = runtime_tests::catch(|| runtime.block_on(advance)).expect_err("it did not panic");
    let place = format!("{}:{line}:", file!());
    assert!(cfg!(feature = "oracle") || caught.message.contains(&place), "{}", caught.message);
}

/// As the other futures, one with something to drop.
async fn unit(future: impl Future<Output = ()>) -> Option<()> {
    future.await;
    Some(())
}
