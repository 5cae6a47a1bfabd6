//! Readers and writers without a world outside: nothing, one byte for ever, and pipes in memory.

mod empty;
mod pipe;
mod repeat;
mod sink;
mod streams;

pub use empty::{Empty, empty};
pub use repeat::{Repeat, repeat};
pub use sink::{Sink, sink};
pub use streams::{DuplexStream, SimplexStream, duplex, simplex};

use crate::task::coop::poll_proceed;
use std::task::{Context, Poll, ready};

/// Takes a unit of the budget for something that is always ready: a task that lives of nothing else must yield too.
#[inline]
fn poll_always<T>(cx: &mut Context<'_>, value: T) -> Poll<T> {
    ready!(poll_proceed(cx)).made_progress();
    Poll::Ready(value)
}

/// `AsyncWrite` for what takes everything and keeps nothing.
macro_rules! write_into_the_void {
    () => {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            poll_always(cx, Ok(buf.len()))
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            poll_always(cx, Ok(bufs.iter().map(|buf| buf.len()).sum()))
        }

        #[inline]
        fn is_write_vectored(&self) -> bool {
            true
        }

        #[inline]
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            poll_always(cx, Ok(()))
        }

        #[inline]
        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            poll_always(cx, Ok(()))
        }
    };
}
use write_into_the_void;
