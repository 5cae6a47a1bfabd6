//! The guards that own their part in the lock.

use super::RwLock;
use super::read::{reach_data, reach_data_mut};
use super::write::MayRead;
use crate::sync::lock_data::{ReadPtr, WritePtr};
use std::fmt;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Gives the permits of a lock back when dropped, then its part in the lock.
struct UnlockOwned<T: ?Sized> {
    lock: Arc<RwLock<T>>,
    held: u32,
}

impl<T: ?Sized> UnlockOwned<T> {
    /// Keeps one permit, a reader's, and gives the others back.
    fn downgrade(mut self) -> Self {
        let surplus = self.held - 1;
        // First the note, then the release: a waker may panic in it.
        self.held = 1;
        self.lock.permits.release(surplus as usize);
        self
    }
}

impl<T: ?Sized> Drop for UnlockOwned<T> {
    fn drop(&mut self) {
        self.lock.permits.release(self.held as usize);
    }
}

/// Like [`RwLockReadGuard`](super::RwLockReadGuard), with a part in the lock.
///
/// ```
/// use runtime::sync::RwLock;
/// use std::sync::Arc;
/// let lock = Arc::new(RwLock::new(1));
/// let guard = lock.clone().try_read_owned().unwrap();
/// std::thread::spawn(move || assert_eq!(*guard, 1)).join().unwrap();
/// assert!(lock.try_write().is_ok());
/// ```
pub struct OwnedRwLockReadGuard<T: ?Sized, U: ?Sized = T> {
    pointer: ReadPtr<U>,
    unlock: UnlockOwned<T>,
}

/// Like [`RwLockWriteGuard`](super::RwLockWriteGuard), with a part in the lock.
///
/// ```
/// use runtime::sync::RwLock;
/// use std::sync::Arc;
/// let lock = Arc::new(RwLock::new(1));
/// let mut guard = lock.clone().try_write_owned().unwrap();
/// std::thread::spawn(move || *guard = 2).join().unwrap();
/// assert_eq!(*lock.try_read().unwrap(), 2);
/// ```
pub struct OwnedRwLockWriteGuard<T: ?Sized> {
    pointer: WritePtr<T>,
    // With its part in the lock it needs no mark that it may become a reader: that asks for `T: Sync` already.
    unlock: UnlockOwned<T>,
}

/// Like [`RwLockMappedWriteGuard`](super::RwLockMappedWriteGuard), with a part in the lock.
///
/// ```
/// use runtime::sync::{OwnedRwLockWriteGuard, RwLock};
/// use std::sync::Arc;
/// let lock = Arc::new(RwLock::new((1, "two")));
/// let mut number = OwnedRwLockWriteGuard::map(lock.clone().try_write_owned().unwrap(), |pair| &mut pair.0);
/// *number = 5;
/// drop(number);
/// assert_eq!(*lock.try_read().unwrap(), (5, "two"));
/// ```
pub struct OwnedRwLockMappedWriteGuard<T: ?Sized, U: ?Sized = T> {
    pointer: WritePtr<U>,
    unlock: UnlockOwned<T>,
    may_read: MayRead<U>,
}

impl<T: ?Sized> OwnedRwLockReadGuard<T> {
    pub(super) fn new(lock: Arc<RwLock<T>>, pointer: ReadPtr<T>) -> Self {
        OwnedRwLockReadGuard { pointer, unlock: UnlockOwned { lock, held: 1 } }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockReadGuard<T, U> {
    fn downgraded(unlock: UnlockOwned<T>, pointer: ReadPtr<U>) -> Self {
        OwnedRwLockReadGuard { pointer, unlock: unlock.downgrade() }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, V>
    where
        F: FnOnce(&U) -> &V,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Some(pointer) => OwnedRwLockReadGuard { pointer, unlock: this.unlock },
            None => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, V>, Self>
    where
        F: FnOnce(&U) -> Option<&V>,
    {
        match this.pointer.map(f) {
            Some(pointer) => Ok(OwnedRwLockReadGuard { pointer, unlock: this.unlock }),
            None => Err(this),
        }
    }

    /// The lock it is of.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.unlock.lock
    }
}

impl<T: ?Sized> OwnedRwLockWriteGuard<T> {
    pub(super) fn new(lock: Arc<RwLock<T>>, pointer: WritePtr<T>) -> Self {
        let held = lock.max_readers;
        OwnedRwLockWriteGuard { pointer, unlock: UnlockOwned { lock, held } }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => OwnedRwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, U: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(OwnedRwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
            Err(pointer) => Err(OwnedRwLockWriteGuard { pointer, unlock: this.unlock }),
        }
    }

    /// Becomes a reader of the part of the data that `f` points out. No writer gets in between.
    pub fn downgrade_map<F, U: ?Sized>(this: Self, f: F) -> OwnedRwLockReadGuard<T, U>
    where
        F: FnOnce(&T) -> &U,
    {
        // `f` looks before others may.
        let OwnedRwLockWriteGuard { pointer, unlock } = this;
        match pointer.downgrade().map(|data| Some(f(data))) {
            Some(part) => OwnedRwLockReadGuard::downgraded(unlock, part),
            None => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// Becomes a reader of the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, still for writing, if `f` finds none.
    pub fn try_downgrade_map<F, U: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockReadGuard<T, U>, Self>
    where
        F: FnOnce(&T) -> Option<&U>,
    {
        match this.pointer.read_part(f) {
            Some(part) => Ok(OwnedRwLockReadGuard::downgraded(this.unlock, part)),
            None => Err(this),
        }
    }

    /// This guard as a mapped one, of the whole.
    pub fn into_mapped(this: Self) -> OwnedRwLockMappedWriteGuard<T> {
        OwnedRwLockMappedWriteGuard { pointer: this.pointer, unlock: this.unlock, may_read: PhantomData }
    }

    /// Becomes a reader. No writer gets in between.
    pub fn downgrade(self) -> OwnedRwLockReadGuard<T> {
        OwnedRwLockReadGuard::downgraded(self.unlock, self.pointer.downgrade())
    }

    /// The lock it is of.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.unlock.lock
    }
}

impl<T: ?Sized, U: ?Sized> OwnedRwLockMappedWriteGuard<T, U> {
    /// A guard for a part of this part.
    pub fn map<F, V: ?Sized>(this: Self, f: F) -> OwnedRwLockMappedWriteGuard<T, V>
    where
        F: FnOnce(&mut U) -> &mut V,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => OwnedRwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for a part of this part, if `f` finds one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<F, V: ?Sized>(this: Self, f: F) -> Result<OwnedRwLockMappedWriteGuard<T, V>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut V>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(OwnedRwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
            Err(pointer) => Err(OwnedRwLockMappedWriteGuard { pointer, unlock: this.unlock, may_read: PhantomData }),
        }
    }

    /// The lock it is of.
    pub fn rwlock(this: &Self) -> &Arc<RwLock<T>> {
        &this.unlock.lock
    }
}

reach_data! {
    [T: ?Sized, U: ?Sized] OwnedRwLockReadGuard<T, U> => U,
    [T: ?Sized] OwnedRwLockWriteGuard<T> => T,
    [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U> => U,
}

reach_data_mut! {
    [T: ?Sized] OwnedRwLockWriteGuard<T> => T,
    [T: ?Sized, U: ?Sized] OwnedRwLockMappedWriteGuard<T, U> => U,
}
