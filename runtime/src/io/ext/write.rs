//! [`AsyncWriteExt`].

use super::super::AsyncWrite;
use super::super::ops::Operation;
use super::super::ops::number::{WriteNumber, write_number};
use super::super::ops::write::{
    Flush, Shutdown, Write, WriteAll, WriteVectored, flush, shutdown, write, write_all, write_vectored,
};
use super::super::ops::write_buf::{WriteAllBuf, WriteBuf, write_all_buf, write_buf};
use bytes::Buf;
use std::io::IoSlice;

macro_rules! write_numbers {
    ($($name:ident($number:ty), $size:literal, $encode:ident, $what:literal, $value:literal, $bytes:literal;)*) => {$(
        #[doc = concat!("Writes ", $what, ".")]
        ///
        #[doc = concat!("Equivalent to `async fn ", stringify!($name), "(&mut self, n: ", stringify!($number), ") -> io::Result<()>`.")]
        /// Buffer the writer ([`BufWriter`](crate::io::BufWriter)) if it is a file or a socket.
        ///
        /// # Errors
        /// Those of [`write_all`](AsyncWriteExt::write_all).
        ///
        /// # Cancel safety
        #[doc = write_numbers!(@cancel $size)]
        ///
        /// # Examples
        /// ```
        /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
        /// use runtime::io::AsyncWriteExt;
        ///
        /// # let example = async {
        /// let mut writer = Vec::new();
        #[doc = concat!("writer.", stringify!($name), "(", $value, ").await?;")]
        #[doc = concat!("assert_eq!(writer, ", $bytes, ");")]
        /// # std::io::Result::Ok(())
        /// # };
        /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
        /// ```
        #[inline]
        fn $name(&mut self, n: $number) -> Operation<WriteNumber<'_, Self, $size>>
        where
            Self: Unpin,
        {
            write_number(self, n.$encode())
        }
    )*};
    (@cancel 1) => { "Cancelling it loses nothing: no byte was written." };
    (@cancel $size:literal) => { "Not cancel safe: a part of the number may have been written." };
}

/// What can be done with every [`AsyncWrite`].
pub trait AsyncWriteExt: AsyncWrite {
    /// Writes bytes from the front of `src`, as many as are taken now, waiting only if none is. Tells how many.
    ///
    /// Equivalent to `async fn write(&mut self, src: &[u8]) -> io::Result<usize>`.
    ///
    /// A zero for a `src` that is not empty means that the writer takes no more.
    ///
    /// # Errors
    /// Those of the writer; nothing has been written then.
    ///
    /// # Panics
    /// If the writer claims to have taken more than there is.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been written.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncWriteExt;
    ///
    /// # let example = async {
    /// let mut memory = [0; 3];
    /// let mut writer = std::io::Cursor::new(&mut memory[..]);
    /// assert_eq!(writer.write(b"some bytes").await?, 3);
    /// assert_eq!(&memory, b"som");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn write<'a>(&'a mut self, src: &'a [u8]) -> Operation<Write<'a, Self>>
    where
        Self: Unpin,
    {
        write(self, src)
    }

