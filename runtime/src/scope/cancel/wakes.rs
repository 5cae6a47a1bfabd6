//! Many wakers, of which some may panic.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

/// Wakers are user code and may panic. Everybody else is woken all the same; then the first panic goes on.
#[derive(Default)]
pub(super) struct Wakes(Option<Box<dyn Any + Send>>);

impl Wakes {
    pub(super) fn call(&mut self, wake: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(wake)) {
            self.0.get_or_insert(payload);
        }
    }

    pub(super) fn done(self) {
        if let Some(payload) = self.0
            && !std::thread::panicking()
        {
            resume_unwind(payload);
        }
    }
}
