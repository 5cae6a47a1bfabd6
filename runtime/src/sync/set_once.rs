//! `SetOnce`: a value that one task sets and others wait for.
//!
//! Owns: [`SetOnce`].

use super::notify::Notify;
use super::once_slot::OnceSlot;
use super::unit::take_unit;
use std::error::Error;
use std::fmt;

/// A cell that is set once, and can be waited for.
///
/// # Examples
///
/// ```
/// use runtime::sync::SetOnce;
///
/// let address = SetOnce::new();
/// address.set("10.0.0.1")?;
/// assert_eq!(address.get(), Some(&"10.0.0.1"));
/// assert_eq!(address.set("10.0.0.2").unwrap_err().0, "10.0.0.2");
/// # Ok::<(), runtime::sync::SetOnceError<&str>>(())
/// ```
pub struct SetOnce<T> {
    slot: OnceSlot<T>,
    filled: Notify,
}

/// The cell was set before; here is the value that came second.
#[derive(Debug, PartialEq, Eq)]
pub struct SetOnceError<T>(pub T);

impl<T> fmt::Display for SetOnceError<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the cell was set before")
    }
}

impl<T: fmt::Debug> Error for SetOnceError<T> {}

impl<T> SetOnce<T> {
    /// An empty cell.
    pub fn new() -> Self {
        SetOnce { slot: OnceSlot::empty(), filled: Notify::new() }
    }

    /// A cell with `value`, or an empty one.
    pub fn new_with(value: Option<T>) -> Self {
        match value {
            Some(value) => SetOnce { slot: OnceSlot::full(value), filled: Notify::new() },
            None => SetOnce::new(),
        }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        pub const fn const_new() -> Self {
            SetOnce { slot: OnceSlot::empty(), filled: Notify::const_new() }
        }
    }

    crate::engine::const_fn! {
        /// A cell with `value`, for statics.
        pub const fn const_new_with(value: T) -> Self {
            SetOnce { slot: OnceSlot::full(value), filled: Notify::const_new() }
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

    /// Sets the value and wakes all who wait for it.
    ///
    /// # Errors
    /// If it was set before, or is being set by another thread right now; the value comes back.
    pub fn set(&self, value: T) -> Result<(), SetOnceError<T>> {
        self.slot.fill(value).map_err(SetOnceError)?;
        self.filled.notify_waiters();
        Ok(())
    }

    /// The value, if it has one.
    pub fn into_inner(self) -> Option<T> {
        self.slot.into_inner()
    }

    /// Waits for the value.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn wait(&self) -> &T {
        take_unit().await;
        loop {
            // First the future, then the look: a `set` in between completes it.
            let notified = self.filled.notified();
            if let Some(value) = self.slot.get() {
                return value;
            }
            notified.await;
        }
    }
}

impl<T> Default for SetOnce<T> {
    fn default() -> Self {
        SetOnce::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for SetOnce<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetOnce").field("value", &self.get()).finish()
    }
}

impl<T: Clone> Clone for SetOnce<T> {
    fn clone(&self) -> Self {
        SetOnce::new_with(self.get().cloned())
    }
}

impl<T: PartialEq> PartialEq for SetOnce<T> {
    fn eq(&self, other: &Self) -> bool {
        self.get() == other.get()
    }
}

impl<T: Eq> Eq for SetOnce<T> {}

impl<T> From<T> for SetOnce<T> {
    fn from(value: T) -> Self {
        SetOnce::new_with(Some(value))
    }
}
