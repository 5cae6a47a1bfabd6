//! Floor 0: what everything else in the engine is built from. Imports nothing of ours.

pub(crate) mod atomics;
pub(crate) mod rng;
