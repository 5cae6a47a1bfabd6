//! Threads that are missing, and when one is tried again.
//!
//! Owns: the pauses after a refusal, and what a guarantor that has become a worker leaves behind.   Not here: starting a thread
//! (`life/workers`), who does (`round`).

use crate::engine::base::atomics::{AtomicBool, Mutex};
use std::time::{Duration, Instant};

/// The pause after a refused thread, at first and at most; each refusal doubles it.
const REFUSED_PAUSE: Duration = Duration::from_millis(1);
const REFUSED_PAUSE_MOST: Duration = Duration::from_secs(1);

/// After so long a pause with no worker at all the guarantor becomes one.
const ALONE_AFTER: Duration = Duration::from_millis(64);

/// Threads that are to be started.
pub(super) struct Missing {
    pub(super) seats: usize,
    pub(super) refused: Option<Refused>,
}

#[derive(Clone, Copy)]
pub(super) struct Refused {
    pause: Duration,
    again: Instant,
}

impl Missing {
    /// Is one to be tried now?
    pub(super) fn is_due(&self, now: Instant) -> bool {
        self.seats > 0 && self.may_try(now)
    }

    pub(super) fn may_try(&self, now: Instant) -> bool {
        self.refused.is_none_or(|refused| now >= refused.again)
    }

    pub(super) fn was_refused(&mut self, now: Instant) {
        let pause = self.refused.map_or(REFUSED_PAUSE, |refused| (refused.pause * 2).min(REFUSED_PAUSE_MOST));
        self.refused = Some(Refused { pause, again: now + pause });
    }

    pub(super) fn was_started(&mut self) {
        self.seats -= 1;
        self.refused = None;
    }

    pub(super) fn is_hopeless(&self) -> bool {
        self.refused.is_some_and(|refused| refused.pause >= ALONE_AFTER)
    }
}

/// What a guarantor that has become the only worker leaves to the next one.
pub(super) struct Leave {
    /// Is there no guarantor? A hint: the other word decides.
    pub(super) taken: AtomicBool,
    pub(super) missing: Mutex<Option<Missing>>,
}

impl Leave {
    pub(super) fn new() -> Self {
        Leave { taken: AtomicBool::new(false), missing: Mutex::new(None) }
    }
}
