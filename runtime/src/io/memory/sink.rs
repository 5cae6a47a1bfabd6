//! A writer that takes everything.

use super::super::AsyncWrite;
use super::{poll_always, write_into_the_void};
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The writer of [`sink`].
pub struct Sink {
    _private: (),
}

/// A writer that takes all bytes and forgets them.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use runtime::io::{AsyncWriteExt, sink};
///
/// # let example = async {
/// assert_eq!(sink().write(b"some bytes").await?, 10);
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub fn sink() -> Sink {
    Sink { _private: () }
}

impl AsyncWrite for Sink {
    write_into_the_void!();
}

impl std::fmt::Debug for Sink {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.pad("Sink { .. }")
    }
}
