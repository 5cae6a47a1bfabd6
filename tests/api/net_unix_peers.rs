//! Peers of unix sockets that are hard to show: at paths of the greatest length, and in other pid namespaces.

use super::net_unix::Place;
use runtime::io::{AsyncWriteExt, ReadBuf};
use runtime::net::{UnixDatagram, UnixListener, UnixSocket, UnixStream};
use runtime_tests::{Flavor, for_each_flavor, watchdog_secs};
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};
use std::future::poll_fn;
use std::os::fd::OwnedFd;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net as std_unix;
use std::path::PathBuf;
use std::process::Command;

for_each_flavor!(
    d5_a_peer_at_a_path_of_any_length_is_accepted,
    d5_a_message_from_a_path_of_any_length_arrives,
    d5_abstract_and_unnamed_peers,
);

/// What `sun_path` holds.
const LONGEST: usize = 108;

/// A path of just this length.
fn path_of(place: &Place, length: usize) -> PathBuf {
    let short = place.at("").as_os_str().len();
    let path = place.at(&"x".repeat(length - short));
    assert_eq!(path.as_os_str().len(), length);
    path
}

/// Bound to a path that std and we would refuse, because there is no room for a zero byte behind it; the system takes it.
fn bound(kind: SocketType, path: &PathBuf) -> OwnedFd {
    let socket = rustix::net::socket(AddressFamily::UNIX, kind, None).unwrap();
    rustix::net::bind(&socket, &SocketAddrUnix::new(path).unwrap()).unwrap();
    socket
}

/// The one with 107 bytes made `accept` fail, the one with 108 made it panic.
fn d5_a_peer_at_a_path_of_any_length_is_accepted(flavor: Flavor) {
    flavor.build().block_on(async {
        let place = Place::new();
        let listener = UnixListener::bind(place.at("l")).unwrap();
        // tokio panics at the last one.
        let longest = if cfg!(feature = "oracle") { LONGEST - 1 } else { LONGEST };
        for length in LONGEST - 2..=longest {
            for by_polling in [false, true] {
                let path = path_of(&place, length);
                let client = bound(SocketType::STREAM, &path);
                rustix::net::connect(&client, &SocketAddrUnix::new(place.at("l")).unwrap()).unwrap();
                let accepted = match by_polling {
                    false => listener.accept().await,
                    true => poll_fn(|cx| listener.poll_accept(cx)).await,
                };
                let (mut stream, peer) = accepted.unwrap();
                assert_eq!(peer.as_pathname(), Some(&*path), "{length}");
                assert_eq!(stream.peer_addr().unwrap().as_pathname(), Some(&*path));
                stream.write_all(b"hello").await.unwrap();
                drop(client);
                std::fs::remove_file(path).unwrap();
            }
        }
    });
}

fn d5_a_message_from_a_path_of_any_length_arrives(flavor: Flavor) {
    flavor.build().block_on(async {
        let place = Place::new();
        let receiver = UnixDatagram::bind(place.at("r")).unwrap();
        for length in [LONGEST - 2, LONGEST - 1, LONGEST] {
            let path = path_of(&place, length);
            let sender = std_unix::UnixDatagram::from(bound(SocketType::DGRAM, &path));
            for _ in 0..4 {
                sender.send_to(b"hello", place.at("r")).unwrap();
            }
            let mut buf = [0; 8];
            let mut read_buf = ReadBuf::new(&mut buf);
            let polled = poll_fn(|cx| receiver.poll_recv_from(cx, &mut read_buf)).await.unwrap();
            assert_eq!(read_buf.filled(), b"hello");
            let (n, from) = receiver.recv_from(&mut buf).await.unwrap();
            assert_eq!(&buf[..n], b"hello");
            let (tried, try_from) = receiver.try_recv_from(&mut buf).unwrap();
            let mut vec = Vec::new();
            let (appended, buf_from) = receiver.recv_buf_from(&mut vec).await.unwrap();
            assert_eq!((tried, appended, &vec[..]), (5, 5, &b"hello"[..]));
            for from in [polled, from, try_from, buf_from] {
                match from.as_pathname() {
                    Some(shown) => assert_eq!(shown, &*path),
                    // std has no form for it.
                    None => assert!(length == LONGEST && from.is_unnamed(), "{length}: {from:?}"),
                }
            }
        }
    });
}

