//! Floor 2: threads for closures that block.
//!
//! `crew` decides who waits, who works and when one more thread is worth starting; it knows neither threads nor
//! closures, so that a model can run it. The two are put together where the engine is: `sched/pool`.

mod crew;

#[cfg(all(test, loom))]
mod model;

pub(crate) use crew::{AfterSubmit, Crew, Hand, Next};
