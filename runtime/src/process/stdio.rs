//! The pipes to a child and from it.
//!
//! Owns: our ends, non-blocking and registered.
//! Not here: reading and writing itself (`io::descriptor`), pipes of other kinds (`net::unix::pipe`).

use crate::io::descriptor::written_end;
use crate::io::{AsyncRead, Interest, ReadBuf, Watched};
use rustix::io::ioctl_fionbio;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::pin::Pin;
use std::process::Stdio;
use std::task::{Context, Poll};

/// What all three have: how they come from std, and where they go.
macro_rules! pipe {
    ($Pipe:ident, $interest:expr) => {
        impl $Pipe {
            /// Takes std's over. It is made non-blocking.
            ///
            /// # Errors
            /// The system's, when descriptors run out.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_std(inner: std::process::$Pipe) -> io::Result<Self> {
                $Pipe::over(inner.into(), concat!(stringify!($Pipe), "::from_std"))
            }

            #[track_caller]
            pub(super) fn over(pipe: OwnedFd, what: &str) -> io::Result<Self> {
                ioctl_fionbio(&pipe, true)?;
                let io = Watched::with_interest(pipe, $interest, what).map_err(|(_, error)| error)?;
                Ok($Pipe { io })
            }

            /// Gives the descriptor away, made blocking.
            ///
            /// # Errors
            /// The system's.
            pub fn into_owned_fd(self) -> io::Result<OwnedFd> {
                let pipe = self.io.into_inner();
                ioctl_fionbio(&pipe, false)?;
                Ok(pipe)
            }
        }

        impl AsRawFd for $Pipe {
            fn as_raw_fd(&self) -> RawFd {
                self.io.get().as_raw_fd()
            }
        }

        impl AsFd for $Pipe {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get().as_fd()
            }
        }

        /// For a standard stream of another child. It is made blocking, as a program expects its streams to be.
        // This way round, as tokio has it, since std may get the other one.
        impl TryInto<Stdio> for $Pipe {
            type Error = io::Error;

            fn try_into(self) -> io::Result<Stdio> {
                self.into_owned_fd().map(Stdio::from)
            }
        }
    };
}

/// Our end of a child's standard input: what is written here is read there.
///
/// Dropping it ends the input. Writing fails with [`BrokenPipe`](io::ErrorKind::BrokenPipe) when the child has closed its end,
/// or has ended.
///
/// To connect two children without copying, give the one's output to the other as its input: see
/// [`ChildStdout`].
#[derive(Debug)]
pub struct ChildStdin {
    io: Watched<OwnedFd>,
}

/// Our end of a child's standard output: what is written there is read here.
///
/// It ends when nobody has the other end open any more, neither the child nor its children.
///
/// Two children are connected by turning it into a `Stdio`, and nothing passes through this process:
///
/// ```
/// use runtime::process::Command;
/// use std::process::Stdio;
///
/// # #[runtime::main]
/// # async fn main() -> std::io::Result<()> {
/// let mut echo = Command::new("echo").arg("hello").stdout(Stdio::piped()).spawn()?;
/// let words: Stdio = echo.stdout.take().expect("it is piped").try_into()?;
/// let output = Command::new("tr").args(["a-z", "A-Z"]).stdin(words).output().await?;
/// assert_eq!(output.stdout, b"HELLO\n");
/// assert!(echo.wait().await?.success());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct ChildStdout {
    io: Watched<OwnedFd>,
}

/// Our end of a child's standard error. As [`ChildStdout`].
#[derive(Debug)]
pub struct ChildStderr {
    io: Watched<OwnedFd>,
}

pipe!(ChildStdin, Interest::WRITABLE);
pipe!(ChildStdout, Interest::READABLE);
pipe!(ChildStderr, Interest::READABLE);

written_end!(ChildStdin);

impl AsyncRead for ChildStdout {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io.poll_read_into(cx, buf)
    }
}

impl AsyncRead for ChildStderr {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io.poll_read_into(cx, buf)
    }
}
