//! Pipes, of this process and named.

use crate::net_unix::Place;
use runtime::io::{AsyncReadExt, AsyncWriteExt, Interest};
use runtime::net::unix::pipe::{self, OpenOptions, Receiver, Sender};
use runtime_tests::{Flavor, for_each_flavor, poll_once};
use std::fs::File;
use std::future::poll_fn;
use std::io::{ErrorKind, IoSlice, IoSliceMut, Read, Write};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::pin::pin;
use std::process::Command;

for_each_flavor!(
    there_and_through,
    the_end,
    nobody_reads,
    full_and_empty,
    trying,
    named,
    named_in_both_directions,
    one_writer_after_the_other,
    what_is_no_pipe,
    from_and_to_descriptors,
);

fn there_and_through(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut sender, mut receiver) = pipe::pipe().unwrap();
        let writer = runtime::spawn(async move {
            for round in 0..100_u8 {
                sender.write_all(&[round; 10_000]).await.unwrap();
            }
            sender.shutdown().await.unwrap();
            // A shutdown of a pipe does nothing; dropping it is what ends it.
            sender.write_all(b"end").await.unwrap();
        });
        let mut all = Vec::new();
        receiver.read_to_end(&mut all).await.unwrap();
        writer.await.unwrap();
        assert_eq!(all.len(), 1_000_003);
        assert!(all[..1_000_000].chunks(10_000).enumerate().all(|(round, chunk)| chunk == [round as u8; 10_000]));
    });
}

fn the_end(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut sender, mut receiver) = pipe::pipe().unwrap();
        sender.write_all(b"last words").await.unwrap();
        let waits = runtime::spawn(async move {
            let mut text = String::new();
            receiver.read_to_string(&mut text).await.unwrap();
            // The reader may have come to the end before the driver has heard of it.
            while !receiver.ready(Interest::READABLE).await.unwrap().is_read_closed() {
                runtime::task::yield_now().await;
            }
            assert_eq!(receiver.try_read(&mut [0]).unwrap(), 0);
            text
        });
        runtime::task::yield_now().await;
        drop(sender);
        assert_eq!(waits.await.unwrap(), "last words");
    });
}

fn nobody_reads(flavor: Flavor) {
    flavor.build().block_on(async {
        let (mut sender, receiver) = pipe::pipe().unwrap();
        sender.writable().await.unwrap();
        while sender.try_write(&[0; 4096]).is_ok() {}
        let waits = runtime::spawn(async move {
            let error = sender.write_all(b"x").await.unwrap_err();
            (error.kind(), sender.ready(Interest::WRITABLE).await.unwrap().is_write_closed())
        });
        runtime::task::yield_now().await;
        drop(receiver);
        assert_eq!(waits.await.unwrap(), (ErrorKind::BrokenPipe, true));
    });
}

fn full_and_empty(flavor: Flavor) {
    flavor.build().block_on(async {
        let (sender, mut receiver) = pipe::pipe().unwrap();
        assert!(poll_once(&mut pin!(receiver.readable())).is_pending());
        sender.writable().await.unwrap();
        let mut sent = 0;
        while let Ok(n) = sender.try_write(&[7; 1000]) {
            sent += n;
        }
        assert!(poll_once(&mut pin!(sender.writable())).is_pending());
        let mut all = vec![0; sent];
        receiver.read_exact(&mut all).await.unwrap();
        assert_eq!(all, vec![7; sent]);
        poll_fn(|cx| sender.poll_write_ready(cx)).await.unwrap();
        assert_eq!(receiver.read(&mut []).await.unwrap(), 0);
    });
}

fn trying(flavor: Flavor) {
    flavor.build().block_on(async {
        let (sender, receiver) = pipe::pipe().unwrap();
        assert_eq!(receiver.try_read(&mut [0]).unwrap_err().kind(), ErrorKind::WouldBlock);
        sender.writable().await.unwrap();
        assert_eq!(sender.try_write_vectored(&[IoSlice::new(b"ab"), IoSlice::new(b"cdef")]).unwrap(), 6);
        poll_fn(|cx| receiver.poll_read_ready(cx)).await.unwrap();
        let (mut a, mut b, mut rest) = ([0; 1], [0; 2], Vec::new());
        assert_eq!(receiver.try_read_vectored(&mut [IoSliceMut::new(&mut a), IoSliceMut::new(&mut b)]).unwrap(), 3);
        assert_eq!(receiver.try_read_buf(&mut rest).unwrap(), 3);
        assert_eq!((&a, &b, &rest[..]), (b"a", b"bc", &b"def"[..]));
        assert_eq!(sender.try_io(|| Ok(1)).unwrap(), 1);
        let blocked: std::io::Result<()> = receiver.try_io(|| Err(ErrorKind::WouldBlock.into()));
        assert_eq!(blocked.unwrap_err().kind(), ErrorKind::WouldBlock);
        assert_eq!(receiver.try_io(|| Ok(1)).unwrap_err().kind(), ErrorKind::WouldBlock);
    });
}

