//! A readers-writer lock that knows no poison, of `std` in a build and of `loom` in a model.
//!
//! Not parking_lot's: loom has std's interface, so the two need no shim between them.

#[cfg(loom)]
use loom::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
#[cfg(not(loom))]
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// See the module's head.
pub(crate) struct ValueLock<T>(RwLock<T>);

pub(crate) type ValueRef<'a, T> = RwLockReadGuard<'a, T>;
pub(crate) type ValueMut<'a, T> = RwLockWriteGuard<'a, T>;

impl<T> UnwindSafe for ValueLock<T> {}
impl<T> RefUnwindSafe for ValueLock<T> {}

impl<T> ValueLock<T> {
    pub(crate) fn new(value: T) -> Self {
        ValueLock(RwLock::new(value))
    }

    pub(crate) fn read(&self) -> ValueRef<'_, T> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(crate) fn write(&self) -> ValueMut<'_, T> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for ValueLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueLock")
    }
}