fn d5_abstract_and_unnamed_peers(flavor: Flavor) {
    flavor.build().block_on(async {
        let place = Place::new();
        let listener = UnixListener::bind(place.at("l")).unwrap();
        let receiver = UnixDatagram::bind(place.at("r")).unwrap();
        let own = format!("d5-{}-{flavor:?}-", std::process::id());
        let long = [own.as_bytes(), &[b'x'; LONGEST][..LONGEST - 1 - own.len()]].concat();
        for name in [b"".as_slice(), own.as_bytes(), &[own.as_bytes(), b"\0\0"].concat(), &long] {
            let with_zero = [&[0], name].concat();
            let path = std::ffi::OsStr::from_bytes(&with_zero);
            let socket = UnixSocket::new_stream().unwrap();
            let sender = match name {
                // Unnamed, since it is not bound.
                [] => UnixDatagram::unbound().unwrap(),
                name => {
                    socket.bind(path).unwrap();
                    // Streams and datagrams do not share their names.
                    let address = std_unix::SocketAddr::from_abstract_name(name).unwrap();
                    let socket = std_unix::UnixDatagram::bind_addr(&address).unwrap();
                    socket.set_nonblocking(true).unwrap();
                    UnixDatagram::from_std(socket).unwrap()
                }
            };
            let client = socket.connect(place.at("l")).await.unwrap();
            let (_stream, peer) = listener.accept().await.unwrap();
            // tokio shows an accepted peer without a name.
            if cfg!(not(feature = "oracle")) {
                assert_eq!(peer.as_abstract_name(), Some(name).filter(|name| !name.is_empty()));
                assert_eq!(peer.is_unnamed(), name.is_empty());
            }
            sender.send_to(b"x", place.at("r")).await.unwrap();
            let (_, from) = receiver.recv_from(&mut [0]).await.unwrap();
            assert_eq!(from.as_abstract_name(), sender.local_addr().unwrap().as_abstract_name());
            drop(client);
        }
    });
}

/// A socket that is mounted into a container: whoever is inside cannot see who listens outside.
#[test]
fn d4_a_peer_of_another_pid_namespace_has_user_and_group() {
    let _watch = watchdog_secs(60);
    let place = Place::new();
    let path = place.at("socket");
    let _listener = std_unix::UnixListener::bind(&path).unwrap();
    let unshare = |options: &[&str]| {
        let mut unshare = Command::new("unshare");
        unshare.args(options).env("D4_SOCKET", &path);
        unshare
    };
    // As root, or as the root of a user namespace of our own.
    let ways: [&[&str]; 2] = [&["-p", "-f"], &["-U", "-r", "-p", "-f"]];
    let works = |way: &&&[&str]| unshare(way).arg("true").output().is_ok_and(|output| output.status.success());
    let Some(way) = ways.iter().find(works) else {
        eprintln!("SKIPPED: no pid namespace can be had here, so nothing was tested");
        return;
    };
    let test = "net_unix_peers::as_the_one_inside";
    let inside =
        unshare(way).arg(std::env::current_exe().unwrap()).args(["--exact", test, "--include-ignored"]).output();
    let inside = inside.unwrap();
    let told = String::from_utf8_lossy(&inside.stdout);
    assert!(
        inside.status.success() && told.contains("1 passed"),
        "{told}\n{}",
        String::from_utf8_lossy(&inside.stderr)
    );
}

#[test]
#[ignore = "run by the test above, in a pid namespace"]
fn as_the_one_inside() {
    let path = std::env::var_os("D4_SOCKET").unwrap();
    Flavor::CurrentThread.build().block_on(async {
        let stream = UnixStream::connect(&path).await.unwrap();
        let peer = stream.peer_cred().unwrap();
        // tokio hands on what the kernel says, a process that there is none of.
        assert_eq!(peer.pid(), if cfg!(feature = "oracle") { Some(0) } else { None });
        use std::os::unix::fs::MetadataExt;
        let owner = std::fs::metadata(&path).unwrap();
        assert_eq!((peer.uid(), peer.gid()), (owner.uid(), owner.gid()));
        // Those inside see each other.
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(one.peer_cred().unwrap().pid(), Some(std::process::id() as i32));
        drop(stream.into_std().unwrap());
    });
}
