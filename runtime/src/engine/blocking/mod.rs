//! Floor 2: threads for closures that block.
//!
//! `crew` decides who waits, who works and when one more thread is worth starting; it knows neither threads nor
//! closures, so that a model can run it. `pool` puts the two together.

mod crew;
mod pool;

#[cfg(all(test, loom))]
mod model;

pub(crate) use pool::Pool;
