//! Streams in memory and halves of streams: against a queue, and what happens at their ends.

use runtime::io::{
    AsyncReadExt, AsyncWrite, AsyncWriteExt, DuplexStream, ErrorKind, ReadHalf, SimplexStream, WriteHalf, duplex,
    empty, join, repeat, simplex, sink, split,
};
use runtime_tests::evil::{Choppy, block_on, give_up_after, seeds};
use std::collections::VecDeque;
use std::io::IoSlice;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake, Waker};

/// Counts its wake-ups.
#[derive(Default)]
struct Count(AtomicUsize);

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn counting() -> (Arc<Count>, Waker) {
    let count = Arc::new(Count::default());
    (count.clone(), Waker::from(count))
}

impl Count {
    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

fn poll_with<F: Future>(waker: &Waker, future: F) -> Poll<F::Output> {
    std::pin::pin!(future).poll(&mut Context::from_waker(waker))
}

#[test]
fn a_pipe_is_a_queue_of_limited_length() {
    seeds(300, |mut dice| {
        let limit = 1 + dice.below(20);
        let (mut reader, mut writer) = simplex(limit);
        let (mut one, mut other) = duplex(limit);
        let mut model = VecDeque::new();
        for _ in 0..60 {
            let len = dice.below(30);
            if dice.one_in(2) {
                let data = dice.bytes(len, b"abcdefgh");
                let fits = len.min(limit - model.len());
                let (front, back) = data.split_at(len / 2);
                let slices = [IoSlice::new(front), IoSlice::new(back)];
                let expected = if len > 0 && fits == 0 { None } else { Some(fits) };
                let simple = give_up_after(1, writer.write_vectored(&slices)).map(Result::unwrap);
                let double = give_up_after(1, one.write(&data)).map(Result::unwrap);
                assert_eq!((simple, double), (expected, expected));
                model.extend(&data[..fits]);
            } else {
                let mut buf = (vec![0; len], vec![0; len]);
                let simple = give_up_after(1, reader.read(&mut buf.0)).map(Result::unwrap);
                let double = give_up_after(1, other.read(&mut buf.1)).map(Result::unwrap);
                let n = len.min(model.len());
                let expected = if len > 0 && n == 0 { None } else { Some(n) };
                assert_eq!((simple, double), (expected, expected));
                let taken: Vec<u8> = model.drain(..n).collect();
                assert_eq!((&buf.0[..n], &buf.1[..n]), (&taken[..], &taken[..]));
            }
        }
    });
}

#[test]
fn each_side_is_woken_by_the_other() {
    let (mut one, mut other) = duplex(1);
    let ((reads, reader), (writes, writer)) = (counting(), counting());
    assert!(poll_with(&reader, other.read_u8()).is_pending());
    assert!(poll_with(&writer, one.write_u8(1)).is_ready());
    assert_eq!(reads.get(), 1);
    assert!(poll_with(&writer, one.write_u8(2)).is_pending());
    assert!(poll_with(&reader, other.read_u8()).is_ready());
    assert_eq!(writes.get(), 1);
}

#[test]
fn the_waker_of_the_latest_poll_is_woken() {
    let (mut one, mut other) = duplex(1);
    let ((first, a), (second, b)) = (counting(), counting());
    assert!(poll_with(&a, other.read_u8()).is_pending());
    assert!(poll_with(&b, other.read_u8()).is_pending());
    block_on(one.write_u8(1)).unwrap();
    assert_eq!((first.get(), second.get()), (0, 1));
    let ((first, a), (second, b)) = (counting(), counting());
    assert!(poll_with(&a, one.write_u8(1)).is_pending());
    assert!(poll_with(&b, one.write_u8(1)).is_pending());
    drop(other);
    assert_eq!((first.get(), second.get()), (0, 1));
}

#[test]
fn shutdown_and_drop_end_what_the_other_side_reads() {
    for dropped in [false, true] {
        let (mut one, mut other) = duplex(64);
        let (reads, reader) = counting();
        assert!(poll_with(&reader, other.read(&mut [0; 8])).is_pending());
        block_on(one.write_all(b"last words")).unwrap();
        block_on(one.shutdown()).unwrap();
        assert_eq!(reads.get(), 1);
        assert_eq!(block_on(one.write(b"x")).unwrap_err().kind(), ErrorKind::BrokenPipe);
        if dropped {
            drop(one);
        } else {
            // The other direction is still open.
            block_on(other.write_all(b"back")).unwrap();
            let mut back = [0; 4];
            block_on(one.read_exact(&mut back)).unwrap();
            assert_eq!(&back, b"back");
        }
        let mut all = Vec::new();
        block_on(other.read_to_end(&mut all)).unwrap();
        assert_eq!(all, b"last words");
    }
}

#[test]
fn a_waiting_reader_is_woken_by_the_end_alone() {
    let end: [fn(DuplexStream) -> Option<DuplexStream>; 2] = [
        |mut one| {
            block_on(one.shutdown()).unwrap();
            Some(one)
        },
        |one| {
            drop(one);
            None
        },
    ];
    for end in end {
        let (one, mut other) = duplex(8);
        let (reads, reader) = counting();
        assert!(poll_with(&reader, other.read(&mut [0; 8])).is_pending());
        let _one = end(one);
        assert_eq!((reads.get(), block_on(other.read(&mut [0; 8])).unwrap()), (1, 0));
    }
}

#[test]
fn a_writer_without_a_reader_is_told_also_while_it_waits() {
    let (mut one, other) = duplex(1);
    block_on(one.write_u8(1)).unwrap();
    let (writes, writer) = counting();
    assert!(poll_with(&writer, one.write_u8(2)).is_pending());
    drop(other);
    assert_eq!(writes.get(), 1);
    assert_eq!(block_on(one.write_u8(2)).unwrap_err().kind(), ErrorKind::BrokenPipe);
    assert_eq!(block_on(one.read(&mut [0])).unwrap(), 0);
}

#[test]
fn pipes_carry_any_amount_between_threads() {
    let (mut one, mut other) = duplex(7);
    let data: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
    let expected = data.clone();
    // Two threads that park: a lost wake-up is a hang, which the watchdog of the test runner ends.
    let writer = std::thread::spawn(move || {
        park_on(async {
            one.write_all(&data).await.unwrap();
            one.shutdown().await.unwrap();
        })
    });
    let mut got = Vec::new();
    park_on(other.read_to_end(&mut got)).unwrap();
    writer.join().unwrap();
    assert!(got == expected);
}

#[test]
fn halves_carry_any_amount_between_threads() {
    let (mut reader, mut writer) = simplex(7);
    let data: Vec<u8> = (0..100_000u32).map(|i| i as u8).collect();
    let expected = data.clone();
    let thread = std::thread::spawn(move || {
        park_on(async {
            writer.write_all(&data).await.unwrap();
            writer.shutdown().await.unwrap();
        });
        writer
    });
    let mut got = Vec::new();
    park_on(reader.read_to_end(&mut got)).unwrap();
    let writer = thread.join().unwrap();
    assert!(got == expected && reader.is_pair_of(&writer));
}

/// Runs a future on this thread, which parks while it waits.
fn park_on<F: Future>(future: F) -> F::Output {
    struct Unpark(std::thread::Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = std::pin::pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(output) => return output,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[test]
fn halves_of_one_stream_find_together() {
    let (read, write) = simplex(8);
    let (other_read, other_write) = simplex(8);
    assert!(read.is_pair_of(&write) && write.is_pair_of(&read));
    assert!(!read.is_pair_of(&other_write) && !other_write.is_pair_of(&read));
    let mut whole: SimplexStream = read.unsplit(write);
    block_on(whole.write_all(b"through")).unwrap();
    let mut buf = [0; 7];
    block_on(whole.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"through");
    let panic = std::panic::catch_unwind(|| other_read.unsplit(simplex(8).1)).unwrap_err();
    assert!(cfg!(feature = "oracle") || panic.downcast_ref::<&str>().unwrap().contains("another stream"));
}

#[test]
fn halves_and_joins_pass_everything_on() {
    seeds(100, |mut dice| {
        let vectored = dice.one_in(2);
        let (mut read, mut write): (ReadHalf<Choppy>, WriteHalf<Choppy>) =
            split(Choppy::new(Vec::new(), &mut dice).vectored(vectored));
        assert_eq!(write.is_write_vectored(), vectored);
        block_on(write.write_all_buf(&mut bytes::Buf::chain(&b"some "[..], &b"bytes"[..]))).unwrap();
        block_on(write.flush()).unwrap();
        block_on(write.shutdown()).unwrap();
        assert_eq!(block_on(read.read(&mut [0; 3])).unwrap(), 0);
        let whole = read.unsplit(write);
        assert_eq!((&whole.bytes[..], whole.flushes, whole.shutdowns), (&b"some bytes"[..], 2, 1));

        let mut joined = join(whole.clone(), whole);
        assert_eq!(joined.is_write_vectored(), vectored);
        joined.reader_mut().at = 5;
        let mut rest = Vec::new();
        block_on(joined.read_to_end(&mut rest)).unwrap();
        block_on(joined.write_all(b"!")).unwrap();
        assert_eq!((&rest[..], &joined.into_inner().1.bytes[..]), (&b"bytes"[..], &b"some bytes!"[..]));
    });
}

#[test]
fn pipes_of_no_size_are_refused() {
    for make in [|| drop(duplex(0)), || drop(simplex(0)), || drop(SimplexStream::new_unsplit(0))] {
        let panic = std::panic::catch_unwind(make).unwrap_err();
        assert!(panic.downcast_ref::<&str>().unwrap().contains("max_buf_size"));
    }
}

#[test]
fn the_trivial_streams_do_what_they_say() {
    let mut buf = [1; 4];
    assert_eq!(block_on(empty().read(&mut buf)).unwrap(), 0);
    assert_eq!(block_on(empty().write(&buf)).unwrap(), 4);
    assert_eq!(block_on(sink().write(&buf)).unwrap(), 4);
    block_on(repeat(9).read_exact(&mut buf)).unwrap();
    assert_eq!(buf, [9; 4]);
    assert_eq!(format!("{:?} {:?} {:?}", empty(), sink(), repeat(9)), "Empty { .. } Sink { .. } Repeat { byte: 9 }");
}

#[test]
fn a_waker_may_come_back_to_the_stream_that_wakes_it() {
    /// Writes to and reads from the stream that wakes it: with a lock held there, this would never return.
    struct ComesBack(parking_lot::Mutex<Option<DuplexStream>>);
    impl Wake for ComesBack {
        fn wake(self: Arc<Self>) {
            if let Some(stream) = &mut *self.0.lock() {
                let mut cx = Context::from_waker(Waker::noop());
                let _ = Pin::new(&mut *stream).poll_write(&mut cx, b"x");
                let _ = give_up_after(1, stream.read(&mut [0; 9]));
            }
        }
    }
    let (mut one, mut other) = duplex(4);
    let back = Arc::new(ComesBack(parking_lot::Mutex::new(None)));
    let waker = Waker::from(back.clone());
    assert!(poll_with(&waker, other.read_u8()).is_pending());
    *back.0.lock() = Some(other);
    block_on(one.write_all(b"1")).unwrap();
    let mut buf = [0];
    block_on(one.read_exact(&mut buf)).unwrap();
    assert_eq!(&buf, b"x", "the waker has been here");
}
