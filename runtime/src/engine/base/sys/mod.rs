//! How a thread sleeps on a word: a futex on Linux, a condition variable elsewhere (and in models); and how one thread
//! puts a fence into the others; and clocks: a cheap one, and those of threads.

#[cfg(all(target_os = "linux", not(loom)))]
mod linux;
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) use linux::Sleep;

#[cfg(any(not(target_os = "linux"), loom))]
mod condvar;
#[cfg(any(not(target_os = "linux"), loom))]
pub(super) use condvar::Sleep;

#[cfg(all(target_os = "linux", not(loom)))]
#[allow(unsafe_code)] // a system call that `rustix` does not have
pub(super) mod membarrier;
#[cfg(all(target_os = "linux", not(loom)))]
pub(super) use membarrier as fences;

#[cfg(any(not(target_os = "linux"), loom))]
pub(super) mod full_fences;
#[cfg(any(not(target_os = "linux"), loom))]
pub(super) use full_fences as fences;

#[cfg(target_os = "linux")]
#[allow(unsafe_code)] // clocks that `rustix` reads in its own way, or not at all
pub(super) mod clocks;

#[cfg(not(target_os = "linux"))]
pub(super) mod no_clocks;
#[cfg(not(target_os = "linux"))]
pub(super) use no_clocks as clocks;
