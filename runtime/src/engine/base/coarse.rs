//! The kernel's coarse clock: cheap to read, and some milliseconds behind.

use super::sys::clocks::coarse as read;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// By how much the clock may be behind: a few milliseconds by its rules, more on a virtual machine whose timekeeping CPU was
/// taken away for a while.
pub(crate) const BEHIND: Duration = Duration::from_millis(100);

/// A reading.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Moment(Duration);

/// `None` where there is no such clock.
#[inline]
pub(crate) fn now() -> Option<Moment> {
    read().map(Moment)
}

/// A number that moves every few milliseconds. It says nothing of how many.
#[inline]
pub(crate) fn beat() -> u32 {
    let time = read().unwrap_or_else(|| {
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        BEGUN.get_or_init(Instant::now).elapsed()
    });
    time.as_millis() as u32
}

impl Moment {
    /// So much time at least has passed since this reading was taken; it may be a tenth of a second more.
    #[inline]
    pub(crate) fn surely_passed(self) -> Duration {
        match read() {
            // Nearly always.
            Some(now) if now == self.0 => Duration::ZERO,
            Some(now) => now.saturating_sub(self.0).saturating_sub(BEHIND),
            None => Duration::ZERO,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_has_surely_passed_than_has() {
        let Some(begun) = now() else { return };
        let exactly = Instant::now();
        assert_eq!(begun.surely_passed(), Duration::ZERO);
        while begun.surely_passed() < BEHIND {
            std::thread::sleep(BEHIND / 4);
            let surely = begun.surely_passed();
            assert!(surely <= exactly.elapsed());
        }
    }
}
