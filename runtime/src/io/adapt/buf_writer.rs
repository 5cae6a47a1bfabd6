//! A buffer in front of a writer.

use super::super::ops::{taken, takes_no_more, uninterrupted};
use super::super::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use super::repositioning::{Repositioning, poll_start};
use super::{BUFFER_SIZE, access_to_field, buf_read_from_field, read_from_field};
use pin_project_lite::pin_project;
use std::fmt;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// Gives a writer a buffer: it is written in large pieces, however small the ones are that come.
    ///
    /// Worth it for many small writes to a file or a socket; writes that are larger than the buffer go past it. What is
    /// in the buffer is lost when the `BufWriter` is dropped: call [`flush`](crate::io::AsyncWriteExt::flush) or
    /// [`shutdown`](crate::io::AsyncWriteExt::shutdown) before. Reads go straight to what is wrapped.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncWriteExt, BufWriter};
    ///
    /// # let example = async {
    /// let mut writer = BufWriter::new(Vec::new());
    /// for number in 0..4 {
    ///     writer.write_u8(number).await?;
    /// }
    /// assert_eq!(writer.get_ref(), &[]);
    /// writer.flush().await?;
    /// assert_eq!(writer.get_ref(), &[0, 1, 2, 3]);
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    pub struct BufWriter<W> {
        #[pin]
        writer: W,
        memory: Vec<u8>,
        // The capacity that was asked for; the `Vec` may have more.
        capacity: usize,
        // The buffered bytes are `memory[written..]`: those before are out, but the rest was still to go.
        written: usize,
        repositioning: Repositioning,
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// With a buffer of 8 KiB.
    pub fn new(inner: W) -> Self {
        BufWriter::with_capacity(BUFFER_SIZE, inner)
    }

    /// With a buffer of `cap` bytes.
    pub fn with_capacity(cap: usize, inner: W) -> Self {
        BufWriter::from_memory(inner, Vec::with_capacity(cap), cap)
    }

    /// Writes the buffer out. Interrupted writes are repeated.
    fn poll_empty(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut this = self.project();
        while *this.written < this.memory.len() {
            let rest = &this.memory[*this.written..];
            let n = uninterrupted!(cx, this.writer.as_mut().poll_write(cx, rest));
            if n == 0 {
                return Poll::Ready(Err(takes_no_more()));
            }
            *this.written += taken(n, rest.len());
        }
        this.memory.clear();
        *this.written = 0;
        Poll::Ready(Ok(()))
    }

    /// Makes room for `len` more bytes, if the buffer can have it.
    #[inline]
    fn poll_room(self: Pin<&mut Self>, cx: &mut Context<'_>, len: usize) -> Poll<io::Result<()>> {
        if len <= self.capacity - self.memory.len() { Poll::Ready(Ok(())) } else { self.poll_empty(cx) }
    }
}

impl<W: AsyncWrite> BufWriter<W> {
    /// Takes as much of `bufs` as fits into the buffer, which is written out before if the first of them does not; one that
    /// never would goes past it.
    fn poll_fill(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bufs: &[IoSlice<'_>]) -> Poll<io::Result<usize>> {
        let Some(first) = bufs.iter().find(|buf| !buf.is_empty()) else {
            return Poll::Ready(Ok(0));
        };
        if first.len() >= self.capacity {
            return self.poll_write(cx, first);
        }
        ready!(self.as_mut().poll_room(cx, first.len()))?;
        let this = self.project();
        let before = this.memory.len();
        for buf in bufs {
            let room = *this.capacity - this.memory.len();
            this.memory.extend_from_slice(&buf[..buf.len().min(room)]);
        }
        Poll::Ready(Ok(this.memory.len() - before))
    }
}

impl<W> BufWriter<W> {
    pub(super) fn from_memory(writer: W, memory: Vec<u8>, capacity: usize) -> Self {
        BufWriter { writer, memory, capacity, written: 0, repositioning: Repositioning::Idle }
    }

    /// What is wrapped, what has not been written, and the capacity.
    pub(super) fn into_memory(mut self) -> (W, Vec<u8>, usize) {
        self.memory.drain(..self.written);
        (self.writer, self.memory, self.capacity)
    }

    access_to_field!(writer: W, "writer");

    /// The bytes that are in the buffer, not yet written.
    pub fn buffer(&self) -> &[u8] {
        &self.memory[self.written..]
    }
}

impl<W: AsyncWrite> AsyncWrite for BufWriter<W> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        ready!(self.as_mut().poll_room(cx, buf.len()))?;
        let this = self.project();
        if buf.len() >= *this.capacity {
            return this.writer.poll_write(cx, buf);
        }
        this.memory.extend_from_slice(buf);
        Poll::Ready(Ok(buf.len()))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total = bufs.iter().map(|buf| buf.len()).fold(0, usize::saturating_add);
        if !self.writer.is_write_vectored() && total >= self.capacity {
            return self.poll_fill(cx, bufs);
        }
        ready!(self.as_mut().poll_room(cx, total))?;
        let this = self.project();
        if total >= *this.capacity {
            return this.writer.poll_write_vectored(cx, bufs);
        }
        bufs.iter().for_each(|buf| this.memory.extend_from_slice(buf));
        Poll::Ready(Ok(total))
    }

    /// Gathering in the buffer is efficient, whatever is wrapped.
    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_empty(cx))?;
        self.project().writer.poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(self.as_mut().poll_empty(cx))?;
        self.project().writer.poll_shutdown(cx)
    }
}

/// Writes the buffer out and then moves the position of the writer.
impl<W: AsyncWrite + AsyncSeek> AsyncSeek for BufWriter<W> {
    fn start_seek(self: Pin<&mut Self>, pos: SeekFrom) -> io::Result<()> {
        *self.project().repositioning = Repositioning::Asked(pos);
        Ok(())
    }

    fn poll_complete(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        if let Repositioning::Asked(to) = self.repositioning {
            ready!(self.as_mut().poll_empty(cx))?;
            let this = self.as_mut().project();
            let started = ready!(poll_start(this.writer, cx, to));
            *this.repositioning = Repositioning::Idle;
            started?;
        }
        self.project().writer.poll_complete(cx)
    }
}

impl<W: AsyncWrite + AsyncRead> AsyncRead for BufWriter<W> {
    read_from_field!(writer);
}

impl<W: AsyncWrite + AsyncBufRead> AsyncBufRead for BufWriter<W> {
    buf_read_from_field!(writer);
}

impl<W: fmt::Debug> fmt::Debug for BufWriter<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buffered = format_args!("{}/{}", self.memory.len() - self.written, self.capacity);
        f.debug_struct("BufWriter").field("writer", &self.writer).field("buffer", &buffered).finish()
    }
}
