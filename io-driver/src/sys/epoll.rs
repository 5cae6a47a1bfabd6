//! Linux: waits on the poller's own epoll descriptor, one system call for a turn.
//!
//! Owns: the bell's eventfd, the timerfd for short timeouts, the translation of epoll's flags.
//! Not here: the epoll instance, which is the `Poller`'s.
//!
//! **The bell** is an eventfd, registered once in edge mode and not read: each write is a new edge, whatever the count.
//! Kernels have changed such edges before (pipes in 5.5), so `Direct::new` tries it out: two rings without a read must
//! give two events. If they do not, the bell is drained after each event instead. The count can be written up to 2^64-2;
//! should it ever be there, the ring reads it empty and writes again.
//!
//! **Timeouts** are rounded up. `epoll_wait` counts milliseconds; a short timeout with a fraction also sets a timerfd,
//! so that a timer's last half millisecond does not become a whole one. A timerfd left set by a turn that ended earlier
//! costs at most one turn with nothing to report.
//!
//! Rejected: `epoll_pwait2`, which takes nanoseconds. Kernels before 5.11 lack it, some sandboxes answer it by killing
//! the process, and rustix decides for it at compile time and for everyone in the program.
//! Rejected: registering through `Poller::add_with_mode`. It cannot ask for EPOLLRDHUP, so a peer's half-close could
//! not be told from data.

use super::raw_events::RawEvents;
use std::io;
use std::os::fd::{BorrowedFd, OwnedFd};
use std::time::Duration;

use polling::Poller;
use rustix::buffer::spare_capacity;
use rustix::event::epoll::{self, EventData, EventFlags};
use rustix::event::{EventfdFlags, Timespec, eventfd};
use rustix::io::Errno;
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};

use crate::ready::{Interest, Ready};
use crate::slots::Key;

/// `polling` uses `u64::MAX` (as a `usize`) for itself; no source's key comes near these.
const BELL: u64 = u64::MAX - 1;
const TIMER: u64 = u64::MAX - 2;
const POLLING: u64 = usize::MAX as u64;

/// Above, a millisecond more is no more than the slack that the kernel itself allows a long wait (0.1 %) and what other
/// runtimes do to every wait; below, it is worth a second system call.
const EXACT_BELOW: Duration = Duration::from_millis(16);

/// 24.8 days; `epoll_wait` takes a C `int`.
const LONGEST: Duration = Duration::from_millis(i32::MAX as u64);

#[derive(Debug)]
pub(crate) struct Direct {
    bell: OwnedFd,
    /// Whether an unread bell would stay silent.
    drain: bool,
    /// `None` where the system refuses one; waits are then whole milliseconds.
    timer: Option<OwnedFd>,
}

/// Events as the kernel wrote them.
pub(crate) struct DirectBatch(RawEvents);

impl Direct {
    /// `None` where the system has no eventfd (some sandboxes).
    pub(crate) fn new(poller: &Poller) -> io::Result<Option<Direct>> {
        let bell = match eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK) {
            Ok(bell) => bell,
            Err(Errno::NOSYS | Errno::PERM | Errno::INVAL) => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        epoll::add(poller, &bell, EventData::new_u64(BELL), EventFlags::IN | EventFlags::ET)?;
        let mut direct = Direct { bell, drain: false, timer: None };
        if !direct.bell_works(poller)? {
            direct.drain = true;
            direct.empty_bell();
            if !direct.bell_works(poller)? {
                epoll::delete(poller, &direct.bell)?;
                return Ok(None);
            }
        }
        direct.timer = make_timer(poller);
        Ok(Some(direct))
    }

    /// Whether two rings, one after the other, are two events.
    fn bell_works(&self, poller: &Poller) -> io::Result<bool> {
        let mut batch = DirectBatch::new();
        for _ in 0..2 {
            self.ring()?;
            batch.prepare(4);
            let heard = loop {
                match self.wait(poller, &mut batch, Some(Duration::ZERO)) {
                    // A signal is no reason to have no driver.
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    heard => break heard?,
                }
            };
            if !heard {
                return Ok(false);
            }
        }
        Ok(true)
    }

