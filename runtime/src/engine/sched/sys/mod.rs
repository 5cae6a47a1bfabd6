//! What the operating system tells about CPUs and threads, and its table of descriptors. Each platform answers the same
//! questions:
//!
//!   - `affinity()`: on how many CPUs may this thread run? `None`: not known.
//!   - `cpu_quota()`: how many CPUs' time may this process use, rounded up? `None`: no quota, or not known.
//!   - `this_thread()`, `is_running(thread)`: is that thread on a CPU or ready for one (else it waits for something)?
//!     `None`: not known.
//!   - `ExactSleeps::begin()`: until the guard goes, this thread's timed sleeps are not stretched to save power.
//!   - `grow_fd_table()`: make room for many descriptors, where that is slow to do later.
//!   - `is_only_thread()`: does the process have no other thread? `false` if that is not known.

pub(in crate::engine::sched) mod fd_table;
pub(crate) mod sizing;

#[cfg(target_os = "linux")]
mod cgroup;
#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "linux")]
pub(super) use linux::{ExactSleeps, affinity, cpu_quota, grow_fd_table, is_only_thread, is_running, this_thread};

#[cfg(not(target_os = "linux"))]
mod other;
#[cfg(not(target_os = "linux"))]
pub(super) use other::{ExactSleeps, affinity, cpu_quota, grow_fd_table, is_only_thread, is_running, this_thread};
