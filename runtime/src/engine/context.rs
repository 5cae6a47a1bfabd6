//! What this thread is doing for the runtime. Plain cells without a destructor: cheap to reach, alive in every
//! thread-local destructor.

use super::base::rng::Rng;
use super::sched::budget::Budget;
use std::cell::Cell;

pub(crate) struct Context {
    pub(crate) budget: Cell<Budget>,
    pub(crate) rng: Rng,
}

thread_local! {
    static CONTEXT: Context = const {
        Context { budget: Cell::new(Budget::UNCONSTRAINED), rng: Rng::unseeded() }
    };
}

#[inline]
pub(crate) fn with<R>(f: impl FnOnce(&Context) -> R) -> R {
    CONTEXT.with(f)
}

/// A random number in `0..n`, from this thread's generator.
pub(crate) fn random_below(n: u32) -> u32 {
    with(|context| context.rng.below(n))
}
