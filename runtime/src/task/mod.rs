//! Tasks: spawn, join, abort, yield, budget.

pub mod coop;

pub use coop::{consume_budget, unconstrained};
