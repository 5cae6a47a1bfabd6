//! What differs between a build and a loom model.
//!
//! loom's locks and atomics cannot be made in a `const fn`, so constructors of objects that hold them are declared
//! through [`const_fn!`], which drops the `const` in a model. loom's `RwLock` has std's interface; [`ValueLock`] is
//! the same thing for both. The models of each primitive lie in its own `model.rs`.

/// Declares a `const fn` that is an ordinary function in a model.
#[cfg(not(loom))]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}

/// Declares a `const fn` that is an ordinary function in a model.
#[cfg(loom)]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}

pub(super) use const_fn;

#[cfg(loom)]
use loom::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
#[cfg(not(loom))]
use std::sync::{RwLock, RwLockReadGuard, RwLockWriteGuard};

/// A readers-writer lock that knows no poison.
pub(super) struct ValueLock<T>(RwLock<T>);

pub(super) type ValueRef<'a, T> = RwLockReadGuard<'a, T>;
pub(super) type ValueMut<'a, T> = RwLockWriteGuard<'a, T>;

impl<T> UnwindSafe for ValueLock<T> {}
impl<T> RefUnwindSafe for ValueLock<T> {}

impl<T> ValueLock<T> {
    pub(super) fn new(value: T) -> Self {
        ValueLock(RwLock::new(value))
    }

    pub(super) fn read(&self) -> ValueRef<'_, T> {
        self.0.read().unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    pub(super) fn write(&self) -> ValueMut<'_, T> {
        self.0.write().unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl<T> fmt::Debug for ValueLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ValueLock")
    }
}
