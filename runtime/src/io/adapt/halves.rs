//! A stream in two halves, one to read and one to write, for two tasks.
//!
//! Owns: the stream, while neither half uses it, and the wakers of halves that wait for their turn.
//!
//! A half that is polled takes the stream out, uses it, and puts it back. Finding it gone, it leaves its waker and says
//! `Pending`; who puts the stream back wakes it. The mutex is held to take and to put, never while the stream works: its
//! code, its wakers and its drop are the user's, and may come back here on the same thread.
//!
//! The danger: the stream is put back just before the other half leaves its waker, and nobody wakes it. Both happen
//! under the one mutex, so either the half finds the stream, or who puts it back finds the waker.
//!
//! Rejected: a mutex around the stream (tokio's way). A slow `poll_read` then blocks the other task's thread, and a
//! waker or stream that uses the other half from within deadlocks.

use super::super::{AsyncRead, AsyncWrite, ReadBuf};
use parking_lot::Mutex;
use std::fmt;
use std::io::{self, IoSlice};
use std::mem;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// Makes a reading and a writing half of `stream`. [`ReadHalf::unsplit`] puts them together again.
///
/// The halves take turns: while one is inside a call of the stream, the other waits for it to return. Types with
/// halves of their own (`TcpStream::into_split`) do without.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use runtime::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
///
/// # let example = async {
/// let (here, mut there) = duplex(64);
/// let (mut read, mut write) = split(here);
/// write.write_all(b"question").await?;
/// there.write_all(b"answer").await?;
/// let mut answer = [0; 6];
/// read.read_exact(&mut answer).await?;
/// assert_eq!(&answer, b"answer");
/// let _here = read.unsplit(write);
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub fn split<T>(stream: T) -> (ReadHalf<T>, WriteHalf<T>)
where
    T: AsyncRead + AsyncWrite,
{
    let is_vectored = stream.is_write_vectored();
    let home = Home { stream: Some(Box::pin(stream)), waiting: [None, None] };
    let turns = Arc::new(Turns { home: Mutex::new(home), is_vectored });
    (ReadHalf { turns: turns.clone() }, WriteHalf { turns })
}

/// The reading half of a stream: see [`split`](split()).
pub struct ReadHalf<T> {
    turns: Arc<Turns<T>>,
}

/// The writing half of a stream: see [`split`](split()).
pub struct WriteHalf<T> {
    turns: Arc<Turns<T>>,
}

// A panic of the stream leaves it at home, so nothing here is seen half-done.
impl<T> UnwindSafe for ReadHalf<T> {}
impl<T> UnwindSafe for WriteHalf<T> {}
impl<T> RefUnwindSafe for ReadHalf<T> {}
impl<T> RefUnwindSafe for WriteHalf<T> {}

/// Who may use the stream.
struct Turns<T> {
    home: Mutex<Home<T>>,
    is_vectored: bool,
}

/// Where the stream is while neither half uses it.
struct Home<T> {
    stream: Option<Pin<Box<T>>>,
    /// The halves that found the stream gone: [`Half::Read`] and [`Half::Write`].
    waiting: [Option<Waker>; 2],
}

#[derive(Clone, Copy)]
enum Half {
    Read = 0,
    Write = 1,
}

