//! Options of sockets: what is set is what is read.

use runtime::net::{TcpListener, TcpSocket, TcpStream, UdpSocket};
use runtime_tests::{Flavor, watchdog};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::{AsFd, AsRawFd};
use std::time::Duration;

fn block_on<F: Future>(future: F) -> F::Output {
    let _watch = watchdog();
    Flavor::CurrentThread.build().block_on(future)
}

#[test]
#[expect(deprecated, reason = "the deprecated ones are tested, too")]
fn of_a_tcp_socket() {
    block_on(async {
        for socket in [TcpSocket::new_v4().unwrap(), TcpSocket::new_v6().unwrap()] {
            for on in [true, false] {
                socket.set_keepalive(on).unwrap();
                socket.set_reuseaddr(on).unwrap();
                socket.set_reuseport(on).unwrap();
                socket.set_nodelay(on).unwrap();
                let all = [socket.keepalive(), socket.reuseaddr(), socket.reuseport(), socket.nodelay()];
                assert_eq!(all.map(Result::unwrap), [on; 4]);
            }
            socket.set_send_buffer_size(20_000).unwrap();
            socket.set_recv_buffer_size(30_000).unwrap();
            assert!(socket.send_buffer_size().unwrap() >= 20_000);
            assert!(socket.recv_buffer_size().unwrap() >= 30_000);
            assert_eq!(socket.linger().unwrap(), None);
            socket.set_linger(Some(Duration::from_secs(3))).unwrap();
            assert_eq!(socket.linger().unwrap(), Some(Duration::from_secs(3)));
            socket.set_zero_linger().unwrap();
            assert_eq!(socket.linger().unwrap(), Some(Duration::ZERO));
            assert!(socket.take_error().unwrap().is_none());
            assert_eq!(socket.device().unwrap(), None);
            assert_eq!(socket.local_addr().unwrap().port(), 0);
            assert!(format!("{socket:?}").contains("ocket"));
        }
        let socket = TcpSocket::new_v4().unwrap();
        socket.set_tos_v4(0x10).unwrap();
        assert_eq!((socket.tos_v4().unwrap(), socket.tos().unwrap()), (0x10, 0x10));
        socket.set_tos(0x08).unwrap();
        assert_eq!(socket.tos_v4().unwrap(), 0x08);
        let socket = TcpSocket::new_v6().unwrap();
        socket.set_tclass_v6(96).unwrap();
        assert_eq!(socket.tclass_v6().unwrap(), 96);
    });
}

#[test]
fn a_tcp_socket_binds_listens_and_connects() {
    block_on(async {
        let local: SocketAddr = "127.0.0.1:0".parse().unwrap();
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind(local).unwrap();
        let listener = socket.listen(16).unwrap();
        let client = TcpSocket::new_v4().unwrap();
        client.bind(local).unwrap();
        let bound = client.local_addr().unwrap();
        assert!(client.as_raw_fd() == client.as_fd().as_raw_fd());
        let client = client.connect(listener.local_addr().unwrap()).await.unwrap();
        let (server, peer) = listener.accept().await.unwrap();
        assert_eq!((client.local_addr().unwrap(), peer), (bound, bound));
        assert_eq!(server.local_addr().unwrap(), client.peer_addr().unwrap());
    });
}

/// Two listeners at one address, and the connections go to both.
#[test]
fn reuse_of_a_port() {
    block_on(async {
        let listen = |address: SocketAddr| {
            let socket = TcpSocket::new_v4().unwrap();
            socket.set_reuseport(true).unwrap();
            socket.bind(address).unwrap();
            socket.listen(16).unwrap()
        };
        let one = listen("127.0.0.1:0".parse().unwrap());
        let other = listen(one.local_addr().unwrap());
        let (mut clients, mut counts) = (Vec::new(), [0, 0]);
        while counts.contains(&0) {
            clients.push(TcpStream::connect(one.local_addr().unwrap()).await.unwrap());
            runtime::select! {
                accepted = one.accept() => { accepted.unwrap(); counts[0] += 1; }
                accepted = other.accept() => { accepted.unwrap(); counts[1] += 1; }
            }
            assert!(clients.len() < 1000, "{counts:?}");
        }
    });
}

