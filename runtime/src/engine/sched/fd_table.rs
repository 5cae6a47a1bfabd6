//! The table of file descriptors, grown before there is a load on it.
//!
//! Owns: the memory of having done so.   Imports: `sys`.
//!
//! The danger: the kernel starts a process with room for a few dozen descriptors and doubles the table whenever a new
//! one does not fit. In a process with more than one thread each doubling waits until no CPU can still be reading the
//! old table, which takes milliseconds, and whoever wants a descriptor meanwhile waits too. So it is the first burst of
//! connections after a start that stalls, 10 to 30 ms at a time.
//!
//! One descriptor with a high number, made and closed at once, makes the table as large as it will be needed, and it
//! never shrinks. It is cheapest in a process that has one thread as yet, hence as early as a runtime is built. The
//! price is 8 bytes for each descriptor that fits, half a MiB at most, in the kernel; a child of a fork does not pay it
//! again, because its table is as large as its highest *open* descriptor asks.
//!
//! Rejected: to do this per runtime. The table is the process's; a test suite that builds a thousand runtimes would
//! make a thousand vain system calls.

use super::sys;
use std::sync::OnceLock;

/// Makes room for descriptors up to the process's limit, or 64 Ki of them. The first call in a process does something.
pub(crate) fn grow_once() {
    static GROWN: OnceLock<()> = OnceLock::new();
    GROWN.get_or_init(sys::grow_fd_table);
}
