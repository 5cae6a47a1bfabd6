//! Timers and the clock, for the futures that use them.

pub(crate) mod clockwork;
pub(crate) mod timer;
