//! Unix sockets: streams, listeners, datagrams, addresses, credentials.

use runtime::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};
use runtime::net::unix::SocketAddr;
use runtime::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};
use runtime_tests::{Flavor, for_each_flavor, poll_once};
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::net::Shutdown;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::atomic::{AtomicU32, Ordering};

for_each_flavor!(
    what_a_peer_said_before_the_accept_needs_no_event,
    echo,
    nobody_there,
    abstract_names_and_addresses,
    credentials,
    half_closes,
    try_methods,
    a_full_listener_says_so,
    socket_before_stream,
    socket_of_the_other_kind,
    datagrams_with_addresses,
    datagrams_between_connected_sockets,
    datagrams_by_polling_and_trying,
    a_datagram_waits_for_room_in_a_queue_that_others_have_filled,
    datagram_shutdown,
    std_and_back,
);

/// A directory of this test's own, removed at its end.
pub(crate) struct Place(PathBuf);

impl Place {
    pub(crate) fn new() -> Place {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("runtime-net-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Place(path)
    }

    pub(crate) fn at(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn echo(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("socket");
        let listener = UnixListener::bind(&path).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_pathname(), Some(&*path));
        assert_eq!(UnixListener::bind(&path).unwrap_err().kind(), ErrorKind::AddrInUse);
        let server = runtime::spawn(async move {
            for _ in 0..10 {
                let (mut stream, peer) = listener.accept().await.unwrap();
                assert!(peer.is_unnamed(), "{peer:?}");
                drop(runtime::spawn(async move {
                    let (mut read, mut write) = stream.split();
                    runtime::io::copy(&mut read, &mut write).await.unwrap();
                }));
            }
            let accepted = poll_fn(|cx| listener.poll_accept(cx)).await;
            drop(accepted.unwrap());
        });
        for _ in 0..10 {
            let mut client = UnixStream::connect(&path).await.unwrap();
            assert_eq!(client.peer_addr().unwrap().as_pathname(), Some(&*path));
            assert!(client.local_addr().unwrap().is_unnamed());
            client.write_all(b"hello").await.unwrap();
            client.shutdown().await.unwrap();
            let mut answer = String::new();
            client.read_to_string(&mut answer).await.unwrap();
            assert_eq!(answer, "hello");
        }
        let mut last = UnixStream::connect(&path).await.unwrap();
        server.await.unwrap();
        assert_eq!(last.read(&mut [0]).await.unwrap(), 0);
    });
}

fn nobody_there(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("socket");
        assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), ErrorKind::NotFound);
        drop(UnixListener::bind(&path).unwrap());
        assert_eq!(UnixStream::connect(&path).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        let long = place.at(&"x".repeat(200));
        assert_eq!(UnixStream::connect(&long).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(UnixListener::bind(&long).unwrap_err().kind(), ErrorKind::InvalidInput);
    });
}

fn abstract_names_and_addresses(flavor: Flavor) {
    use std::os::linux::net::SocketAddrExt;
    flavor.build().block_on(async {
        let name = format!("runtime-net-{}-{flavor:?}", std::process::id());
        let std_address = std::os::unix::net::SocketAddr::from_abstract_name(&name).unwrap();
        let address = SocketAddr::from(std_address);
        assert_eq!(address.as_abstract_name(), Some(name.as_bytes()));
        assert!(address.as_pathname().is_none() && !address.is_unnamed());
        let listener = UnixListener::bind_addr(&address).unwrap();
        assert_eq!(listener.local_addr().unwrap().as_abstract_name(), Some(name.as_bytes()));
        let one = UnixStream::connect_addr(&address).await.unwrap();
        let other = UnixStream::connect(format!("\0{name}")).await.unwrap();
        for client in [one, other] {
            let (mut server, _) = listener.accept().await.unwrap();
            let std_address: std::os::unix::net::SocketAddr = client.peer_addr().unwrap().into();
            assert_eq!(std_address.as_abstract_name(), Some(name.as_bytes()));
            client.writable().await.unwrap();
            client.try_write(b"x").unwrap();
            assert_eq!(server.read_u8().await.unwrap(), b'x');
        }
    });
}

