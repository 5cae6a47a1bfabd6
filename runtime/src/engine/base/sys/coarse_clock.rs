//! `CLOCK_MONOTONIC_COARSE`: the time of the kernel's last tick, without a look at the hardware.
//!
//! Through `libc`, not `rustix`: the latter finds the kernel's page with the clock by itself, and where that page is hidden
//! (under Valgrind, for one) it crashes.

use std::time::Duration;

#[inline]
pub(crate) fn read() -> Option<Duration> {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: writes one `timespec` to memory of ours.
    let failed = unsafe { libc::clock_gettime(libc::CLOCK_MONOTONIC_COARSE, &raw mut time) };
    // Seconds since the start of the machine and nanoseconds below a second: neither is negative.
    (failed == 0).then(|| Duration::new(time.tv_sec as u64, time.tv_nsec as u32))
}
