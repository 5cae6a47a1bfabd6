//! The four guards of `Mutex`. Each is a pointer into the data and a keeper that unlocks when it is dropped.

use super::Mutex;
use crate::sync::lock_data::WritePtr;
use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Unlocks a borrowed mutex when dropped. It knows the permits only: a mapped guard does not name the whole's type.
struct Unlock<'a>(&'a super::Permits);

impl Drop for Unlock<'_> {
    fn drop(&mut self) {
        self.0.release(1);
    }
}

/// Unlocks a mutex when dropped, then gives its part in it back.
struct UnlockOwned<T: ?Sized>(Arc<Mutex<T>>);

impl<T: ?Sized> Drop for UnlockOwned<T> {
    fn drop(&mut self) {
        self.0.unlock();
    }
}

/// The data of a locked [`Mutex`]; dropping it unlocks.
///
/// ```
/// let mutex = runtime::sync::Mutex::new(1);
/// let mut guard = mutex.try_lock().unwrap();
/// *guard += 1;
/// assert!(mutex.try_lock().is_err());
/// drop(guard);
/// assert_eq!(*mutex.try_lock().unwrap(), 2);
/// ```
#[must_use = "dropped at once, it unlocks at once"]
pub struct MutexGuard<'a, T: ?Sized> {
    pointer: WritePtr<T>,
    mutex: &'a Mutex<T>,
    unlock: Unlock<'a>,
}

/// The data of a locked [`Mutex`], with a part in the mutex; dropping it unlocks.
///
/// ```
/// use runtime::sync::Mutex;
/// use std::sync::Arc;
/// let mutex = Arc::new(Mutex::new(1));
/// let guard = mutex.clone().try_lock_owned().unwrap();
/// // It borrows nothing, so that a thread or a task may take it along.
/// std::thread::spawn(move || assert_eq!(*guard, 1)).join().unwrap();
/// assert!(mutex.try_lock().is_ok());
/// ```
pub struct OwnedMutexGuard<T: ?Sized> {
    pointer: WritePtr<T>,
    unlock: UnlockOwned<T>,
}

/// A part of the data of a locked [`Mutex`]; dropping it unlocks.
///
/// ```
/// use runtime::sync::{Mutex, MutexGuard};
/// let pair = Mutex::new((1, "two"));
/// let mut number = MutexGuard::map(pair.try_lock().unwrap(), |pair| &mut pair.0);
/// *number = 5;
/// drop(number);
/// assert_eq!(pair.into_inner(), (5, "two"));
/// ```
#[must_use = "dropped at once, it unlocks at once"]
pub struct MappedMutexGuard<'a, T: ?Sized> {
    pointer: WritePtr<T>,
    unlock: Unlock<'a>,
}

/// A part of the data of a locked [`Mutex`], with a part in the mutex; dropping it unlocks.
///
/// ```
/// use runtime::sync::{Mutex, OwnedMutexGuard};
/// use std::sync::Arc;
/// let pair = Arc::new(Mutex::new((1, "two")));
/// let word = OwnedMutexGuard::map(pair.clone().try_lock_owned().unwrap(), |pair| &mut pair.1);
/// assert_eq!(*word, "two");
/// ```
#[must_use = "dropped at once, it unlocks at once"]
pub struct OwnedMappedMutexGuard<T: ?Sized, U: ?Sized = T> {
    pointer: WritePtr<U>,
    unlock: UnlockOwned<T>,
}

impl<'a, T: ?Sized> MutexGuard<'a, T> {
    pub(super) fn new(mutex: &'a Mutex<T>, pointer: WritePtr<T>) -> Self {
        MutexGuard { pointer, mutex, unlock: Unlock(&mutex.permits) }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<U: ?Sized, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => MappedMutexGuard { pointer, unlock: this.unlock },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<U: ?Sized, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(MappedMutexGuard { pointer, unlock: this.unlock }),
            Err(pointer) => Err(MutexGuard { pointer, mutex: this.mutex, unlock: this.unlock }),
        }
    }

    /// The mutex it is of.
    pub fn mutex(this: &Self) -> &'a Mutex<T> {
        this.mutex
    }
}