#[test]
fn sockets_from_std() {
    block_on(async {
        // A blocking socket of std, which is not connected.
        let family = rustix::net::AddressFamily::INET;
        let std_socket = rustix::net::socket(family, rustix::net::SocketType::STREAM, None).unwrap();
        let socket = TcpSocket::from_std_stream(std::net::TcpStream::from(std_socket));
        #[cfg(not(feature = "oracle"))]
        assert!(rustix::fs::fcntl_getfl(&socket).unwrap().contains(rustix::fs::OFlags::NONBLOCK));
    });
}

#[test]
#[expect(deprecated, reason = "the deprecated one is tested, too")]
fn of_a_tcp_stream_and_listener() {
    block_on(async {
        let (stream, _server) = crate::net_tcp::pair().await;
        for on in [true, false] {
            stream.set_nodelay(on).unwrap();
            assert_eq!(stream.nodelay().unwrap(), on);
            stream.set_quickack(on).unwrap();
            assert_eq!(stream.quickack().unwrap(), on);
        }
        stream.set_ttl(42).unwrap();
        assert_eq!(stream.ttl().unwrap(), 42);
        stream.set_linger(Some(Duration::from_secs(1))).unwrap();
        assert_eq!(stream.linger().unwrap(), Some(Duration::from_secs(1)));
        stream.set_linger(None).unwrap();
        assert_eq!(stream.linger().unwrap(), None);
        stream.set_zero_linger().unwrap();
        assert_eq!(stream.linger().unwrap(), Some(Duration::ZERO));
        assert!(stream.take_error().unwrap().is_none());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        listener.set_ttl(33).unwrap();
        assert_eq!(listener.ttl().unwrap(), 33);
    });
}

#[test]
#[expect(deprecated, reason = "the deprecated ones are tested, too")]
fn of_a_udp_socket() {
    block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        for on in [true, false] {
            socket.set_broadcast(on).unwrap();
            socket.set_multicast_loop_v4(on).unwrap();
            assert_eq!((socket.broadcast().unwrap(), socket.multicast_loop_v4().unwrap()), (on, on));
        }
        socket.set_multicast_ttl_v4(7).unwrap();
        socket.set_ttl(8).unwrap();
        socket.set_tos_v4(0x10).unwrap();
        assert_eq!((socket.multicast_ttl_v4().unwrap(), socket.ttl().unwrap()), (7, 8));
        assert_eq!((socket.tos_v4().unwrap(), socket.tos().unwrap()), (0x10, 0x10));
        assert_eq!(socket.device().unwrap(), None);
        let v6 = UdpSocket::bind("[::1]:0").await.unwrap();
        v6.set_multicast_loop_v6(false).unwrap();
        assert!(!v6.multicast_loop_v6().unwrap());
        v6.set_tclass_v6(64).unwrap();
        assert_eq!(v6.tclass_v6().unwrap(), 64);
        v6.bind_device(None).unwrap();
    });
}

#[test]
fn multicast_reaches_its_group() {
    block_on(async {
        let group = Ipv4Addr::new(224, 0, 0, 251);
        let socket = UdpSocket::bind("0.0.0.0:0").await.unwrap();
        let joined = socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST);
        // Not every network namespace has multicast.
        if joined.is_ok() {
            let twice = socket.join_multicast_v4(group, Ipv4Addr::LOCALHOST);
            assert_eq!(twice.unwrap_err().kind(), std::io::ErrorKind::AddrInUse);
            socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).unwrap();
            assert!(socket.leave_multicast_v4(group, Ipv4Addr::LOCALHOST).is_err());
        }
    });
}
