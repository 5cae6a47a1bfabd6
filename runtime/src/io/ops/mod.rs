//! The futures of the extension methods, one small struct each.
//!
//! Owns: [`Operation`], the future; [`Step`], what it does.
//! Not here: the methods and their documentation (`ext`); readers and writers that wrap others (`adapt`).
//!
//! An operation is plain data with a `poll_step(&mut self)`. [`Operation`] alone makes a future of it, which may not be
//! moved once polled: today nothing needs the pin, but whoever relies on `Unpin` would forbid us to ever need it.
//! `Send` and `Sync` follow from the fields, hence from the reader and the buffers.
//!
//! The dangers, and what each operation does about them:
//! - a reader or writer that lies about a count: [`taken`] and the lenders in `read_buf` panic before it is believed;
//! - `Interrupted` for ever: each retry takes a unit of the budget ([`poll_again`]), so that others get their turn;
//! - being dropped half-way: what an operation has taken out of its caller's hands (the bytes of a `String`) it puts
//!   back on drop.
//!
//! Rejected: `async fn` in the traits. The futures would have no name, so that a caller that is generic over the
//! extension trait could never show them to be `Send`; and thirty state machines would be larger than these structs.

pub(super) mod find;
// A borrow that the borrow checker cannot follow: see the head of the file.
#[allow(unsafe_code)]
pub(super) mod fill_buf;
pub(super) mod number;
pub(super) mod read;
pub(super) mod read_all;
pub(super) mod read_until;
pub(super) mod seek;
mod text;
pub(super) mod write;
pub(super) mod write_buf;

use crate::engine::budget::poll_proceed;
use pin_project_lite::pin_project;
use std::future::Future;
use std::io;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// What an operation does in each poll.
pub trait Step {
    /// What comes out in the end.
    type Output;

    /// Goes on until it is done or has to wait.
    fn poll_step(&mut self, cx: &mut Context<'_>) -> Poll<Self::Output>;
}

pin_project! {
    /// The future of an extension method.
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Operation<S> {
        step: S,
        #[pin]
        pinned: PhantomPinned,
    }
}

impl<S> Operation<S> {
    #[inline]
    pub(super) fn new(step: S) -> Operation<S> {
        Operation { step, pinned: PhantomPinned }
    }
}

impl<S: Step> Future for Operation<S> {
    type Output = S::Output;

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<S::Output> {
        self.project().step.poll_step(cx)
    }
}

/// Says whether an operation that failed with `error` is to be tried again.
///
/// `Ready(Ok(()))`: yes, it was interrupted. Takes a unit of the budget, so that endless interruptions yield.
#[inline]
pub(super) fn poll_again(cx: &mut Context<'_>, error: io::Error) -> Poll<io::Result<()>> {
    if error.kind() != io::ErrorKind::Interrupted {
        return Poll::Ready(Err(error));
    }
    ready!(poll_proceed(cx)).made_progress();
    Poll::Ready(Ok(()))
}

/// Waits for `$poll`, an attempt that is repeated when it was interrupted; other errors leave the function.
macro_rules! uninterrupted {
    ($cx:expr, $poll:expr) => {
        loop {
            match std::task::ready!($poll) {
                Ok(value) => break value,
                Err(error) => std::task::ready!($crate::io::ops::poll_again($cx, error))?,
            }
        }
    };
}
pub(super) use uninterrupted;

/// How many of `len` bytes a writer has taken, if it tells the truth.
#[inline]
#[track_caller]
pub(super) fn taken(n: usize, len: usize) -> usize {
    assert!(n <= len, "an `AsyncWrite` broke its contract: it claims to have taken {n} bytes of a buffer of {len}");
    n
}

/// The error of a writer that takes nothing although it was given something.
#[cold]
pub(super) fn takes_no_more() -> io::Error {
    io::Error::new(io::ErrorKind::WriteZero, "the writer takes no more bytes, but not all of them have been written")
}

/// The error of a reader that ends too early.
#[cold]
pub(super) fn ended_early(have: usize, want: usize) -> io::Error {
    io::Error::new(
        io::ErrorKind::UnexpectedEof,
        format!("the reader ended after {have} bytes, but {want} were asked for"),
    )
}
