//! Is anything left to happen? A clock that stands still moves when nothing is.
//!
//! Owns: the question, and the order in which it is asked.   Not here: who asks and moves the clock (`drive/lead`).
//!
//! The danger: work that goes from hand to hand while somebody looks into one hand after the other. So each who hands on
//! shows the next one before it ceases to show itself, and who asks looks in the same order: a closure wakes its task before
//! it counts as done, and a wake counts its worker before it is seen.

use crate::engine::sched::config::Flavor;
use crate::engine::sched::places::place::{Doing, Place};
use crate::engine::sched::yard::Yard;

impl Yard {
    /// Would nothing happen any more if no timer fired? Asked by a thread that sleeps as far as the idle word knows.
    pub(super) fn is_at_rest(&self) -> bool {
        // Before and after: what the guarantor took in between was in nobody's queue any more when that was looked at.
        self.guarantor.holds_nothing() && self.nobody_else_is_busy() && self.guarantor.holds_nothing()
    }

    /// The same, asked by the guarantor.
    pub(super) fn nobody_else_is_busy(&self) -> bool {
        self.blocking.is_quiet()
            && self.roots.all_asleep()
            && self.is_driven()
            && !self.places.iter().any(|place| matches!(place.doing(), Doing::Running | Doing::Blocking))
            && self.inject.is_empty()
            && !self.places.iter().any(Place::has_work)
            && self.idle.active() == 0
            && !self.is_closing()
    }

    /// Is somebody inside `block_on`? A paused clock moves only then: what threads outside do between two of them nobody
    /// sees. On the current-thread flavors it is the one who asks.
    fn is_driven(&self) -> bool {
        self.config.flavor != Flavor::MultiThread || self.roots.any_inside()
    }
}
