//! pidfds.
//!
//! Owns: the memory of their having been refused for good.

use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, Signal, pidfd_open, pidfd_send_signal};
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};

static REFUSED: AtomicBool = AtomicBool::new(false);

/// The descriptor of a child that was not reaped yet, so that the number is its own. `None`: there is none to be had.
pub(in crate::process) fn open(id: u32) -> Option<OwnedFd> {
    if REFUSED.load(Ordering::Relaxed) {
        return None;
    }
    let id = i32::try_from(id).ok().and_then(Pid::from_raw)?;
    match pidfd_open(id, PidfdFlags::empty()) {
        Ok(pidfd) => Some(pidfd),
        Err(error) => {
            if is_for_good(error) {
                REFUSED.store(true, Ordering::Relaxed);
            }
            None
        }
    }
}

/// An old kernel has no such call, and a sandbox lets nobody use it.
fn is_for_good(error: Errno) -> bool {
    matches!(error, Errno::NOSYS | Errno::PERM)
}

/// Ends the process. `None`: that cannot be done by a descriptor here.
pub(in crate::process) fn kill(pidfd: BorrowedFd<'_>) -> Option<io::Result<()>> {
    match pidfd_send_signal(pidfd, Signal::KILL) {
        Err(error) if is_for_good(error) => None,
        done => Some(done.map_err(io::Error::from)),
    }
}
