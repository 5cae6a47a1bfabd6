//! Floor 2: who runs what, and when.

pub(crate) mod budget;
