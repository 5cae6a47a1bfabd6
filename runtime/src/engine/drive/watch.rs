//! Until when the leader sleeps, and who must tell it that this is too long.
//!
//! Owns: the announced deadline.   Not here: how the leader is woken (`lead`).
//!
//! The danger: a timer is set while the leader works out how long to sleep, and neither learns of the other (museum T3,
//! T15). Two fences forbid it:
//!
//! ```text
//! leader:  announce "for ever"       - fence W1 -  read every wheel's next deadline; announce that; sleep
//! setter:  store the wheel's next    - fence W2 -  read what is announced; wake the leader if that is later
//! ```
//!
//! One fence comes first. If W1, the setter reads "for ever", or the time that the leader worked out: both are later
//! than its own, and it wakes the leader. If W2, the leader reads the new deadline. A worker that is awake does without W2
//! when it sets a timer: it catches up before it sleeps, and until then the timer is its own business, or the
//! guarantor's.

use super::ticks::NEVER;
use crate::engine::base::atomics::{AtomicU64, Ordering, fence};

/// Nobody sleeps, so nobody has to be woken: 0 is later than no tick.
const AWAKE: u64 = 0;

pub(crate) struct Watch {
    until: AtomicU64,
}

impl Watch {
    pub(crate) fn new() -> Self {
        Watch { until: AtomicU64::new(AWAKE) }
    }

    /// The leader is about to sleep. `next` reads the wheels.
    pub(crate) fn begin(&self, next: impl FnOnce() -> u64) -> u64 {
        self.until.store(NEVER, Ordering::SeqCst);
        fence(Ordering::SeqCst); // W1
        let next = next();
        self.until.store(next, Ordering::SeqCst);
        next
    }

    pub(crate) fn end(&self) {
        self.until.store(AWAKE, Ordering::SeqCst);
    }

    /// A wheel whose worker does not run has a timer for `tick` now. `true`: wake the leader.
    pub(crate) fn must_wake(&self, tick: u64) -> bool {
        fence(Ordering::SeqCst); // W2
        tick < self.until.load(Ordering::SeqCst)
    }
}