fn credentials(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = UnixStream::pair().unwrap();
        let (here, there) = (one.peer_cred().unwrap(), other.peer_cred().unwrap());
        assert_eq!(here, there);
        assert_eq!(here.pid(), Some(std::process::id() as i32));
        let me = std::fs::metadata("/proc/self").unwrap();
        use std::os::unix::fs::MetadataExt;
        assert_eq!((here.uid(), here.gid()), (me.uid(), me.gid()));
    });
}

fn half_closes(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut one, mut other) = UnixStream::pair().unwrap();
        one.write_all(b"question").await.unwrap();
        one.shutdown().await.unwrap();
        let mut question = String::new();
        other.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question");
        assert!(other.ready(Interest::READABLE).await.unwrap().is_read_closed());
        other.write_all(b"answer").await.unwrap();
        drop(other);
        let mut answer = String::new();
        one.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
        assert_eq!(one.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        one.shutdown().await.unwrap();
        assert!(one.take_error().unwrap().is_none());
    });
}

fn try_methods(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = UnixStream::pair().unwrap();
        assert_eq!(one.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(poll_once(&mut pin!(one.readable())).is_pending());
        other.writable().await.unwrap();
        poll_fn(|cx| other.poll_write_ready(cx)).await.unwrap();
        assert_eq!(other.try_write(b"ab").unwrap(), 2);
        assert_eq!(other.try_write_vectored(&[IoSlice::new(b"cd"), IoSlice::new(b"ef")]).unwrap(), 4);
        poll_fn(|cx| one.poll_read_ready(cx)).await.unwrap();
        let (mut a, mut b, mut rest) = ([0; 1], [0; 2], Vec::new());
        assert_eq!(one.try_read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]).unwrap(), 3);
        assert_eq!(one.try_read_buf(&mut rest).unwrap(), 3);
        assert_eq!((&a, &b, &rest[..]), (b"a", b"bc", &b"def"[..]));
        assert_eq!(one.try_io(Interest::WRITABLE, || Ok(1)).unwrap(), 1);
        assert_eq!(one.async_io(Interest::WRITABLE, || Ok(2)).await.unwrap(), 2);
        while other.try_write(&[0; 65536]).is_ok() {}
        assert!(poll_once(&mut pin!(other.writable())).is_pending());
        drop(one);
        assert!(other.ready(Interest::WRITABLE).await.unwrap().is_write_closed());
        assert!(other.try_write(b"x").is_err());
    });
}

fn a_full_listener_says_so(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("socket");
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&path).unwrap();
        let listener = socket.listen(1).unwrap();
        let mut waiting = Vec::new();
        let refused = loop {
            match UnixStream::connect(&path).await {
                Ok(stream) => waiting.push(stream),
                Err(error) => break error,
            }
            assert!(waiting.len() < 10, "a queue of one takes more");
        };
        assert_eq!(refused.kind(), ErrorKind::WouldBlock);
        for mut client in waiting {
            let (mut server, _) = listener.accept().await.unwrap();
            server.write_u8(1).await.unwrap();
            assert_eq!(client.read_u8().await.unwrap(), 1);
        }
        UnixStream::connect(&path).await.unwrap();
    });
}

fn socket_before_stream(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let (here, there) = (place.at("here"), place.at("there"));
        let listener = UnixListener::bind(&there).unwrap();
        let socket = UnixSocket::new_stream().unwrap();
        socket.bind(&here).unwrap();
        let client = socket.connect(&there).await.unwrap();
        let (_server, peer) = listener.accept().await.unwrap();
        assert_eq!(peer.as_pathname(), Some(&*here));
        assert_eq!(client.local_addr().unwrap().as_pathname(), Some(&*here));

        let messages = UnixSocket::new_datagram().unwrap();
        messages.bind(place.at("messages")).unwrap();
        let messages = messages.datagram().unwrap();
        UnixDatagram::unbound().unwrap().send_to(b"abc", place.at("messages")).await.unwrap();
        assert_eq!(messages.recv(&mut [0; 8]).await.unwrap(), 3);
    });
}

fn socket_of_the_other_kind(flavor: Flavor) {
    flavor.build().block_on(async {
        assert!(UnixSocket::new_datagram().unwrap().listen(1).is_err());
        assert!(UnixSocket::new_datagram().unwrap().connect("/").await.is_err());
        assert!(UnixSocket::new_stream().unwrap().datagram().is_err());
    });
}

