//! The data inside our locks, and the pointers that their guards hold.
//!
//! Owns: [`LockData`], [`ReadPtr`], [`WritePtr`]: all the unsafe code that `Mutex` and `RwLock` need for their data.
//! Not here: who may lock (`permits`), guards (`mutex`, `rwlock`).
//!
//! A guard is a pointer and a keeper of permits. The pointer can be mapped to a part of the data; the keeper stays.
//! The danger: a pointer that outlives its permits. Each guard declares its pointer and its keeper in one struct that
//! gives neither away but to another guard.

use std::cell::UnsafeCell;
use std::marker::PhantomData;
use std::ptr::NonNull;

/// Data that is reached through a lock.
pub(in crate::sync) struct LockData<T: ?Sized>(UnsafeCell<T>);

// SAFETY: the owner of a lock owns its data; moving it moves the data.
unsafe impl<T: ?Sized + Send> Send for LockData<T> {}
// SAFETY: `&LockData` gives nothing but pointers, whose makers promise to hold the lock. A lock that hands out shared
// access asks for `T: Sync` itself (`RwLock`).
unsafe impl<T: ?Sized + Send> Sync for LockData<T> {}

impl<T> LockData<T> {
    pub(in crate::sync) const fn new(value: T) -> Self {
        LockData(UnsafeCell::new(value))
    }

    pub(in crate::sync) fn into_inner(self) -> T {
        self.0.into_inner()
    }
}

impl<T: ?Sized> LockData<T> {
    pub(in crate::sync) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut()
    }

    /// # Safety
    /// While the pointer or one mapped from it exists, the caller keeps the data alive and holds its lock for
    /// reading or writing.
    pub(in crate::sync) unsafe fn read(&self) -> ReadPtr<T> {
        // SAFETY: a cell's address is not null.
        ReadPtr(unsafe { NonNull::new_unchecked(self.0.get()) })
    }

    /// # Safety
    /// While the pointer or one mapped from it exists, the caller keeps the data alive and holds its lock for
    /// writing, and makes no second pointer.
    pub(in crate::sync) unsafe fn write(&self) -> WritePtr<T> {
        // SAFETY: a cell's address is not null.
        WritePtr(unsafe { NonNull::new_unchecked(self.0.get()) }, PhantomData)
    }
}

/// Points to data that may be read as long as the pointer exists.
pub(in crate::sync) struct ReadPtr<T: ?Sized>(NonNull<T>);

// SAFETY: it gives out `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Send for ReadPtr<T> {}
// SAFETY: as above.
unsafe impl<T: ?Sized + Sync> Sync for ReadPtr<T> {}

impl<T: ?Sized> ReadPtr<T> {
    #[inline]
    pub(in crate::sync) fn get(&self) -> &T {
        // SAFETY: who made the pointer holds the lock for reading and keeps the data alive while it exists.
        unsafe { self.0.as_ref() }
    }

    /// A pointer to what `f` finds. `self` stays usable: both are for reading.
    pub(in crate::sync) fn map<U: ?Sized>(&self, f: impl FnOnce(&T) -> Option<&U>) -> Option<ReadPtr<U>> {
        f(self.get()).map(|part| ReadPtr(NonNull::from(part)))
    }
}

/// Points to data that may be read and written as long as the pointer exists.
/// Invariant in `T`: a longer-lived place must not take a shorter-lived value.
pub(in crate::sync) struct WritePtr<T: ?Sized>(NonNull<T>, PhantomData<*mut T>);

// SAFETY: it is as good as a `&mut T`.
unsafe impl<T: ?Sized + Send> Send for WritePtr<T> {}
// SAFETY: `&WritePtr` gives out `&T` and nothing else.
unsafe impl<T: ?Sized + Sync> Sync for WritePtr<T> {}

impl<T: ?Sized> WritePtr<T> {
    #[inline]
    pub(in crate::sync) fn get(&self) -> &T {
        // SAFETY: who made the pointer holds the lock for writing and keeps the data alive while it exists.
        unsafe { self.0.as_ref() }
    }

    #[inline]
    pub(in crate::sync) fn get_mut(&mut self) -> &mut T {
        // SAFETY: as for `get`, and `&mut self` makes this the only reference.
        unsafe { self.0.as_mut() }
    }

    /// A pointer to what `f` finds, in the place of this one; with `None` this one stays.
    pub(in crate::sync) fn map<U: ?Sized>(
        mut self,
        f: impl FnOnce(&mut T) -> Option<&mut U>,
    ) -> Result<WritePtr<U>, Self> {
        match f(self.get_mut()).map(NonNull::from) {
            Some(part) => Ok(WritePtr(part, PhantomData)),
            None => Err(self),
        }
    }

    /// A pointer for reading to what `f` finds. As long as it exists, the caller does not write through this one.
    ///
    /// `None` if `f` finds nothing.
    pub(in crate::sync) fn read_part<U: ?Sized>(&self, f: impl FnOnce(&T) -> Option<&U>) -> Option<ReadPtr<U>> {
        f(self.get()).map(|part| ReadPtr(NonNull::from(part)))
    }

    /// Gives up the right to write.
    pub(in crate::sync) fn downgrade(self) -> ReadPtr<T> {
        ReadPtr(self.0)
    }
}