impl<T: ?Sized> OwnedMutexGuard<T> {
    pub(super) fn new(mutex: Arc<Mutex<T>>, pointer: WritePtr<T>) -> Self {
        OwnedMutexGuard { pointer, unlock: UnlockOwned(mutex) }
    }

    /// A guard for the part of the data that `f` points out.
    pub fn map<U: ?Sized, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => OwnedMappedMutexGuard { pointer, unlock: this.unlock },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for the part of the data that `f` points out, if there is one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<U: ?Sized, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(OwnedMappedMutexGuard { pointer, unlock: this.unlock }),
            Err(pointer) => Err(OwnedMutexGuard { pointer, unlock: this.unlock }),
        }
    }

    /// The mutex it is of.
    pub fn mutex(this: &Self) -> &Arc<Mutex<T>> {
        &this.unlock.0
    }
}

impl<'a, T: ?Sized> MappedMutexGuard<'a, T> {
    /// A guard for a part of this part.
    pub fn map<U: ?Sized, F>(this: Self, f: F) -> MappedMutexGuard<'a, U>
    where
        F: FnOnce(&mut T) -> &mut U,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => MappedMutexGuard { pointer, unlock: this.unlock },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for a part of this part, if `f` finds one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<U: ?Sized, F>(this: Self, f: F) -> Result<MappedMutexGuard<'a, U>, Self>
    where
        F: FnOnce(&mut T) -> Option<&mut U>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(MappedMutexGuard { pointer, unlock: this.unlock }),
            Err(pointer) => Err(MappedMutexGuard { pointer, unlock: this.unlock }),
        }
    }
}

impl<T: ?Sized, U: ?Sized> OwnedMappedMutexGuard<T, U> {
    /// A guard for a part of this part.
    pub fn map<S: ?Sized, F>(this: Self, f: F) -> OwnedMappedMutexGuard<T, S>
    where
        F: FnOnce(&mut U) -> &mut S,
    {
        match this.pointer.map(|data| Some(f(data))) {
            Ok(pointer) => OwnedMappedMutexGuard { pointer, unlock: this.unlock },
            Err(_) => unreachable!("BUG: `Some` was mapped"),
        }
    }

    /// A guard for a part of this part, if `f` finds one.
    ///
    /// # Errors
    /// This guard, if `f` finds none.
    pub fn try_map<S: ?Sized, F>(this: Self, f: F) -> Result<OwnedMappedMutexGuard<T, S>, Self>
    where
        F: FnOnce(&mut U) -> Option<&mut S>,
    {
        match this.pointer.map(f) {
            Ok(pointer) => Ok(OwnedMappedMutexGuard { pointer, unlock: this.unlock }),
            Err(pointer) => Err(OwnedMappedMutexGuard { pointer, unlock: this.unlock }),
        }
    }
}

/// What every guard does with its pointer.
macro_rules! reach_data {
    ($([$($generics:tt)*] $guard:ty => $data:ident),* $(,)?) => {$(
        impl<$($generics)*> Deref for $guard {
            type Target = $data;

            #[inline]
            fn deref(&self) -> &$data {
                self.pointer.get()
            }
        }

        impl<$($generics)*> DerefMut for $guard {
            #[inline]
            fn deref_mut(&mut self) -> &mut $data {
                self.pointer.get_mut()
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

reach_data! {
    [T: ?Sized] MutexGuard<'_, T> => T,
    [T: ?Sized] OwnedMutexGuard<T> => T,
    [T: ?Sized] MappedMutexGuard<'_, T> => T,
    [T: ?Sized, U: ?Sized] OwnedMappedMutexGuard<T, U> => U,
}
