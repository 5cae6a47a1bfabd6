//! How far a buffered reader or writer has come with moving the position of what it wraps.
//!
//! The danger: moving takes several polls, and the caller may give up in between. Then the buffer must not speak for a
//! position that the wrapped stream has left, nor be thrown away when it speaks for the new one. So the phase tells
//! whether the wrapped stream has been told to move.

use super::super::AsyncSeek;
use std::io::{self, SeekFrom};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// The phases of a move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Repositioning {
    /// None is under way.
    Idle,
    /// Asked for; the wrapped stream has not been told.
    Asked(SeekFrom),
    /// The wrapped stream moves back over the buffered bytes, and then by this much more: the two together do not fit
    /// in one number.
    Rewinding(i64),
    /// The wrapped stream moves to where it was asked to.
    Moving,
}

/// Tells `stream` to move, when what is under way has ended.
pub(super) fn poll_start<S: AsyncSeek + ?Sized>(
    mut stream: Pin<&mut S>,
    cx: &mut Context<'_>,
    to: SeekFrom,
) -> Poll<io::Result<()>> {
    ready!(stream.as_mut().poll_complete(cx))?;
    Poll::Ready(stream.start_seek(to))
}
