//! TCP: connecting, accepting, reading, writing, waiting, closing.

use runtime::io::{AsyncReadExt, AsyncWriteExt, Interest, ReadBuf};
use runtime::net::{TcpListener, TcpStream};
use runtime_tests::{Flavor, WakeCount, for_each_flavor, poll_once};
use std::future::poll_fn;
use std::io::{self, ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

for_each_flavor!(
    echo,
    many_connections_at_once,
    connect_refused,
    connect_tries_each_address,
    shutdown_is_half_a_close,
    a_reset_is_an_error,
    what_was_sent_before_the_close_is_read,
    peek_takes_nothing_away,
    vectored,
    try_methods_never_wait,
    try_io_takes_readiness_back,
    a_users_would_block_keeps_the_end_of_the_stream,
    readable_is_ready_until_it_is_read,
    several_tasks_wait_for_one_socket,
    a_full_socket_waits_for_room,
    std_and_back,
    to_another_runtime_and_after_its_end,
    reads_and_writes_of_no_length,
    accept_by_polling,
);

/// Two ends of a connection.
pub(crate) async fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let connecting = TcpStream::connect(listener.local_addr().unwrap());
    let client = connecting.await.unwrap();
    let (server, peer) = listener.accept().await.unwrap();
    assert_eq!(peer, client.local_addr().unwrap());
    (client, server)
}

fn echo(flavor: Flavor) {
    flavor.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = runtime::spawn(async move {
            let (mut stream, peer) = listener.accept().await.unwrap();
            assert_eq!(peer, stream.peer_addr().unwrap());
            let mut buf = [0; 64];
            loop {
                match stream.read(&mut buf).await.unwrap() {
                    0 => break,
                    n => stream.write_all(&buf[..n]).await.unwrap(),
                }
            }
        });
        let mut client = TcpStream::connect(address).await.unwrap();
        for round in 0..100_u8 {
            client.write_all(&[round; 64]).await.unwrap();
            let mut answer = [0; 64];
            client.read_exact(&mut answer).await.unwrap();
            assert_eq!(answer, [round; 64]);
        }
        drop(client);
        server.await.unwrap();
    });
}

fn many_connections_at_once(flavor: Flavor) {
    flavor.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let server = runtime::spawn(async move {
            for _ in 0..200 {
                let (mut stream, _) = listener.accept().await.unwrap();
                drop(runtime::spawn(async move {
                    let number = stream.read_u32().await.unwrap();
                    stream.write_u32(number + 1).await.unwrap();
                }));
            }
        });
        let clients: Vec<_> = (0..200)
            .map(|number| {
                runtime::spawn(async move {
                    let mut stream = TcpStream::connect(address).await.unwrap();
                    stream.write_u32(number).await.unwrap();
                    assert_eq!(stream.read_u32().await.unwrap(), number + 1);
                })
            })
            .collect();
        for client in clients {
            client.await.unwrap();
        }
        server.await.unwrap();
    });
}

/// An address at which nobody listens: bound, and not listening.
fn deaf() -> (std::net::SocketAddr, std::net::UdpSocket) {
    loop {
        let udp = std::net::UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        if std::net::TcpListener::bind(address).is_ok() {
            return (address, udp);
        }
    }
}

fn connect_refused(flavor: Flavor) {
    flavor.build().block_on(async {
        let (address, _keeps_the_number) = deaf();
        let error = TcpStream::connect(address).await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    });
}

fn connect_tries_each_address(flavor: Flavor) {
    flavor.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (nobody, _keeps_the_number) = deaf();
        let addresses = [nobody, nobody, listener.local_addr().unwrap()];
        let stream = TcpStream::connect(&addresses[..]).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), addresses[2]);
        assert_eq!(TcpStream::connect(&addresses[..2]).await.unwrap_err().kind(), ErrorKind::ConnectionRefused);
        assert_eq!(TcpStream::connect(&addresses[..0]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        assert_eq!(TcpListener::bind(&addresses[..0]).await.unwrap_err().kind(), ErrorKind::InvalidInput);
        // The second can be had.
        let taken = [addresses[2], "127.0.0.1:0".parse().unwrap()];
        assert_ne!(TcpListener::bind(&taken[..]).await.unwrap().local_addr().unwrap(), addresses[2]);
    });
}

fn shutdown_is_half_a_close(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        client.write_all(b"question").await.unwrap();
        client.shutdown().await.unwrap();
        let mut question = String::new();
        server.read_to_string(&mut question).await.unwrap();
        assert_eq!(question, "question");
        server.write_all(b"answer").await.unwrap();
        drop(server);
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(answer, "answer");
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        // The connection is over: there is nobody to tell, and that is no error.
        client.shutdown().await.unwrap();
    });
}

fn a_reset_is_an_error(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, server) = pair().await;
        server.set_zero_linger().unwrap();
        drop(server);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap_err().kind(), ErrorKind::ConnectionReset);
        assert_eq!(client.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
    });
}