    /// [`write`](AsyncWriteExt::write) from several buffers, one after the other.
    ///
    /// Equivalent to `async fn write_vectored(&mut self, bufs: &[IoSlice<'_>]) -> io::Result<usize>`.
    ///
    /// # Errors
    /// Those of the writer; nothing has been written then.
    ///
    /// # Panics
    /// If the writer claims to have taken more than there is.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been written.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncWriteExt;
    /// use std::io::IoSlice;
    ///
    /// # let example = async {
    /// let mut writer = Vec::new();
    /// let n = writer.write_vectored(&[IoSlice::new(b"some "), IoSlice::new(b"bytes")]).await?;
    /// assert_eq!((n, &writer[..]), (10, &b"some bytes"[..]));
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn write_vectored<'a, 'b>(&'a mut self, bufs: &'a [IoSlice<'b>]) -> Operation<WriteVectored<'a, 'b, Self>>
    where
        Self: Unpin,
    {
        write_vectored(self, bufs)
    }

    /// [`write`](AsyncWriteExt::write) from a `Buf`, which moves on by what was taken.
    ///
    /// Equivalent to `async fn write_buf<B: Buf>(&mut self, src: &mut B) -> io::Result<usize>`.
    ///
    /// Several pieces go out at once if the writer [is vectored](AsyncWrite::is_write_vectored). An empty `src` is not
    /// written at all.
    ///
    /// # Errors
    /// Those of the writer; nothing has been written then, and `src` has not moved.
    ///
    /// # Panics
    /// If the writer claims to have taken more than there is.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: nothing has been written, and `src` has not moved.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncWriteExt;
    ///
    /// # let example = async {
    /// let mut src = &b"some bytes"[..];
    /// let mut memory = [0; 5];
    /// std::io::Cursor::new(&mut memory[..]).write_buf(&mut src).await?;
    /// assert_eq!(src, b"bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn write_buf<'a, B>(&'a mut self, src: &'a mut B) -> Operation<WriteBuf<'a, Self, B>>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        write_buf(self, src)
    }

    /// Writes until a `Buf` is empty.
    ///
    /// Equivalent to `async fn write_all_buf<B: Buf>(&mut self, src: &mut B) -> io::Result<()>`.
    ///
    /// Interrupted writes are repeated.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more, and those of the writer. `src` starts with the first byte that was not
    /// taken.
    ///
    /// # Panics
    /// If the writer claims to have taken more than there is.
    ///
    /// # Cancel safety
    /// `src` has moved on by exactly what was written, so that calling it again goes on from there.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncWriteExt;
    ///
    /// # let example = async {
    /// let mut src = &b"some bytes"[..];
    /// let mut writer = Vec::new();
    /// writer.write_all_buf(&mut src).await?;
    /// assert_eq!((src, &writer[..]), (&b""[..], &b"some bytes"[..]));
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn write_all_buf<'a, B>(&'a mut self, src: &'a mut B) -> Operation<WriteAllBuf<'a, Self, B>>
    where
        Self: Unpin,
        B: Buf + ?Sized,
    {
        write_all_buf(self, src)
    }

    /// Writes all of `src`.
    ///
    /// Equivalent to `async fn write_all(&mut self, src: &[u8]) -> io::Result<()>`.
    ///
    /// Interrupted writes are repeated.
    ///
    /// # Errors
    /// `WriteZero` if the writer takes no more, and those of the writer. How much has been written then is not told.
    ///
    /// # Panics
    /// If the writer claims to have taken more than there is.
    ///
    /// # Cancel safety
    /// Not cancel safe: a part of `src` may have been written, and how much is not told. Use
    /// [`write_all_buf`](AsyncWriteExt::write_all_buf) instead.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::AsyncWriteExt;
    ///
    /// # let example = async {
    /// let mut writer = Vec::new();
    /// writer.write_all(b"some bytes").await?;
    /// assert_eq!(writer, b"some bytes");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn write_all<'a>(&'a mut self, src: &'a [u8]) -> Operation<WriteAll<'a, Self>>
    where
        Self: Unpin,
    {
        write_all(self, src)
    }

    write_numbers! {
        write_u8(u8), 1, to_be_bytes, "a byte", "7", "[7]";
        write_i8(i8), 1, to_be_bytes, "a signed byte", "-1", "[0xff]";
        write_u16(u16), 2, to_be_bytes, "a 16-bit number in big-endian order", "0x0102", "[1, 2]";
        write_i16(i16), 2, to_be_bytes, "a signed 16-bit number in big-endian order", "-2", "[0xff, 0xfe]";
        write_u32(u32), 4, to_be_bytes, "a 32-bit number in big-endian order", "0x0102_0304", "[1, 2, 3, 4]";
        write_i32(i32), 4, to_be_bytes, "a signed 32-bit number in big-endian order", "-1", "[0xff; 4]";
        write_u64(u64), 8, to_be_bytes, "a 64-bit number in big-endian order", "(1 << 56) + 2", "[1, 0, 0, 0, 0, 0, 0, 2]";
        write_i64(i64), 8, to_be_bytes, "a signed 64-bit number in big-endian order", "-1", "[0xff; 8]";
        write_u128(u128), 16, to_be_bytes, "a 128-bit number in big-endian order", "(1 << 120) + 2", "[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]";
        write_i128(i128), 16, to_be_bytes, "a signed 128-bit number in big-endian order", "-1", "[0xff; 16]";
        write_f32(f32), 4, to_be_bytes, "a 32-bit floating-point number in big-endian order", "1.0", "[0x3f, 0x80, 0, 0]";
        write_f64(f64), 8, to_be_bytes, "a 64-bit floating-point number in big-endian order", "1.0", "[0x3f, 0xf0, 0, 0, 0, 0, 0, 0]";
        write_u16_le(u16), 2, to_le_bytes, "a 16-bit number in little-endian order", "0x0201", "[1, 2]";
        write_i16_le(i16), 2, to_le_bytes, "a signed 16-bit number in little-endian order", "-2", "[0xfe, 0xff]";
        write_u32_le(u32), 4, to_le_bytes, "a 32-bit number in little-endian order", "0x0403_0201", "[1, 2, 3, 4]";
        write_i32_le(i32), 4, to_le_bytes, "a signed 32-bit number in little-endian order", "-1", "[0xff; 4]";
        write_u64_le(u64), 8, to_le_bytes, "a 64-bit number in little-endian order", "(2 << 56) + 1", "[1, 0, 0, 0, 0, 0, 0, 2]";
        write_i64_le(i64), 8, to_le_bytes, "a signed 64-bit number in little-endian order", "-1", "[0xff; 8]";
        write_u128_le(u128), 16, to_le_bytes, "a 128-bit number in little-endian order", "(2 << 120) + 1", "[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]";
        write_i128_le(i128), 16, to_le_bytes, "a signed 128-bit number in little-endian order", "-1", "[0xff; 16]";
        write_f32_le(f32), 4, to_le_bytes, "a 32-bit floating-point number in little-endian order", "1.0", "[0, 0, 0x80, 0x3f]";
        write_f64_le(f64), 8, to_le_bytes, "a 64-bit floating-point number in little-endian order", "1.0", "[0, 0, 0, 0, 0, 0, 0xf0, 0x3f]";
    }

    /// Brings everything that was written before to where it shall go.
    ///
    /// Equivalent to `async fn flush(&mut self) -> io::Result<()>`.
    ///
    /// # Errors
    /// Those of the writer: not everything has arrived.
    ///
    /// # Cancel safety
    /// A part may have been flushed; the rest stays with the writer, and calling it again goes on from there.
    #[inline]
    fn flush(&mut self) -> Operation<Flush<'_, Self>>
    where
        Self: Unpin,
    {
        flush(self)
    }

    /// Flushes and closes the writer in an orderly way: the other side learns that there is no more to come.
    ///
    /// Equivalent to `async fn shutdown(&mut self) -> io::Result<()>`.
    ///
    /// A `TcpStream` shuts down its sending direction, a TLS stream says goodbye. Write nothing after it.
    ///
    /// # Errors
    /// Those of the writer, which is of no use any more.
    ///
    /// # Cancel safety
    /// The shutdown may have been started; calling it again goes on from there.
    ///
    /// # Examples
    /// ```
    /// # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
    /// use runtime::io::{AsyncReadExt, AsyncWriteExt};
    ///
    /// # let example = async {
    /// let (mut here, mut there) = runtime::io::duplex(64);
    /// here.write_all(b"last words").await?;
    /// here.shutdown().await?;
    /// let mut all = Vec::new();
    /// there.read_to_end(&mut all).await?;
    /// assert_eq!(all, b"last words");
    /// # std::io::Result::Ok(())
    /// # };
    /// # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
    /// ```
    #[inline]
    fn shutdown(&mut self) -> Operation<Shutdown<'_, Self>>
    where
        Self: Unpin,
    {
        shutdown(self)
    }
}

impl<W: AsyncWrite + ?Sized> AsyncWriteExt for W {}
