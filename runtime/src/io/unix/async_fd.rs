//! Any descriptor, waited for.
//!
//! Owns: the object, and the errors around it.   Not here: the guards (`guards`), making one
//! (`raw`, because it is unsafe).

use super::raw::Raw;
use super::{AsyncFdReadyGuard, AsyncFdReadyMutGuard};
use crate::engine::Direction;
use crate::io::{Interest, Watched, expect_runtime};
use rustix::io::Errno;
use std::error::Error;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::task::{Context, Poll, ready};

/// Waits until a descriptor is ready, and leaves reading and writing to its owner: for sockets, pipes and devices that
/// this crate has no type for.
///
/// The descriptor must be non-blocking, and of a kind that can be waited for (a regular file cannot). A wait gives a
/// guard; when an operation then says `WouldBlock`, the guard must take the readiness back, which its `try_io` does by
/// itself. [`async_io`](AsyncFd::async_io) does all of it.
///
/// Readiness is remembered until it is taken back, and no event gets lost in between: one that arrives after the guard
/// was made is kept. Dropping the `AsyncFd` ends the registration before the descriptor is closed.
///
/// Any number of tasks may use the `async` methods at once. The `poll_*` methods remember one task per direction, the
/// one that has asked last.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # runtime::runtime::Runtime::new()?.block_on(async {
/// use runtime::io::Interest;
/// use runtime::io::unix::AsyncFd;
/// use std::io::{Read, Write};
/// use std::os::unix::net::UnixStream;
///
/// let (near, mut far) = UnixStream::pair()?;
/// near.set_nonblocking(true)?;
/// // SAFETY: a `UnixStream` keeps its descriptor open, and nobody exchanges it.
/// let near = unsafe { AsyncFd::register(near)? };
/// far.write_all(b"hello")?;
/// let mut buf = [0; 16];
/// let n = near.async_io(Interest::READABLE, |mut socket| socket.read(&mut buf)).await?;
/// assert_eq!(&buf[..n], b"hello");
/// # Ok(())
/// # })
/// # }
/// ```
pub struct AsyncFd<T: AsRawFd> {
    watched: Watched<Raw<T>>,
}