fn datagrams_with_addresses(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let (here, there) = (place.at("here"), place.at("there"));
        let (one, other) = (UnixDatagram::bind(&here).unwrap(), UnixDatagram::bind(&there).unwrap());
        assert_eq!(one.local_addr().unwrap().as_pathname(), Some(&*here));
        assert_eq!(one.send_to(b"hello", &there).await.unwrap(), 5);
        let mut buf = [0; 8];
        let (n, from) = other.recv_from(&mut buf).await.unwrap();
        assert_eq!((&buf[..n], from.as_pathname()), (&b"hello"[..], Some(&*here)));
        let mut vec = Vec::with_capacity(8);
        other.send_to(b"back", &here).await.unwrap();
        let (n, from) = one.recv_buf_from(&mut vec).await.unwrap();
        assert_eq!((n, &vec[..], from.as_pathname()), (4, &b"back"[..], Some(&*there)));
        UnixDatagram::unbound().unwrap().send_to(b"who?", &here).await.unwrap();
        assert!(one.recv_from(&mut buf).await.unwrap().1.is_unnamed());
        assert_eq!(one.send_to(b"x", place.at("nobody")).await.unwrap_err().kind(), ErrorKind::NotFound);
    });
}

fn datagrams_between_connected_sockets(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        assert_eq!(one.send(b"hello").await.unwrap(), 5);
        assert_eq!(one.send(b"").await.unwrap(), 0);
        let mut buf = [0; 3];
        assert_eq!(other.recv(&mut buf).await.unwrap(), 3);
        assert_eq!(other.recv(&mut buf).await.unwrap(), 0);
        one.send(b"more").await.unwrap();
        let mut vec = Vec::new();
        assert_eq!(other.recv_buf(&mut vec).await.unwrap(), 4);
        let named = UnixDatagram::bind(place.at("named")).unwrap();
        let unbound = UnixDatagram::unbound().unwrap();
        unbound.connect(place.at("named")).unwrap();
        assert_eq!(unbound.peer_addr().unwrap().as_pathname(), Some(Path::new(&place.at("named"))));
        unbound.send(b"x").await.unwrap();
        assert_eq!(named.recv(&mut buf).await.unwrap(), 1);
        // A full queue of the connected peer: the kernel tells when there is room.
        let mut sent = 0;
        while unbound.try_send(b"y").is_ok() {
            sent += 1;
        }
        let sender = runtime::spawn(async move { unbound.send(b"z").await.unwrap() });
        for _ in 0..sent {
            assert_eq!(named.recv(&mut buf).await.unwrap(), 1);
        }
        assert_eq!(sender.await.unwrap(), 1);
    });
}

fn datagrams_by_polling_and_trying(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let (here, there) = (place.at("here"), place.at("there"));
        let (one, other) = (UnixDatagram::bind(&here).unwrap(), UnixDatagram::bind(&there).unwrap());
        assert_eq!(other.try_recv(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        poll_fn(|cx| one.poll_send_ready(cx)).await.unwrap();
        one.writable().await.unwrap();
        for _ in 0..3 {
            assert_eq!(one.try_send_to(b"abc", &there).unwrap(), 3);
        }
        assert_eq!(poll_fn(|cx| one.poll_send_to(cx, b"def", &there)).await.unwrap(), 3);
        poll_fn(|cx| other.poll_recv_ready(cx)).await.unwrap();
        other.readable().await.unwrap();
        let mut buf = [0; 8];
        assert_eq!(other.try_recv(&mut buf).unwrap(), 3);
        assert_eq!(other.try_recv_from(&mut buf).unwrap().1.as_pathname(), Some(&*here));
        let mut vec = Vec::new();
        assert_eq!(other.try_recv_buf_from(&mut vec).unwrap().1.as_pathname(), Some(&*here));
        let mut read_buf = ReadBuf::new(&mut buf);
        let from = poll_fn(|cx| other.poll_recv_from(cx, &mut read_buf)).await.unwrap();
        assert_eq!((read_buf.filled(), from.as_pathname()), (&b"def"[..], Some(&*here)));
        one.connect(&there).unwrap();
        poll_fn(|cx| one.poll_send(cx, b"ghi")).await.unwrap();
        read_buf.clear();
        poll_fn(|cx| other.poll_recv(cx, &mut read_buf)).await.unwrap();
        assert_eq!(read_buf.filled(), b"ghi");
        one.send(b"jkl").await.unwrap();
        other.readable().await.unwrap();
        assert_eq!(other.try_recv_buf(&mut vec).unwrap(), 3);
        assert_eq!(vec, b"abcjkl");
        assert!(other.ready(Interest::WRITABLE).await.unwrap().is_writable());
    });
}

