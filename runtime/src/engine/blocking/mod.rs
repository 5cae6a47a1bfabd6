//! Floor 2: threads for closures that block.
//!
//! `crew` decides who waits and who works; it knows neither threads nor closures, so that a model can run it. When one
//! more thread is worth starting is a judgement of `pace`, on what `demand` finds out; how long to look before sleep, of
//! `base/spin`. Threads and closures come in where the engine is: `sched/life/blocking`.

mod crew;
mod demand;
mod pace;

#[cfg(all(test, loom))]
mod model;

pub(crate) use crew::{AfterSubmit, Crew, Hand, Next};
pub(crate) use demand::Members;
