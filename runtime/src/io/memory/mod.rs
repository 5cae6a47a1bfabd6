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

use crate::engine::budget::poll_proceed;
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

#[cfg(test)]
mod tests {
    use super::super::*;
    use crate::engine::budget::{Budget, with_budget};
    use std::pin::pin;
    use std::task::{Context, Poll, Waker};

    /// In a task, `hot_loop` must be `Pending` before long.
    fn yields(hot_loop: impl Future<Output = ()>) {
        let mut hot_loop = pin!(hot_loop);
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..3 {
            with_budget(Budget::PER_POLL, || assert_eq!(hot_loop.as_mut().poll(&mut cx), Poll::Pending));
        }
    }

    /// Loops of operations that are always ready must yield to other tasks (museum F4).
    #[test]
    fn what_is_always_ready_yields() {
        yields(async { while empty().read(&mut [0; 4]).await.is_ok() {} });
        yields(async { while empty().fill_buf().await.is_ok() {} });
        yields(async { while empty().write(b"x").await.is_ok() {} });
        yields(async { while empty().flush().await.is_ok() {} });
        yields(async { while empty().rewind().await.is_ok() {} });
        yields(async { while sink().write_vectored(&[]).await.is_ok() {} });
        yields(async { while repeat(1).read_exact(&mut [0; 4]).await.is_ok() {} });
        yields(async { drop(copy(&mut repeat(1), &mut sink()).await) });
        yields(async { drop(copy(&mut &vec![0; 1 << 24][..], &mut Vec::new()).await) });
        yields(async { drop(copy_buf(&mut BufReader::with_capacity(9, repeat(1)), &mut Vec::new()).await) });
        yields(async { drop(copy_bidirectional(&mut join(repeat(1), sink()), &mut join(repeat(1), sink())).await) });
        let (mut one, mut other) = duplex(64);
        yields(async { while one.write_u8(1).await.is_ok() && other.read_u8().await.is_ok() {} });
        let mut simplex = SimplexStream::new_unsplit(64);
        yields(async { while simplex.write_u8(1).await.is_ok() && simplex.read_u8().await.is_ok() {} });
    }

    /// A reader that is interrupted for ever must not keep the thread for ever.
    #[test]
    fn endless_interruptions_yield() {
        struct Interrupted;
        impl AsyncRead for Interrupted {
            fn poll_read(self: std::pin::Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<Result<()>> {
                Poll::Ready(Err(ErrorKind::Interrupted.into()))
            }
        }
        yields(async { drop(Interrupted.read_exact(&mut [0; 4]).await) });
        yields(async { drop(Interrupted.read_to_end(&mut Vec::new()).await) });
        yields(async { drop(copy(&mut Interrupted, &mut sink()).await) });
    }

    /// An operation that has to wait takes no budget.
    #[test]
    fn waiting_is_free() {
        let (mut one, _other) = duplex(1);
        let mut cx = Context::from_waker(Waker::noop());
        with_budget(Budget::PER_POLL, || {
            for _ in 0..1000 {
                assert!(pin!(one.read(&mut [0; 4])).poll(&mut cx).is_pending());
            }
            assert!(pin!(one.write(b"x")).poll(&mut cx).is_ready(), "the budget is gone");
        });
    }
}
