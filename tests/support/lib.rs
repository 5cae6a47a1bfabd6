//! Support for the black-box tests: flavors, watchdogs, counting allocator, conditions to wait for.

pub mod hostile;
