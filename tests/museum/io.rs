//! Bugs of streams, buffers and copies.

use runtime::io::*;
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::io::IoSlice;
use std::pin::{Pin, pin};
use std::sync::{Arc, Barrier};
use std::task::{Context, Poll, Wake, Waker};

/// A question lies in the proxy's buffered writer, and the client waits for the answer before it sends more: whoever
/// copies must flush while the reader has nothing. tokio had it in `copy` until 2021, in `copy_buf` until 2026.
///
/// Fault: `copy` flushes only when it has something left to write, or at the end.
#[test]
fn museum_i16_a_stalled_reader_flushes_the_writer() {
    fn check(copies: impl AsyncFn(&mut DuplexStream, &mut BufWriter<&mut DuplexStream>)) {
        let (mut client, mut from) = duplex(64);
        let (mut to, mut server) = duplex(64);
        let mut to = BufWriter::new(&mut to);
        let mut copying = pin!(copies(&mut from, &mut to));
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            block_on(client.write_all(b"question")).unwrap();
            assert!(copying.as_mut().poll(&mut cx).is_pending());
            let mut question = [0; 8];
            block_on(server.read_exact(&mut question)).unwrap();
            assert_eq!(&question, b"question");
        }
    }
    check(async |from, to| drop(copy(from, to).await));
    check(async |from, to| drop(copy_buf(&mut BufReader::new(from), to).await));
    check(async |from, to| {
        let mut to = join(empty_for_ever(), to);
        drop(copy_bidirectional(from, &mut to).await);
    });
}

/// A reader that never has anything.
fn empty_for_ever() -> impl AsyncRead + Unpin {
    struct Never;
    impl AsyncRead for Never {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            Poll::Pending
        }
    }
    Never
}

/// Two peers that both first want to get rid of their bytes: the copy must read on while it cannot write.
#[test]
fn museum_i16_reading_goes_on_while_the_writer_is_full() {
    let (mut client, mut a) = duplex(16);
    let (mut b, _server) = duplex(16);
    let mut copying = pin!(copy_bidirectional(&mut a, &mut b));
    let mut cx = Context::from_waker(Waker::noop());
    let mut sent = 0;
    for _ in 0..1000 {
        assert!(copying.as_mut().poll(&mut cx).is_pending());
        sent += give_up_after(1, client.write(&[1; 16])).map_or(0, |n| n.unwrap());
    }
    // One pipe on each side, and the buffer of the copy between them.
    assert!(sent >= 8 * 1024, "{sent} bytes");
}

/// A part of a line that was read before an error was dropped with the error.
#[test]
fn museum_i17_a_part_of_a_line_survives_an_error() {
    seeds(100, |mut dice| {
        let mut lines = Choppy::new("a line with ü\n".repeat(9).into_bytes(), &mut dice).errors(3).lines();
        let mut count = 0;
        loop {
            match block_on(lines.next_line()) {
                Ok(Some(line)) => {
                    assert_eq!(line, "a line with ü");
                    count += 1;
                }
                Ok(None) => break,
                Err(error) => assert_eq!(error.to_string(), "planned"),
            }
        }
        assert_eq!(count, 9);
    });
}

/// A read into a buffer without room was taken for the end of the first reader.
#[test]
fn museum_i17_a_read_of_no_length_does_not_end_a_chain() {
    let mut chain = (&b"first "[..]).chain(&b"second"[..]);
    assert_eq!(block_on(chain.read(&mut [])).unwrap(), 0);
    let mut all = String::new();
    block_on(chain.read_to_string(&mut all)).unwrap();
    assert_eq!(all, "first second");
}

/// A limit above what fits in a `usize`, and a length that overflows with it.
#[test]
fn museum_i17_take_does_not_overflow() {
    seeds(20, |mut dice| {
        let mut reader = Choppy::new(b"abc".to_vec(), &mut dice).take(u64::MAX);
        AsyncBufReadExt::consume(&mut reader, 0);
        let mut all = Vec::new();
        block_on(reader.read_to_end(&mut all)).unwrap();
        assert_eq!((&all[..], reader.limit()), (&b"abc"[..], u64::MAX - 3));
    });
}

/// A buffered reader moved a file that was still busy with the move before, which the file refuses.
#[test]
fn museum_i17_a_move_waits_for_the_one_before() {
    seeds(100, |mut dice| {
        let mut reader = BufReader::new(Choppy::new(b"abcdef".to_vec(), &mut dice));
        for _ in 0..10 {
            let (to, polls) = (dice.below(5), dice.below(3));
            let _ = give_up_after(polls, reader.seek(SeekFrom::Start(to as u64))).map(|moved| moved.unwrap());
        }
        // Started without waiting for the one that was given up.
        Pin::new(&mut reader).start_seek(SeekFrom::Start(3)).unwrap();
        assert_eq!(block_on(std::future::poll_fn(|cx| Pin::new(&mut reader).poll_complete(cx))).unwrap(), 3);
        assert_eq!(block_on(reader.read_u8()).unwrap(), b'd');
    });
}

/// Moving relative to a place in the buffer, by a number that does not fit together with the buffer's length.
#[test]
fn museum_i17_a_relative_move_does_not_overflow() {
    let mut reader = BufReader::new(std::io::Cursor::new(b"abcdef"));
    block_on(reader.read_u8()).unwrap();
    assert!(block_on(reader.seek(SeekFrom::Current(i64::MIN))).is_err());
    assert_eq!(block_on(reader.read_u8()).unwrap(), b'b', "a failed move has lost the place");
    assert!(block_on(reader.seek(SeekFrom::Current(i64::MAX))).is_ok());
    assert_eq!(block_on(reader.read(&mut [0])).unwrap(), 0);
}

