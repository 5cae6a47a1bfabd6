//! `Semaphore`: a number of permits, and a fair queue for them.
//!
//! Owns: the public type, its permits and errors.
//! Not here: the algorithm (`permits`).

use super::blocking;
use super::permits::{Closed, MAX_PERMITS, Permits, Refusal};
use std::error::Error;
use std::fmt;
use std::panic::Location;
use std::sync::Arc;

/// A counted set of permits that tasks take and give back, first come, first served.
///
/// A task that asks for many permits is not overtaken by later ones that ask for few: while somebody is queued, freed
/// permits go to the head of the queue, also when it needs more than are free. Keep that in mind when `try_acquire`
/// fails although [`available_permits`](Self::available_permits) was not 0 a moment ago.
///
/// A permit comes back when it is dropped. [`close`](Self::close) refuses all later and waiting requests.
///
/// # Examples
///
/// ```
/// use runtime::sync::Semaphore;
///
/// let semaphore = Semaphore::new(2);
/// let first = semaphore.try_acquire()?;
/// let second = semaphore.blocking_acquire()?;
/// assert!(semaphore.try_acquire().is_err());
/// drop(first);
/// assert_eq!(semaphore.available_permits(), 1);
/// # drop(second);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Semaphore {
    permits: Permits,
}

/// The semaphore has been closed; no permit will ever be given out again.
#[derive(Debug)]
pub struct AcquireError(());

impl AcquireError {
    fn new(_: Closed) -> Self {
        AcquireError(())
    }
}

impl fmt::Display for AcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the semaphore is closed")
    }
}

impl Error for AcquireError {}

/// Why a `try_acquire` got nothing.
#[derive(Debug, PartialEq, Eq)]
pub enum TryAcquireError {
    /// [`Semaphore::close`] was called.
    Closed,
    /// Too few permits are free, or others are queued for them.
    NoPermits,
}

impl From<Refusal> for TryAcquireError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Closed => TryAcquireError::Closed,
            Refusal::NoPermits => TryAcquireError::NoPermits,
        }
    }
}

impl fmt::Display for TryAcquireError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TryAcquireError::Closed => "the semaphore is closed",
            TryAcquireError::NoPermits => "not enough permits are free",
        })
    }
}

impl Error for TryAcquireError {}

impl fmt::Debug for Semaphore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Semaphore")
            .field("available_permits", &self.available_permits())
            .field("closed", &self.is_closed())
            .finish_non_exhaustive()
    }
}

/// `n` permits as a word, or a panic that blames the caller (only 32-bit targets can get there).
#[track_caller]
fn checked(n: u32) -> usize {
    usize::try_from(n).ok().filter(|n| *n <= MAX_PERMITS).unwrap_or_else(|| {
        panic!("{n} permits were asked for, but a semaphore never has more than {MAX_PERMITS}; ask for fewer")
    })
}

/// Permits of one semaphore in one hand. It may have given out more than it can have: `add_permits` looks at those that
/// are free.
#[track_caller]
fn merged(some: usize, others: usize) -> usize {
    some.checked_add(others).filter(|sum| *sum <= MAX_PERMITS).unwrap_or_else(|| {
        panic!("{some} and {others} permits are more than `Semaphore::MAX_PERMITS` ({MAX_PERMITS}); keep them apart")
    })
}

impl Semaphore {
    /// The largest number of permits a semaphore can have.
    pub const MAX_PERMITS: usize = MAX_PERMITS;

