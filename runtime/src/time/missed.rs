//! What an interval does about ticks that nobody took in time.
//!
//! Owns: the rule, a pure function of three times.

use super::Instant;
use std::time::Duration;

/// A tick that is taken later than this is a missed one, for [`MissedTickBehavior`]: below that it is the grain of timers.
pub(super) const LATE: Duration = Duration::from_millis(5);

/// What an [`Interval`](super::Interval) does after ticks that nobody took in time, because the task was busy with
/// something else.
///
/// A tick counts as missed when it is taken more than 5 ms late. With a period of 50 ms, and 125 ms spent after the second
/// tick (times in milliseconds from the start; each number is when a tick is taken):
///
/// | | | | | | | | |
/// |---|---|---|---|---|---|---|---|
/// | due | 0 | 50 | 100 | 150 | 200 | 250 | 300 |
/// | `Burst` | 0 | 50 | 175 | 175 | 200 | 250 | 300 |
/// | `Delay` | 0 | 50 | 175 | 225 | 275 | 325 | 375 |
/// | `Skip` | 0 | 50 | 175 | 200 | 250 | 300 | 350 |
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MissedTickBehavior {
    /// Ticks as fast as it is asked to until it has caught up: their number comes right. The default.
    #[default]
    Burst,
    /// Ticks a period after the late tick was taken, and goes on from there: ticks are never less than a period apart.
    Delay,
    /// Leaves out what is past and ticks at the next multiple of the period from the start: the rhythm stays.
    Skip,
}

impl MissedTickBehavior {
    /// When the tick after the one that was due at `due` and is taken at `now` comes.
    pub(super) fn next(self, due: Instant, now: Instant, period: Duration) -> Instant {
        let late_by = now.saturating_duration_since(due);
        if late_by <= LATE {
            return due.later(period);
        }
        match self {
            MissedTickBehavior::Burst => due.later(period),
            MissedTickBehavior::Delay => now.later(period),
            MissedTickBehavior::Skip => now.later(period - remainder(late_by, period)),
        }
    }
}

/// `time % period`, for a period that is not zero.
fn remainder(time: Duration, period: Duration) -> Duration {
    const BILLION: u128 = 1_000_000_000;
    let nanos = time.as_nanos() % period.as_nanos();
    // Both fit: the remainder is below a `Duration`.
    Duration::new((nanos / BILLION) as u64, (nanos % BILLION) as u32)
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn remainders_of_every_size() {
        let (milli, day) = (Duration::from_millis(1), Duration::from_secs(86_400));
        assert_eq!(remainder(milli * 7, milli * 2), milli);
        assert_eq!(remainder(day, Duration::from_nanos(7)).as_nanos(), day.as_nanos() % 7);
        assert_eq!(remainder(Duration::MAX, Duration::MAX), Duration::ZERO);
        assert_eq!(remainder(Duration::MAX - milli, Duration::MAX), Duration::MAX - milli);
    }

    /// Dues and next ticks of 50 ms periods, in milliseconds; museum T10 without a clock.
    #[test]
    fn a_tick_taken_late() {
        use MissedTickBehavior::{Burst, Delay, Skip};
        let start = Instant::now();
        let milli = Duration::from_millis;
        let next = |behavior: MissedTickBehavior, due: u64, taken: u64| {
            (behavior.next(start + milli(due), start + milli(taken), milli(50)) - start).as_millis() as u64
        };
        for behavior in [Burst, Delay, Skip] {
            assert_eq!(next(behavior, 100, 100), 150, "in time");
            assert_eq!(next(behavior, 100, 105), 150, "not late enough");
        }
        for taken in [106, 149, 150, 151, 175, 1_000, 86_400_000] {
            assert_eq!(next(Burst, 100, taken), 150);
            assert_eq!(next(Delay, 100, taken), taken + 50);
            let skip = next(Skip, 100, taken);
            assert!(skip > taken && skip <= taken + 50 && skip.is_multiple_of(50), "{taken}: {skip}");
        }
    }
}
