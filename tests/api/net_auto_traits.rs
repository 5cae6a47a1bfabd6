//! `Send`, `Sync`, `Unpin` and unwind safety of sockets and their futures: as tokio's.

use runtime::io::unix::{AsyncFd, AsyncFdReadyGuard, AsyncFdReadyMutGuard, TryIoError};
use runtime::io::{Interest, Ready};
use runtime::net::unix::{self, UCred, pipe};
use runtime::net::{
    TcpListener, TcpSocket, TcpStream, UdpSocket, UnixDatagram, UnixListener, UnixSocket, UnixStream, lookup_host, tcp,
};
use std::panic::{RefUnwindSafe, UnwindSafe};

#[test]
fn sockets() {
    fn all<T: Send + Sync + Unpin + UnwindSafe + RefUnwindSafe>() {}
    all::<TcpListener>();
    all::<TcpSocket>();
    all::<TcpStream>();
    all::<tcp::OwnedReadHalf>();
    all::<tcp::OwnedWriteHalf>();
    all::<tcp::ReadHalf<'_>>();
    all::<tcp::WriteHalf<'_>>();
    all::<UdpSocket>();
    all::<UnixDatagram>();
    all::<UnixListener>();
    all::<UnixSocket>();
    all::<UnixStream>();
    all::<unix::OwnedReadHalf>();
    all::<unix::OwnedWriteHalf>();
    all::<unix::SocketAddr>();
    all::<UCred>();
    all::<pipe::OpenOptions>();
    all::<pipe::Sender>();
    all::<pipe::Receiver>();
    all::<Interest>();
    all::<Ready>();
}

#[test]
fn of_any_descriptor() {
    fn all<T: Send + Sync + Unpin>() {}
    all::<AsyncFd<std::fs::File>>();
    all::<AsyncFdReadyGuard<'_, std::fs::File>>();
    all::<AsyncFdReadyMutGuard<'_, std::fs::File>>();
    all::<TryIoError>();
}

/// Only their types matter: none is polled.
#[test]
fn futures() {
    fn send_sync<T: Send + Sync>(_: T) {}

    #[expect(dead_code, clippy::too_many_arguments, reason = "its body is what is checked")]
    fn check(
        listener: &TcpListener,
        stream: &mut TcpStream,
        udp: &UdpSocket,
        unix: &UnixListener,
        datagram: &UnixDatagram,
        pipe: &pipe::Sender,
        fd: &mut AsyncFd<std::fs::File>,
        buf: &mut [u8],
    ) {
        send_sync(TcpListener::bind("localhost:0"));
        send_sync(TcpStream::connect("localhost:0"));
        send_sync(lookup_host("localhost:0"));
        send_sync(listener.accept());
        send_sync(stream.readable());
        send_sync(stream.writable());
        send_sync(stream.ready(Interest::READABLE));
        send_sync(stream.peek(buf));
        send_sync(stream.async_io(Interest::READABLE, || Ok(())));
        send_sync(UdpSocket::bind("localhost:0"));
        send_sync(udp.connect("localhost:0"));
        send_sync(udp.send(b""));
        send_sync(udp.send_to(b"", "localhost:0"));
        send_sync(udp.recv(buf));
        send_sync(udp.recv_from(buf));
        send_sync(udp.recv_buf(&mut Vec::new()));
        send_sync(udp.peek_sender());
        send_sync(UnixStream::connect("path"));
        send_sync(unix.accept());
        send_sync(datagram.send_to(b"", "path"));
        send_sync(datagram.recv_from(buf));
        send_sync(pipe.writable());
        send_sync(fd.readable());
        send_sync(fd.readable_mut());
        send_sync(fd.async_io(Interest::READABLE, |_| Ok(())));
    }
}

#[test]
fn interests_and_readiness_as_values() {
    assert_eq!(Interest::READABLE.add(Interest::WRITABLE), Interest::READABLE | Interest::WRITABLE);
    let mut interest = Interest::READABLE;
    interest |= Interest::ERROR | Interest::PRIORITY;
    assert!(interest.is_readable() && interest.is_error() && interest.is_priority() && !interest.is_writable());
    assert_eq!(interest.remove(Interest::WRITABLE), Some(interest));
    assert_eq!(Interest::READABLE.remove(Interest::READABLE), None);
    assert_eq!(format!("{:?}", Interest::READABLE | Interest::WRITABLE), "READABLE | WRITABLE");

    let mut ready = Ready::EMPTY;
    assert!(ready.is_empty());
    ready |= Ready::READABLE | Ready::WRITE_CLOSED;
    assert!(ready.is_readable() && ready.is_writable() && ready.is_write_closed() && !ready.is_read_closed());
    assert_eq!(ready - Ready::READABLE, Ready::WRITE_CLOSED);
    assert_eq!(ready & Ready::READABLE, Ready::READABLE);
    assert!(Ready::ALL.is_error() && Ready::ALL.is_priority() && Ready::EMPTY < Ready::READABLE);
    assert!(format!("{ready:?}").contains("is_readable: true"));
}
