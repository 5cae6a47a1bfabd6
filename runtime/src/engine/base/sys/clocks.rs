//! Clocks that `rustix` has no safe face for.
//!
//! Through `libc`, not `rustix`: the latter finds the kernel's page with the clocks by itself, and where that page is
//! hidden (under Valgrind, for one) it crashes; and it knows no clock of another thread.

use std::time::Duration;

/// `CLOCK_MONOTONIC_COARSE`: the time of the kernel's last tick, without a look at the hardware.
#[inline]
pub(crate) fn coarse() -> Option<Duration> {
    read(libc::CLOCK_MONOTONIC_COARSE)
}

/// How long the thread has been on a CPU: a system call, below a microsecond. `None`: it is not one of ours, or no more.
pub(crate) fn cpu_time(thread: u32) -> Option<Duration> {
    // The kernel's ABI: the thread's number inverted, above three bits that say "of a thread, by the scheduler".
    const OF_A_THREAD: libc::clockid_t = 4;
    const BY_THE_SCHEDULER: libc::clockid_t = 2;
    // The kernel numbers threads below 2^22. A number that the shift would cut names some other clock.
    let thread = libc::clockid_t::try_from(thread).ok().filter(|&thread| thread < 1 << 28)?;
    read((!thread << 3) | OF_A_THREAD | BY_THE_SCHEDULER)
}

#[inline]
fn read(clock: libc::clockid_t) -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec` to memory of ours, or fails.
    let failed = unsafe { libc::clock_gettime(clock, &raw mut time) };
    // Time since the start of something, and nanoseconds below a second: neither is negative.
    (failed == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    #[test]
    fn a_thread_that_waits_uses_no_time_and_one_that_computes_does() {
        let this = || rustix::thread::gettid().as_raw_nonzero().get().unsigned_abs();
        let (tell, told) = mpsc::channel();
        let (end, ended) = mpsc::channel::<()>();
        let waiting = thread::spawn(move || {
            tell.send(this()).unwrap();
            let _ = ended.recv();
        });
        let other = told.recv().unwrap();
        // Until it waits, and while we compute.
        let (mut before, mut own) = (cpu_time(other).unwrap(), cpu_time(this()).unwrap());
        loop {
            while cpu_time(this()).unwrap() < own + Duration::from_millis(5) {}
            let now = cpu_time(other).unwrap();
            if now == before {
                break;
            }
            (before, own) = (now, cpu_time(this()).unwrap());
        }
        drop(end);
        waiting.join().unwrap();
    }

    #[test]
    fn no_thread_of_ours_has_no_clock() {
        // Process 1 is no thread of this process, and the others are beyond what the kernel gives out.
        for nobody in [1, 1 << 22, (1 << 28) - 1, 1 << 28, (1 << 30) - 1, u32::MAX] {
            assert_eq!(cpu_time(nobody), None, "{nobody}");
        }
    }
}
