//! `Poller::add_with_mode`, the one unsafe call of this crate.
//!
//! Not here: Linux, whose registration needs `EPOLLRDHUP`, which `polling` cannot express, and
//! goes through rustix's safe call on the same queue (`sys/epoll`).

use std::io;
use std::os::fd::{AsRawFd, BorrowedFd};

use polling::{Event, PollMode, Poller};

use crate::ready::Interest;
use crate::slots::Key;

/// Registers `fd` once, in edge mode.
pub(crate) fn add(poller: &Poller, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
    // SAFETY: `fd` is open during the call, because it is borrowed. The demand that it be deleted before it is closed
    // protects pollers that keep the bare number (`poll`, event ports) or a pointer (Windows). None of them supports
    // edges, and `Driver::new` refuses a poller that does not; epoll and kqueue forget a descriptor by themselves when
    // its last duplicate is closed, and an event of a forgotten one carries a key that `slots` knows to be stale.
    unsafe { poller.add_with_mode(fd.as_raw_fd(), event(key, interest), PollMode::Edge) }
}

/// The same descriptor for more.
pub(crate) fn modify(poller: &Poller, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
    poller.modify_with_mode(fd, event(key, interest), PollMode::Edge)
}

fn event(key: Key, interest: Interest) -> Event {
    let reads = interest.is_readable() || interest.is_priority();
    Event::new(key.to_bits() as usize, reads, interest.is_writable())
}
