//! UDP.

use runtime::io::{Interest, ReadBuf};
use runtime::net::UdpSocket;
use runtime_tests::{Flavor, for_each_flavor, poll_once};
use std::future::poll_fn;
use std::io::ErrorKind;
use std::pin::pin;
use std::sync::Arc;

for_each_flavor!(
    to_and_from_anywhere,
    connected,
    peeking,
    into_growing_buffers,
    trying_and_waiting,
    by_polling,
    a_long_message_is_cut,
    an_empty_message_is_a_message,
    a_refused_message_is_an_error_of_the_next,
    many_tasks_share_a_socket,
    std_and_back,
    after_the_runtime,
);

async fn two() -> (UdpSocket, UdpSocket) {
    (UdpSocket::bind("127.0.0.1:0").await.unwrap(), UdpSocket::bind("127.0.0.1:0").await.unwrap())
}

async fn connected_pair() -> (UdpSocket, UdpSocket) {
    let (one, other) = two().await;
    one.connect(other.local_addr().unwrap()).await.unwrap();
    other.connect(one.local_addr().unwrap()).await.unwrap();
    (one, other)
}

fn to_and_from_anywhere(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = two().await;
        let (here, there) = (one.local_addr().unwrap(), other.local_addr().unwrap());
        assert_eq!(one.send_to(b"hello", there).await.unwrap(), 5);
        let mut buf = [0; 16];
        assert_eq!(other.recv_from(&mut buf).await.unwrap(), (5, here));
        assert_eq!(&buf[..5], b"hello");
        // As text.
        other.send_to(b"back", here.to_string()).await.unwrap();
        assert_eq!(one.recv_from(&mut buf).await.unwrap(), (4, there));
        let nowhere: &[std::net::SocketAddr] = &[];
        assert_eq!(one.send_to(b"x", nowhere).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(one.peer_addr().unwrap_err().kind(), ErrorKind::NotConnected);
    });
}

fn connected(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        assert_eq!(one.peer_addr().unwrap(), other.local_addr().unwrap());
        let stranger = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        stranger.send_to(b"stranger", other.local_addr().unwrap()).await.unwrap();
        assert_eq!(one.send(b"friend").await.unwrap(), 6);
        let mut buf = [0; 16];
        assert_eq!(other.recv(&mut buf).await.unwrap(), 6);
        assert_eq!(&buf[..6], b"friend");
    });
}

fn peeking(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        let here = one.local_addr().unwrap();
        one.send(b"abcdef").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(other.peek(&mut buf).await.unwrap(), 4);
        assert_eq!(other.peek_from(&mut buf).await.unwrap(), (4, here));
        assert_eq!(other.peek_sender().await.unwrap(), here);
        assert_eq!(poll_fn(|cx| other.poll_peek_sender(cx)).await.unwrap(), here);
        assert_eq!(other.try_peek(&mut buf).unwrap(), 4);
        assert_eq!(other.try_peek_from(&mut buf).unwrap(), (4, here));
        assert_eq!(other.try_peek_sender().unwrap(), here);
        let mut memory = [0; 8];
        let mut read_buf = ReadBuf::new(&mut memory);
        poll_fn(|cx| other.poll_peek(cx, &mut read_buf)).await.unwrap();
        assert_eq!(read_buf.filled(), b"abcdef");
        read_buf.clear();
        assert_eq!(poll_fn(|cx| other.poll_peek_from(cx, &mut read_buf)).await.unwrap(), here);
        assert_eq!(read_buf.filled(), b"abcdef");
        let mut all = [0; 8];
        assert_eq!(other.recv(&mut all).await.unwrap(), 6);
        assert_eq!(other.try_peek(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(other.try_peek_sender().unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

fn into_growing_buffers(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        for text in ["one", "two", "three", "four"] {
            one.send(text.as_bytes()).await.unwrap();
        }
        let mut buf = Vec::with_capacity(64);
        assert_eq!(other.recv_buf(&mut buf).await.unwrap(), 3);
        assert_eq!(other.recv_buf_from(&mut buf).await.unwrap(), (3, one.local_addr().unwrap()));
        other.readable().await.unwrap();
        assert_eq!(other.try_recv_buf(&mut buf).unwrap(), 5);
        assert_eq!(other.try_recv_buf_from(&mut buf).unwrap().0, 4);
        assert_eq!(buf, b"onetwothreefour");
    });
}

fn trying_and_waiting(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        let mut buf = [0; 8];
        assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(other.try_recv_from(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(poll_once(&mut pin!(other.readable())).is_pending());
        one.writable().await.unwrap();
        assert_eq!(one.try_send(b"abc").unwrap(), 3);
        let third = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        third.writable().await.unwrap();
        assert_eq!(third.try_send_to(b"x", other.local_addr().unwrap()).unwrap(), 1);
        assert!(other.ready(Interest::READABLE).await.unwrap().is_readable());
        assert_eq!(other.try_recv(&mut buf).unwrap(), 3);
        let got = other.async_io(Interest::READABLE, || other.try_io(Interest::READABLE, || Ok(7))).await;
        // The stranger's message was not for a connected socket; only readiness is left, until somebody looks.
        assert_eq!(got.unwrap(), 7);
        assert_eq!(other.try_recv(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(other.try_io(Interest::READABLE, || Ok(7)).is_err());
    });
}

fn by_polling(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = two().await;
        let there = other.local_addr().unwrap();
        poll_fn(|cx| one.poll_send_ready(cx)).await.unwrap();
        assert_eq!(poll_fn(|cx| one.poll_send_to(cx, b"abc", there)).await.unwrap(), 3);
        poll_fn(|cx| other.poll_recv_ready(cx)).await.unwrap();
        let mut memory = [0; 8];
        let mut buf = ReadBuf::new(&mut memory);
        buf.put_slice(b"__");
        assert_eq!(poll_fn(|cx| other.poll_recv_from(cx, &mut buf)).await.unwrap(), one.local_addr().unwrap());
        assert_eq!(buf.filled(), b"__abc");
        one.connect(there).await.unwrap();
        assert_eq!(poll_fn(|cx| one.poll_send(cx, b"def")).await.unwrap(), 3);
        buf.clear();
        poll_fn(|cx| other.poll_recv(cx, &mut buf)).await.unwrap();
        assert_eq!(buf.filled(), b"def");
    });
}

fn a_long_message_is_cut(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        one.send(b"long message").await.unwrap();
        one.send(b"next").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(other.recv(&mut buf).await.unwrap(), 4);
        assert_eq!(&buf, b"long");
        assert_eq!(other.recv_from(&mut buf).await.unwrap().0, 4);
        assert_eq!(&buf, b"next");
    });
}

