//! `Event`: a flag that tasks wait for.
//!
//! Owns: [`Event`].
//! Not here: one task at a time, or permits (`notify`, `semaphore`); a value with the signal (`watch`, `set_once`).
//!
//! The flag changes to "set" under the line's lock, together with the call to all who stand in it: whoever looked before
//! is in the line and is called, whoever looks later sees the flag. `clear` calls nobody, so it needs no lock.

use super::blocking;
use super::line::Line;
use super::wake::WakeBatch;
use crate::engine::atomics::{AtomicBool, Ordering};
use std::fmt;

/// A flag that any number of tasks can wait for.
///
/// Once it is [`set`](Self::set), everybody who waits goes on, and so does whoever comes later, until somebody
/// [`clear`](Self::clear)s it. A waiter that was called goes on even if the flag is cleared before it runs.
///
/// # Examples
///
/// ```
/// use runtime::sync::Event;
/// use std::sync::Arc;
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// let ready = Arc::new(Event::new());
/// let waiter = runtime::spawn({
///     let ready = ready.clone();
///     async move {
///         ready.wait().await;
///         ready.is_set()
///     }
/// });
/// ready.set();
/// assert!(waiter.await.unwrap());
/// ready.clear();
/// assert!(!ready.is_set());
/// # }
/// ```
pub struct Event {
    set: AtomicBool,
    line: Line<()>,
}

impl Event {
    /// An event that is not set.
    pub fn new() -> Event {
        Event { set: AtomicBool::new(false), line: Line::new(()) }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        #[must_use]
        pub const fn const_new() -> Event {
            Event { set: AtomicBool::new(false), line: Line::new(()) }
        }
    }

    /// Sets the flag and calls everybody who waits. `true`: it was not set before.
    pub fn set(&self) -> bool {
        // Acquire and release also when nothing changes: the caller has seen what the earlier one did, and the other
        // way round.
        if self.set.load(Ordering::Acquire) {
            return false;
        }
        let mut batch = WakeBatch::new();
        let mut line = self.line.lock();
        let was_set = self.set.swap(true, Ordering::AcqRel);
        if !was_set {
            line.pick_all(&mut batch);
        }
        drop(line);
        batch.wake_all();
        !was_set
    }

    /// Takes the flag back: from now on tasks wait. `true`: it was set before.
    pub fn clear(&self) -> bool {
        self.set.swap(false, Ordering::AcqRel)
    }

    /// Is the flag set?
    pub fn is_set(&self) -> bool {
        self.set.load(Ordering::Acquire)
    }

    /// Waits until the flag is set.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing.
    pub async fn wait(&self) {
        self.line.wait(|()| self.is_set()).await;
    }

    /// Like [`wait`](Self::wait), blocking the thread.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_wait(&self) {
        blocking::assert_may_block("Event::blocking_wait");
        blocking::wait(self.wait());
    }
}

impl Default for Event {
    fn default() -> Self {
        Event::new()
    }
}

impl fmt::Debug for Event {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event").field("set", &self.is_set()).finish_non_exhaustive()
    }
}
