//! The borrowing reader's guard, and what all six guards do with their pointers.

use crate::sync::lock_data::ReadPtr;
use crate::sync::permits::Permits;
use std::fmt;
use std::ops::Deref;

/// Gives a borrowed lock's permits back when dropped.
pub(super) struct Unlock<'a> {
    permits: &'a Permits,
    held: u32,
}

impl<'a> Unlock<'a> {
    pub(super) fn new(permits: &'a Permits, held: u32) -> Self {
        Unlock { permits, held }
    }

    /// Keeps one permit, a reader's, and gives the others back.
    pub(super) fn downgrade(mut self) -> Self {
        let surplus = self.held - 1;
        // First the note, then the release: a waker may panic in it.
        self.held = 1;
        self.permits.release(surplus as usize);
        self
    }
}

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.permits.release(self.held as usize);
    }
}

/// Data that is locked for reading; dropping it unlocks.
///
/// ```
/// use runtime::sync::{RwLock, RwLockReadGuard};
/// let lock = RwLock::new((1, "two"));
/// let first = lock.try_read().unwrap();
/// let word = RwLockReadGuard::map(lock.try_read().unwrap(), |pair| &pair.1);
/// assert_eq!((first.0, *word), (1, "two"));
/// assert!(lock.try_write().is_err());
/// ```
#[must_use = "dropped at once, it unlocks at once"]
pub struct RwLockReadGuard<'a, T: ?Sized> {
    pointer: ReadPtr<T>,
    unlock: Unlock<'a>,
}

impl<'a, T: ?Sized> RwLockReadGuard<'a, T> {
    pub(super) fn new(permits: &'a Permits, pointer: ReadPtr<T>) -> Self {
        RwLockReadGuard { pointer, unlock: Unlock::new(permits, 1) }
    }

    pub(super) fn downgraded(unlock: Unlock<'a>, pointer: ReadPtr<T>) -> Self {
        RwLockReadGuard { pointer, unlock: unlock.downgrade() }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Some(pointer) => RwLockReadGuard { pointer, unlock: this.unlock },
            None => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match this.pointer.map(f) {
            Some(pointer) => Ok(RwLockReadGuard { pointer, unlock: this.unlock }),
            None => Err(this),
        }
    }
}

/// Reading, and showing, through a guard's pointer.
macro_rules! reach_data {
    ($([$($generics:tt)*] $guard:ty => $data:ident),* $(,)?) => {$(
        impl<$($generics)*> Deref for $guard {
            type Target = $data;

            #[inline]
            fn deref(&self) -> &$data {
                self.pointer.get()
            }
        }

        impl<$($generics)*> fmt::Debug for $guard
        where
            $data: fmt::Debug,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&**self, f)
            }
        }

        impl<$($generics)*> fmt::Display for $guard
        where
            $data: fmt::Display,
        {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(&**self, f)
            }
        }
    )*};
}

/// Writing through a guard's pointer.
macro_rules! reach_data_mut {
    ($([$($generics:tt)*] $guard:ty => $data:ident),* $(,)?) => {$(
        impl<$($generics)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $data {
                self.pointer.get_mut()
            }
        }
    )*};
}

pub(super) use {reach_data, reach_data_mut};

reach_data! {
    [T: ?Sized] RwLockReadGuard<'_, T> => T,
}
