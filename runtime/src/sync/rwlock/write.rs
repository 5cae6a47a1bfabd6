//! The borrowing writers' guards.

use super::read::{RwLockReadGuard, Unlock, reach_data, reach_data_mut};
use crate::sync::lock_data::{ReadPtr, WritePtr};
use crate::sync::permits::Permits;
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

/// A guard with this one inside goes to another thread only if a reader's guard could, too: there it may become one, while
/// this thread reads beside it. So `T` must be `Sync`, and not `Send` alone as for a pointer that only writes (D1).
pub(super) type MayRead<T> = PhantomData<ReadPtr<T>>;

/// Data that is locked for writing; dropping it unlocks.
///
/// ```
/// let lock = runtime::sync::RwLock::new(1);
/// let mut guard = lock.try_write().unwrap();
/// *guard = 2;
/// // From here on others may read, and nobody can have written in between.
/// let guard = guard.downgrade();
/// assert_eq!((*guard, *lock.try_read().unwrap()), (2, 2));
/// ```
#[must_use = "dropped at once, it unlocks at once"]
pub struct RwLockWriteGuard<'a, T: ?Sized> {
    pointer: WritePtr<T>,
    unlock: Unlock<'a>,
    may_read: MayRead<T>,
}

/// A part of data that is locked for writing; dropping it unlocks.
///
/// ```
/// use runtime::sync::{RwLock, RwLockWriteGuard};
/// let lock = RwLock::new((1, "two"));
/// let mut number = RwLockWriteGuard::map(lock.try_write().unwrap(), |pair| &mut pair.0);
/// *number = 5;
/// drop(number);
/// assert_eq!(lock.into_inner(), (5, "two"));
/// ```
pub struct RwLockMappedWriteGuard<'a, T: ?Sized> {
    pointer: WritePtr<T>,
    unlock: Unlock<'a>,
    may_read: MayRead<T>,
}

impl<'a, T: ?Sized> RwLockWriteGuard<'a, T> {
    pub(super) fn new(permits: &'a Permits, held: u32, pointer: WritePtr<T>) -> Self {
        RwLockWriteGuard { pointer, unlock: Unlock::new(permits, held), may_read: PhantomData }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => RwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(RwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
            Err(pointer) => Err(RwLockWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
        }
    }

    /// Becomes a reader of the part of the data that `f` points out. No writer gets in between.
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> RwLockReadGuard<'a, U>
    where
        F: FnOnce(&T) -> &U,
    {
        // `f` looks before others may.
        let RwLockWriteGuard { pointer, unlock, may_read: _ } = this;
        match pointer.downgrade().map(|data| Some(f(data))) {
            Some(part) => RwLockReadGuard::downgraded(unlock, part),
            None => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// Becomes a reader of the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, still for writing, if `f` finds none.
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockReadGuard<'a, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match this.pointer.read_part(f) {
            Some(part) => Ok(RwLockReadGuard::downgraded(this.unlock, part)),
            None => Err(this),
        }
    }

    /// This guard as a mapped one, of the whole.
    pub fn into_mapped(this: Self) -> RwLockMappedWriteGuard<'a, T> {
        RwLockMappedWriteGuard { pointer: this.pointer, unlock: this.unlock, may_read: PhantomData }
    }

    /// Becomes a reader. No writer gets in between.
    pub fn downgrade(self) -> RwLockReadGuard<'a, T> {
        RwLockReadGuard::downgraded(self.unlock, self.pointer.downgrade())
    }
}

impl<'a, T: ?Sized> RwLockMappedWriteGuard<'a, T> {
    /// A guard for a part of this part.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> RwLockMappedWriteGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => RwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for a part of this part, if `f` finds one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<RwLockMappedWriteGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(RwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
            Err(pointer) => Err(RwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
        }
    }
}

reach_data! {
    [T: ?Sized] RwLockWriteGuard<'_, T> => T,
    [T: ?Sized] RwLockMappedWriteGuard<'_, T> => T,
}

reach_data_mut! {
    [T: ?Sized] RwLockWriteGuard<'_, T> => T,
    [T: ?Sized] RwLockMappedWriteGuard<'_, T> => T,
}