    /// A semaphore with `permits` free permits.
    ///
    /// # Panics
    /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS).
    #[track_caller]
    pub fn new(permits: usize) -> Self {
        assert!(
            permits <= MAX_PERMITS,
            "a semaphore with {permits} permits was asked for, the most is `Semaphore::MAX_PERMITS` ({MAX_PERMITS})"
        );
        Semaphore { permits: Permits::new(permits) }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        ///
        /// # Panics
        /// If there are more than [`MAX_PERMITS`](Self::MAX_PERMITS); at compile time in a const context.
        #[track_caller]
        pub const fn const_new(permits: usize) -> Self {
            assert!(permits <= MAX_PERMITS, "more permits than `Semaphore::MAX_PERMITS`");
            Semaphore { permits: Permits::new(permits) }
        }
    }

    /// How many permits are free now.
    pub fn available_permits(&self) -> usize {
        self.permits.available()
    }

    /// Adds `n` permits for good.
    ///
    /// Only free permits count towards the limit. Those that are out and come back to a semaphore that has been filled
    /// meanwhile do not fit: giving them back panics, and what is beyond the limit is lost.
    ///
    /// # Panics
    /// If more than [`MAX_PERMITS`](Self::MAX_PERMITS) would be free; then nothing is added.
    #[track_caller]
    pub fn add_permits(&self, n: usize) {
        assert!(
            self.permits.add(n).is_ok(),
            "adding {n} permits would make more than `Semaphore::MAX_PERMITS` ({MAX_PERMITS}); nothing was added"
        );
    }

    /// Takes up to `n` free permits away for good, and says how many there were to take.
    pub fn forget_permits(&self, n: usize) -> usize {
        self.permits.forget(n)
    }

    /// Takes a permit, waiting for one if need be.
    ///
    /// # Errors
    /// If the semaphore is closed, also while this waits.
    ///
    /// # Cancel safety
    /// Dropping it takes no permit and loses the place in the queue.
    #[track_caller]
    pub fn acquire(&self) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        let place = Location::caller();
        async move {
            self.permits.acquire_at(1, place).await.map_err(AcquireError::new)?;
            Ok(SemaphorePermit { semaphore: self, permits: 1 })
        }
    }

    /// Takes `n` permits at once, waiting until it has them all.
    ///
    /// # Errors
    /// If the semaphore is closed, also while this waits.
    ///
    /// # Cancel safety
    /// Dropping it takes no permit and loses the place in the queue.
    #[track_caller]
    pub fn acquire_many(&self, n: u32) -> impl Future<Output = Result<SemaphorePermit<'_>, AcquireError>> {
        let place = Location::caller();
        async move {
            let permits = checked(n);
            self.permits.acquire_at(permits, place).await.map_err(AcquireError::new)?;
            Ok(SemaphorePermit { semaphore: self, permits })
        }
    }

    /// Takes a permit if one is free and nobody is queued.
    ///
    /// # Errors
    /// [`TryAcquireError`] says which of the two reasons it was.
    pub fn try_acquire(&self) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        self.permits.try_acquire(1)?;
        Ok(SemaphorePermit { semaphore: self, permits: 1 })
    }

    /// Takes `n` permits if they are free and nobody is queued.
    ///
    /// # Errors
    /// [`TryAcquireError`] says which of the two reasons it was.
    #[track_caller]
    pub fn try_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, TryAcquireError> {
        let permits = checked(n);
        self.permits.try_acquire(permits)?;
        Ok(SemaphorePermit { semaphore: self, permits })
    }

    /// Like [`acquire`](Self::acquire), blocking the thread.
    ///
    /// # Errors
    /// If the semaphore is closed.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<SemaphorePermit<'_>, AcquireError> {
        blocking::assert_may_block("Semaphore::blocking_acquire");
        blocking::wait(self.acquire())
    }

    /// Like [`acquire_many`](Self::acquire_many), blocking the thread.
    ///
    /// # Errors
    /// If the semaphore is closed.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_acquire_many(&self, n: u32) -> Result<SemaphorePermit<'_>, AcquireError> {
        blocking::assert_may_block("Semaphore::blocking_acquire_many");
        blocking::wait(self.acquire_many(n))
    }

    /// Like [`acquire`](Self::acquire), with a permit that owns its part in the semaphore.
    ///
    /// # Errors
    /// If the semaphore is closed, also while this waits.
    ///
    /// # Cancel safety
    /// Dropping it takes no permit and loses the place in the queue.
    #[track_caller]
    pub fn acquire_owned(self: Arc<Self>) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let place = Location::caller();
        async move {
            self.permits.acquire_at(1, place).await.map_err(AcquireError::new)?;
            Ok(OwnedSemaphorePermit { semaphore: self, permits: 1 })
        }
    }

    /// Like [`acquire_many`](Self::acquire_many), with a permit that owns its part in the semaphore.
    ///
    /// # Errors
    /// If the semaphore is closed, also while this waits.
    ///
    /// # Cancel safety
    /// Dropping it takes no permit and loses the place in the queue.
    #[track_caller]
    pub fn acquire_many_owned(
        self: Arc<Self>,
        n: u32,
    ) -> impl Future<Output = Result<OwnedSemaphorePermit, AcquireError>> {
        let place = Location::caller();
        async move {
            let permits = checked(n);
            self.permits.acquire_at(permits, place).await.map_err(AcquireError::new)?;
            Ok(OwnedSemaphorePermit { semaphore: self, permits })
        }
    }

    /// Like [`try_acquire`](Self::try_acquire), with a permit that owns its part in the semaphore.
    ///
    /// # Errors
    /// [`TryAcquireError`] says which of the two reasons it was.
    pub fn try_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        self.permits.try_acquire(1)?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits: 1 })
    }

    /// Like [`try_acquire_many`](Self::try_acquire_many), with a permit that owns its part in the semaphore.
    ///
    /// # Errors
    /// [`TryAcquireError`] says which of the two reasons it was.
    #[track_caller]
    pub fn try_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, TryAcquireError> {
        let permits = checked(n);
        self.permits.try_acquire(permits)?;
        Ok(OwnedSemaphorePermit { semaphore: self, permits })
    }

    /// Like [`acquire_owned`](Self::acquire_owned), blocking the thread.
    ///
    /// # Errors
    /// If the semaphore is closed.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_acquire_owned(self: Arc<Self>) -> Result<OwnedSemaphorePermit, AcquireError> {
        blocking::assert_may_block("Semaphore::blocking_acquire_owned");
        blocking::wait(self.acquire_owned())
    }

    /// Like [`acquire_many_owned`](Self::acquire_many_owned), blocking the thread.
    ///
    /// # Errors
    /// If the semaphore is closed.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_acquire_many_owned(self: Arc<Self>, n: u32) -> Result<OwnedSemaphorePermit, AcquireError> {
        blocking::assert_may_block("Semaphore::blocking_acquire_many_owned");
        blocking::wait(self.acquire_many_owned(n))
    }

    /// Refuses all later requests and those that wait. Permits that are out stay valid and come back as usual.
    pub fn close(&self) {
        self.permits.close();
    }

    /// Has [`close`](Self::close) been called?
    pub fn is_closed(&self) -> bool {
        self.permits.is_closed()
    }
}

