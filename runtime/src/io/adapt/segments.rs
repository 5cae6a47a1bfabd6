//! The parts of a reader between delimiters.

use super::super::AsyncBufRead;
use super::super::ops::read_until::poll_until;
use pin_project_lite::pin_project;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The parts of [`AsyncBufReadExt::split`](crate::io::AsyncBufReadExt::split).
    ///
    /// A part that has been read in part waits here: it survives errors of the reader and cancelled calls.
    #[derive(Debug)]
    #[must_use = "segments do nothing unless asked for"]
    pub struct Split<R> {
        #[pin]
        reader: R,
        segment: Vec<u8>,
        delimiter: u8,
    }
}

pub(in super::super) fn split<R>(reader: R, delimiter: u8) -> Split<R> {
    Split { reader, segment: Vec::new(), delimiter }
}

impl<R: AsyncBufRead + Unpin> Split<R> {
    /// The next part, without the delimiter; `None` at the end.
    ///
    /// # Errors
    /// Those of the reader. The next call goes on with the same part.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what was read of the part waits for the next call.
    pub async fn next_segment(&mut self) -> io::Result<Option<Vec<u8>>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_segment(cx)).await
    }
}

impl<R: AsyncBufRead> Split<R> {
    /// [`next_segment`](Split::next_segment) for those who poll: `Pending` wakes the task of the latest call.
    pub fn poll_next_segment(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<Vec<u8>>>> {
        let this = self.project();
        let delimiter = *this.delimiter;
        ready!(poll_until(this.reader, cx, delimiter, this.segment, &mut 0))?;
        let mut segment = mem::take(this.segment);
        if segment.is_empty() {
            return Poll::Ready(Ok(None));
        }
        segment.pop_if(|last| *last == delimiter);
        Poll::Ready(Ok(Some(segment)))
    }
}
