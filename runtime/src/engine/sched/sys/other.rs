//! Platforms without control groups: `num_cpus` knows all there is, and tables of descriptors grow without a wait.

pub(in crate::engine::sched) fn affinity() -> Option<usize> {
    None
}

pub(in crate::engine::sched) fn cpu_quota() -> Option<usize> {
    None
}

pub(in crate::engine::sched) fn grow_fd_table() {}

pub(in crate::engine::sched) fn is_only_thread() -> bool {
    false
}

pub(in crate::engine::sched) fn this_thread() -> u32 {
    0
}

pub(in crate::engine::sched) fn is_running(_thread: u32) -> Option<bool> {
    None
}

/// Sleeps are as exact as they are.
pub(in crate::engine::sched) struct ExactSleeps;

impl ExactSleeps {
    pub(in crate::engine::sched) fn begin() -> Self {
        ExactSleeps
    }
}
