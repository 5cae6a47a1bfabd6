//! The part of the runtime that its attributes name.

pub use runtime_macros::{main, test};

#[path = "../../../support/fake.rs"]
mod fake;

pub use fake::runtime;
