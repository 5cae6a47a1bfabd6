//! Standard output and standard error: one text, two streams.

use super::super::AsyncWrite;
use super::off_thread::{OffThread, Threads};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

macro_rules! output {
    ($(#[$type_doc:meta])* $Stream:ident, $(#[$fn_doc:meta])* $stream:ident) => {
        $(#[$type_doc])*
        ///
        /// A blocking thread that the runtime that polls has for itself does the writing, through std's stream of the same name. A write
        /// is accepted as soon as its bytes are copied (2 MiB at the most) and is *under way* from then on: the next
        /// write or flush of this handle waits for it, and reports its error. To know that bytes have arrived, flush.
        ///
        /// * One write is never torn apart by others, of this process: `write_all` of 2 MiB or less is one write.
        /// * Each handle orders its own writes only. Two handles are not coordinated, nor is a handle with one made after
        ///   it: in a loop, make one before the loop and keep it.
        /// * What is under way when the handle or the runtime goes is still written; ending the runtime waits for it,
        ///   `shutdown_timeout` no longer than it is told to, and `shutdown_background` not at all. Nobody is left to hear of
        ///   an error then.
        ///
        /// # Cancel safety
        /// A `write` that was dropped before it was ready has written nothing; a `flush` that was dropped is to be repeated.
        /// Nothing is written twice or lost. `write_all` may have written a part.
        ///
        /// # Panics
        /// If it is written to outside of a runtime.
        pub struct $Stream {
            writer: OffThread<io::$Stream>,
            stream: io::$Stream,
        }

        $(#[$fn_doc])*
        pub fn $stream() -> $Stream {
            let writer = OffThread::new(io::$stream(), concat!("io::", stringify!($Stream)), Threads::Pool);
            $Stream { writer, stream: io::$stream() }
        }

        impl AsyncWrite for $Stream {
            fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
                self.writer.poll_write(cx, buf)
            }

            fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.writer.poll_flush(cx)
            }

            /// Flushes. The stream is the process's and stays open.
            fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
                self.poll_flush(cx)
            }
        }

        impl AsFd for $Stream {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.stream.as_fd()
            }
        }

        impl AsRawFd for $Stream {
            fn as_raw_fd(&self) -> RawFd {
                self.stream.as_raw_fd()
            }
        }

        impl fmt::Debug for $Stream {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($Stream)).finish_non_exhaustive()
            }
        }
    };
}

output! {
    /// The standard output of the process, made by [`stdout`].
    ///
    /// ```
    /// use runtime::io::{self, AsyncWriteExt};
    ///
    /// #[runtime::main]
    /// async fn main() -> io::Result<()> {
    ///     let mut out = io::stdout();
    ///     for line in ["one\n", "two\n"] {
    ///         out.write_all(line.as_bytes()).await?;
    ///     }
    ///     out.flush().await
    /// }
    /// ```
    Stdout,
    /// A new handle to the standard output of the process. Keep it: see [`Stdout`].
    stdout
}

output! {
    /// The standard error of the process, made by [`stderr`].
    ///
    /// ```
    /// use runtime::io::{self, AsyncWriteExt};
    ///
    /// #[runtime::main]
    /// async fn main() -> io::Result<()> {
    ///     io::stderr().write_all(b"cannot open it\n").await
    /// }
    /// ```
    Stderr,
    /// A new handle to the standard error of the process. Keep it: see [`Stderr`].
    stderr
}
