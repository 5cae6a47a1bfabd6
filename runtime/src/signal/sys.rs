//! Which signals a system has.

#[cfg(any(target_os = "linux", target_os = "android", target_os = "illumos"))]
pub(super) fn last() -> i32 {
    libc::SIGRTMAX()
}

/// The most that any of the others has. Numbers beyond its own are refused by the system.
#[cfg(not(any(target_os = "linux", target_os = "android", target_os = "illumos")))]
pub(super) fn last() -> i32 {
    127
}

#[cfg(any(
    target_os = "dragonfly",
    target_os = "freebsd",
    target_os = "illumos",
    target_os = "macos",
    target_os = "netbsd",
    target_os = "openbsd"
))]
impl super::unix::SignalKind {
    /// `SIGINFO`: somebody at the terminal asks how far the program is. Ignored where nobody handles it.
    pub const fn info() -> Self {
        Self::from_raw(libc::SIGINFO)
    }
}
