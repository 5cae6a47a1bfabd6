//! [`AsyncBufReadExt`].

use super::super::adapt::{Lines, Split};
use super::super::ops::Operation;
use super::super::ops::fill_buf::{FillBuf, fill_buf};
use super::super::ops::read_until::{ReadLine, ReadUntil, read_line, read_until};
use super::super::{AsyncBufRead, adapt};
use std::pin::Pin;

/// What can be done with every [`AsyncBufRead`].
pub trait AsyncBufReadExt: AsyncBufRead {
    /// Appends everything up to and with the next `byte` to `buf`, or up to the end. Tells how many bytes it was.
    ///
    /// Equivalent to `async fn read_until(&mut self, byte: u8, buf: &mut Vec<u8>) -> io::Result<usize>`.
    ///
    /// Zero is the end. Interrupted reads are repeated.
    ///
    /// # Errors
    /// Those of the reader; what was read before is in `buf`.
    ///
    /// # Cancel safety
    /// What was read by then is in `buf`, and calling it again goes on from there; the count starts anew.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncBufReadExt;
    ///
    /// # let example = async {
    /// let mut reader = &b"a;b"[..];
    /// let mut part = Vec::new();
    /// assert_eq!(reader.read_until(b';', &mut part).await?, 2);
    /// assert_eq!(part, b"a;");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn read_until<'a>(&'a mut self, byte: u8, buf: &'a mut Vec<u8>) -> Operation<ReadUntil<'a, Self>>
    where
        Self: Unpin,
    {
        read_until(self, byte, buf)
    }

    /// Appends the next line to `buf`, with its newline, or what is left if the reader ends before one. Tells how many
    /// bytes it was.
    ///
    /// Equivalent to `async fn read_line(&mut self, buf: &mut String) -> io::Result<usize>`.
    ///
    /// Zero is the end. Interrupted reads are repeated. From a peer that is not trusted, limit the length of a line with
    /// [`take`](super::AsyncReadExt::take).
    ///
    /// # Errors
    /// `InvalidData` if the line is not UTF-8, with a [`Utf8Error`](std::str::Utf8Error) inside, which counts from where `buf`
    /// begins; `buf` is then as it was, and the next call reads the next line. With an error of the reader, what was read
    /// before is in `buf` if it is UTF-8.
    ///
    /// # Cancel safety
    /// Not cancel safe: what was read by then is lost. `buf` is then as it was. Use
    /// [`Lines::next_line`](crate::io::Lines::next_line), or [`read_until`](AsyncBufReadExt::read_until), instead.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncBufReadExt;
    ///
    /// # let example = async {
    /// let mut reader = &b"one\ntwo"[..];
    /// let mut line = String::new();
    /// assert_eq!(reader.read_line(&mut line).await?, 4);
    /// assert_eq!(line, "one\n");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn read_line<'a>(&'a mut self, buf: &'a mut String) -> Operation<ReadLine<'a, Self>>
    where
        Self: Unpin,
    {
        read_line(self, buf)
    }

    /// The parts of the reader between the `byte`s, one after the other, each without the `byte` at its end.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncBufReadExt, BufReader};
    ///
    /// # let example = async {
    /// let mut parts = BufReader::new(&b"a;b"[..]).split(b';');
    /// assert_eq!(parts.next_segment().await?.as_deref(), Some(&b"a"[..]));
    /// assert_eq!(parts.next_segment().await?.as_deref(), Some(&b"b"[..]));
    /// assert_eq!(parts.next_segment().await?, None);
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn split(self, byte: u8) -> Split<Self>
    where
        Self: Sized + Unpin,
    {
        adapt::split(self, byte)
    }

    /// The buffered bytes; if there are none, reads some first. An empty slice is the end.
    ///
    /// Equivalent to `async fn fill_buf(&mut self) -> io::Result<&[u8]>`.
    ///
    /// The bytes come again at the next call until [`consume`](AsyncBufReadExt::consume) takes them out.
    ///
    /// # Errors
    /// Those of the reader.
    ///
    /// # Panics
    /// If the future is polled again after it was ready.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been taken out of the buffer.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncBufReadExt;
    ///
    /// # let example = async {
    /// let mut reader = &b"some bytes"[..];
    /// assert_eq!(reader.fill_buf().await?, b"some bytes");
    /// reader.consume(5);
    /// assert_eq!(reader.fill_buf().await?, b"bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn fill_buf(&mut self) -> Operation<FillBuf<'_, Self>>
    where
        Self: Unpin,
    {
        fill_buf(self)
    }

    /// Takes the first `amt` bytes out of the buffer.
    ///
    /// `amt` must not be above the length of what [`fill_buf`](AsyncBufReadExt::fill_buf) has returned.
    fn consume(&mut self, amt: usize)
    where
        Self: Unpin,
    {
        AsyncBufRead::consume(Pin::new(self), amt);
    }

    /// The lines of the reader, one after the other, each without its `\n` or `\r\n`.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncBufReadExt;
    ///
    /// # let example = async {
    /// let mut lines = (&b"one\r\ntwo"[..]).lines();
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("one"));
    /// assert_eq!(lines.next_line().await?.as_deref(), Some("two"));
    /// assert_eq!(lines.next_line().await?, None);
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn lines(self) -> Lines<Self>
    where
        Self: Sized,
    {
        adapt::lines(self)
    }
}

impl<R: AsyncBufRead + ?Sized> AsyncBufReadExt for R {}
