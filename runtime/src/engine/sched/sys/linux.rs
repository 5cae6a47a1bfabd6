//! Linux: the scheduler's mask, the control groups, and `F_DUPFD_CLOEXEC`.

use super::cgroup;
use rustix::event::{EventfdFlags, eventfd};
use rustix::io::fcntl_dupfd_cloexec;
use rustix::process::{Resource, getrlimit};
use rustix::thread::{current_timer_slack, sched_getaffinity, set_current_timer_slack};
use std::num::NonZeroU64;
use std::path::Path;

/// 512 KiB of kernel memory. Servers with more connections than this still double their table, but with so many
/// connections open, one more wait of milliseconds is no longer the first thing that a client sees.
const DESCRIPTORS_MAX: u32 = 64 * 1024;

pub(in crate::engine::sched) fn affinity() -> Option<usize> {
    // It fails where the kernel counts more CPUs than the mask has bits (1,024).
    let mask = sched_getaffinity(None).ok()?;
    usize::try_from(mask.count()).ok()
}

pub(in crate::engine::sched) fn cpu_quota() -> Option<usize> {
    cgroup::cpu_quota(Path::new("/"))
}

/// Never fails: without the room (no memory, no descriptor left, a sandbox that forbids it) all works as before, only
/// the first burst of connections is slower, and that is no reason not to start.
pub(in crate::engine::sched) fn grow_fd_table() {
    let highest = descriptors(getrlimit(Resource::Nofile).current) - 1;
    let Ok(highest) = i32::try_from(highest) else { return };
    // An eventfd needs no file system, which a sandbox may lack. The copy's number is `highest` at least; if the limit
    // leaves none free there, then something is open there, and the table is that large already.
    if let Ok(small) = eventfd(0, EventfdFlags::CLOEXEC) {
        drop(fcntl_dupfd_cloexec(&small, highest));
    }
}

/// Of the process.
pub(in crate::engine::sched) fn is_only_thread() -> bool {
    std::fs::read_dir("/proc/self/task").is_ok_and(|threads| threads.count() == 1)
}

pub(in crate::engine::sched) fn this_thread() -> u32 {
    rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs()
}

/// The state stands behind the name, which is in parentheses and may have some of its own. About 5 us.
pub(in crate::engine::sched) fn is_running(thread: u32) -> Option<bool> {
    let stat = std::fs::read_to_string(format!("/proc/self/task/{thread}/stat")).ok()?;
    Some(stat.rsplit_once(") ")?.1.starts_with('R'))
}

/// How many descriptors the table is to hold, at a soft limit (`None`: no limit).
fn descriptors(limit: Option<u64>) -> u32 {
    let limit = limit.and_then(|limit| u32::try_from(limit).ok()).unwrap_or(DESCRIPTORS_MAX);
    limit.clamp(1, DESCRIPTORS_MAX)
}

/// Linux lets a sleep end 50 us late, so that several threads wake up together. This sets a nanosecond, and puts the
/// thread's own value back: the thread may be a caller's.
pub(in crate::engine::sched) struct ExactSleeps {
    before: Option<NonZeroU64>,
}

impl ExactSleeps {
    pub(in crate::engine::sched) fn begin() -> Self {
        let before = current_timer_slack().ok().and_then(NonZeroU64::new);
        // A sandbox that forbids it costs 50 us.
        let _ = set_current_timer_slack(Some(NonZeroU64::MIN));
        ExactSleeps { before }
    }
}

impl Drop for ExactSleeps {
    fn drop(&mut self) {
        let _ = set_current_timer_slack(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::thread::{CpuSet, sched_setaffinity};
    use std::{fs, thread};

    #[test]
    fn a_thread_runs_or_waits() {
        assert_eq!(is_running(this_thread()), Some(true));
        let (tell, told) = std::sync::mpsc::channel();
        let (end, ended) = std::sync::mpsc::channel::<()>();
        let thread = thread::Builder::new().name("odd ) R (name".to_owned()).spawn(move || {
            tell.send(this_thread()).unwrap();
            let _ = ended.recv();
        });
        let other = told.recv().unwrap();
        // It may take a moment until it waits; then it stays so.
        while is_running(other) != Some(false) {
            thread::yield_now();
        }
        drop(end);
        thread.unwrap().join().unwrap();
        // Its entry goes a moment after the thread.
        while is_running(other).is_some() {
            thread::yield_now();
        }
    }

    #[test]
    fn the_table_is_as_large_as_the_limit_allows_up_to_64_ki() {
        assert_eq!(descriptors(Some(1024)), 1024);
        assert_eq!(descriptors(Some(1_048_576)), 65_536);
        assert_eq!(descriptors(Some(u64::MAX)), 65_536);
        assert_eq!(descriptors(None), 65_536);
        assert_eq!(descriptors(Some(0)), 1);
    }

    #[test]
    fn the_table_has_grown() {
        grow_fd_table();
        grow_fd_table();
        let status = fs::read_to_string("/proc/self/status").expect("procfs");
        let size = status.lines().find_map(|line| line.strip_prefix("FDSize:")).expect("a line `FDSize:`");
        let size: u32 = size.trim().parse().expect("a number");
        let wanted = descriptors(getrlimit(Resource::Nofile).current);
        assert!(size >= wanted, "room for {size} descriptors, {wanted} wanted");
    }

    #[test]
    fn exact_sleeps_end_with_their_guard() {
        let before = current_timer_slack().expect("a thread may ask for its own");
        let exact = ExactSleeps::begin();
        assert!(current_timer_slack().unwrap() <= before);
        drop(exact);
        assert_eq!(current_timer_slack().unwrap(), before);
    }

    #[test]
    fn the_mask_of_the_calling_thread_counts() {
        let narrowed = thread::spawn(|| {
            let Ok(all) = sched_getaffinity(None) else { return None };
            let first = (0..CpuSet::MAX_CPU).find(|cpu| all.is_set(*cpu)).expect("this thread runs on some CPU");
            let mut one = CpuSet::new();
            one.set(first);
            sched_setaffinity(None, &one).expect("a thread may always narrow its own mask");
            affinity()
        });
        let narrowed = narrowed.join().expect("no panic");
        assert_eq!(narrowed.is_some(), affinity().is_some());
        assert_eq!(narrowed.unwrap_or(1), 1);
    }
}
