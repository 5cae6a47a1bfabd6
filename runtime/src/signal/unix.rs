//! Unix's signals, by kind.
//!
//! ```no_run
//! use runtime::signal::unix::{SignalKind, signal};
//!
//! # async fn reload() {}
//! # async fn demo() -> std::io::Result<()> {
//! let mut hangups = signal(SignalKind::hangup())?;
//! runtime::spawn(async move {
//!     while hangups.recv().await.is_some() {
//!         reload().await;
//!     }
//! });
//! # Ok(())
//! # }
//! ```

use super::board::Listener;
use super::{catch, reader};
use crate::engine::budget;
use crate::io::expect_runtime;
use std::ffi::c_int;
use std::fmt;
use std::future::poll_fn;
use std::io;
use std::task::{Context, Poll, ready};

/// A kind of signal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignalKind(c_int);

impl SignalKind {
    /// The kind with this number on this system, for those that have no name here, the realtime signals among them.
    ///
    /// Which numbers are a kind that can be listened to shows when [`signal`] is called.
    ///
    /// ```
    /// use runtime::signal::unix::SignalKind;
    ///
    /// assert_eq!(SignalKind::from_raw(1), SignalKind::hangup());
    /// ```
    // The C type, as in tokio's signature.
    pub const fn from_raw(signum: std::os::raw::c_int) -> Self {
        SignalKind(signum)
    }

    /// Its number on this system.
    pub const fn as_raw_value(&self) -> std::os::raw::c_int {
        self.0
    }

    /// `SIGALRM`: a timer of the process has run out. Ends a process that does not handle it.
    pub const fn alarm() -> Self {
        SignalKind(libc::SIGALRM)
    }

    /// `SIGCHLD`: a child has ended or stopped. Ignored where nobody handles it.
    pub const fn child() -> Self {
        SignalKind(libc::SIGCHLD)
    }

    /// `SIGHUP`: the terminal is gone. By convention it asks a server to read its configuration again. Ends a process that
    /// does not handle it.
    pub const fn hangup() -> Self {
        SignalKind(libc::SIGHUP)
    }

    /// `SIGINT`: Ctrl-C at the terminal. Ends a process that does not handle it.
    pub const fn interrupt() -> Self {
        SignalKind(libc::SIGINT)
    }

    /// `SIGIO`: something is ready on a descriptor that was set to tell so. Ends a process that does not handle it on Linux,
    /// and is ignored elsewhere.
    pub const fn io() -> Self {
        SignalKind(libc::SIGIO)
    }

    /// `SIGPIPE`: a write to a pipe or socket that nobody reads. Rust's programs ignore it from the start and get an error
    /// instead.
    pub const fn pipe() -> Self {
        SignalKind(libc::SIGPIPE)
    }

    /// `SIGQUIT`: Ctrl-\ at the terminal. Ends a process that does not handle it, with a core dump.
    pub const fn quit() -> Self {
        SignalKind(libc::SIGQUIT)
    }

    /// `SIGTERM`: the process is asked to end. Ends one that does not handle it.
    pub const fn terminate() -> Self {
        SignalKind(libc::SIGTERM)
    }

    /// `SIGUSR1`: whatever the program makes of it. Ends a process that does not handle it.
    pub const fn user_defined1() -> Self {
        SignalKind(libc::SIGUSR1)
    }

    /// `SIGUSR2`: the same.
    pub const fn user_defined2() -> Self {
        SignalKind(libc::SIGUSR2)
    }

    /// `SIGWINCH`: the terminal has another size. Ignored where nobody handles it.
    pub const fn window_change() -> Self {
        SignalKind(libc::SIGWINCH)
    }
}

impl From<std::os::raw::c_int> for SignalKind {
    fn from(signum: std::os::raw::c_int) -> Self {
        Self::from_raw(signum)
    }
}

impl From<SignalKind> for std::os::raw::c_int {
    fn from(kind: SignalKind) -> Self {
        kind.as_raw_value()
    }
}

/// Listens to a kind of signal, for as long as the listener is kept.
///
/// The first listener of a kind installs a handler for it, which **stays for the life of the process**: what the signal
/// does by default, ending the process for instance, it does no more, also when all listeners are dropped. Handlers that
/// others have installed before are still called.
///
/// Any number of listeners, in any number of runtimes, hear of each signal. A listener hears of signals that come after this
/// call. Signals of a kind that come while it does not ask are one: the kernel counts none either.
///
/// # Errors
///
/// For kinds that no program can handle (`SIGKILL`, `SIGSTOP`), or must not (`SIGILL`, `SIGFPE`, `SIGSEGV`), and numbers
/// that are no kind on this system. Where the process has no descriptors left.
///
/// # Panics
///
/// Outside of a runtime: one must read what handlers write.
#[track_caller]
pub fn signal(kind: SignalKind) -> io::Result<Signal> {
    expect_runtime("signal::unix::signal");
    let kind = catch::kind(kind.0)?;
    reader::read_here()?;
    Ok(Signal { listener: kind.listen() })
}

/// Hears of each signal of a kind; made by [`signal`].
#[must_use = "it hears of signals only when it is asked"]
pub struct Signal {
    listener: Listener<'static>,
}

impl Signal {
    /// The next signal. `None` is left for the end of all signals, which does not come.
    ///
    /// # Cancel safety
    ///
    /// Cancelling it loses nothing: a signal that has come is heard of by the next call.
    ///
    /// ```no_run
    /// use runtime::signal::unix::{SignalKind, signal};
    ///
    /// # async fn demo() -> std::io::Result<()> {
    /// let mut ends = signal(SignalKind::terminate())?;
    /// ends.recv().await;
    /// println!("asked to end");
    /// # Ok(())
    /// # }
    /// ```
    pub async fn recv(&mut self) -> Option<()> {
        poll_fn(|cx| self.poll_recv(cx)).await
    }

    /// The same for futures written by hand. The task that asked last is woken.
    pub fn poll_recv(&mut self, cx: &mut Context<'_>) -> Poll<Option<()>> {
        let unit = ready!(budget::poll_proceed(cx));
        if self.listener.poll_heard(cx).is_pending() {
            // It may be polled in another runtime than the one that it was made in, which may be gone by now. Where this one
            // has no descriptors left, there is nobody to tell: the other one reads, if it is there.
            let _ = reader::read_here();
            return Poll::Pending;
        }
        unit.made_progress();
        Poll::Ready(Some(()))
    }
}

impl fmt::Debug for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Signal").finish_non_exhaustive()
    }
}
