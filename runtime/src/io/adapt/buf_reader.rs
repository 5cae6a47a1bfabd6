//! A buffer in front of a reader.

use super::super::read_buf::poll_read_slice;
use super::super::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use super::repositioning::{Repositioning, poll_start};
use super::{BUFFER_SIZE, access_to_field, write_to_field};
use pin_project_lite::pin_project;
use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// Gives a reader a buffer: it is read in large pieces, however small the ones are that are asked for.
    ///
    /// Worth it for many small reads from a file or a socket; reads that are larger than the buffer go past it. What is
    /// in the buffer is lost when the `BufReader` is dropped. Writes go straight to what is wrapped.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncBufReadExt, BufReader};
    ///
    /// # let example = async {
    /// let mut reader = BufReader::new(&b"one\ntwo\n"[..]);
    /// let mut line = String::new();
    /// reader.read_line(&mut line).await?;
    /// assert_eq!(line, "one\n");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    pub struct BufReader<R> {
        #[pin]
        reader: R,
        memory: Box<[u8]>,
        // The buffered bytes are `memory[start..end]`.
        start: usize,
        end: usize,
        repositioning: Repositioning,
    }
}

impl<R: AsyncRead> BufReader<R> {
    /// With a buffer of 8 KiB.
    pub fn new(inner: R) -> Self {
        BufReader::with_capacity(BUFFER_SIZE, inner)
    }

    /// With a buffer of `capacity` bytes.
    ///
    /// # Panics
    /// If `capacity` is zero.
    #[track_caller]
    pub fn with_capacity(capacity: usize, inner: R) -> Self {
        assert!(capacity > 0, "a `BufReader` of capacity 0 could never read anything; give it at least 1 byte");
        BufReader::from_memory(inner, vec![0; capacity].into_boxed_slice(), 0..0)
    }
}

impl<R> BufReader<R> {
    pub(super) fn from_memory(reader: R, memory: Box<[u8]>, buffered: std::ops::Range<usize>) -> Self {
        let std::ops::Range { start, end } = buffered;
        BufReader { reader, memory, start, end, repositioning: Repositioning::Idle }
    }

    pub(super) fn into_memory(self) -> (R, Box<[u8]>, std::ops::Range<usize>) {
        (self.reader, self.memory, self.start..self.end)
    }

    access_to_field!(reader: R, "reader");

    /// The bytes that are in the buffer. Reads nothing.
    pub fn buffer(&self) -> &[u8] {
        &self.memory[self.start..self.end]
    }

    /// Before bytes are taken: a move that its caller gave up has made the buffer stale if the reader was told of it.
    #[inline]
    fn settle(self: Pin<&mut Self>) {
        if self.repositioning != Repositioning::Idle {
            let this = self.project();
            if !matches!(this.repositioning, Repositioning::Asked(_)) {
                (*this.start, *this.end) = (0, 0);
            }
            *this.repositioning = Repositioning::Idle;
        }
    }
}

impl<R: AsyncRead> AsyncRead for BufReader<R> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.as_mut().settle();
        if buf.remaining() == 0 {
            return Poll::Ready(Ok(()));
        }
        if self.start == self.end && buf.remaining() >= self.memory.len() {
            return self.project().reader.poll_read(cx, buf);
        }
        let available = ready!(self.as_mut().poll_fill_buf(cx))?;
        let n = available.len().min(buf.remaining());
        buf.put_slice(&available[..n]);
        self.consume(n);
        Poll::Ready(Ok(()))
    }
}

impl<R: AsyncRead> AsyncBufRead for BufReader<R> {
    #[inline]
    fn poll_fill_buf(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
        self.as_mut().settle();
        let this = self.project();
        if *this.start >= *this.end {
            (*this.start, *this.end) = (0, 0);
            *this.end = ready!(poll_read_slice(this.reader, cx, this.memory))?;
        }
        Poll::Ready(Ok(&this.memory[*this.start..*this.end]))
    }

    #[inline]
    fn consume(self: Pin<&mut Self>, amt: usize) {
        let this = self.project();
        *this.start = this.start.saturating_add(amt).min(*this.end);
    }
}

/// Moves the position of the reader and empties the buffer, also when the new position lies within it.
///
/// [`SeekFrom::Current`] counts from the byte that would be read next. If that number and the length of the buffer do
/// not fit in an `i64` together, the reader moves twice; should the second move fail, it stands where it would after
/// `SeekFrom::Current(0)`.
///
/// If the caller gives up waiting, the move has been made or not; the next read is from the one place or the other.
impl<R: AsyncRead + AsyncSeek> AsyncSeek for BufReader<R> {
    fn start_seek(self: Pin<&mut Self>, pos: SeekFrom) -> io::Result<()> {
        self.settle_and_ask(pos);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        loop {
            let mut this = self.as_mut().project();
            match *this.repositioning {
                Repositioning::Idle => return this.reader.poll_complete(cx),
                Repositioning::Asked(to) => {
                    let buffered = (*this.end - *this.start) as i64;
                    let (to, next) = match to {
                        SeekFrom::Current(by) => match by.checked_sub(buffered) {
                            Some(by) => (SeekFrom::Current(by), Repositioning::Moving),
                            None => (SeekFrom::Current(-buffered), Repositioning::Rewinding(by)),
                        },
                        to => (to, Repositioning::Moving),
                    };
                    let started = ready!(poll_start(this.reader.as_mut(), cx, to));
                    *this.repositioning = if started.is_ok() { next } else { Repositioning::Idle };
                    started?;
                }
                Repositioning::Rewinding(by) => {
                    let rewound = ready!(this.reader.poll_complete(cx));
                    *this.repositioning = Repositioning::Idle;
                    rewound?;
                    (*this.start, *this.end) = (0, 0);
                    *this.repositioning = Repositioning::Asked(SeekFrom::Current(by));
                }
                Repositioning::Moving => {
                    let moved = ready!(this.reader.poll_complete(cx));
                    *this.repositioning = Repositioning::Idle;
                    let position = moved?;
                    (*this.start, *this.end) = (0, 0);
                    return Poll::Ready(Ok(position));
                }
            }
        }
    }
}

impl<R> BufReader<R> {
    fn settle_and_ask(mut self: Pin<&mut Self>, to: SeekFrom) {
        self.as_mut().settle();
        *self.project().repositioning = Repositioning::Asked(to);
    }
}

impl<R: AsyncRead + AsyncWrite> AsyncWrite for BufReader<R> {
    write_to_field!(reader);
}

impl<R: fmt::Debug> fmt::Debug for BufReader<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffered = format_args!("{}/{}", self.end - self.start, self.memory.len());
        f.debug_struct("BufReader").field("reader", &self.reader).field("buffer", &buffered).finish()
    }
}
