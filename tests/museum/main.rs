//! Real bugs of other runtimes, one test each.

mod sync;
