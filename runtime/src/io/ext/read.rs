//! [`AsyncReadExt`].

use super::super::adapt::{Chain, Take};
use super::super::ops::Operation;
use super::super::ops::number::{ReadNumber, read_number};
use super::super::ops::read::{Read, ReadExact, ReadInto, read, read_exact, read_into};
use super::super::ops::read_all::{ReadToEnd, ReadToString, read_to_end, read_to_string};
use super::super::{AsyncRead, adapt};
use bytes::BufMut;

macro_rules! read_numbers {
    ($($name:ident -> $number:ty, $size:literal, $decode:ident, $what:literal, $bytes:literal, $value:literal;)*) => {$(
        #[doc = concat!("Reads ", $what, ".")]
        ///
        #[doc = concat!("Equivalent to `async fn ", stringify!($name), "(&mut self) -> io::Result<", stringify!($number), ">`.")]
        /// Buffer the reader ([`BufReader`](crate::io::BufReader)) if it is a file or a socket.
        ///
        /// # Errors
        /// Those of [`read_exact`](AsyncReadExt::read_exact).
        ///
        /// # Cancel safety
        #[doc = read_numbers!(@cancel $size)]
        ///
        /// # Examples
        /// ```
        /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
        /// use runtime::io::AsyncReadExt;
        ///
        /// # let example = async {
        #[doc = concat!("let mut reader: &[u8] = &", $bytes, ";")]
        #[doc = concat!("assert_eq!(reader.", stringify!($name), "().await?, ", $value, ");")]
        /// # std::io::Result::Ok(())
        /// # };
        /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
        /// ```
        #[inline]
        fn $name(&mut self) -> Operation<ReadNumber<'_, Self, $size, $number>>
        where
            Self: Unpin,
        {
            read_number(self, <$number>::$decode)
        }
    )*};
    (@cancel 1) => { "Cancelling it loses nothing: no byte was read." };
    (@cancel $size:literal) => { "Not cancel safe: the bytes of the number that were read by then are lost." };
}

/// What can be done with every [`AsyncRead`].
pub trait AsyncReadExt: AsyncRead {
    /// A reader that goes on with `next` where `self` ends.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut text = String::new();
    /// (&b"one, "[..]).chain(&b"two"[..]).read_to_string(&mut text).await?;
    /// assert_eq!(text, "one, two");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn chain<R>(self, next: R) -> Chain<Self, R>
    where
        Self: Sized,
        R: AsyncRead,
    {
        adapt::chain(self, next)
    }

    /// Reads what is there into `buf`, waiting only if there is nothing. Tells how many bytes it was.
    ///
    /// Equivalent to `async fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>`.
    ///
    /// A zero means that the reader has ended, or that `buf` has no length. Ended readers may go on later: a file that
    /// somebody appends to, for instance.
    ///
    /// # Errors
    /// Those of the reader; nothing has been read then.
    ///
    /// # Panics
    /// If the reader breaks the contract of [`AsyncRead::poll_read`].
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been read.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut buf = [0; 16];
    /// let n = (&b"some bytes"[..]).read(&mut buf).await?;
    /// assert_eq!(&buf[..n], b"some bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn read<'a>(&'a mut self, buf: &'a mut [u8]) -> Operation<Read<'a, Self>>
    where
        Self: Unpin,
    {
        read(self, buf)
    }

    /// Reads what is there into the free room of `buf`, waiting only if there is nothing. Tells how many bytes it was.
    ///
    /// Equivalent to `async fn read_buf<B: BufMut + ?Sized>(&mut self, buf: &mut B) -> io::Result<usize>`.
    ///
    /// The bytes are appended to a `Vec<u8>` or `BytesMut`, which need not be cleared before. A zero means that the
    /// reader has ended, or that `buf` can take no more.
    ///
    /// # Errors
    /// Those of the reader; nothing has been read then.
    ///
    /// # Panics
    /// If the reader breaks the contract of [`AsyncRead::poll_read`].
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been read.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut buf = Vec::with_capacity(64);
    /// assert_eq!((&b"some bytes"[..]).read_buf(&mut buf).await?, 10);
    /// assert_eq!(buf, b"some bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn read_buf<'a, B>(&'a mut self, buf: &'a mut B) -> Operation<ReadInto<'a, Self, B>>
    where
        Self: Unpin,
        B: BufMut + ?Sized,
    {
        read_into(self, buf)
    }

    /// Reads until `buf` is full. Tells its length.
    ///
    /// Equivalent to `async fn read_exact(&mut self, buf: &mut [u8]) -> io::Result<usize>`.
    ///
    /// Never reads more than `buf` holds. Interrupted reads are repeated.
    ///
    /// # Errors
    /// `UnexpectedEof` if the reader ends before, and those of the reader. How much of `buf` has been written then is
    /// not told.
    ///
    /// # Panics
    /// If the reader breaks the contract of [`AsyncRead::poll_read`].
    ///
    /// # Cancel safety
    /// Not cancel safe: what was read by then stands in `buf`, but how much it was is not told.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut header = [0; 4];
    /// let mut reader = &b"GET /"[..];
    /// reader.read_exact(&mut header).await?;
    /// assert_eq!(&header, b"GET ");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn read_exact<'a>(&'a mut self, buf: &'a mut [u8]) -> Operation<ReadExact<'a, Self>>
    where
        Self: Unpin,
    {
        read_exact(self, buf)
    }

