//! Deadlines as ticks, and back.
//!
//! Owns: how long a tick is.
//!
//! A deadline is rounded up to its tick and the clock down to its own, so a timer never fires early. Everything
//! saturates: a deadline that no clock reaches is [`NEVER`].

use std::time::Duration;

/// A tick that does not come.
pub(crate) const NEVER: u64 = u64::MAX;

const NANOS_PER_MILLI: u32 = 1_000_000;

/// Ticks in a millisecond of a runtime with precise timers: 20 us each.
const PRECISE: u32 = 50;

#[derive(Clone, Copy, Debug)]
pub(crate) struct Ticks {
    per_milli: u32,
}

impl Ticks {
    pub(crate) fn new(precise: bool) -> Self {
        Ticks { per_milli: if precise { PRECISE } else { 1 } }
    }

    fn nanos(self) -> u32 {
        NANOS_PER_MILLI / self.per_milli
    }

    /// The tick at which a deadline, counted from the start, has passed.
    #[inline]
    pub(crate) fn of_deadline(self, since_start: Duration) -> u64 {
        // A division by a constant in the common case.
        if self.per_milli == 1 {
            return count::<1>(since_start, since_start.subsec_nanos().div_ceil(NANOS_PER_MILLI));
        }
        count::<PRECISE>(since_start, since_start.subsec_nanos().div_ceil(NANOS_PER_MILLI / PRECISE))
    }

    /// The tick that has passed at a moment, counted from the start.
    #[inline]
    pub(crate) fn of_moment(self, since_start: Duration) -> u64 {
        if self.per_milli == 1 {
            return count::<1>(since_start, since_start.subsec_nanos() / NANOS_PER_MILLI);
        }
        count::<PRECISE>(since_start, since_start.subsec_nanos() / (NANOS_PER_MILLI / PRECISE))
    }

    /// When a tick begins, counted from the start. `None` for one that does not come.
    pub(crate) fn moment(self, tick: u64) -> Option<Duration> {
        if tick == NEVER {
            return None;
        }
        let per_second = 1_000 * u64::from(self.per_milli);
        Some(Duration::new(tick / per_second, (tick % per_second) as u32 * self.nanos()))
    }
}

#[inline(always)]
fn count<const PER_MILLI: u32>(time: Duration, rest: u32) -> u64 {
    let seconds = time.as_secs().saturating_mul(1_000 * PER_MILLI as u64);
    seconds.saturating_add(rest as u64).min(NEVER - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn deadlines_round_up_and_moments_down() {
        for precise in [false, true] {
            let ticks = Ticks::new(precise);
            for nanos in [0, 1, 49_999, 50_000, 999_999, 1_000_000, 1_000_001, 1_999_999_999, 86_400_000_000_001] {
                let time = Duration::from_nanos(nanos);
                let (up, down) = (ticks.of_deadline(time), ticks.of_moment(time));
                assert!(ticks.moment(up).unwrap() >= time && ticks.moment(down).unwrap() <= time);
                assert!(up - down <= 1 && (ticks.moment(up).unwrap() - time).as_nanos() < u128::from(ticks.nanos()));
            }
        }
    }

    #[test]
    fn what_no_clock_reaches_is_still_a_tick() {
        for precise in [false, true] {
            let ticks = Ticks::new(precise);
            assert_eq!(ticks.of_deadline(Duration::MAX), NEVER - 1);
            assert!(ticks.moment(NEVER - 1).is_some());
            assert_eq!(ticks.moment(NEVER), None);
        }
    }
}