/// Permits of a borrowed [`Semaphore`]; dropping it gives them back.
///
/// ```
/// let semaphore = runtime::sync::Semaphore::new(5);
/// let mut four = semaphore.try_acquire_many(4).unwrap();
/// let one = four.split(1).unwrap();
/// assert_eq!((four.num_permits(), semaphore.available_permits()), (3, 1));
/// one.forget();
/// drop(four);
/// assert_eq!(semaphore.available_permits(), 4);
/// ```
#[must_use = "dropped at once, it gives its permits back at once"]
#[derive(Debug)]
pub struct SemaphorePermit<'a> {
    semaphore: &'a Semaphore,
    permits: usize,
}

impl<'a> SemaphorePermit<'a> {
    /// Takes the permits out of the world: they do not come back.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Joins `other`'s permits to these.
    ///
    /// # Panics
    /// If they are of another semaphore, or would be more than [`Semaphore::MAX_PERMITS`] together.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(std::ptr::eq(self.semaphore, other.semaphore), "permits of two different semaphores cannot be merged");
        self.permits = merged(self.permits, other.permits);
        other.permits = 0;
    }

    /// Splits `n` permits off; `None` if there are fewer.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(SemaphorePermit { semaphore: self.semaphore, permits: n })
    }

    /// The semaphore they are of.
    pub fn semaphore(&self) -> &'a Semaphore {
        self.semaphore
    }

    /// How many permits it holds.
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl Drop for SemaphorePermit<'_> {
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}

/// Permits that own their part in a [`Semaphore`]; dropping it gives them back.
///
/// ```
/// use runtime::sync::Semaphore;
/// use std::sync::Arc;
/// let semaphore = Arc::new(Semaphore::new(1));
/// let permit = semaphore.clone().try_acquire_owned().unwrap();
/// std::thread::spawn(move || drop(permit)).join().unwrap();
/// assert_eq!(semaphore.available_permits(), 1);
/// ```
#[must_use = "dropped at once, it gives its permits back at once"]
#[derive(Debug)]
pub struct OwnedSemaphorePermit {
    semaphore: Arc<Semaphore>,
    permits: usize,
}

impl OwnedSemaphorePermit {
    /// Takes the permits out of the world: they do not come back.
    pub fn forget(mut self) {
        self.permits = 0;
    }

    /// Joins `other`'s permits to these.
    ///
    /// # Panics
    /// If they are of another semaphore, or would be more than [`Semaphore::MAX_PERMITS`] together.
    #[track_caller]
    pub fn merge(&mut self, mut other: Self) {
        assert!(Arc::ptr_eq(&self.semaphore, &other.semaphore), "permits of two different semaphores cannot be merged");
        self.permits = merged(self.permits, other.permits);
        other.permits = 0;
    }

    /// Splits `n` permits off; `None` if there are fewer.
    pub fn split(&mut self, n: usize) -> Option<Self> {
        self.permits = self.permits.checked_sub(n)?;
        Some(OwnedSemaphorePermit { semaphore: Arc::clone(&self.semaphore), permits: n })
    }

    /// The semaphore they are of.
    pub fn semaphore(&self) -> &Arc<Semaphore> {
        &self.semaphore
    }

    /// How many permits it holds.
    pub fn num_permits(&self) -> usize {
        self.permits
    }
}

impl Drop for OwnedSemaphorePermit {
    fn drop(&mut self) {
        self.semaphore.permits.release(self.permits);
    }
}
