//! Standard input.

use super::super::{AsyncRead, ReadBuf};
use super::off_thread::{OffThread, Threads};
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};
use std::pin::Pin;
use std::task::{Context, Poll};

/// The standard input of the process, made by [`stdin`].
///
/// A thread of the process reads, one read after the other, through [`std::io::stdin`] and its buffer; so it and
/// std's functions take their bytes from the same place. The read that a task waits for goes on when the task gives up:
/// no thread can be called back from there.
///
/// * The bytes of a read whose future was dropped are kept in the handle, for its next read. So use one handle for
///   the whole program: what was read for a handle that is dropped meanwhile is gone.
/// * It does not hold up the end of a runtime. (tokio's does, until a line comes.) A handle may be used in another runtime
///   afterwards, or in none: unlike the outputs it needs no runtime.
/// * Reads of several handles take turns in the order in which they began; which gets what is a matter of luck.
///
/// For line after line, wrap it:
///
/// ```no_run
/// use runtime::io::{self, AsyncBufReadExt, AsyncWriteExt, BufReader};
///
/// #[runtime::main]
/// async fn main() -> io::Result<()> {
///     let mut lines = BufReader::new(io::stdin()).lines();
///     let mut out = io::stdout();
///     while let Some(line) = lines.next_line().await? {
///         out.write_all(format!("you said: {line}\n").as_bytes()).await?;
///         out.flush().await?;
///     }
///     Ok(())
/// }
/// ```
///
/// # Cancel safety
/// Dropping the future of a `read` loses nothing, see above. What the other methods keep is said at each
/// of them ([`AsyncReadExt`](crate::io::AsyncReadExt), [`AsyncBufReadExt`](crate::io::AsyncBufReadExt)).
pub struct Stdin {
    reader: OffThread<io::Stdin>,
    stream: io::Stdin,
}

/// A handle to the standard input of the process. Keep it: see [`Stdin`].
pub fn stdin() -> Stdin {
    Stdin { reader: OffThread::new(io::stdin(), "io::Stdin", Threads::Input), stream: io::stdin() }
}

impl AsyncRead for Stdin {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.reader.poll_read(cx, buf)
    }
}

impl AsFd for Stdin {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.stream.as_fd()
    }
}

impl AsRawFd for Stdin {
    fn as_raw_fd(&self) -> RawFd {
        self.stream.as_raw_fd()
    }
}

impl fmt::Debug for Stdin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Stdin").finish_non_exhaustive()
    }
}
