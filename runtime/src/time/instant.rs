//! Moments.
//!
//! Owns: [`Instant`].   Not here: holding time still (`clock`).

use crate::engine::clockwork;
use std::fmt;
use std::ops::{Add, AddAssign, Sub, SubAssign};
use std::time::Duration;

/// A moment of a clock that never goes back: [`std::time::Instant`], but for tests that hold time still.
///
/// ```
/// use runtime::time::{Duration, Instant};
///
/// let start = Instant::now();
/// let deadline = start + Duration::from_secs(2);
/// assert_eq!(deadline - start, Duration::from_secs(2));
/// assert_eq!(start - deadline, Duration::ZERO);
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Instant(std::time::Instant);

impl Instant {
    /// What time it is by the clock of the runtime that this thread is inside of; elsewhere, by the system's.
    ///
    /// The two differ only for a runtime whose clock was [paused](super::pause) at some time.
    #[inline]
    pub fn now() -> Instant {
        Instant(clockwork::now())
    }

    /// From std's.
    pub fn from_std(std: std::time::Instant) -> Instant {
        Instant(std)
    }

    /// To std's.
    pub fn into_std(self) -> std::time::Instant {
        self.0
    }

    /// The time since `earlier`; zero if that is later.
    pub fn duration_since(&self, earlier: Instant) -> Duration {
        self.saturating_duration_since(earlier)
    }

    /// The time since `earlier`; `None` if that is later.
    pub fn checked_duration_since(&self, earlier: Instant) -> Option<Duration> {
        self.0.checked_duration_since(earlier.0)
    }

    /// The time since `earlier`; zero if that is later.
    pub fn saturating_duration_since(&self, earlier: Instant) -> Duration {
        self.0.saturating_duration_since(earlier.0)
    }

    /// The time from this moment until [now](Self::now); zero if it is yet to come.
    pub fn elapsed(&self) -> Duration {
        Instant::now().saturating_duration_since(*self)
    }

    /// So much later; `None` if no `Instant` reaches so far.
    pub fn checked_add(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_add(duration).map(Instant)
    }

    /// So much earlier; `None` if no `Instant` reaches so far.
    pub fn checked_sub(&self, duration: Duration) -> Option<Instant> {
        self.0.checked_sub(duration).map(Instant)
    }

    /// So much later, or some thirty years.
    pub(super) fn later(self, by: Duration) -> Instant {
        self.checked_add(by).unwrap_or_else(|| Instant(crate::engine::far_from(self.0)))
    }
}

impl From<std::time::Instant> for Instant {
    fn from(std: std::time::Instant) -> Instant {
        Instant(std)
    }
}

impl From<Instant> for std::time::Instant {
    fn from(instant: Instant) -> std::time::Instant {
        instant.0
    }
}

impl Add<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If no `Instant` reaches so far; [`checked_add`](Instant::checked_add) tells.
    #[track_caller]
    fn add(self, other: Duration) -> Instant {
        match self.checked_add(other) {
            Some(sum) => sum,
            None => out_of_range(self, "after", "checked_add", other),
        }
    }
}

impl AddAssign<Duration> for Instant {
    #[track_caller]
    fn add_assign(&mut self, other: Duration) {
        *self = *self + other;
    }
}

impl Sub for Instant {
    type Output = Duration;

    /// The time since `other`; zero if that is later.
    fn sub(self, other: Instant) -> Duration {
        self.saturating_duration_since(other)
    }
}

impl Sub<Duration> for Instant {
    type Output = Instant;

    /// # Panics
    /// If no `Instant` reaches so far; [`checked_sub`](Instant::checked_sub) tells.
    #[track_caller]
    fn sub(self, other: Duration) -> Instant {
        match self.checked_sub(other) {
            Some(difference) => difference,
            None => out_of_range(self, "before", "checked_sub", other),
        }
    }
}

impl SubAssign<Duration> for Instant {
    #[track_caller]
    fn sub_assign(&mut self, other: Duration) {
        *self = *self - other;
    }
}

#[cold]
#[track_caller]
fn out_of_range(from: Instant, side: &str, checked: &str, by: Duration) -> ! {
    panic!("the moment {by:?} {side} {from:?} is out of an `Instant`'s range.\n  `Instant::{checked}` says so instead.")
}

impl fmt::Debug for Instant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
