//! Several pieces at once: who hands them on in one write, and how much a buffer takes.

use bytes::{Buf, Bytes};
use runtime::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader, BufStream, BufWriter, ReadBuf, duplex, simplex};
use runtime_tests::evil::block_on;
use std::io::{self, ErrorKind, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// Takes all that it is given, and notes of how many pieces each write was.
#[derive(Debug, Default)]
struct Noting {
    vectored: bool,
    writes: Vec<usize>,
    bytes: Vec<u8>,
}

impl AsyncRead for Noting {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Noting {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.writes.push(1);
        self.bytes.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        assert!(self.vectored, "a vectored write to a writer that has none");
        self.writes.push(bufs.iter().filter(|buf| !buf.is_empty()).count());
        bufs.iter().for_each(|buf| self.bytes.extend_from_slice(buf));
        Poll::Ready(Ok(bufs.iter().map(|buf| buf.len()).sum()))
    }

    fn is_write_vectored(&self) -> bool {
        self.vectored
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

fn noting(vectored: bool) -> Noting {
    Noting { vectored, ..Noting::default() }
}

fn pieces() -> impl Buf {
    Bytes::from_static(b"one ").chain(Bytes::from_static(b"two ")).chain(Bytes::from_static(b"three"))
}

#[test]
fn d20_a_buf_of_several_pieces_goes_in_one_write_where_the_writer_can() {
    let mut writer = noting(true);
    assert_eq!(block_on(writer.write_buf(&mut pieces())).unwrap(), 13);
    assert_eq!((&writer.writes[..], &writer.bytes[..]), (&[3][..], &b"one two three"[..]));
    let mut writer = noting(true);
    block_on(writer.write_all_buf(&mut pieces())).unwrap();
    assert_eq!(writer.writes, [3]);
    let mut writer = noting(false);
    assert_eq!(block_on(writer.write_buf(&mut pieces())).unwrap(), 4);
    assert_eq!(writer.writes, [1]);
}

/// Whoever wraps a writer hands several pieces on as such, and says whether it can.
#[test]
fn d20_wrappers_hand_several_pieces_on() {
    fn check<W: AsyncWrite + Unpin>(mut writer: W, noted: impl Fn(&W) -> (usize, usize), vectored: bool, what: &str) {
        assert_eq!(writer.is_write_vectored(), vectored, "{what}");
        assert_eq!(block_on(writer.write_buf(&mut pieces())).unwrap(), if vectored { 13 } else { 4 }, "{what}");
        assert_eq!(noted(&writer), if vectored { (1, 3) } else { (1, 1) }, "{what}");
    }
    let count = |noting: &Noting| (noting.writes.len(), noting.writes[0]);
    for vectored in [true, false] {
        let mut writer = noting(vectored);
        check(&mut writer, |writer| count(writer), vectored, "&mut");
        check(Box::new(noting(vectored)), |writer| count(writer), vectored, "Box");
        check(Pin::new(Box::new(noting(vectored))), |writer| count(writer), vectored, "Pin");
        check(BufReader::new(noting(vectored)), |writer| count(writer.get_ref()), vectored, "BufReader");
        check(
            runtime::io::join(runtime::io::empty(), noting(vectored)),
            |writer| count(writer.writer()),
            vectored,
            "join",
        );
        let (read, write) = runtime::io::split(noting(vectored));
        assert_eq!(write.is_write_vectored(), vectored);
        let mut write = write;
        block_on(write.write_buf(&mut pieces())).unwrap();
        assert_eq!(count(&read.unsplit(write)), if vectored { (1, 3) } else { (1, 1) }, "split");
    }
    let mut stream = BufStream::with_capacity(1, 64, noting(false));
    assert!(stream.is_write_vectored());
    assert_eq!(block_on(stream.write_buf(&mut pieces())).unwrap(), 13);
}

fn slices<'a>(pieces: &'a [&'a [u8]]) -> Vec<IoSlice<'a>> {
    pieces.iter().map(|piece| IoSlice::new(piece)).collect()
}

/// Only the first piece was taken where all of them together were more than the buffer holds.
#[test]
fn d20_a_buf_writer_takes_as_much_as_fits() {
    let mut writer = BufWriter::with_capacity(8, noting(false));
    let n = block_on(writer.write_vectored(&slices(&[b"ab", b"", b"cd", b"ef", b"ghijkl"]))).unwrap();
    assert!((6..=8).contains(&n), "{n} bytes of the 8 that fit were taken");
    assert_eq!(writer.buffer(), &b"abcdefgh"[..n]);
    assert_eq!(writer.get_ref().writes, [0; 0], "there was room, and it has written");

    // What is there goes out first when not even the first piece fits behind it.
    let mut writer = BufWriter::with_capacity(8, noting(false));
    block_on(writer.write_all(b"1234567")).unwrap();
    let n = block_on(writer.write_vectored(&slices(&[b"", b"abc", b"def", b"ghi"]))).unwrap();
    assert!((6..=8).contains(&n), "{n} bytes of the 8 that fit were taken");
    assert_eq!((&writer.get_ref().bytes[..], writer.buffer()), (&b"1234567"[..], &b"abcdefgh"[..n]));

    // A first piece that is larger than the buffer goes past it, and the next ones into it.
    let mut writer = BufWriter::with_capacity(4, noting(false));
    let n = block_on(writer.write_vectored(&slices(&[b"abcdef", b"gh", b"ijk"]))).unwrap();
    assert!(n >= 6, "{n}");
    assert_eq!([&writer.get_ref().bytes[..], writer.buffer()].concat(), b"abcdefghijk"[..n]);
    assert_eq!(writer.get_ref().writes, [1]);

    // All of it fits, or nothing is there.
    let mut writer = BufWriter::with_capacity(8, noting(false));
    assert_eq!(block_on(writer.write_vectored(&slices(&[b"", b""]))).unwrap(), 0);
    assert_eq!(block_on(writer.write_vectored(&slices(&[b"abc", b"de"]))).unwrap(), 5);
    let mut writer = BufWriter::with_capacity(0, noting(false));
    assert_eq!(block_on(writer.write_vectored(&slices(&[b"", b"abc", b"de"]))).unwrap(), 3);
    assert_eq!(writer.get_ref().bytes, b"abc");
}

/// A write of nothing was taken by a pipe that takes nothing any more.
#[test]
fn d20_nothing_cannot_be_written_to_a_closed_pipe_either() {
    fn refused(written: io::Result<usize>) {
        assert_eq!(written.unwrap_err().kind(), ErrorKind::BrokenPipe);
    }
    let (mut one, other) = duplex(8);
    assert_eq!(block_on(one.write(b"")).unwrap(), 0);
    drop(other);
    refused(block_on(one.write(b"")));
    refused(block_on(one.write_vectored(&[])));
    refused(block_on(one.write_vectored(&slices(&[b"", b""]))));
    let (mut one, _other) = duplex(8);
    block_on(one.shutdown()).unwrap();
    refused(block_on(one.write(b"")));
    let (reader, mut writer) = simplex(8);
    assert_eq!(block_on(writer.write(b"")).unwrap(), 0);
    block_on(writer.shutdown()).unwrap();
    refused(block_on(writer.write(b"")));
    drop(reader);
}