fn what_was_sent_before_the_close_is_read(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        server.write_all(&[7; 10_000]).await.unwrap();
        drop(server);
        client.readable().await.unwrap();
        let mut all = Vec::new();
        client.read_to_end(&mut all).await.unwrap();
        assert_eq!(all, [7; 10_000]);
        assert_eq!(client.read(&mut [0; 8]).await.unwrap(), 0);
        assert_eq!(client.try_read(&mut [0; 8]).unwrap(), 0);
    });
}

fn peek_takes_nothing_away(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        server.write_all(b"abcdef").await.unwrap();
        let mut buf = [0; 4];
        assert_eq!(client.peek(&mut buf).await.unwrap(), 4);
        let mut memory = [0; 9];
        let mut read_buf = ReadBuf::new(&mut memory);
        read_buf.put_slice(b"___");
        assert_eq!(poll_fn(|cx| client.poll_peek(cx, &mut read_buf)).await.unwrap(), 6);
        assert_eq!(read_buf.filled(), b"___abcdef");
        let mut all = [0; 6];
        client.read_exact(&mut all).await.unwrap();
        assert_eq!(&all, b"abcdef");
        drop(server);
        assert_eq!(client.peek(&mut buf).await.unwrap(), 0);
    });
}

fn vectored(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        assert!(runtime::io::AsyncWrite::is_write_vectored(&server));
        let n = server.write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b""), IoSlice::new(b"cde")]).await.unwrap();
        assert_eq!(n, 5);
        // More buffers than the system takes in one call: a prefix of them is written.
        let many = [IoSlice::new(b"z"); 3000];
        let n = server.write_vectored(&many).await.unwrap();
        assert!(n >= 1000, "{n}");
        let (mut one, mut two) = ([0; 2], [0; 3]);
        client.readable().await.unwrap();
        let n = client.try_read_vectored(&mut [IoSliceMut::new(&mut one), IoSliceMut::new(&mut two)]).unwrap();
        assert_eq!((n, &one, &two), (5, b"ab", b"cde"));
        server.writable().await.unwrap();
        assert_eq!(server.try_write_vectored(&[IoSlice::new(b"12"), IoSlice::new(b"3")]).unwrap(), 3);
        let mut rest = vec![0; n - 5];
        client.read_exact(&mut rest).await.unwrap();
    });
}

fn try_methods_never_wait(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, server) = pair().await;
        assert_eq!(client.try_read(&mut [0; 4]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(client.try_read_buf(&mut Vec::new()).unwrap_err().kind(), ErrorKind::WouldBlock);
        server.writable().await.unwrap();
        assert_eq!(server.try_write(b"abcdef").unwrap(), 6);
        client.readable().await.unwrap();
        let mut vec = Vec::with_capacity(2);
        assert_eq!(client.try_read_buf(&mut vec).unwrap(), 2);
        let mut buf = [0; 8];
        assert_eq!(client.try_read(&mut buf).unwrap(), 4);
        assert_eq!((&vec[..], &buf[..4]), (&b"ab"[..], &b"cdef"[..]));
        assert_eq!(client.try_read(&mut buf).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

fn try_io_takes_readiness_back(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, server) = pair().await;
        server.writable().await.unwrap();
        server.try_write(b"abc").unwrap();
        client.readable().await.unwrap();
        let refused: io::Result<()> = client.try_io(Interest::READABLE, || Err(ErrorKind::WouldBlock.into()));
        assert_eq!(refused.unwrap_err().kind(), ErrorKind::WouldBlock);
        let called: io::Result<()> = client.try_io(Interest::READABLE, || panic!("nothing is ready any more"));
        assert_eq!(called.unwrap_err().kind(), ErrorKind::WouldBlock);
        // A new event brings it back.
        server.try_write(b"def").unwrap();
        let mut buf = [0; 6];
        let mut calls = 0;
        let n = client
            .async_io(Interest::READABLE, || {
                calls += 1;
                client.try_io(Interest::READABLE, || {
                    use std::os::fd::AsFd;
                    let mut file = std::fs::File::from(client.as_fd().try_clone_to_owned()?);
                    file.read(&mut buf)
                })
            })
            .await
            .unwrap();
        assert_eq!((n, &buf, calls), (6, b"abcdef", 1));
    });
}

/// Fault: `async_io` takes the end of the stream back, which the system tells once, and the second call never comes.
fn a_users_would_block_keeps_the_end_of_the_stream(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, server) = pair().await;
        drop(server);
        client.readable().await.unwrap();
        let mut calls = 0;
        let answer = client.async_io(Interest::READABLE, || {
            calls += 1;
            if calls == 1 { Err(ErrorKind::WouldBlock.into()) } else { Ok(calls) }
        });
        assert_eq!(answer.await.unwrap(), 2);
    });
}

fn readable_is_ready_until_it_is_read(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, server) = pair().await;
        assert!(poll_once(&mut pin!(client.readable())).is_pending());
        server.writable().await.unwrap();
        server.try_write(b"abc").unwrap();
        for _ in 0..3 {
            client.readable().await.unwrap();
            assert!(client.ready(Interest::READABLE | Interest::WRITABLE).await.unwrap().is_readable());
            poll_fn(|cx| client.poll_read_ready(cx)).await.unwrap();
        }
        client.read_exact(&mut [0; 3]).await.unwrap();
        assert_eq!(client.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        assert!(poll_once(&mut pin!(client.readable())).is_pending());
        poll_fn(|cx| client.poll_write_ready(cx)).await.unwrap();
        drop(server);
        let ready = client.ready(Interest::READABLE).await.unwrap();
        assert!(ready.is_readable() && ready.is_read_closed());
    });
}