/// A write of no length waited for room, and a read of no length for bytes.
#[test]
fn museum_i18_operations_of_no_length_do_not_wait() {
    let (mut one, mut other) = duplex(1);
    assert_eq!(give_up_after(1, other.read(&mut [])).unwrap().unwrap(), 0);
    block_on(one.write_u8(1)).unwrap();
    assert_eq!(give_up_after(1, one.write(&[])).unwrap().unwrap(), 0);
    assert_eq!(give_up_after(1, one.write_vectored(&[IoSlice::new(&[])])).unwrap().unwrap(), 0);
}

/// A stream whose `poll_read` takes as long as it is told to.
struct Slow {
    inside: Arc<Barrier>,
    go_on: Arc<Barrier>,
}

impl AsyncRead for Slow {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
        self.inside.wait();
        self.go_on.wait();
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Slow {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<Result<usize>> {
        Poll::Ready(Ok(buf.len()))
    }
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// The halves of a stream shared a spin lock: while one was in a long `poll_read`, the other burned its thread. Here it
/// says `Pending`, its thread is free, and it is woken when the stream is back.
#[test]
fn museum_i19_a_half_does_not_block_while_the_other_is_busy() {
    struct Flag(std::sync::mpsc::Sender<()>);
    impl Wake for Flag {
        fn wake(self: Arc<Self>) {
            self.0.send(()).unwrap();
        }
    }
    let (inside, go_on) = (Arc::new(Barrier::new(2)), Arc::new(Barrier::new(2)));
    let (mut read, mut write) = split(Slow { inside: inside.clone(), go_on: go_on.clone() });
    let reader = std::thread::spawn(move || {
        block_on(read.read(&mut [0; 4])).unwrap();
        read
    });
    inside.wait();
    let (woken, wakes) = std::sync::mpsc::channel();
    let waker = Waker::from(Arc::new(Flag(woken)));
    let mut cx = Context::from_waker(&waker);
    let mut writing = pin!(write.write(b"abc"));
    assert!(writing.as_mut().poll(&mut cx).is_pending());
    assert!(wakes.try_recv().is_err());
    go_on.wait();
    wakes.recv().unwrap();
    assert!(matches!(writing.as_mut().poll(&mut cx), Poll::Ready(Ok(3))));
    reader.join().unwrap();
}

/// A waker that uses the other half of the stream that wakes it: with the stream behind a lock, this never returned.
#[test]
fn museum_w1_a_waker_may_use_the_other_half() {
    struct UsesOther(parking_lot::Mutex<Option<ReadHalf<SimplexStream>>>);
    impl Wake for UsesOther {
        fn wake(self: Arc<Self>) {
            let mut half = self.0.lock();
            let _ = give_up_after(1, half.as_mut().expect("set before").read(&mut [0; 4]));
        }
    }
    let (mut read, mut write) = simplex(8);
    let hostile = Arc::new(UsesOther(parking_lot::Mutex::new(None)));
    let waker = Waker::from(hostile.clone());
    assert!(pin!(read.read(&mut [0; 4])).poll(&mut Context::from_waker(&waker)).is_pending());
    *hostile.0.lock() = Some(read);
    block_on(write.write_all(b"abc")).unwrap();
    let mut read = hostile.0.lock().take().unwrap();
    let mut buf = [0; 3];
    block_on(read.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"abc");
}

/// A stream that panics in one half must not lock the other out.
#[test]
fn museum_w2_a_panic_in_one_half_leaves_the_stream_to_the_other() {
    struct Panics;
    impl AsyncRead for Panics {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            panic!("planned");
        }
    }
    let (mut read, mut write) = split(join(Panics, Vec::new()));
    assert!(std::panic::catch_unwind(move || block_on(read.read(&mut [0; 4]))).is_err());
    block_on(write.write_all(b"abc")).unwrap();
}

/// A reader puts another, longer `ReadBuf` in the place of the one it was given: its bytes were never in the buffer.
#[test]
fn museum_m19_a_swapped_buffer_is_named_in_the_panic() {
    struct Swaps;
    impl AsyncRead for Swaps {
        fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<Result<()>> {
            *buf = ReadBuf::new(runtime_tests::leak_bytes([1; 64]));
            buf.advance(64);
            Poll::Ready(Ok(()))
        }
    }
    let named = |read: fn()| {
        let panic = std::panic::catch_unwind(read).expect_err("it was believed");
        let message = panic.downcast_ref::<&str>().map_or_else(String::new, |message| message.to_string());
        assert!(message.contains("broke its contract"), "{message}");
    };
    named(|| drop(block_on(Swaps.read(&mut [0; 4]))));
    named(|| drop(block_on(Swaps.read_buf(&mut Vec::with_capacity(4)))));
    named(|| drop(block_on(Swaps.read_to_end(&mut Vec::new()))));
    named(|| drop(block_on(Swaps.take(4).read(&mut [0; 9]))));
    named(|| drop(block_on(BufReader::new(Swaps).fill_buf()).map(<[u8]>::to_vec)));
    named(|| drop(block_on(copy(&mut Swaps, &mut sink()))));
}