/// The kernel reports nothing to a sender whose target's queue was filled by others and has room again.
fn a_datagram_waits_for_room_in_a_queue_that_others_have_filled(flavor: Flavor) {
    // tokio waits for ever.
    if cfg!(feature = "oracle") {
        return;
    }
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("full");
        let full = UnixDatagram::bind(&path).unwrap();
        let (greedy, patient) = (UnixDatagram::unbound().unwrap(), UnixDatagram::unbound().unwrap());
        greedy.writable().await.unwrap();
        let mut sent = 0;
        while greedy.try_send_to(b"x", &path).is_ok() {
            sent += 1;
        }
        let to = path.clone();
        let sender = runtime::spawn(async move { patient.send_to(b"yy", &to).await.unwrap() });
        // Several times, so that the sender has surely found the queue full.
        for _ in 0..10 {
            runtime::task::yield_now().await;
        }
        let mut buf = [0; 4];
        for _ in 0..sent {
            assert_eq!(full.recv(&mut buf).await.unwrap(), 1);
        }
        assert_eq!(full.recv(&mut buf).await.unwrap(), 2);
        assert_eq!(sender.await.unwrap(), 2);
    });
}

fn datagram_shutdown(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = UnixDatagram::pair().unwrap();
        one.shutdown(Shutdown::Both).unwrap();
        assert_eq!(one.send(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        // tokio waits for ever, busily.
        #[cfg(not(feature = "oracle"))]
        for _ in 0..3 {
            assert_eq!(one.recv(&mut [0; 4]).await.unwrap(), 0);
            assert_eq!(one.try_recv(&mut [0; 4]).unwrap(), 0);
        }
        assert!(other.take_error().unwrap().is_none());
    });
}

fn std_and_back(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let (one, other) = std::os::unix::net::UnixStream::pair().unwrap();
        one.set_nonblocking(true).unwrap();
        let mut one = UnixStream::from_std(one).unwrap();
        std::io::Write::write_all(&mut &other, b"x").unwrap();
        assert_eq!(one.read_u8().await.unwrap(), b'x');
        let mut one = UnixStream::try_from(one.into_std().unwrap()).unwrap();
        std::io::Write::write_all(&mut &other, b"y").unwrap();
        assert_eq!(one.read_u8().await.unwrap(), b'y');

        let listener = std::os::unix::net::UnixListener::bind(place.at("socket")).unwrap();
        listener.set_nonblocking(true).unwrap();
        let listener = UnixListener::try_from(listener).unwrap().into_std().unwrap();
        let listener = UnixListener::from_std(listener).unwrap();
        let _client = UnixStream::connect(place.at("socket")).await.unwrap();
        listener.accept().await.unwrap();
        assert!(listener.take_error().unwrap().is_none());

        let datagram = UnixDatagram::pair().unwrap().0.into_std().unwrap();
        drop(UnixDatagram::try_from(UnixDatagram::from_std(datagram).unwrap().into_std().unwrap()).unwrap());
    });
}

/// Who connects mostly speaks first: the first read tries at once, before the driver has said anything.
///
/// Fault: an accepted stream waits for its first event.
fn what_a_peer_said_before_the_accept_needs_no_event(flavor: Flavor) {
    use std::io::Write;
    let path = std::env::temp_dir().join(format!("said-before-{}-{flavor:?}", std::process::id()));
    flavor.build().block_on(async {
        let listener = UnixListener::bind(&path).unwrap();
        let mut client = std::os::unix::net::UnixStream::connect(&path).unwrap();
        client.write_all(b"hello").unwrap();
        let (server, _) = listener.accept().await.unwrap();
        let mut bytes = [0; 10];
        assert_eq!(server.try_read(&mut bytes).unwrap(), 5);
        let nothing = server.try_read(&mut bytes).unwrap_err();
        assert_eq!(nothing.kind(), std::io::ErrorKind::WouldBlock);
        client.write_all(b"!").unwrap();
        // The event of the first bytes may come as late as now.
        let read = loop {
            server.readable().await.unwrap();
            match server.try_read(&mut bytes) {
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                read => break read,
            }
        };
        assert_eq!(read.unwrap(), 1);
    });
    std::fs::remove_file(&path).unwrap();
}
