//! Time: sleeping, deadlines, and a clock that tests can hold still.

mod sleep;

pub use sleep::{Sleep, sleep};
