//! How a thread sleeps on a word: a futex on Linux, a condition variable elsewhere (and in models); an alarm that others
//! set for a thread; and clocks: a cheap one, and those of threads.

#[cfg(all(target_os = "linux", not(loom)))]
mod linux;
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) use linux::Sleep;

#[cfg(any(not(target_os = "linux"), loom))]
mod condvar;
#[cfg(any(not(target_os = "linux"), loom))]
pub(super) use condvar::Sleep;

mod any_alarm;
#[cfg(all(target_os = "linux", not(loom)))]
mod timer_fd;
#[cfg(any(not(target_os = "linux"), loom))]
pub(crate) use any_alarm::Alarm;
#[cfg(all(target_os = "linux", not(loom)))]
pub(crate) use timer_fd::Alarm;

#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // clocks that `rustix` reads in its own way, or not at all
pub(super) mod clocks;

#[cfg(not(target_os = "linux"))]
pub(super) mod no_clocks;
#[cfg(not(target_os = "linux"))]
pub(super) use no_clocks as clocks;