fn an_empty_message_is_a_message(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        assert_eq!(one.send(b"").await.unwrap(), 0);
        one.send(b"x").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(other.recv(&mut buf).await.unwrap(), 0);
        assert_eq!(other.recv(&mut buf).await.unwrap(), 1);
        // A buffer without room takes a message away as well.
        one.send(b"lost").await.unwrap();
        one.send(b"y").await.unwrap();
        assert_eq!(other.recv(&mut []).await.unwrap(), 0);
        assert_eq!(other.recv(&mut buf).await.unwrap(), 1);
    });
}

fn a_refused_message_is_an_error_of_the_next(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        drop(other);
        one.send(b"x").await.unwrap();
        let error = one.recv(&mut [0; 4]).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
        // It was an event and is over.
        assert!(poll_once(&mut pin!(one.recv(&mut [0; 4]))).is_pending());
        assert!(one.take_error().unwrap().is_none());
    });
}

fn many_tasks_share_a_socket(flavor: Flavor) {
    flavor.build().block_on(async {
        let (one, other) = connected_pair().await;
        let other = Arc::new(other);
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let other = other.clone();
                runtime::spawn(async move {
                    let mut buf = [0; 4];
                    let n = other.recv(&mut buf).await.unwrap();
                    usize::from(buf[0]) * n
                })
            })
            .collect();
        for number in 0..10_u8 {
            one.send(&[number]).await.unwrap();
        }
        let mut sum = 0;
        for task in tasks {
            sum += task.await.unwrap();
        }
        assert_eq!(sum, 45);
    });
}

fn std_and_back(flavor: Flavor) {
    flavor.build().block_on(async {
        let std_socket = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        std_socket.set_nonblocking(true).unwrap();
        let socket = UdpSocket::from_std(std_socket).unwrap();
        let std_socket = socket.into_std().unwrap();
        let address = std_socket.local_addr().unwrap();
        let socket = UdpSocket::try_from(std_socket).unwrap();
        socket.send_to(b"self", address).await.unwrap();
        assert_eq!(socket.recv_from(&mut [0; 8]).await.unwrap(), (4, address));
    });
}

fn after_the_runtime(flavor: Flavor) {
    let ends = Flavor::MultiThread(1).build();
    let socket = ends.block_on(async { UdpSocket::bind("127.0.0.1:0").await.unwrap() });
    flavor.build().block_on(async {
        let waits = runtime::spawn(async move {
            let error = socket.recv(&mut [0; 4]).await.unwrap_err();
            (socket, error)
        });
        runtime::task::yield_now().await;
        ends.shutdown_background();
        let (socket, _) = waits.await.unwrap();
        let to = socket.local_addr().unwrap();
        assert!(socket.send_to(b"x", to).await.is_err());
        // tokio still tries what was ready.
        #[cfg(not(feature = "oracle"))]
        assert!(socket.try_send_to(b"x", to).is_err());
        assert!(socket.recv_from(&mut [0; 4]).await.is_err());
    });
}