fn several_tasks_wait_for_one_socket(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let client = std::sync::Arc::new(client);
        let tasks: Vec<_> = (0..10)
            .map(|_| {
                let client = client.clone();
                runtime::spawn(async move {
                    loop {
                        client.readable().await.unwrap();
                        match client.try_read(&mut [0]) {
                            Ok(n) => break n,
                            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
                        }
                    }
                })
            })
            .collect();
        for _ in 0..10 {
            server.write_all(b"x").await.unwrap();
            runtime::task::yield_now().await;
        }
        for task in tasks {
            assert_eq!(task.await.unwrap(), 1);
        }
    });
}

fn a_full_socket_waits_for_room(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        let mut sent = 0;
        server.writable().await.unwrap();
        while let Ok(n) = server.try_write(&[1; 65536]) {
            sent += n;
        }
        assert!(poll_once(&mut pin!(server.write(b"x"))).is_pending());
        assert!(poll_once(&mut pin!(server.writable())).is_pending());
        let reader = runtime::spawn(async move {
            let mut all = Vec::new();
            client.read_to_end(&mut all).await.unwrap();
            all.len()
        });
        server.write_all(&[2; 1000]).await.unwrap();
        drop(server);
        assert_eq!(reader.await.unwrap(), sent + 1000);
    });
}

fn std_and_back(flavor: Flavor) {
    let runtime = flavor.build();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let mut std_client = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    listener.set_nonblocking(true).unwrap();
    let listener = {
        let _entered = runtime.enter();
        TcpListener::from_std(listener).unwrap()
    };
    let server = runtime.block_on(async {
        let (server, _) = listener.accept().await.unwrap();
        server.into_std().unwrap()
    });
    // Taken out, it is not registered any more, and can be registered again.
    server.set_nonblocking(false).unwrap();
    std_client.write_all(b"abc").unwrap();
    let mut buf = [0; 3];
    (&server).read_exact(&mut buf).unwrap();
    server.set_nonblocking(true).unwrap();
    runtime.block_on(async {
        let mut server = TcpStream::try_from(server).unwrap();
        std_client.write_all(b"def").unwrap();
        server.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"def");
        std_client.shutdown(Shutdown::Write).unwrap();
        assert_eq!(server.read(&mut buf).await.unwrap(), 0);
    });
    let listener = listener.into_std().unwrap();
    let _again = std::net::TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    listener.set_nonblocking(false).unwrap();
    listener.accept().unwrap();
}

fn to_another_runtime_and_after_its_end(flavor: Flavor) {
    let (one, two) = (flavor.build(), Flavor::MultiThread(1).build());
    let (mut client, mut server, listener) = two.block_on(async {
        let (client, server) = pair().await;
        (client, server, TcpListener::bind("127.0.0.1:0").await.unwrap())
    });
    one.block_on(async {
        client.write_all(b"abc").await.unwrap();
        let mut buf = [0; 3];
        server.read_exact(&mut buf).await.unwrap();
        // Waits while its runtime ends.
        let waits = runtime::spawn(async move {
            let error = server.read(&mut [0; 3]).await.unwrap_err();
            (server, error)
        });
        runtime::task::yield_now().await;
        two.shutdown_background();
        let (mut server, _) = waits.await.unwrap();
        assert!(client.write(b"x").await.is_err());
        assert!(server.read(&mut [0; 3]).await.is_err());
        assert!(server.try_read(&mut [0; 3]).is_err());
        assert!(server.readable().await.is_err());
        assert!(server.ready(Interest::WRITABLE).await.is_err());
        assert!(listener.accept().await.is_err());
        assert!(poll_fn(|cx| listener.poll_accept(cx)).await.is_err());
    });
}

fn reads_and_writes_of_no_length(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        assert_eq!(server.write(b"").await.unwrap(), 0);
        server.write_all(b"x").await.unwrap();
        assert_eq!(client.read(&mut []).await.unwrap(), 0);
        assert_eq!(client.read_u8().await.unwrap(), b'x');
    });
}

fn accept_by_polling(flavor: Flavor) {
    flavor.build().block_on(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let wakes = WakeCount::new();
        let waker = wakes.waker();
        assert!(listener.poll_accept(&mut Context::from_waker(&waker)).is_pending());
        let mut client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let (mut server, _) = poll_fn(|cx| listener.poll_accept(cx)).await.unwrap();
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        let mut memory = [0; 4];
        let mut buf = ReadBuf::new(&mut memory);
        let mut cx = Context::from_waker(&waker);
        let poll = Pin::new(&mut server);
        assert!(matches!(runtime::io::AsyncRead::poll_read(poll, &mut cx, &mut buf), Poll::Pending));
    });
}
