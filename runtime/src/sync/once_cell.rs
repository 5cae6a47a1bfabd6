//! `OnceCell`: a value that is made on first use, asynchronously.
//!
//! Owns: [`OnceCell`].
//!
//! One permit is the right to make the value. The maker keeps it while it works and gives it back when it fails or is
//! cancelled, so that the next in the queue tries; when it succeeds the permits are closed, and all who wait look at
//! the value.

use super::once_slot::OnceSlot;
use super::permits::{Permits, Refusal};
use super::unit::take_unit;
use std::convert::Infallible;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;

/// A cell that is written once, usually by the first who needs its value.
///
/// # Examples
///
/// ```
/// use runtime::sync::OnceCell;
///
/// static LIMIT: OnceCell<u32> = OnceCell::const_new();
///
/// assert_eq!(LIMIT.get(), None);
/// LIMIT.set(10)?;
/// assert_eq!(LIMIT.get(), Some(&10));
/// assert!(LIMIT.set(11).is_err());
/// # Ok::<(), runtime::sync::SetError<u32>>(())
/// ```
pub struct OnceCell<T> {
    slot: OnceSlot<T>,
    permits: Permits,
}

/// Why [`OnceCell::set`] did not; here is the value.
#[derive(Debug, PartialEq, Eq)]
pub enum SetError<T> {
    /// The cell has a value.
    AlreadyInitializedError(T),
    /// Somebody is making the cell's value right now.
    InitializingError(T),
}

impl<T> SetError<T> {
    /// Is it [`AlreadyInitializedError`](Self::AlreadyInitializedError)?
    pub fn is_already_init_err(&self) -> bool {
        matches!(self, SetError::AlreadyInitializedError(_))
    }

    /// Is it [`InitializingError`](Self::InitializingError)?
    pub fn is_initializing_err(&self) -> bool {
        matches!(self, SetError::InitializingError(_))
    }
}

impl<T> fmt::Display for SetError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SetError::AlreadyInitializedError(_) => "the cell has a value already",
            SetError::InitializingError(_) => "the cell's value is being made by another",
        })
    }
}

impl<T: fmt::Debug> Error for SetError<T> {}

/// Gives the right to make the value to the next in the queue, unless it was made.
struct Making<'a>(&'a Permits);

impl Drop for Making<'_> {
    fn drop(&mut self) {
        self.0.release(1);
    }
}

impl<T> OnceCell<T> {
    /// An empty cell.
    pub fn new() -> Self {
        OnceCell { slot: OnceSlot::empty(), permits: Permits::new(1) }
    }

    /// A cell with `value`, or an empty one.
    pub fn new_with(value: Option<T>) -> Self {
        match value {
            Some(value) => OnceCell { slot: OnceSlot::full(value), permits: Permits::new_closed() },
            None => OnceCell::new(),
        }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        pub const fn const_new() -> Self {
            OnceCell { slot: OnceSlot::empty(), permits: Permits::new(1) }
        }
    }

    crate::engine::const_fn! {
        /// A cell with `value`, for statics.
        pub const fn const_new_with(value: T) -> Self {
            OnceCell { slot: OnceSlot::full(value), permits: Permits::new_closed() }
        }
    }

    /// Has it a value?
    pub fn initialized(&self) -> bool {
        self.slot.is_full()
    }

    /// The value, if it has one.
    pub fn get(&self) -> Option<&T> {
        self.slot.get()
    }

    /// The value, if it has one.
    pub fn get_mut(&mut self) -> Option<&mut T> {
        self.slot.get_mut()
    }

    /// Sets the value, if it has none and nobody is making one.
    ///
    /// # Errors
    /// [`SetError`] says which of the two it was; the value comes back.
    pub fn set(&self, value: T) -> Result<(), SetError<T>> {
        match self.permits.try_acquire(1) {
            Ok(()) => {
                self.publish(value);
                Ok(())
            }
            Err(Refusal::Closed) => Err(SetError::AlreadyInitializedError(value)),
            Err(Refusal::NoPermits) if self.initialized() => Err(SetError::AlreadyInitializedError(value)),
            Err(Refusal::NoPermits) => Err(SetError::InitializingError(value)),
        }
    }

    /// The caller has the permit, and never gives it back.
    fn publish(&self, value: T) -> &T {
        if self.slot.fill(value).is_err() {
            unreachable!("BUG: a cell was filled by one without its permit");
        }
        self.permits.close();
        self.slot.get().expect("BUG: a cell that was filled has a value")
    }

    /// The value; if there is none, `f` makes it. Others who come meanwhile wait for it; should the making be cancelled
    /// or panic, the next of them makes it with its own `f`.
    ///
    /// `f` that waits for the same cell waits for ever.
    ///
    /// # Cancel safety
    /// Cancelling it drops the future of `f`, if it was running, and sets nothing.
    #[track_caller]
    pub fn get_or_init<F, Fut>(&self, f: F) -> impl Future<Output = &T>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = T>,
    {
        let place = Location::caller();
        async move {
            match self.get_or_make(async || Ok::<T, Infallible>(f().await), place).await {
                Ok(value) => value,
                Err(never) => match never {},
            }
        }
    }

    /// Like [`get_or_init`](Self::get_or_init), with an `f` that can fail.
    ///
    /// # Errors
    /// The error of `f`; the cell stays empty, and the next in the queue tries.
    ///
    /// # Cancel safety
    /// Cancelling it drops the future of `f`, if it was running, and sets nothing.
    #[track_caller]
    pub fn get_or_try_init<E, F, Fut>(&self, f: F) -> impl Future<Output = Result<&T, E>>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        self.get_or_make(f, Location::caller())
    }

    /// `place` is the caller's.
    async fn get_or_make<E, F, Fut>(&self, f: F, place: &'static Location<'static>) -> Result<&T, E>
    where
        F: FnOnce() -> Fut,
        Fut: Future<Output = Result<T, E>>,
    {
        take_unit().await;
        if let Some(value) = self.get() {
            return Ok(value);
        }
        if self.permits.acquire_at(1, place).await.is_err() {
            return Ok(self.slot.get().expect("BUG: permits are closed after the cell was filled"));
        }
        let making = Making(&self.permits);
        let value = f().await?;
        std::mem::forget(making);
        Ok(self.publish(value))
    }

    /// The value, if it has one.
    pub fn into_inner(self) -> Option<T> {
        self.slot.into_inner()
    }

    /// The value, if it has one; the cell is empty afterwards.
    pub fn take(&mut self) -> Option<T> {
        let value = self.slot.take();
        *self = OnceCell::new();
        value
    }
}

impl<T> Default for OnceCell<T> {
    fn default() -> Self {
        OnceCell::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceCell<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnceCell").field("value", &self.get()).finish()
    }
}

impl<T: Clone> Clone for OnceCell<T> {
    fn clone(&self) -> Self {
        OnceCell::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for OnceCell<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for OnceCell<T> {}

impl<T> From<T> for OnceCell<T> {
    fn from(value: T) -> Self {
        OnceCell::new_with(Some(value))
    }
}
