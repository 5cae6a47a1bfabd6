//! Buffers for both directions of a stream.

use super::super::{AsyncBufRead, AsyncRead, AsyncSeek, AsyncWrite, ReadBuf};
use super::{BufReader, BufWriter, buf_read_from_field, read_from_field, write_to_field};
use pin_project_lite::pin_project;
use std::io::{self, IoSlice, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll};

pin_project! {
    /// A [`BufReader`] and a [`BufWriter`] around the same stream.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncBufReadExt, AsyncWriteExt, BufStream, duplex};
    ///
    /// # let example = async {
    /// let (here, there) = duplex(64);
    /// let (mut here, mut there) = (BufStream::new(here), BufStream::new(there));
    /// here.write_all(b"a line\n").await?;
    /// here.flush().await?;
    /// let mut line = String::new();
    /// there.read_line(&mut line).await?;
    /// assert_eq!(line, "a line\n");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[derive(Debug)]
    pub struct BufStream<RW> {
        #[pin]
        stream: BufReader<BufWriter<RW>>,
    }
}

impl<RW: AsyncRead + AsyncWrite> BufStream<RW> {
    /// With a buffer of 8 KiB in each direction.
    pub fn new(stream: RW) -> BufStream<RW> {
        BufStream { stream: BufReader::new(BufWriter::new(stream)) }
    }

    /// With buffers of these sizes.
    ///
    /// # Panics
    /// If `reader_capacity` is zero.
    #[track_caller]
    pub fn with_capacity(reader_capacity: usize, writer_capacity: usize, stream: RW) -> BufStream<RW> {
        let writer = BufWriter::with_capacity(writer_capacity, stream);
        BufStream { stream: BufReader::with_capacity(reader_capacity, writer) }
    }
}

impl<RW> BufStream<RW> {
    /// The stream that is wrapped.
    pub fn get_ref(&self) -> &RW {
        self.stream.get_ref().get_ref()
    }

    /// The stream that is wrapped. Using it directly goes past the buffers.
    pub fn get_mut(&mut self) -> &mut RW {
        self.stream.get_mut().get_mut()
    }

    /// The stream that is wrapped. Using it directly goes past the buffers.
    pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut RW> {
        self.project().stream.get_pin_mut().get_pin_mut()
    }

    /// Gives the stream back. What is in the buffers is lost.
    pub fn into_inner(self) -> RW {
        self.stream.into_inner().into_inner()
    }
}

impl<RW> From<BufReader<BufWriter<RW>>> for BufStream<RW> {
    fn from(stream: BufReader<BufWriter<RW>>) -> Self {
        BufStream { stream }
    }
}

/// Swaps the two; the buffers keep what is in them.
impl<RW> From<BufWriter<BufReader<RW>>> for BufStream<RW> {
    fn from(stream: BufWriter<BufReader<RW>>) -> Self {
        let (reader, to_write, capacity) = stream.into_memory();
        let (stream, memory, buffered) = reader.into_memory();
        let writer = BufWriter::from_memory(stream, to_write, capacity);
        BufStream { stream: BufReader::from_memory(writer, memory, buffered) }
    }
}

impl<RW: AsyncRead + AsyncWrite> AsyncRead for BufStream<RW> {
    read_from_field!(stream);
}

impl<RW: AsyncRead + AsyncWrite> AsyncBufRead for BufStream<RW> {
    buf_read_from_field!(stream);
}

impl<RW: AsyncRead + AsyncWrite> AsyncWrite for BufStream<RW> {
    write_to_field!(stream);
}

/// As with [`BufReader`] and [`BufWriter`]: what is to be written goes out first, and what was read in advance is
/// thrown away.
impl<RW: AsyncRead + AsyncWrite + AsyncSeek> AsyncSeek for BufStream<RW> {
    fn start_seek(self: Pin<&mut Self>, position: SeekFrom) -> io::Result<()> {
        self.project().stream.start_seek(position)
    }

    fn poll_complete(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<u64>> {
        self.project().stream.poll_complete(cx)
    }
}