    pub(crate) fn add(&self, poller: &Poller, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::add(poller, fd, EventData::new_u64(key.to_bits()), flags_of(interest))?)
    }

    pub(crate) fn modify(&self, poller: &Poller, fd: BorrowedFd<'_>, key: Key, interest: Interest) -> io::Result<()> {
        Ok(epoll::modify(poller, fd, EventData::new_u64(key.to_bits()), flags_of(interest))?)
    }

    /// True: the bell is among the events.
    pub(crate) fn wait(&self, poller: &Poller, batch: &mut DirectBatch, timeout: Option<Duration>) -> io::Result<bool> {
        if let Some(timeout) = timeout {
            self.set_timer(timeout);
        }
        let limit = timeout.map(whole_millis);
        epoll::wait(poller, spare_capacity(&mut batch.0.0), limit.as_ref())?;
        let rung = batch.0.0.iter().any(|event| event.data.u64() == BELL);
        if rung && self.drain {
            self.empty_bell();
        }
        Ok(rung)
    }

    fn set_timer(&self, timeout: Duration) {
        let Some(timer) = &self.timer else { return };
        if timeout >= EXACT_BELOW || timeout.subsec_nanos().is_multiple_of(1_000_000) {
            return;
        }
        let once = Itimerspec { it_interval: timespec(Duration::ZERO), it_value: timespec(timeout) };
        // A sandbox that was switched on late refuses it: then this wait is in whole milliseconds, too.
        let _ = timerfd_settime(timer, TimerfdTimerFlags::empty(), &once);
    }

    pub(crate) fn ring(&self) -> io::Result<()> {
        loop {
            match rustix::io::write(&self.bell, &1u64.to_ne_bytes()) {
                Ok(_) => return Ok(()),
                Err(Errno::INTR) => {}
                // The count is at its end.
                Err(Errno::AGAIN) => self.empty_bell(),
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn empty_bell(&self) {
        // A failure means that it is empty already: another thread was here.
        let _ = rustix::io::read(&self.bell, &mut [0u8; 8]);
    }

    #[cfg(test)]
    pub(crate) fn bell(&self) -> &OwnedFd {
        &self.bell
    }

    #[cfg(test)]
    pub(crate) fn set_drain(&mut self) {
        self.drain = true;
        self.empty_bell();
    }
}

fn flags_of(interest: Interest) -> EventFlags {
    let mut flags = EventFlags::ET;
    if interest.is_readable() {
        flags |= EventFlags::IN | EventFlags::RDHUP;
    }
    if interest.is_priority() {
        flags |= EventFlags::PRI | EventFlags::RDHUP;
    }
    if interest.is_writable() {
        flags |= EventFlags::OUT;
    }
    flags
}

fn make_timer(poller: &Poller) -> Option<OwnedFd> {
    let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK).ok()?;
    epoll::add(poller, &timer, EventData::new_u64(TIMER), EventFlags::IN | EventFlags::ET).ok()?;
    Some(timer)
}

/// Rounded up, and cut to what the kernel takes.
fn whole_millis(timeout: Duration) -> Timespec {
    let timeout = timeout.min(LONGEST);
    let millis = timeout.as_nanos().div_ceil(1_000_000) as u64;
    timespec(Duration::from_millis(millis).min(LONGEST))
}

/// Only for durations up to `LONGEST`.
fn timespec(duration: Duration) -> Timespec {
    Timespec { tv_sec: duration.as_secs() as _, tv_nsec: duration.subsec_nanos() as _ }
}

/// What epoll's flags mean.
fn ready_of(flags: EventFlags) -> Ready {
    let has = |flag| flags.contains(flag);
    let mut ready = Ready::EMPTY;
    if flags.intersects(EventFlags::IN | EventFlags::RDHUP) {
        ready |= Ready::READABLE;
    }
    if has(EventFlags::OUT) {
        ready |= Ready::WRITABLE;
    }
    if has(EventFlags::PRI) {
        ready |= Ready::PRIORITY;
    }
    if has(EventFlags::RDHUP) {
        ready |= Ready::READ_CLOSED;
    }
    if has(EventFlags::ERR) {
        // Whoever operates next is told the error, whichever direction it is; a pipe without readers reports nothing
        // else. Alone, or beside a direction that takes no more, it also means that writing has ended.
        ready |= Ready::ERROR | Ready::READABLE | Ready::WRITABLE;
        if !has(EventFlags::IN) && !has(EventFlags::PRI) && !has(EventFlags::RDHUP) && !has(EventFlags::OUT) {
            ready |= Ready::WRITE_CLOSED;
        }
    }
    if has(EventFlags::HUP) {
        ready |= Ready::READABLE | Ready::WRITABLE;
        // A socket that is not connected yet, or a terminal that may be opened again, says OUT and HUP and nothing
        // else. Both directions are worth a try then, but nothing has ended.
        if flags != EventFlags::HUP | EventFlags::OUT {
            ready |= Ready::READ_CLOSED | Ready::WRITE_CLOSED;
        }
    }
    ready
}

impl DirectBatch {
    pub(crate) fn new() -> DirectBatch {
        DirectBatch(RawEvents(Vec::new()))
    }

    pub(crate) fn prepare(&mut self, capacity: usize) {
        self.0.0.clear();
        self.0.0.reserve_exact(capacity);
    }

    pub(crate) fn clear(&mut self) {
        self.0.0.clear();
    }

    /// Calls `f` with each event of a source.
    pub(crate) fn for_each(&self, f: &mut dyn FnMut(u64, Ready)) {
        for event in &self.0.0 {
            let (key, flags) = (event.data.u64(), event.flags);
            if !matches!(key, BELL | TIMER | POLLING) {
                f(key, ready_of(flags));
            }
        }
    }
}

impl std::fmt::Debug for DirectBatch {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("DirectBatch").field(&self.0.0.len()).finish()
    }
}

#[cfg(test)]
#[path = "epoll/tests.rs"]
mod tests;