impl<T: AsRawFd> AsyncFd<T> {
    /// `raw` is the object itself where it has no descriptor; `what`, the function that a panic names.
    #[track_caller]
    pub(super) fn over(
        raw: Result<Raw<T>, T>,
        interest: Interest,
        what: &str,
    ) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
        expect_runtime(what);
        let raw = raw.map_err(|inner| AsyncFdRegisterError { inner, cause: Errno::BADF.into() })?;
        match Watched::with_interest(raw, interest, what) {
            Ok(watched) => Ok(AsyncFd { watched }),
            Err((raw, cause)) => Err(AsyncFdRegisterError { inner: raw.into_inner(), cause }),
        }
    }

    /// Ends the registration, unless that has happened.
    ///
    /// An object that has closed its descriptor or handed it on says another number now, or -1. The old number may be a
    /// stranger's since, whose registration must stay; ours ends when its descriptor is closed.
    fn take_apart(&mut self) -> Option<Raw<T>> {
        let gone = self.watched.get_if_whole().is_some_and(|raw| !raw.has_its_descriptor());
        if gone { self.watched.abandon() } else { self.watched.take_apart() }
    }

    pub(super) fn watched(&self) -> &Watched<Raw<T>> {
        &self.watched
    }

    /// The object.
    pub fn get_ref(&self) -> &T {
        self.watched.get().get()
    }

    /// The object. It must keep its descriptor.
    pub fn get_mut(&mut self) -> &mut T {
        self.watched.get_mut().get_mut()
    }

    /// Ends the registration and gives the object back. Its descriptor stays open and non-blocking.
    pub fn into_inner(mut self) -> T {
        self.take_apart().expect("BUG: an `AsyncFd` was taken apart twice").into_inner()
    }

    /// Waits until the descriptor can be read.
    pub fn poll_read_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.watched.poll_event(Direction::Read, cx))?;
        Poll::Ready(Ok(AsyncFdReadyGuard::new(self, event)))
    }

    /// Waits until the descriptor can be read, for a guard through which the object can be changed.
    pub fn poll_read_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.watched.poll_event(Direction::Read, cx))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard::new(self, event)))
    }

    /// Waits until the descriptor can be written.
    pub fn poll_write_ready<'a>(&'a self, cx: &mut Context<'_>) -> Poll<io::Result<AsyncFdReadyGuard<'a, T>>> {
        let event = ready!(self.watched.poll_event(Direction::Write, cx))?;
        Poll::Ready(Ok(AsyncFdReadyGuard::new(self, event)))
    }

    /// Waits until the descriptor can be written, for a guard through which the object can be changed.
    pub fn poll_write_ready_mut<'a>(
        &'a mut self,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<AsyncFdReadyMutGuard<'a, T>>> {
        let event = ready!(self.watched.poll_event(Direction::Write, cx))?;
        Poll::Ready(Ok(AsyncFdReadyMutGuard::new(self, event)))
    }

    /// Waits until something of `interest` is ready.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn ready(&self, interest: Interest) -> io::Result<AsyncFdReadyGuard<'_, T>> {
        let event = self.watched.event(interest).await?;
        Ok(AsyncFdReadyGuard::new(self, event))
    }

    /// Waits until something of `interest` is ready, for a guard through which the object can be changed.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn ready_mut(&mut self, interest: Interest) -> io::Result<AsyncFdReadyMutGuard<'_, T>> {
        let event = self.watched.event(interest).await?;
        Ok(AsyncFdReadyMutGuard::new(self, event))
    }

    /// Waits until the descriptor can be read.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn readable<'a>(&'a self) -> io::Result<AsyncFdReadyGuard<'a, T>> {
        self.ready(Interest::READABLE).await
    }

    /// Waits until the descriptor can be read, for a guard through which the object can be changed.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn readable_mut<'a>(&'a mut self) -> io::Result<AsyncFdReadyMutGuard<'a, T>> {
        self.ready_mut(Interest::READABLE).await
    }

    /// Waits until the descriptor can be written.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn writable<'a>(&'a self) -> io::Result<AsyncFdReadyGuard<'a, T>> {
        self.ready(Interest::WRITABLE).await
    }

    /// Waits until the descriptor can be written, for a guard through which the object can be changed.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays ready until it is taken back.
    pub async fn writable_mut<'a>(&'a mut self) -> io::Result<AsyncFdReadyMutGuard<'a, T>> {
        self.ready_mut(Interest::WRITABLE).await
    }

    /// Waits until something of `interest` is ready and calls `f`, again and again as long as it says `WouldBlock`.
    ///
    /// `f` should say so only because the descriptor did.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: `f` is either not called, or its result returned.
    pub async fn async_io<R>(&self, interest: Interest, mut f: impl FnMut(&T) -> io::Result<R>) -> io::Result<R> {
        self.watched.users_async_io(interest, |raw| f(raw.get())).await
    }

    /// [`async_io`](AsyncFd::async_io) with an object that can be changed.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: `f` is either not called, or its result returned.
    pub async fn async_io_mut<R>(
        &mut self,
        interest: Interest,
        mut f: impl FnMut(&mut T) -> io::Result<R>,
    ) -> io::Result<R> {
        self.watched.users_async_io_mut(interest, |raw| f(raw.get_mut())).await
    }

    /// Calls `f` if something of `interest` is ready, and takes the readiness back if it says `WouldBlock`.
    ///
    /// `f` should say so only because the descriptor did, and do one kind of operation; give one interest.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is ready; otherwise what `f` says.
    pub fn try_io<R>(&self, interest: Interest, f: impl FnOnce(&T) -> io::Result<R>) -> io::Result<R> {
        self.watched.users_try_io(interest, |raw| f(raw.get()))
    }

    /// [`try_io`](AsyncFd::try_io) with an object that can be changed.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is ready; otherwise what `f` says.
    pub fn try_io_mut<R>(&mut self, interest: Interest, f: impl FnOnce(&mut T) -> io::Result<R>) -> io::Result<R> {
        self.watched.users_try_io_mut(interest, |raw| f(raw.get_mut()))
    }
}

impl<T: AsRawFd> Drop for AsyncFd<T> {
    fn drop(&mut self) {
        drop(self.take_apart());
    }
}

impl<T: AsRawFd> AsRawFd for AsyncFd<T> {
    fn as_raw_fd(&self) -> RawFd {
        self.get_ref().as_raw_fd()
    }
}

impl<T: AsRawFd> AsFd for AsyncFd<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.watched.get().as_fd()
    }
}

impl<T: fmt::Debug + AsRawFd> fmt::Debug for AsyncFd<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AsyncFd").field("inner", self.get_ref()).finish()
    }
}

/// A guard's `try_io` found that the operation would block.
#[derive(Debug)]
pub struct TryIoError(pub(super) ());

impl fmt::Display for TryIoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the operation would block: wait for the descriptor again")
    }
}

impl Error for TryIoError {}

/// Why a descriptor could not be registered, and the object that it belongs to.
pub struct AsyncFdRegisterError<T> {
    inner: T,
    cause: io::Error,
}

/// The old name of [`AsyncFdRegisterError`].
#[doc(hidden)]
#[deprecated(note = "it is called `AsyncFdRegisterError` now")]
pub type AsyncFdTryNewError<T> = AsyncFdRegisterError<T>;

impl<T> AsyncFdRegisterError<T> {
    /// The object, and why.
    pub fn into_parts(self) -> (T, io::Error) {
        (self.inner, self.cause)
    }
}

impl<T> fmt::Display for AsyncFdRegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl<T> fmt::Debug for AsyncFdRegisterError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.cause, f)
    }
}

impl<T> Error for AsyncFdRegisterError<T> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&self.cause)
    }
}

impl<T> From<AsyncFdRegisterError<T>> for io::Error {
    fn from(error: AsyncFdRegisterError<T>) -> Self {
        error.cause
    }
}
