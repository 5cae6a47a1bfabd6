//! Pipes: of this process, from a descriptor, and named ones (FIFOs).
//!
//! Owns: both ends, and opening FIFOs.   Not here: pipes to children (`process`).

use crate::engine::Direction;
use crate::io::descriptor::written_end;
use crate::io::{AsyncRead, Interest, ReadBuf, Ready, Watched, fill_spare};
use crate::net::{sys, syscalls};
use bytes::BufMut;
use rustix::fs::{FileType, OFlags, fcntl_getfl, fcntl_setfl, fstat};
use std::fs::File;
use std::io::{self, IoSlice, IoSliceMut};
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

/// A new pipe: what is sent into one end is received at the other.
///
/// # Errors
/// The system's, when descriptors run out.
///
/// # Panics
/// Outside of a runtime.
///
/// # Examples
/// ```
/// # fn main() -> std::io::Result<()> {
/// # runtime::runtime::Runtime::new()?.block_on(async {
/// use runtime::io::{AsyncReadExt, AsyncWriteExt};
///
/// let (mut sender, mut receiver) = runtime::net::unix::pipe::pipe()?;
/// sender.write_all(b"hello").await?;
/// drop(sender);
/// let mut text = String::new();
/// receiver.read_to_string(&mut text).await?;
/// assert_eq!(text, "hello");
/// # Ok(())
/// # })
/// # }
/// ```
#[track_caller]
pub fn pipe() -> io::Result<(Sender, Receiver)> {
    let (reads, writes) = sys::pipe()?;
    Ok((Sender::over(writes, "pipe")?, Receiver::over(reads, "pipe")?))
}

/// How to open a named pipe (FIFO).
///
/// # Examples
/// ```no_run
/// use runtime::net::unix::pipe;
///
/// # async fn example() -> std::io::Result<()> {
/// let receiver = pipe::OpenOptions::new().open_receiver("/run/commands")?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
pub struct OpenOptions {
    read_write: bool,
    unchecked: bool,
}

impl OpenOptions {
    /// The usual way: one direction, and only if it is a pipe.
    pub fn new() -> OpenOptions {
        OpenOptions::default()
    }

    /// Opens it for both directions (Linux): a sender then needs no receiver to be opened, and a receiver sees no end
    /// when the last sender closes.
    pub fn read_write(&mut self, value: bool) -> &mut OpenOptions {
        self.read_write = value;
        self
    }

    /// Does without looking whether it is a pipe.
    pub fn unchecked(&mut self, value: bool) -> &mut OpenOptions {
        self.unchecked = value;
        self
    }

    /// Opens the end to receive from. It need not wait for a sender.
    ///
    /// # Errors
    /// The system's; `InvalidInput` if it is no pipe.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn open_receiver<P: AsRef<Path>>(&self, path: P) -> io::Result<Receiver> {
        let file = self.open(path.as_ref(), true, self.read_write)?;
        Receiver::over(file.into(), "OpenOptions::open_receiver")
    }

    /// Opens the end to send into.
    ///
    /// # Errors
    /// The system's, among them ENXIO if nobody has it open to receive; `InvalidInput` if it is no pipe.
    ///
    /// # Panics
    /// Outside of a runtime.
    #[track_caller]
    pub fn open_sender<P: AsRef<Path>>(&self, path: P) -> io::Result<Sender> {
        let file = self.open(path.as_ref(), self.read_write, true)?;
        Sender::over(file.into(), "OpenOptions::open_sender")
    }

    fn open(&self, path: &Path, read: bool, write: bool) -> io::Result<File> {
        let nonblocking = OFlags::NONBLOCK.bits() as i32;
        let file = File::options().read(read).write(write).custom_flags(nonblocking).open(path)?;
        if !self.unchecked {
            check_pipe(&file)?;
        }
        Ok(file)
    }
}

fn check_pipe(fd: impl AsFd) -> io::Result<()> {
    match FileType::from_raw_mode(fstat(fd)?.st_mode) {
        FileType::Fifo => Ok(()),
        other => Err(invalid(format!("this is no pipe, but {other:?}"))),
    }
}

/// Checks that it is a pipe's end of the right kind, and makes it non-blocking.
fn prepare(fd: impl AsFd, fits: impl FnOnce(OFlags) -> bool, direction: &str) -> io::Result<()> {
    check_pipe(fd.as_fd())?;
    let flags = fcntl_getfl(fd.as_fd())?;
    if !fits(flags & OFlags::ACCMODE) {
        return Err(invalid(format!("this end of the pipe is not open for {direction}")));
    }
    Ok(fcntl_setfl(fd, flags | OFlags::NONBLOCK)?)
}

fn invalid(text: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, text)
}

