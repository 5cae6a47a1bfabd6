//! Atomics, locks and reference counts: `std` and `parking_lot` in a build, `loom` in a model.
//!
//! Every type that a protocol of this crate shares between threads comes from here, so that `model.rs` runs the real
//! code under every interleaving. Counters that no protocol reads use `std` directly.
//!
//! The runtime has a lock for models of its own, which knows condition variables. This crate knows no runtime, and would have
//! to publish ten lines that only models use to share them.

#[cfg(not(loom))]
mod imp {
    pub(crate) use parking_lot::{Mutex, MutexGuard};
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicU64, AtomicUsize};
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicU64, AtomicUsize};

    pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

    /// `loom::sync::Mutex` with parking_lot's interface (a lock cannot be poisoned).
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no thread panics with a lock held")
        }
    }
}

pub(crate) use imp::*;
pub(crate) use std::sync::atomic::Ordering;
