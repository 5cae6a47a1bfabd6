//! A process that holds another one as a debugger does: when that one ends, its parent cannot reap it until the debugger goes.

use rustix::io::Errno;

/// Takes hold of the process with this number, until this process ends.
pub fn hold(id: u32) -> Result<(), Errno> {
    let id = libc::pid_t::try_from(id).map_err(|_| Errno::SRCH)?;
    // SAFETY: seizing reads and writes no memory of either process.
    let held = unsafe { libc::ptrace(libc::PTRACE_SEIZE, id, 0, 0) };
    if held == 0 { Ok(()) } else { Err(Errno::from_io_error(&std::io::Error::last_os_error()).unwrap_or(Errno::INVAL)) }
}
