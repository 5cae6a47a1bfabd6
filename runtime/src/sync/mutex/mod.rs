//! `Mutex`: one task at a time, also across `.await`.
//!
//! Owns: [`Mutex`].
//! Not here: guards (`guards`), queue (`permits`: a mutex is one permit).
//!
//! The danger: a task that locks the same mutex twice waits for itself for ever; so does one that waits with a guard
//! in its hand for another that needs it. Keep guards short.

mod guards;
#[allow(unsafe_code)] // turns a stored address back into the place it is of
mod holder;

pub use self::guards::{MappedMutexGuard, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard};
pub use self::holder::Holder;

use self::holder::HolderNote;
use super::blocking;
use super::lock_data::{LockData, WritePtr};
use super::permits::Permits;
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A lock whose guard may be held across `.await`, first come, first served.
///
/// For data that is only touched between two awaits, [`std::sync::Mutex`] is cheaper. There is no poison: a guard
/// that is dropped by a panic just unlocks.
///
/// # Examples
///
/// ```
/// use runtime::sync::{Mutex, MutexGuard};
///
/// let mutex = Mutex::new((1, "one"));
/// mutex.blocking_lock().0 += 1;
/// let mut first = MutexGuard::map(mutex.try_lock()?, |pair| &mut pair.0);
/// *first *= 10;
/// assert!(mutex.try_lock().is_err());
/// drop(first);
/// assert_eq!(mutex.into_inner(), (20, "one"));
/// # Ok::<(), runtime::sync::TryLockError>(())
/// ```
pub struct Mutex<T: ?Sized> {
    permits: Permits,
    holder: HolderNote,
    data: LockData<T>,
}

/// The lock is held, or others are queued for it.
#[derive(Debug)]
pub struct TryLockError(pub(super) ());

impl fmt::Display for TryLockError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the lock is held by another, or others are queued for it")
    }
}

impl Error for TryLockError {}

impl<T> Mutex<T> {
    /// An unlocked mutex around `t`.
    pub fn new(t: T) -> Self {
        Mutex { permits: Permits::new(1), holder: HolderNote::new(), data: LockData::new(t) }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        pub const fn const_new(t: T) -> Self {
            Mutex { permits: Permits::new(1), holder: HolderNote::new(), data: LockData::new(t) }
        }
    }

    /// Takes the data out.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

#[allow(unsafe_code)] // says that a guard's pointer has its permit
impl<T: ?Sized> Mutex<T> {
    /// # Safety
    /// The caller has just got this mutex's permit, and gives the pointer to a guard that keeps it.
    unsafe fn pointer(&self) -> WritePtr<T> {
        // SAFETY: the permit is the right to write; the guard that gets the pointer keeps permit and mutex.
        unsafe { self.data.write() }
    }

    fn unlock(&self) {
        self.permits.release(1);
    }

    async fn take_permit(&self, place: &'static Location<'static>) {
        if self.permits.acquire_at(1, place).await.is_err() {
            unreachable!("BUG: nobody closes a mutex");
        }
        self.holder.note(place);
    }

    /// Locks, waiting for those who came before.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn lock(&self) -> impl Future<Output = MutexGuard<'_, T>> {
        let place = Location::caller();
        async move {
            self.take_permit(place).await;
            // SAFETY: we have just got the permit; the guard keeps it.
            let pointer = unsafe { self.pointer() };
            MutexGuard::new(self, pointer)
        }
    }

    /// Locks, with a guard that owns its part in the mutex.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn lock_owned(self: Arc<Self>) -> impl Future<Output = OwnedMutexGuard<T>> {
        let place = Location::caller();
        async move {
            self.take_permit(place).await;
            // SAFETY: we have just got the permit; the guard keeps it, and the mutex.
            let pointer = unsafe { self.pointer() };
            OwnedMutexGuard::new(self, pointer)
        }
    }

    /// Locks, blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_lock(&self) -> MutexGuard<'_, T> {
        blocking::assert_may_block("Mutex::blocking_lock");
        blocking::wait(self.lock())
    }

    /// Locks, blocking the thread, with a guard that owns its part in the mutex.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_lock_owned(self: Arc<Self>) -> OwnedMutexGuard<T> {
        blocking::assert_may_block("Mutex::blocking_lock_owned");
        blocking::wait(self.lock_owned())
    }

    /// Locks if that can be done at once.
    ///
    /// # Errors
    /// If the lock is held, or others are queued for it.
    #[track_caller]
    pub fn try_lock(&self) -> Result<MutexGuard<'_, T>, TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))?;
        self.holder.note(Location::caller());
        // SAFETY: we have just got the permit; the guard keeps it.
        let pointer = unsafe { self.pointer() };
        Ok(MutexGuard::new(self, pointer))
    }

    /// Locks if that can be done at once, with a guard that owns its part in the mutex.
    ///
    /// # Errors
    /// If the lock is held, or others are queued for it.
    #[track_caller]
    pub fn try_lock_owned(self: Arc<Self>) -> Result<OwnedMutexGuard<T>, TryLockError> {
        self.permits.try_acquire(1).map_err(|_| TryLockError(()))?;
        self.holder.note(Location::caller());
        // SAFETY: we have just got the permit; the guard keeps it, and the mutex.
        let pointer = unsafe { self.pointer() };
        Ok(OwnedMutexGuard::new(self, pointer))
    }

    /// Who holds the lock now, and where it was locked. `None`: nobody does.
    ///
    /// For showing to people: by the time one looks, another may hold it. While the lock is handed from one to the next it
    /// may still name the one before.
    ///
    /// ```
    /// use runtime::sync::Mutex;
    ///
    /// let mutex = Mutex::new(());
    /// assert!(mutex.holder().is_none());
    /// let guard = mutex.try_lock()?;
    /// assert_eq!(mutex.holder().unwrap().place().line(), line!() - 1);
    /// # drop(guard);
    /// # Ok::<(), runtime::sync::TryLockError>(())
    /// ```
    pub fn holder(&self) -> Option<Holder> {
        if self.permits.available() > 0 { None } else { self.holder.read() }
    }

    /// How many wait for the lock now. Walks the queue, which stands still meanwhile: for logs and tests.
    pub fn waiting(&self) -> usize {
        self.permits.waiting()
    }

    /// The data, without locking: `&mut self` shows that nobody else is here.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}

impl<T> From<T> for Mutex<T> {
    fn from(t: T) -> Self {
        Mutex::new(t)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Self {
        Mutex::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for Mutex<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("Mutex");
        match self.try_lock() {
            Ok(guard) => shown.field("data", &&*guard),
            Err(_) => shown.field("data", &format_args!("<locked>")),
        };
        shown.finish()
    }
}
