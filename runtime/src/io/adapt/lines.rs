//! The lines of a reader.

use super::super::AsyncBufRead;
use super::super::ops::read_until::poll_until;
use pin_project_lite::pin_project;
use std::future::poll_fn;
use std::io;
use std::mem;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

pin_project! {
    /// The lines of [`AsyncBufReadExt::lines`](crate::io::AsyncBufReadExt::lines).
    ///
    /// A line that has been read in part waits here: it survives errors of the reader and cancelled calls.
    #[derive(Debug)]
    #[must_use = "lines do nothing unless asked for"]
    pub struct Lines<R> {
        #[pin]
        reader: R,
        // Bytes, not text: a part of a line may end within a character.
        line: Vec<u8>,
    }
}

pub(in super::super) fn lines<R>(reader: R) -> Lines<R> {
    Lines { reader, line: Vec::new() }
}

impl<R> Lines<R> {
    /// The reader.
    pub fn get_ref(&self) -> &R {
        &self.reader
    }

    /// The reader. Reading from it directly takes bytes out of the lines.
    pub fn get_mut(&mut self) -> &mut R {
        &mut self.reader
    }

    /// Gives the reader back. A line that has been read in part is lost.
    pub fn into_inner(self) -> R {
        self.reader
    }
}

impl<R: AsyncBufRead + Unpin> Lines<R> {
    /// The next line, without its `\n` or `\r\n`; `None` at the end.
    ///
    /// # Errors
    /// `InvalidData` for a line that is not UTF-8: the error holds a `FromUtf8Error` with its bytes, and the next call
    /// reads the next line. After an error of the reader, the next call goes on with the same line.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what was read of the line waits for the next call.
    pub async fn next_line(&mut self) -> io::Result<Option<String>> {
        poll_fn(|cx| Pin::new(&mut *self).poll_next_line(cx)).await
    }
}

impl<R: AsyncBufRead> Lines<R> {
    /// [`next_line`](Lines::next_line) for those who poll: `Pending` wakes the task of the latest call.
    pub fn poll_next_line(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<Option<String>>> {
        let this = self.project();
        ready!(poll_until(this.reader, cx, b'\n', this.line, &mut 0))?;
        let mut line = mem::take(this.line);
        if line.is_empty() {
            return Poll::Ready(Ok(None));
        }
        if line.pop_if(|last| *last == b'\n').is_some() {
            line.pop_if(|last| *last == b'\r');
        }
        let text = String::from_utf8(line).map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
        Poll::Ready(Ok(Some(text)))
    }
}
