//! The alarm as a descriptor of the kernel's: to set it or to take it back is one system call, and wakes nobody.

use super::any_alarm;
use rustix::fd::OwnedFd;
use rustix::fs::Timespec;
use rustix::io::{Errno, read};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use std::time::Duration;

const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

pub(crate) enum Alarm {
    Timer(OwnedFd),
    /// No descriptor was to be had: a sandbox, or the limit on them.
    Without(any_alarm::Alarm),
}

impl Alarm {
    pub(crate) fn new() -> Self {
        match timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC) {
            Ok(timer) => Alarm::Timer(timer),
            Err(_) => Alarm::Without(any_alarm::Alarm::new()),
        }
    }

    pub(crate) fn set(&self, after: Duration) {
        match self {
            Alarm::Timer(timer) => {
                // Nothing at all would mean "never".
                let after = after.max(Duration::from_nanos(1));
                set(timer, Timespec::try_from(after).unwrap_or(NEVER));
            }
            Alarm::Without(alarm) => alarm.set(after),
        }
    }

    pub(crate) fn clear(&self) {
        match self {
            Alarm::Timer(timer) => set(timer, NEVER),
            Alarm::Without(alarm) => alarm.clear(),
        }
    }

    /// Waits until it goes off; before that it may end for no reason.
    pub(crate) fn wait(&self) {
        match self {
            Alarm::Timer(timer) => {
                let mut times = [0; 8];
                match read(timer, &mut times) {
                    Ok(_) | Err(Errno::INTR) => {}
                    // Somebody has closed our descriptor. The guarantor goes on as if workers came and went.
                    Err(_) => std::thread::sleep(Duration::from_millis(4)),
                }
            }
            Alarm::Without(alarm) => alarm.wait(),
        }
    }
}

/// Fails only when somebody has closed our descriptor; see `wait`.
fn set(timer: &OwnedFd, at: Timespec) {
    let once = Itimerspec { it_interval: NEVER, it_value: at };
    let _ = timerfd_settime(timer, TimerfdTimerFlags::empty(), &once);
}
