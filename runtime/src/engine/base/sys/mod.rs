//! How a thread sleeps on a word: a futex on Linux, a condition variable elsewhere (and in models).

#[cfg(all(target_os = "linux", not(loom)))]
mod linux;
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) use linux::Sleep;

#[cfg(any(not(target_os = "linux"), loom))]
mod condvar;
#[cfg(any(not(target_os = "linux"), loom))]
pub(super) use condvar::Sleep;
