//! `RwLock`: many readers or one writer, also across `.await`.
//!
//! Owns: [`RwLock`].
//! Not here: guards (`read`, `write`, `owned`), queue (`permits`: a reader takes one permit, a writer all).
//!
//! The danger: a task that reads twice at once. The queue is fair, so a writer that came between stops the second
//! reading, and itself waits for the first: neither goes on. Take one guard and share it.

mod owned;
mod read;
mod write;

pub use self::owned::{OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard};
pub use self::read::RwLockReadGuard;
pub use self::write::{RwLockMappedWriteGuard, RwLockWriteGuard};

use super::TryLockError;
use super::blocking;
use super::lock_data::{LockData, ReadPtr, WritePtr};
use super::permits::Permits;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// As many readers as a 32-bit target's permits allow, so that it's the same everywhere.
const MAX_READERS: u32 = u32::MAX >> 3;

/// A lock with one writer or many readers, first come, first served.
///
/// A reader that comes after a waiting writer waits for it. There is no poison.
///
/// # Examples
///
/// ```
/// use runtime::sync::RwLock;
///
/// let lock = RwLock::new(vec![1, 2]);
/// let first = lock.blocking_read();
/// let second = lock.try_read()?;
/// assert_eq!(first.len() + second.len(), 4);
/// assert!(lock.try_write().is_err());
/// drop((first, second));
///
/// let mut writer = lock.blocking_write();
/// writer.push(3);
/// assert_eq!(*writer.downgrade(), [1, 2, 3]);
/// # Ok::<(), runtime::sync::TryLockError>(())
/// ```
pub struct RwLock<T: ?Sized> {
    permits: Permits,
    max_readers: u32,
    data: LockData<T>,
}

#[allow(unsafe_code)] // asks for more than its data does
// SAFETY: with readers, `&RwLock<T>` gives several threads a `&T` at once, hence `Sync`; a writer can move a `T` out
// and in, hence `Send`.
unsafe impl<T: ?Sized + Send + Sync> Sync for RwLock<T> {}

impl<T> RwLock<T> {
    /// An unlocked lock around `value`.
    pub fn new(value: T) -> RwLock<T> {
        Self::with(value, MAX_READERS)
    }

    /// A lock with at most `max_reads` readers at a time.
    ///
    /// # Panics
    /// If `max_reads` is 0 or greater than `u32::MAX >> 3`.
    #[track_caller]
    pub fn with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
        assert!(
            0 < max_reads && max_reads <= MAX_READERS,
            "a lock with at most {max_reads} readers was asked for; give a number from 1 to {MAX_READERS}"
        );
        Self::with(value, max_reads)
    }

    crate::engine::const_fn! {
        const fn with(value: T, max_readers: u32) -> RwLock<T> {
            RwLock { permits: Permits::new(max_readers as usize), max_readers, data: LockData::new(value) }
        }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        pub const fn const_new(value: T) -> RwLock<T> {
            Self::with(value, MAX_READERS)
        }
    }

    crate::engine::const_fn! {
        /// Like [`with_max_readers`](Self::with_max_readers), for statics.
        ///
        /// # Panics
        /// If `max_reads` is 0 or greater than `u32::MAX >> 3`; at compile time in a const context.
        #[track_caller]
        pub const fn const_with_max_readers(value: T, max_reads: u32) -> RwLock<T> {
            assert!(0 < max_reads && max_reads <= MAX_READERS, "the number of readers must be from 1 to u32::MAX >> 3");
            Self::with(value, max_reads)
        }
    }

    /// Takes the data out.
    pub fn into_inner(self) -> T {
        self.data.into_inner()
    }
}

#[allow(unsafe_code)] // says that a guard's pointer has its permits
impl<T: ?Sized> RwLock<T> {
    /// # Safety
    /// The caller has just got a reader's permit, and gives the pointer to a guard that keeps it.
    unsafe fn read_pointer(&self) -> ReadPtr<T> {
        // SAFETY: the permit is the right to read; the guard that gets the pointer keeps permit and lock.
        unsafe { self.data.read() }
    }

    /// # Safety
    /// The caller has just got all permits, and gives the pointer to a guard that keeps them.
    unsafe fn write_pointer(&self) -> WritePtr<T> {
        // SAFETY: all permits are the right to write; the guard that gets the pointer keeps permits and lock.
        unsafe { self.data.write() }
    }

    async fn take_permits(&self, n: u32, place: &'static Location<'static>) {
        if self.permits.acquire_at(n as usize, place).await.is_err() {
            unreachable!("BUG: nobody closes a lock");
        }
    }

    fn try_take(&self, n: u32) -> Result<(), TryLockError> {
        self.permits.try_acquire(n as usize).map_err(|_| TryLockError(()))
    }

