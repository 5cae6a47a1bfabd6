//! Both directions between two streams, until both have ended.

use super::super::adapt::BUFFER_SIZE;
use super::super::{AsyncRead, AsyncWrite};
use super::transfer::Transfer;
use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

/// Copies from `a` to `b` and from `b` to `a` at the same time, until both have ended. Tells how many bytes went from
/// `a` to `b`, and how many from `b` to `a`.
///
/// When one of them ends, the other is shut down, and copying goes on in the other direction: a proxy passes a
/// half-close on. Uses a buffer of 8 KiB in each direction.
///
/// # Errors
/// The first error of either stream ends both directions. Interrupted reads and writes are repeated.
///
/// # Cancel safety
/// Not cancel safe: bytes that have been read but not yet written are lost. So they are after an error.
///
/// # Examples
/// ```
/// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
/// use runtime::io::{AsyncWriteExt, copy_bidirectional, duplex};
///
/// # let example = async {
/// let (mut client, mut a) = duplex(64);
/// let (mut b, mut server) = duplex(64);
/// client.write_all(b"question").await?;
/// client.shutdown().await?;
/// server.write_all(b"answer").await?;
/// server.shutdown().await?;
/// assert_eq!(copy_bidirectional(&mut a, &mut b).await?, (8, 6));
/// # std::io::Result::Ok(())
/// # };
/// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
/// ```
pub async fn copy_bidirectional<A, B>(a: &mut A, b: &mut B) -> io::Result<(u64, u64)>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    copy_bidirectional_with_sizes(a, b, BUFFER_SIZE, BUFFER_SIZE).await
}

/// [`copy_bidirectional`] with buffers of these sizes.
///
/// # Errors
/// The first error of either stream ends both directions. Interrupted reads and writes are repeated.
///
/// # Panics
/// If a size is zero.
///
/// # Cancel safety
/// Not cancel safe: bytes that have been read but not yet written are lost. So they are after an error.
#[track_caller]
pub fn copy_bidirectional_with_sizes<A, B>(
    a: &mut A,
    b: &mut B,
    a_to_b_buf_size: usize,
    b_to_a_buf_size: usize,
) -> impl Future<Output = io::Result<(u64, u64)>>
where
    A: AsyncRead + AsyncWrite + Unpin + ?Sized,
    B: AsyncRead + AsyncWrite + Unpin + ?Sized,
{
    assert!(
        a_to_b_buf_size > 0 && b_to_a_buf_size > 0,
        "`copy_bidirectional_with_sizes` got a buffer of size 0, which could never carry a byte; give it at least 1"
    );
    async move {
        let mut there = Direction::Copying(Transfer::new(a_to_b_buf_size));
        let mut back = Direction::Copying(Transfer::new(b_to_a_buf_size));
        poll_fn(|cx| {
            let there = there.poll(cx, Pin::new(&mut *a), Pin::new(&mut *b))?;
            let back = back.poll(cx, Pin::new(&mut *b), Pin::new(&mut *a))?;
            Poll::Ready(Ok((ready!(there), ready!(back))))
        })
        .await
    }
}

/// How far a direction is.
enum Direction {
    Copying(Transfer),
    /// The reader has ended, the writer is being told.
    ShuttingDown(u64),
    Ended(u64),
}

impl Direction {
    fn poll<R: AsyncRead + ?Sized, W: AsyncWrite + ?Sized>(
        &mut self,
        cx: &mut Context<'_>,
        mut reader: Pin<&mut R>,
        mut writer: Pin<&mut W>,
    ) -> Poll<io::Result<u64>> {
        loop {
            match self {
                Direction::Copying(transfer) => {
                    let total = ready!(transfer.poll(cx, reader.as_mut(), writer.as_mut()))?;
                    *self = Direction::ShuttingDown(total);
                }
                Direction::ShuttingDown(total) => {
                    ready!(writer.as_mut().poll_shutdown(cx))?;
                    *self = Direction::Ended(*total);
                }
                Direction::Ended(total) => return Poll::Ready(Ok(*total)),
            }
        }
    }
}
