//! The table of file descriptors, grown before there is a load on it.
//!
//! Owns: the memory of having done so.
//!
//! The danger: the kernel starts a process with room for a few dozen descriptors and doubles the table whenever a new
//! one does not fit. In a process with more than one thread each doubling waits until no CPU can still be reading the
//! old table, which takes milliseconds, and whoever wants a descriptor that does not fit waits too. So it is the first
//! burst of connections after a start that stalls, 10 to 30 ms at a time.
//!
//! One descriptor with a high number, made and closed at once, makes the table as large as it will be needed, and it
//! never shrinks. In a process that has one thread as yet this takes microseconds: then it is done when the first runtime is
//! built. Else it takes those 10 to 30 ms itself, in which nobody else has to wait as long as his descriptor fits: then
//! the guarantor does it, once there are so many sockets that more are to be expected. The
//! price is 8 bytes for each descriptor that fits, half a MiB at most, in the kernel; a child of a fork does not pay it
//! again, because its table is as large as its highest *open* descriptor asks.
//!
//! Rejected: to do this per runtime. The table is the process's; a test suite that builds a thousand runtimes would
//! make a thousand vain system calls. Rejected: to do it in every first build. A tool with a thread of its own and no
//! socket waited 20 ms for it (the row `first-build`).

use crate::engine::sched::sys;
use std::sync::OnceLock;

/// So many sockets are half of what fits into the first table, and more than a client has.
const SOCKETS_MANY: usize = 24;

static GROWN: OnceLock<()> = OnceLock::new();

/// At the start of a runtime.
pub(crate) fn grow_if_that_is_cheap() {
    if GROWN.get().is_none() && sys::is_only_thread() {
        grow();
    }
}

/// From time to time, with the number of a runtime's sockets. It may block for long.
#[inline]
pub(crate) fn grow_for(sockets: impl FnOnce() -> usize) {
    if GROWN.get().is_none() && sockets() >= SOCKETS_MANY {
        grow();
    }
}

/// Makes room for descriptors up to the process's limit, or 64 Ki of them. The first call in a process does something.
#[cold]
fn grow() {
    GROWN.get_or_init(sys::grow_fd_table);
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// D2: what made the first build slow in a process that has threads, as this one.
    #[test]
    fn d2_a_process_with_threads_grows_its_table_when_it_has_sockets() {
        let threads = std::thread::spawn(|| {
            grow_if_that_is_cheap();
            grow_for(|| SOCKETS_MANY - 1);
            assert!(GROWN.get().is_none(), "for a few sockets");
            grow_for(|| SOCKETS_MANY);
            assert!(GROWN.get().is_some());
        });
        threads.join().unwrap();
    }
}
