//! Floor 2: threads for closures that block.
//!
//! `crew` decides who waits and who works; it knows neither threads nor closures, so that a model can run it. When one
//! more thread is worth starting is a judgement of `pace`, on what `demand` finds out; how long to look before sleep, of
//! `base/spin`; for how long to sleep, of `patience`. Closures come in at `sched/life/lane`, threads where the engine is:
//! `sched/life/blocking`. A crew for each class of closures: they share nothing.

mod crew;
mod demand;
mod pace;
mod patience;

#[cfg(all(test, loom))]
mod model;

pub(crate) use crew::{AfterSubmit, Crew, Hand, Next, Refused};
pub(crate) use demand::Members;
pub(crate) use patience::Patience;
