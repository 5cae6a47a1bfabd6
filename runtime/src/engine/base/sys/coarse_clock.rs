//! `CLOCK_MONOTONIC_COARSE`: the time of the kernel's last tick, without a look at the hardware.

use rustix::time::{ClockId, clock_gettime};
use std::time::Duration;

#[inline]
pub(crate) fn read() -> Option<Duration> {
    let time = clock_gettime(ClockId::MonotonicCoarse);
    Some(Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec as u32))
}
