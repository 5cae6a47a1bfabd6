//! [`AsyncSeekExt`].

use super::super::AsyncSeek;
use super::super::ops::Operation;
use super::super::ops::seek::{Seek, seek};
use std::io::SeekFrom;

/// What can be done with every [`AsyncSeek`].
pub trait AsyncSeekExt: AsyncSeek {
    /// Moves the position, and tells the new one, counted from the start.
    ///
    /// Equivalent to `async fn seek(&mut self, pos: SeekFrom) -> io::Result<u64>`.
    ///
    /// Waits for what is under way before.
    ///
    /// # Errors
    /// Those of the stream; moving to before the start is one.
    ///
    /// # Cancel safety
    /// The position may or may not have been moved. No data is lost.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncReadExt, AsyncSeekExt, SeekFrom};
    ///
    /// # let example = async {
    /// let mut file = std::io::Cursor::new(b"some bytes");
    /// assert_eq!(file.seek(SeekFrom::End(-5)).await?, 5);
    /// assert_eq!(file.read_u8().await?, b'b');
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn seek(&mut self, pos: SeekFrom) -> Operation<Seek<'_, Self>>
    where
        Self: Unpin,
    {
        seek(self, pos)
    }

    /// Moves the position to the start: `seek(SeekFrom::Start(0))`.
    ///
    /// Equivalent to `async fn rewind(&mut self) -> io::Result<u64>`.
    ///
    /// # Cancel safety
    /// That of [`seek`](AsyncSeekExt::seek).
    fn rewind(&mut self) -> Operation<Seek<'_, Self>>
    where
        Self: Unpin,
    {
        seek(self, SeekFrom::Start(0))
    }

    /// Tells the position, counted from the start: `seek(SeekFrom::Current(0))`.
    ///
    /// Equivalent to `async fn stream_position(&mut self) -> io::Result<u64>`.
    ///
    /// # Cancel safety
    /// Cancelling it changes nothing.
    fn stream_position(&mut self) -> Operation<Seek<'_, Self>>
    where
        Self: Unpin,
    {
        seek(self, SeekFrom::Current(0))
    }
}

impl<S: AsyncSeek + ?Sized> AsyncSeekExt for S {}