    /// Locks for reading, waiting for those who came before.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn read(&self) -> impl Future<Output = RwLockReadGuard<'_, T>> {
        let place = Location::caller();
        async move {
            self.take_permits(1, place).await;
            // SAFETY: we have just got a permit; the guard keeps it.
            let pointer = unsafe { self.read_pointer() };
            RwLockReadGuard::new(&self.permits, pointer)
        }
    }

    /// Locks for reading, blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_read(&self) -> RwLockReadGuard<'_, T> {
        blocking::assert_may_block("RwLock::blocking_read");
        blocking::wait(self.read())
    }

    /// Locks for reading, with a guard that owns its part in the lock.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn read_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockReadGuard<T>> {
        let place = Location::caller();
        async move {
            self.take_permits(1, place).await;
            // SAFETY: we have just got a permit; the guard keeps it, and the lock.
            let pointer = unsafe { self.read_pointer() };
            OwnedRwLockReadGuard::new(self, pointer)
        }
    }

    /// Locks for reading if that can be done at once.
    ///
    /// # Errors
    /// If a writer holds the lock or is queued for it, or there are as many readers as may be.
    pub fn try_read(&self) -> Result<RwLockReadGuard<'_, T>, TryLockError> {
        self.try_take(1)?;
        // SAFETY: we have just got a permit; the guard keeps it.
        let pointer = unsafe { self.read_pointer() };
        Ok(RwLockReadGuard::new(&self.permits, pointer))
    }

    /// Like [`try_read`](Self::try_read), with a guard that owns its part in the lock.
    ///
    /// # Errors
    /// If a writer holds the lock or is queued for it, or there are as many readers as may be.
    pub fn try_read_owned(self: Arc<Self>) -> Result<OwnedRwLockReadGuard<T>, TryLockError> {
        self.try_take(1)?;
        // SAFETY: we have just got a permit; the guard keeps it, and the lock.
        let pointer = unsafe { self.read_pointer() };
        Ok(OwnedRwLockReadGuard::new(self, pointer))
    }

    /// Locks for writing, waiting for those who came before.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn write(&self) -> impl Future<Output = RwLockWriteGuard<'_, T>> {
        let place = Location::caller();
        async move {
            self.take_permits(self.max_readers, place).await;
            // SAFETY: we have just got all permits; the guard keeps them.
            let pointer = unsafe { self.write_pointer() };
            RwLockWriteGuard::new(&self.permits, self.max_readers, pointer)
        }
    }

    /// Locks for writing, blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_write(&self) -> RwLockWriteGuard<'_, T> {
        blocking::assert_may_block("RwLock::blocking_write");
        blocking::wait(self.write())
    }

    /// Locks for writing, with a guard that owns its part in the lock.
    ///
    /// # Cancel safety
    /// Dropping it locks nothing and loses the place in the queue.
    #[track_caller]
    pub fn write_owned(self: Arc<Self>) -> impl Future<Output = OwnedRwLockWriteGuard<T>> {
        let place = Location::caller();
        async move {
            self.take_permits(self.max_readers, place).await;
            // SAFETY: we have just got all permits; the guard keeps them, and the lock.
            let pointer = unsafe { self.write_pointer() };
            OwnedRwLockWriteGuard::new(self, pointer)
        }
    }

    /// Locks for writing if that can be done at once.
    ///
    /// # Errors
    /// If anybody holds the lock or is queued for it.
    pub fn try_write(&self) -> Result<RwLockWriteGuard<'_, T>, TryLockError> {
        self.try_take(self.max_readers)?;
        // SAFETY: we have just got all permits; the guard keeps them.
        let pointer = unsafe { self.write_pointer() };
        Ok(RwLockWriteGuard::new(&self.permits, self.max_readers, pointer))
    }

    /// Like [`try_write`](Self::try_write), with a guard that owns its part in the lock.
    ///
    /// # Errors
    /// If anybody holds the lock or is queued for it.
    pub fn try_write_owned(self: Arc<Self>) -> Result<OwnedRwLockWriteGuard<T>, TryLockError> {
        self.try_take(self.max_readers)?;
        // SAFETY: we have just got all permits; the guard keeps them, and the lock.
        let pointer = unsafe { self.write_pointer() };
        Ok(OwnedRwLockWriteGuard::new(self, pointer))
    }

    /// The data, without locking: `&mut self` shows that nobody else is here.
    pub fn get_mut(&mut self) -> &mut T {
        self.data.get_mut()
    }
}

impl<T> From<T> for RwLock<T> {
    fn from(value: T) -> Self {
        RwLock::new(value)
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> Self {
        RwLock::new(T::default())
    }
}

impl<T: ?Sized + fmt::Debug> fmt::Debug for RwLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut shown = f.debug_struct("RwLock");
        match self.try_read() {
            Ok(guard) => shown.field("data", &&*guard),
            Err(_) => shown.field("data", &format_args!("<locked>")),
        };
        shown.finish()
    }
}
