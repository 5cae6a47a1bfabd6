//! The alarm as a descriptor of the kernel's: to set it or to take it back is one system call, and wakes nobody.
//!
//! A sandbox that is switched on late may refuse that call from then on, while the thread waits for the timer. So it waits for
//! a bell as well, which whoever is refused rings once: with that, this alarm is given up for the portable one. A
//! wait that the bell ends has ended for no reason; what is set by then or later is found in the portable one.

use super::any_alarm;
use rustix::event::{EventfdFlags, PollFd, PollFlags, eventfd, poll};
use rustix::fd::OwnedFd;
use rustix::fs::Timespec;
use rustix::io::{Errno, write};
use rustix::time::{Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, timerfd_create, timerfd_settime};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

const NEVER: Timespec = Timespec { tv_sec: 0, tv_nsec: 0 };

pub(crate) struct Alarm {
    /// Made when it is first set: many alarms never are. `None`: no descriptor was to be had (a sandbox, or the limit on them).
    timer: OnceLock<Option<Timer>>,
    /// The timer is of no use any more.
    given_up: AtomicBool,
    without: any_alarm::Alarm,
}

struct Timer {
    timer: OwnedFd,
    /// Rung once, and never read.
    bell: OwnedFd,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm { timer: OnceLock::new(), given_up: AtomicBool::new(false), without: any_alarm::Alarm::new() }
    }

    /// For an alarm that will be set: its descriptors are there from now on.
    pub(crate) fn prepare(&self) {
        let _ = self.timer();
    }

    fn timer(&self) -> Option<&Timer> {
        self.timer.get_or_init(Timer::new).as_ref().filter(|_| !self.given_up.load(Ordering::Acquire))
    }

    pub(crate) fn set(&self, after: Duration) {
        // Nothing at all would mean "never".
        let at = Timespec::try_from(after.max(Duration::from_nanos(1))).unwrap_or(NEVER);
        if !self.set_timer(at) {
            self.without.set(after);
        }
    }

    pub(crate) fn clear(&self) {
        if !self.set_timer(NEVER) {
            self.without.clear();
        }
    }

    /// `false`: it is not the timer that is to be set.
    fn set_timer(&self, at: Timespec) -> bool {
        let Some(timer) = self.timer() else { return false };
        let once = Itimerspec { it_interval: NEVER, it_value: at };
        let is_set = timerfd_settime(&timer.timer, TimerfdTimerFlags::empty(), &once).is_ok();
        if !is_set {
            self.give_up(timer);
        }
        is_set
    }

    fn give_up(&self, timer: &Timer) {
        self.given_up.store(true, Ordering::Release);
        // It fails only where somebody has closed our descriptor; then the wait has ended, too.
        let _ = write(&timer.bell, &1_u64.to_ne_bytes());
    }

    /// Waits until it goes off; before that it may end for no reason.
    pub(crate) fn wait(&self) {
        let Some(timer) = self.timer() else { return self.without.wait() };
        let mut either = [&timer.timer, &timer.bell].map(|fd| PollFd::new(fd, PollFlags::IN));
        match poll(&mut either, None) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(_) => self.give_up(timer),
        }
    }
}

impl Timer {
    fn new() -> Option<Timer> {
        let timer = timerfd_create(TimerfdClockId::Monotonic, TimerfdFlags::CLOEXEC).ok()?;
        let bell = eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK).ok()?;
        Some(Timer { timer, bell })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;

    #[test]
    fn who_waits_for_a_timer_that_is_given_up_waits_for_the_other_alarm() {
        let alarm = Arc::new(Alarm::new());
        let other = alarm.clone();
        let refused = std::thread::spawn(move || {
            std::thread::sleep(Duration::from_millis(10));
            other.give_up(other.timer().expect("descriptors"));
            other.set(Duration::from_millis(1));
        });
        alarm.wait();
        refused.join().unwrap();
        assert!(alarm.timer().is_none());
        alarm.wait();
        alarm.clear();
    }
}
