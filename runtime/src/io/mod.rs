//! Reading and writing without blocking.
//!
//! [`AsyncRead`], [`AsyncWrite`], [`AsyncBufRead`] and [`AsyncSeek`] are the asynchronous forms of std's `Read`,
//! `Write`, `BufRead` and `Seek`: where those block the thread, these say `Pending` and wake the task. Types implement
//! the traits; callers import the extension traits ([`AsyncReadExt`], [`AsyncWriteExt`], [`AsyncBufReadExt`],
//! [`AsyncSeekExt`]) and `await` their methods.
//!
//! | for | there is |
//! |---|---|
//! | many small reads or writes | [`BufReader`], [`BufWriter`], [`BufStream`] |
//! | text and records | [`AsyncBufReadExt::lines`], [`AsyncBufReadExt::split`] |
//! | moving bytes on | [`copy()`], [`copy_buf`], [`copy_bidirectional`] |
//! | any descriptor that can be waited for | [`unix::AsyncFd`] |
//! | the streams of the process | [`stdin`], [`stdout`], [`stderr`] |
//! | one stream in two tasks | [`split`](split()), and back: [`join`](join()) |
//! | tests, and tasks that talk to each other | [`duplex`], [`simplex`], [`empty`], [`sink`], [`repeat`] |
//!
//! ```
//! # use std::{future::Future, pin::pin, task::{Context, Poll, Waker}};
//! use runtime::io::{AsyncBufReadExt, AsyncWriteExt, BufReader, duplex};
//!
//! # let example = async {
//! let (mut client, server) = duplex(1024);
//! client.write_all(b"hello\nworld\n").await?;
//! client.shutdown().await?;
//!
//! let mut lines = BufReader::new(server).lines();
//! while let Some(line) = lines.next_line().await? {
//!     println!("{line}");
//! }
//! # std::io::Result::Ok(())
//! # };
//! # assert!(matches!(pin!(example).poll(&mut Context::from_waker(Waker::noop())), Poll::Ready(Ok(()))));
//! ```
//!
//! # Cancel safety
//! Every method tells what dropping its future half-way loses. In short: `read`, `read_buf`, `write`, `write_buf`,
//! `fill_buf`, `next_line` and `next_segment` lose nothing; `read_until`, `read_to_end` and `write_all_buf` keep what
//! they did where the caller can see it; `read_exact`, `read_line`, `read_to_string`, `write_all` and numbers of more
//! than one byte lose what they did.
//!
//! # Misbehaving readers and writers
//! A reader or writer that breaks its contract (claims more bytes than there are, swaps the [`ReadBuf`] it was given)
//! makes the operation panic; it never makes uninitialized memory visible.

mod adapt;
mod buf_read;
mod copy;
pub(crate) mod descriptor;
mod ext;
#[allow(unsafe_code)] // counts bytes of a `Vec`'s free room that a reader has written
mod growing;
mod interest;
mod memory;
mod ops;
mod read;
// Uninitialized memory is what a `ReadBuf` is about.
#[allow(unsafe_code)]
mod read_buf;
mod ready;
mod seek;
mod stdio;
pub mod unix;
mod watched;
mod write;

pub use adapt::{
    BufReader, BufStream, BufWriter, Chain, Join, Lines, ReadHalf, Split, Take, WriteHalf, join, split_halves as split,
};
pub use buf_read::AsyncBufRead;
pub use copy::{copy, copy_bidirectional, copy_bidirectional_with_sizes, copy_buf};
pub use ext::{AsyncBufReadExt, AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
pub use interest::Interest;
pub use memory::{DuplexStream, Empty, Repeat, SimplexStream, Sink, duplex, empty, repeat, simplex, sink};
pub use read::AsyncRead;
pub use read_buf::ReadBuf;
pub(crate) use read_buf::fill_spare;
pub use ready::Ready;
pub use seek::AsyncSeek;
pub use std::io::{Error, ErrorKind, Result, SeekFrom};
pub use stdio::{Stderr, Stdin, Stdout, stderr, stdin, stdout};
pub(crate) use watched::{Watched, expect_runtime};
pub use write::AsyncWrite;
