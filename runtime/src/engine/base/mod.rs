//! Floor 0: what everything else in the engine is built from. Imports nothing of ours.

#[allow(unsafe_code)] // loom's guards move where parking_lot's are borrowed
pub(crate) mod atomics;
pub(crate) mod budget;
pub(crate) mod id;
pub(crate) mod pad;
pub(crate) mod parker;
pub(crate) mod rng;
mod sys;