    read_numbers! {
        read_u8 -> u8, 1, from_be_bytes, "a byte", "[7]", "7";
        read_i8 -> i8, 1, from_be_bytes, "a signed byte", "[0xff]", "-1";
        read_u16 -> u16, 2, from_be_bytes, "a 16-bit number in big-endian order", "[1, 2]", "0x0102";
        read_i16 -> i16, 2, from_be_bytes, "a signed 16-bit number in big-endian order", "[0xff, 0xfe]", "-2";
        read_u32 -> u32, 4, from_be_bytes, "a 32-bit number in big-endian order", "[1, 2, 3, 4]", "0x0102_0304";
        read_i32 -> i32, 4, from_be_bytes, "a signed 32-bit number in big-endian order", "[0xff; 4]", "-1";
        read_u64 -> u64, 8, from_be_bytes, "a 64-bit number in big-endian order", "[1, 0, 0, 0, 0, 0, 0, 2]", "(1 << 56) + 2";
        read_i64 -> i64, 8, from_be_bytes, "a signed 64-bit number in big-endian order", "[0xff; 8]", "-1";
        read_u128 -> u128, 16, from_be_bytes, "a 128-bit number in big-endian order", "[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]", "(1 << 120) + 2";
        read_i128 -> i128, 16, from_be_bytes, "a signed 128-bit number in big-endian order", "[0xff; 16]", "-1";
        read_f32 -> f32, 4, from_be_bytes, "a 32-bit floating-point number in big-endian order", "[0x3f, 0x80, 0, 0]", "1.0";
        read_f64 -> f64, 8, from_be_bytes, "a 64-bit floating-point number in big-endian order", "[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]", "1.0";
        read_u16_le -> u16, 2, from_le_bytes, "a 16-bit number in little-endian order", "[1, 2]", "0x0201";
        read_i16_le -> i16, 2, from_le_bytes, "a signed 16-bit number in little-endian order", "[0xfe, 0xff]", "-2";
        read_u32_le -> u32, 4, from_le_bytes, "a 32-bit number in little-endian order", "[1, 2, 3, 4]", "0x0403_0201";
        read_i32_le -> i32, 4, from_le_bytes, "a signed 32-bit number in little-endian order", "[0xff; 4]", "-1";
        read_u64_le -> u64, 8, from_le_bytes, "a 64-bit number in little-endian order", "[1, 0, 0, 0, 0, 0, 0, 2]", "(2 << 56) + 1";
        read_i64_le -> i64, 8, from_le_bytes, "a signed 64-bit number in little-endian order", "[0xff; 8]", "-1";
        read_u128_le -> u128, 16, from_le_bytes, "a 128-bit number in little-endian order", "[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]", "(2 << 120) + 1";
        read_i128_le -> i128, 16, from_le_bytes, "a signed 128-bit number in little-endian order", "[0xff; 16]", "-1";
        read_f32_le -> f32, 4, from_le_bytes, "a 32-bit floating-point number in little-endian order", "[0, 0, 0x80, 0x3f]", "1.0";
        read_f64_le -> f64, 8, from_le_bytes, "a 64-bit floating-point number in little-endian order", "[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]", "1.0";
    }

    /// Appends everything up to the reader's end to `buf`. Tells how many bytes it was.
    ///
    /// Equivalent to `async fn read_to_end(&mut self, buf: &mut Vec<u8>) -> io::Result<usize>`.
    ///
    /// Interrupted reads are repeated. From a peer that is not trusted, limit it: `reader.take(n).read_to_end(…)`.
    ///
    /// # Errors
    /// Those of the reader; what was read before is in `buf`.
    ///
    /// # Panics
    /// If the reader breaks the contract of [`AsyncRead::poll_read`].
    ///
    /// # Cancel safety
    /// What was read by then is in `buf`, and calling it again goes on from there; the count starts anew.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut all = Vec::new();
    /// (&b"some bytes"[..]).read_to_end(&mut all).await?;
    /// assert_eq!(all, b"some bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn read_to_end<'a>(&'a mut self, buf: &'a mut Vec<u8>) -> Operation<ReadToEnd<'a, Self>>
    where
        Self: Unpin,
    {
        read_to_end(self, buf)
    }

    /// Appends everything up to the reader's end to `dst`, if it is UTF-8. Tells how many bytes it was.
    ///
    /// Equivalent to `async fn read_to_string(&mut self, dst: &mut String) -> io::Result<usize>`.
    ///
    /// Interrupted reads are repeated.
    ///
    /// # Errors
    /// `InvalidData` if what was read is not UTF-8, with a [`Utf8Error`](std::str::Utf8Error) inside, which counts from where
    /// `dst` begins; otherwise the reader's. After either `dst` is as it was.
    ///
    /// # Panics
    /// If the reader breaks the contract of [`AsyncRead::poll_read`].
    ///
    /// # Cancel safety
    /// Not cancel safe: what was read by then is lost. `dst` is then as it was. (Before, it is empty while the future
    /// lives, so that a future that is forgotten with `mem::forget` leaves it so.)
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut text = String::from("some ");
    /// (&b"text"[..]).read_to_string(&mut text).await?;
    /// assert_eq!(text, "some text");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn read_to_string<'a>(&'a mut self, dst: &'a mut String) -> Operation<ReadToString<'a, Self>>
    where
        Self: Unpin,
    {
        read_to_string(self, dst)
    }

    /// A reader that ends after `limit` bytes, or where `self` ends.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncReadExt;
    ///
    /// # let example = async {
    /// let mut start = String::new();
    /// (&b"some bytes"[..]).take(4).read_to_string(&mut start).await?;
    /// assert_eq!(start, "some");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    fn take(self, limit: u64) -> Take<Self>
    where
        Self: Sized,
    {
        adapt::take(self, limit)
    }
}

impl<R: AsyncRead + ?Sized> AsyncReadExt for R {}
