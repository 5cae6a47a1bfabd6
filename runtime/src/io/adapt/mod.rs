//! Readers and writers that wrap others: buffers, parts, joins, halves.

mod buf_reader;
mod buf_stream;
mod buf_writer;
mod chain;
mod halves;
mod join;
mod lines;
mod repositioning;
mod segments;
mod take;

pub use buf_reader::BufReader;
pub use buf_stream::BufStream;
pub use buf_writer::BufWriter;
pub use chain::Chain;
pub(super) use chain::chain;
pub use halves::{ReadHalf, WriteHalf, split as split_halves};
pub use join::{Join, join};
pub use lines::Lines;
pub(super) use lines::lines;
pub use segments::Split;
pub(super) use segments::split;
pub use take::Take;
pub(super) use take::take;

/// The size of the buffers that are not asked for another: what one read or write of a socket moves in most programs,
/// two pages, and what users know from std.
pub(super) const BUFFER_SIZE: usize = 8 * 1024;

/// `AsyncWrite` for a wrapper that adds nothing to it: everything goes to the pinned field `$field`.
macro_rules! write_to_field {
    ($field:ident) => {
        #[inline]
        fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
            self.project().$field.poll_write(cx, buf)
        }

        #[inline]
        fn poll_write_vectored(
            self: Pin<&mut Self>,
            cx: &mut Context<'_>,
            bufs: &[IoSlice<'_>],
        ) -> Poll<io::Result<usize>> {
            self.project().$field.poll_write_vectored(cx, bufs)
        }

        #[inline]
        fn is_write_vectored(&self) -> bool {
            self.$field.is_write_vectored()
        }

        #[inline]
        fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.project().$field.poll_flush(cx)
        }

        #[inline]
        fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
            self.project().$field.poll_shutdown(cx)
        }
    };
}

/// `AsyncRead` and `AsyncBufRead` for a wrapper that adds nothing to them.
macro_rules! read_from_field {
    ($field:ident) => {
        #[inline]
        fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
            self.project().$field.poll_read(cx, buf)
        }
    };
}

macro_rules! buf_read_from_field {
    ($field:ident) => {
        #[inline]
        fn poll_fill_buf(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<&[u8]>> {
            self.project().$field.poll_fill_buf(cx)
        }

        #[inline]
        fn consume(self: Pin<&mut Self>, amt: usize) {
            self.project().$field.consume(amt);
        }
    };
}

/// The four ways to what is wrapped.
macro_rules! access_to_field {
    ($field:ident: $type:ident, $what:literal) => {
        #[doc = concat!("The ", $what, " that is wrapped.")]
        pub fn get_ref(&self) -> &$type {
            &self.$field
        }

        #[doc = concat!("The ", $what, " that is wrapped. Using it directly goes past what this wrapper keeps.")]
        pub fn get_mut(&mut self) -> &mut $type {
            &mut self.$field
        }

        #[doc = concat!("The ", $what, " that is wrapped. Using it directly goes past what this wrapper keeps.")]
        pub fn get_pin_mut(self: Pin<&mut Self>) -> Pin<&mut $type> {
            self.project().$field
        }

        #[doc = concat!("Gives the ", $what, " back. What this wrapper keeps for it is lost.")]
        pub fn into_inner(self) -> $type {
            self.$field
        }
    };
}

use {access_to_field, buf_read_from_field, read_from_field, write_to_field};