impl<T> Turns<T> {
    /// Uses the stream when it is this half's turn.
    #[inline]
    fn poll_with<R>(
        &self,
        half: Half,
        cx: &mut Context<'_>,
        work: impl FnOnce(Pin<&mut T>, &mut Context<'_>) -> Poll<R>,
    ) -> Poll<R> {
        let taken = self.home.lock().stream.take();
        let taken = match taken {
            Some(stream) => Some(stream),
            None => self.take_or_wait(half, cx),
        };
        match taken {
            Some(stream) => {
                let mut turn = Turn { turns: self, stream: Some(stream) };
                // The turn ends, and the other half is woken, also when the stream panics.
                turn.stream.as_mut().map_or(Poll::Pending, |stream| work(stream.as_mut(), cx))
            }
            None => Poll::Pending,
        }
    }

    /// Takes the stream, or leaves a waker for when it is back. The waker is cloned outside of the lock, and the one that
    /// it replaces is dropped there.
    #[cold]
    fn take_or_wait(&self, half: Half, cx: &mut Context<'_>) -> Option<Pin<Box<T>>> {
        let mut waker = Some(cx.waker().clone());
        let mut home = self.home.lock();
        let stream = home.stream.take();
        if stream.is_none() {
            mem::swap(&mut home.waiting[half as usize], &mut waker);
        }
        drop(home);
        drop(waker);
        stream
    }
}

/// The time in which a half has the stream.
struct Turn<'a, T> {
    turns: &'a Turns<T>,
    stream: Option<Pin<Box<T>>>,
}

impl<T> Drop for Turn<'_, T> {
    fn drop(&mut self) {
        let mut home = self.turns.home.lock();
        home.stream = self.stream.take();
        let waiting = mem::take(&mut home.waiting);
        drop(home);
        waiting.into_iter().flatten().for_each(Waker::wake);
    }
}

impl<T> ReadHalf<T> {
    /// Do the two halves stem from the same [`split`](split())?
    pub fn is_pair_of(&self, other: &WriteHalf<T>) -> bool {
        other.is_pair_of(self)
    }

    /// Puts the halves together again.
    ///
    /// # Panics
    /// If they do not stem from the same [`split`](split()): ask [`is_pair_of`](ReadHalf::is_pair_of).
    ///
    /// # Examples
    /// A stream that may not be moved once it was polled cannot be taken out again:
    /// ```compile_fail,E0277
    /// # use runtime::io::{AsyncRead, AsyncWrite, split};
    /// fn there_and_back<T: AsyncRead + AsyncWrite>(stream: T) -> T {
    ///     let (read, write) = split(stream);
    ///     read.unsplit(write)
    /// }
    /// ```
    #[track_caller]
    pub fn unsplit(self, wr: WriteHalf<T>) -> T
    where
        T: Unpin,
    {
        assert!(
            self.is_pair_of(&wr),
            "`ReadHalf::unsplit` got the `WriteHalf` of another stream; ask `is_pair_of` before"
        );
        drop(wr);
        let stream = Arc::into_inner(self.turns).and_then(|turns| turns.home.into_inner().stream);
        // Nobody but the halves, which we own, has a reference or takes the stream out.
        *Pin::into_inner(stream.expect("BUG: both halves of a stream are here, but the stream is not"))
    }
}

impl<T> WriteHalf<T> {
    /// Do the two halves stem from the same [`split`](split())?
    pub fn is_pair_of(&self, other: &ReadHalf<T>) -> bool {
        Arc::ptr_eq(&self.turns, &other.turns)
    }
}

impl<T: AsyncRead> AsyncRead for ReadHalf<T> {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.turns.poll_with(Half::Read, cx, |stream, cx| stream.poll_read(cx, buf))
    }
}

impl<T: AsyncWrite> AsyncWrite for WriteHalf<T> {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        self.turns.poll_with(Half::Write, cx, |stream, cx| stream.poll_write(cx, buf))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.turns.poll_with(Half::Write, cx, |stream, cx| stream.poll_write_vectored(cx, bufs))
    }

    fn is_write_vectored(&self) -> bool {
        self.turns.is_vectored
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turns.poll_with(Half::Write, cx, |stream, cx| stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turns.poll_with(Half::Write, cx, |stream, cx| stream.poll_shutdown(cx))
    }
}

impl<T: fmt::Debug> fmt::Debug for ReadHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReadHalf").finish_non_exhaustive()
    }
}

impl<T: fmt::Debug> fmt::Debug for WriteHalf<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteHalf").finish_non_exhaustive()
    }
}
