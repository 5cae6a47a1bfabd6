//! The halves of TCP and unix streams: what each does, what dropping one does, putting them together again.

use crate::net_tcp::pair;
use runtime::io::{AsyncReadExt, AsyncWriteExt, Interest};
use runtime::net::{TcpStream, UnixStream, tcp, unix};
use runtime_tests::{Flavor, for_each_flavor, poll_once};
use std::io::{ErrorKind, IoSlice, IoSliceMut};
use std::pin::pin;

for_each_flavor!(
    borrowed_halves,
    owned_halves_in_two_tasks,
    a_dropped_write_half_is_half_a_close,
    a_forgotten_write_half_closes_nothing,
    a_dropped_read_half_closes_nothing,
    shutdown_of_a_write_half,
    reunite,
    waiting_and_trying,
);

fn borrowed_halves(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut client, mut server) = pair().await;
        {
            let (mut read, mut write) = client.split();
            assert_eq!(read.peer_addr().unwrap(), server.local_addr().unwrap());
            assert_eq!(write.local_addr().unwrap(), server.peer_addr().unwrap());
            write.write_all(b"question").await.unwrap();
            let mut question = [0; 8];
            server.read_exact(&mut question).await.unwrap();
            server.write_all(b"answer").await.unwrap();
            let mut answer = [0; 6];
            assert_eq!(read.peek(&mut answer[..3]).await.unwrap(), 3);
            read.read_exact(&mut answer).await.unwrap();
            assert_eq!(&answer, b"answer");
            assert!(std::ptr::eq(read.as_ref(), write.as_ref()));
        }
        // Dropping them has closed nothing.
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        client.split().1.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);

        let (mut one, mut other) = UnixStream::pair().unwrap();
        let (mut read, mut write) = one.split();
        write.write_all(b"abc").await.unwrap();
        other.write_all(b"def").await.unwrap();
        let mut buf = [0; 3];
        read.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"def");
        assert!(read.peer_addr().unwrap().is_unnamed() && write.local_addr().unwrap().is_unnamed());
    });
}

fn owned_halves_in_two_tasks(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, server) = pair().await;
        let (mut read, mut write) = client.into_split();
        let echo = runtime::spawn(async move {
            let (mut read, mut write) = server.into_split();
            runtime::io::copy(&mut read, &mut write).await.unwrap()
        });
        let sender = runtime::spawn(async move {
            for round in 0..100_u32 {
                write.write_all(&[round as u8; 10_000]).await.unwrap();
            }
        });
        let mut all = Vec::new();
        read.read_to_end(&mut all).await.unwrap();
        sender.await.unwrap();
        assert_eq!(echo.await.unwrap(), 1_000_000);
        assert!(all.chunks(10_000).enumerate().all(|(round, chunk)| chunk == [round as u8; 10_000]));
    });
}

fn a_dropped_write_half_is_half_a_close(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let (mut read, write) = client.into_split();
        drop(write);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        server.write_all(b"still").await.unwrap();
        let mut buf = [0; 5];
        read.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"still");

        let (one, mut other) = UnixStream::pair().unwrap();
        let (mut read, write) = one.into_split();
        drop(write);
        assert_eq!(other.read(&mut [0]).await.unwrap(), 0);
        other.write_all(b"still").await.unwrap();
        read.read_exact(&mut buf).await.unwrap();
    });
}

fn a_forgotten_write_half_closes_nothing(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let (read, write) = client.into_split();
        write.forget();
        assert!(poll_once(&mut pin!(server.read(&mut [0]))).is_pending());
        server.writable().await.unwrap();
        drop(read);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    });
}

fn a_dropped_read_half_closes_nothing(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let (read, mut write) = client.into_split();
        drop(read);
        write.write_all(b"abc").await.unwrap();
        server.read_exact(&mut [0; 3]).await.unwrap();
        drop(write);
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
    });
}

fn shutdown_of_a_write_half(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let (mut read, mut write) = client.into_split();
        write.shutdown().await.unwrap();
        write.shutdown().await.unwrap();
        assert_eq!(server.read(&mut [0]).await.unwrap(), 0);
        assert_eq!(write.write(b"x").await.unwrap_err().kind(), ErrorKind::BrokenPipe);
        drop(write);
        server.write_all(b"x").await.unwrap();
        assert_eq!(read.read_u8().await.unwrap(), b'x');
    });
}

fn reunite(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, mut server) = pair().await;
        let (other, _server) = pair().await;
        let (read, write) = client.into_split();
        let (other_read, other_write) = other.into_split();
        let tcp::ReuniteError(read, other_write) = read.reunite(other_write).unwrap_err();
        let error = write.reunite(other_read).unwrap_err();
        assert!(error.to_string().contains("halves"), "{error}");
        let tcp::ReuniteError(other_read, write) = error;
        let mut client: TcpStream = read.reunite(write).unwrap();
        // Nothing was shut down on the way.
        client.write_all(b"x").await.unwrap();
        assert_eq!(server.read_u8().await.unwrap(), b'x');
        assert!(poll_once(&mut pin!(server.read(&mut [0]))).is_pending());
        drop(other_write.reunite(other_read).unwrap());

        let ((one, _keep), (other, _keep_too)) = (UnixStream::pair().unwrap(), UnixStream::pair().unwrap());
        let ((read, write), (other_read, other_write)) = (one.into_split(), other.into_split());
        let unix::ReuniteError(read, _) = read.reunite(other_write).unwrap_err();
        drop(other_read);
        let _one: UnixStream = write.reunite(read).unwrap();
    });
}

fn waiting_and_trying(flavor: Flavor) {
    flavor.build().block_on(async {
        let (client, server) = pair().await;
        let ((read, _write), (_read, write)) = (client.into_split(), server.into_split());
        assert_eq!(read.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        write.writable().await.unwrap();
        assert!(write.ready(Interest::WRITABLE).await.unwrap().is_writable());
        assert_eq!(write.try_write(b"ab").unwrap(), 2);
        assert_eq!(write.try_write_vectored(&[IoSlice::new(b"cd"), IoSlice::new(b"ef")]).unwrap(), 4);
        read.readable().await.unwrap();
        assert!(read.ready(Interest::READABLE).await.unwrap().is_readable());
        let (mut one, mut two, mut rest) = ([0; 1], [0; 2], Vec::with_capacity(8));
        assert_eq!(read.try_read(&mut one).unwrap(), 1);
        assert_eq!(read.try_read_vectored(&mut [IoSliceMut::new(&mut two)]).unwrap(), 2);
        assert_eq!(read.try_read_buf(&mut rest).unwrap(), 3);
        assert_eq!((&one, &two, &rest[..]), (b"a", b"bc", &b"def"[..]));
    });
}