/// What both ends have: how they are made of descriptors, given back, and waited for.
macro_rules! end {
    ($End:ident, $interest:expr, $direction:literal, $access:pat) => {
        impl $End {
            #[track_caller]
            fn over(fd: OwnedFd, what: &str) -> io::Result<$End> {
                match Watched::with_interest(fd, $interest, what) {
                    Ok(io) => Ok($End { io }),
                    Err((_, error)) => Err(error),
                }
            }

            #[track_caller]
            fn checked(fd: OwnedFd, what: &str) -> io::Result<$End> {
                prepare(&fd, |mode| matches!(mode, $access), $direction)?;
                $End::over(fd, what)
            }

            /// Takes a file over, if it is a pipe that is open for this direction. It is made non-blocking.
            ///
            /// # Errors
            /// `InvalidInput` if it is not; or the system's.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_file(file: File) -> io::Result<$End> {
                $End::checked(file.into(), concat!(stringify!($End), "::from_file"))
            }

            /// Takes a descriptor over, if it is a pipe that is open for this direction. It is made non-blocking.
            ///
            /// # Errors
            /// `InvalidInput` if it is not; or the system's.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_owned_fd(owned_fd: OwnedFd) -> io::Result<$End> {
                $End::checked(owned_fd, concat!(stringify!($End), "::from_owned_fd"))
            }

            /// Takes a file over that must be a pipe, open for this direction and non-blocking.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_file_unchecked(file: File) -> io::Result<$End> {
                $End::over(file.into(), concat!(stringify!($End), "::from_file_unchecked"))
            }

            /// Takes a descriptor over that must be a pipe, open for this direction and non-blocking.
            ///
            /// # Panics
            /// Outside of a runtime.
            #[track_caller]
            pub fn from_owned_fd_unchecked(owned_fd: OwnedFd) -> io::Result<$End> {
                $End::over(owned_fd, concat!(stringify!($End), "::from_owned_fd_unchecked"))
            }

            /// Gives the descriptor away, made blocking.
            pub fn into_blocking_fd(self) -> io::Result<OwnedFd> {
                let fd = self.into_nonblocking_fd()?;
                let flags = fcntl_getfl(&fd)?;
                fcntl_setfl(&fd, flags - OFlags::NONBLOCK)?;
                Ok(fd)
            }

            /// Gives the descriptor away, non-blocking as it is.
            pub fn into_nonblocking_fd(self) -> io::Result<OwnedFd> {
                Ok(self.io.into_inner())
            }

            /// Waits until something of `interest` is ready. An end knows its own direction only.
            ///
            /// # Errors
            /// `InvalidInput` for the other direction, which would never be ready.
            ///
            /// # Cancel safety
            /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
            pub async fn ready(&self, interest: Interest) -> io::Result<Ready> {
                self.io.ready(interest).await
            }

            /// Calls `f` if the pipe is ready, for operations that this type does not have. If `f` says `WouldBlock`,
            /// the readiness is taken back; it should say so only because the pipe did.
            ///
            /// # Errors
            /// `WouldBlock` if it is not ready; otherwise what `f` says.
            pub fn try_io<R>(&self, f: impl FnOnce() -> io::Result<R>) -> io::Result<R> {
                self.io.users_try_io($interest, |_| f())
            }
        }

        impl AsRawFd for $End {
            fn as_raw_fd(&self) -> RawFd {
                self.io.get().as_raw_fd()
            }
        }

        impl AsFd for $End {
            fn as_fd(&self) -> BorrowedFd<'_> {
                self.io.get().as_fd()
            }
        }
    };
}

/// The end of a pipe into which is written. Writing fails with `BrokenPipe` when nobody has the other end any more.
#[derive(Debug)]
pub struct Sender {
    io: Watched<OwnedFd>,
}

end!(Sender, Interest::WRITABLE, "writing", OFlags::WRONLY | OFlags::RDWR);

impl Sender {
    /// Waits until there is room to write, or nobody left who reads.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
    pub async fn writable(&self) -> io::Result<()> {
        self.ready(Interest::WRITABLE).await.map(drop)
    }

    /// [`writable`](Sender::writable) for hand-written futures. The task that has asked last is woken.
    pub fn poll_write_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_ready(Direction::Write, cx)
    }

    /// Writes as much as there is room for. Up to `PIPE_BUF` bytes (4096 on Linux) are written together or not at all.
    ///
    /// # Errors
    /// `WouldBlock` if there is no room, or none has been reported yet: wait with [`writable`](Sender::writable).
    pub fn try_write(&self, buf: &[u8]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |fd| syscalls::write(fd, buf))
    }

    /// Writes as much of several buffers as there is room for.
    ///
    /// # Errors
    /// As for [`try_write`](Sender::try_write).
    pub fn try_write_vectored(&self, buf: &[IoSlice<'_>]) -> io::Result<usize> {
        self.io.try_io(Interest::WRITABLE, |fd| syscalls::writev(fd, buf))
    }
}

written_end!(Sender);

/// The end of a pipe from which is read. It sees the end when nobody has the other end any more.
#[derive(Debug)]
pub struct Receiver {
    io: Watched<OwnedFd>,
}

end!(Receiver, Interest::READABLE, "reading", OFlags::RDONLY | OFlags::RDWR);

impl Receiver {
    /// Waits until there is something to read, or the end.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: what is ready stays so until an operation finds it used up.
    pub async fn readable(&self) -> io::Result<()> {
        self.ready(Interest::READABLE).await.map(drop)
    }

    /// [`readable`](Receiver::readable) for hand-written futures. The task that has asked last is woken.
    pub fn poll_read_ready(&self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.io.poll_ready(Direction::Read, cx)
    }

    /// Reads what is there. 0 means the end, or an empty `buf`.
    ///
    /// # Errors
    /// `WouldBlock` if nothing is there, or nothing has been reported yet: wait with [`readable`](Receiver::readable).
    pub fn try_read(&self, buf: &mut [u8]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |fd| syscalls::read(fd, buf))
    }

    /// Reads what is there into several buffers, one after the other.
    ///
    /// # Errors
    /// As for [`try_read`](Receiver::try_read).
    pub fn try_read_vectored(&self, bufs: &mut [IoSliceMut<'_>]) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |fd| syscalls::readv(fd, bufs))
    }

    /// Reads what is there and appends it to `buf`.
    ///
    /// # Errors
    /// As for [`try_read`](Receiver::try_read).
    pub fn try_read_buf<B: BufMut>(&self, buf: &mut B) -> io::Result<usize> {
        self.io.try_io(Interest::READABLE, |fd| {
            let (n, _) = fill_spare(buf, |buf| syscalls::read_into(fd, buf))?;
            Ok(n)
        })
    }
}

impl AsyncRead for Receiver {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        self.io.poll_read_into(cx, buf)
    }
}
