//! What the process uses: CPU time, threads, memory, context switches. Where there is no `/proc`, the last three are
//! `None` and the workloads that need them are left out.

use std::fs;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};

/// User and system time of all threads so far.
pub fn cpu_time() -> Duration {
    used(ClockId::ProcessCPUTime)
}

/// User and system time of the calling thread so far.
pub fn thread_cpu_time() -> Duration {
    used(ClockId::ThreadCPUTime)
}

fn used(clock: ClockId) -> Duration {
    let time = clock_gettime(clock);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}

/// How many threads the process has.
pub(crate) fn threads() -> Option<usize> {
    Some(fs::read_dir("/proc/self/task").ok()?.count())
}

/// Bytes of the process that are in memory now.
pub fn resident_bytes() -> Option<u64> {
    // The rollup is exact; the counters behind `status` lag by some pages per CPU.
    let exact = fs::read_to_string("/proc/self/smaps_rollup").ok().and_then(|text| number_after(&text, "Rss:"));
    let kib = exact.or_else(|| number_after(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS:"))?;
    Some(kib * 1024)
}

/// Context switches, voluntary or not, of the threads that are alive.
pub fn context_switches() -> Option<u64> {
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        // A thread that ended between the two reads has nothing to add.
        let Ok(status) = fs::read_to_string(thread.ok()?.path().join("status")) else { continue };
        sum += number_after(&status, "\nvoluntary_ctxt_switches:")?;
        sum += number_after(&status, "\nnonvoluntary_ctxt_switches:")?;
    }
    Some(sum)
}

/// How often threads other than the calling one fell asleep so far. Being preempted does not count.
pub fn voluntary_switches_of_others() -> Option<u64> {
    let me = rustix::thread::gettid().as_raw_nonzero().to_string();
    let mut sum = 0;
    for thread in fs::read_dir("/proc/self/task").ok()? {
        let thread = thread.ok()?;
        if thread.file_name().to_str() == Some(me.as_str()) {
            continue;
        }
        let Ok(status) = fs::read_to_string(thread.path().join("status")) else { continue };
        sum += number_after(&status, "\nvoluntary_ctxt_switches:")?;
    }
    Some(sum)
}

/// The processor's name, for the report's head.
pub(crate) fn processor() -> Option<String> {
    let text = fs::read_to_string("/proc/cpuinfo").ok()?;
    let line = text.lines().find(|line| line.starts_with("model name"))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

/// The kernel's release, for the report's head.
pub(crate) fn kernel() -> String {
    let name = rustix::system::uname();
    format!("{} {}", name.sysname().to_string_lossy(), name.release().to_string_lossy())
}

fn number_after(text: &str, label: &str) -> Option<u64> {
    let rest = &text[text.find(label)? + label.len()..];
    rest.split_whitespace().next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_found_behind_their_label() {
        let text = "Rss:   1234 kB\nvoluntary_ctxt_switches:\t7\nnonvoluntary_ctxt_switches:\t9\n";
        assert_eq!(number_after(text, "Rss:"), Some(1234));
        assert_eq!(number_after(text, "\nvoluntary_ctxt_switches:"), Some(7));
        assert_eq!(number_after(text, "\nnonvoluntary_ctxt_switches:"), Some(9));
        assert_eq!(number_after(text, "Pss:"), None);
    }

    #[test]
    fn cpu_time_grows_with_work() {
        let before = cpu_time();
        let mut x = 1u64;
        while cpu_time() < before + Duration::from_millis(2) {
            x = std::hint::black_box(x.wrapping_mul(3));
        }
        assert!(cpu_time() > before);
    }
}