fn fifo(path: &Path) {
    assert!(Command::new("mkfifo").arg(path).status().unwrap().success());
}

fn named(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("fifo");
        fifo(&path);
        // ENXIO: nobody has it open to read.
        assert_eq!(OpenOptions::new().open_sender(&path).unwrap_err().raw_os_error(), Some(6));
        let mut receiver = OpenOptions::new().open_receiver(&path).unwrap();
        let mut sender = OpenOptions::new().open_sender(&path).unwrap();
        sender.write_all(b"hello").await.unwrap();
        let mut buf = [0; 5];
        receiver.read_exact(&mut buf).await.unwrap();
        assert_eq!(&buf, b"hello");
        drop(sender);
        assert_eq!(receiver.read(&mut buf).await.unwrap(), 0);
    });
}

fn named_in_both_directions(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("fifo");
        fifo(&path);
        let mut sender = OpenOptions::new().read_write(true).open_sender(&path).unwrap();
        let mut receiver = OpenOptions::new().read_write(true).open_receiver(&path).unwrap();
        sender.write_all(b"x").await.unwrap();
        drop(sender);
        assert_eq!(receiver.read_u8().await.unwrap(), b'x');
        // It holds a writing end itself: there is no end of the stream.
        assert!(poll_once(&mut pin!(receiver.read(&mut [0]))).is_pending());
    });
}

/// The end of the stream that the first writer leaves is over when the second one comes.
fn one_writer_after_the_other(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("fifo");
        fifo(&path);
        let mut receiver = OpenOptions::new().open_receiver(&path).unwrap();
        for round in 0..3_u8 {
            let mut sender = OpenOptions::new().open_sender(&path).unwrap();
            assert!(poll_once(&mut pin!(receiver.read(&mut [0]))).is_pending());
            sender.write_all(&[round]).await.unwrap();
            assert_eq!(receiver.read_u8().await.unwrap(), round);
            drop(sender);
            assert_eq!(receiver.read(&mut [0]).await.unwrap(), 0);
        }
    });
}

fn what_is_no_pipe(flavor: Flavor) {
    let place = Place::new();
    flavor.build().block_on(async {
        let path = place.at("file");
        std::fs::write(&path, "text").unwrap();
        let kind = |error: std::io::Error| error.kind();
        assert_eq!(OpenOptions::new().open_receiver(&path).map_err(kind).unwrap_err(), ErrorKind::InvalidInput);
        assert_eq!(Sender::from_file(File::open(&path).unwrap()).map_err(kind).unwrap_err(), ErrorKind::InvalidInput);
        let (reads, writes) = std::io::pipe().unwrap();
        let wrong = Sender::from_owned_fd(OwnedFd::from(reads)).map_err(kind);
        assert_eq!(wrong.unwrap_err(), ErrorKind::InvalidInput);
        let wrong = Receiver::from_owned_fd(OwnedFd::from(writes)).map_err(kind);
        assert_eq!(wrong.unwrap_err(), ErrorKind::InvalidInput);
        // A regular file cannot be waited for, checked or not.
        assert!(OpenOptions::new().unchecked(true).open_receiver(&path).is_err());
    });
}

fn from_and_to_descriptors(flavor: Flavor) {
    flavor.build().block_on(async {
        let (reads, mut writes) = std::io::pipe().unwrap();
        let mut receiver = Receiver::from_owned_fd(reads.into()).unwrap();
        writes.write_all(b"abc").unwrap();
        let mut buf = [0; 3];
        receiver.read_exact(&mut buf).await.unwrap();
        let mut blocking = File::from(receiver.into_blocking_fd().unwrap());
        let reader = std::thread::spawn(move || blocking.read(&mut [0; 8]).unwrap());
        let sender = Sender::from_file(File::from(OwnedFd::from(writes))).unwrap();
        sender.writable().await.unwrap();
        sender.try_write(b"defg").unwrap();
        assert_eq!(reader.join().unwrap(), 4);
        let fd = sender.into_nonblocking_fd().unwrap();
        let sender = Sender::from_owned_fd_unchecked(fd).unwrap();
        drop(Sender::from_file_unchecked(File::from(sender.into_nonblocking_fd().unwrap())).unwrap());
    });
}
