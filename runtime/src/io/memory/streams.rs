//! Streams in memory: both directions between two ends, or one direction.
//!
//! Owns: the lock around each [`Pipe`] of a duplex; the budget; waking.
//!
//! Nothing of the user runs under the lock: wakers are cloned before it is taken, and woken and dropped after it has
//! been given back ([`poll_pipe`]).

use super::super::adapt::split_halves;
use super::super::{AsyncRead, AsyncWrite, ReadBuf, ReadHalf, WriteHalf};
use super::pipe::{Effect, Pipe};
use crate::engine::budget::poll_proceed;
use parking_lot::Mutex;
use std::io::{self, IoSlice};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

/// Runs a step of a pipe until it is done or its task's waker has been left there.
///
/// The first try offers no waker, since most steps need none. A waker whose clone does not equal it (`will_wake`) is
/// offered once and then believed.
fn poll_pipe<R>(
    cx: &mut Context<'_>,
    mut step: impl FnMut(&mut Option<Waker>, &Waker) -> (Poll<R>, Effect, bool),
) -> Poll<R> {
    let unit = ready!(poll_proceed(cx));
    let mut offer = None;
    loop {
        let offered = offer.is_some();
        let (result, effect, is_left) = step(&mut offer, cx.waker());
        effect.run();
        if result.is_ready() {
            unit.made_progress();
            return result;
        }
        if offered || is_left {
            return Poll::Pending;
        }
        offer = Some(cx.waker().clone());
    }
}

/// One end of a two-way stream in memory, made by [`duplex`].
///
/// Dropping an end closes both directions: the other end reads what is on its way and then the end; its writes fail with
/// `BrokenPipe`, also those that wait for room.
#[derive(Debug)]
pub struct DuplexStream {
    incoming: Arc<Mutex<Pipe>>,
    outgoing: Arc<Mutex<Pipe>>,
}

// No code that panics runs under the lock.
impl UnwindSafe for DuplexStream {}
impl RefUnwindSafe for DuplexStream {}

/// Two ends of a stream in memory, as if they were connected sockets.
///
/// In each direction, up to `max_buf_size` bytes wait for the reader; then the writer waits.
///
/// # Panics
/// If `max_buf_size` is zero.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use runtime::io::{AsyncReadExt, AsyncWriteExt, duplex};
///
/// # let example = async {
/// let (mut client, mut server) = duplex(64);
/// client.write_all(b"ping").await?;
/// let mut buf = [0; 4];
/// server.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"ping");
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
#[track_caller]
pub fn duplex(max_buf_size: usize) -> (DuplexStream, DuplexStream) {
    let one = Arc::new(Mutex::new(Pipe::new(max_buf_size)));
    let two = Arc::new(Mutex::new(Pipe::new(max_buf_size)));
    (DuplexStream { incoming: one.clone(), outgoing: two.clone() }, DuplexStream { incoming: two, outgoing: one })
}

impl AsyncRead for DuplexStream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        poll_pipe(cx, |offer, own| {
            let mut pipe = self.incoming.lock();
            let (result, effect) = pipe.read(buf, offer);
            (result, effect, pipe.reader_is(own))
        })
        .map(Ok)
    }
}

impl AsyncWrite for DuplexStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_pipe(cx, |offer, own| {
            let mut pipe = self.outgoing.lock();
            let (result, effect) = pipe.write(bufs, offer);
            (result, effect, pipe.writer_is(own))
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let effect = self.outgoing.lock().close_write();
        effect.run();
        Poll::Ready(Ok(()))
    }
}

impl Drop for DuplexStream {
    fn drop(&mut self) {
        let ended = self.outgoing.lock().close_write();
        let gone = self.incoming.lock().close_read();
        ended.run();
        gone.run();
    }
}

/// A one-way stream in memory, made by [`simplex`] in two halves or by [`SimplexStream::new_unsplit`] in one piece.
///
/// What is written comes out again. [`shutdown`](crate::io::AsyncWriteExt::shutdown) is the end; dropping a half of it
/// is not.
#[derive(Debug)]
pub struct SimplexStream {
    pipe: Pipe,
}

/// The reading and the writing half of a [`SimplexStream`].
///
/// Up to `max_buf_size` bytes wait for the reader; then the writer waits. [`ReadHalf::unsplit`] makes one stream of the
/// halves.
///
/// # Panics
/// If `max_buf_size` is zero.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use runtime::io::{AsyncReadExt, AsyncWriteExt, simplex};
///
/// # let example = async {
/// let (mut reader, mut writer) = simplex(64);
/// writer.write_all(b"ping").await?;
/// let mut buf = [0; 4];
/// reader.read_exact(&mut buf).await?;
/// assert_eq!(&buf, b"ping");
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
#[track_caller]
pub fn simplex(max_buf_size: usize) -> (ReadHalf<SimplexStream>, WriteHalf<SimplexStream>) {
    split_halves(SimplexStream::new_unsplit(max_buf_size))
}

impl SimplexStream {
    /// In one piece, for one task that both writes and reads. See [`simplex`] for two halves.
    ///
    /// # Panics
    /// If `max_buf_size` is zero.
    #[track_caller]
    pub fn new_unsplit(max_buf_size: usize) -> SimplexStream {
        SimplexStream { pipe: Pipe::new(max_buf_size) }
    }
}

impl AsyncRead for SimplexStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        poll_pipe(cx, |offer, own| {
            let (result, effect) = self.pipe.read(buf, offer);
            (result, effect, self.pipe.reader_is(own))
        })
        .map(Ok)
    }
}

impl AsyncWrite for SimplexStream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        poll_pipe(cx, |offer, own| {
            let (result, effect) = self.pipe.write(bufs, offer);
            (result, effect, self.pipe.writer_is(own))
        })
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.pipe.close_write().run();
        Poll::Ready(Ok(()))
    }
}
