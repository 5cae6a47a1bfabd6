//! `Condvar`: waiting for a condition on the data of a `Mutex`.
//!
//! Owns: [`Condvar`].
//! Not here: the data and its lock (`mutex`); blocking threads (a thread that holds the guard of an async mutex can
//! block on the future with `Handle::block_on`).
//!
//! A waiter stands in line *before* it unlocks, so whoever changes the data afterwards finds it there.
//!
//! The danger: a call given to a waiter that is cancelled, while it stands in line or while it locks again. Then the call
//! goes to the next in line (museum LW13), or a producer's one `notify_one` would wake nobody.

use super::line::Line;
use super::mutex::{Mutex, MutexGuard, OwnedMutexGuard};
use std::fmt;
use std::sync::Arc;

/// Lets tasks wait until the data of a [`Mutex`] is as they need it.
///
/// `notify_one` without a waiter is forgotten, so a waiter looks at the data first, with the lock held;
/// [`wait_while`](Self::wait_while) does that. There are no spurious wakes, but the data can change between the call and
/// the moment at which the waiter has the lock again.
///
/// One `Condvar` may serve several mutexes, which is rarely what one wants.
///
/// # Examples
///
/// ```
/// use runtime::sync::{Condvar, Mutex};
/// use std::sync::Arc;
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// let pair = Arc::new((Mutex::new(Vec::new()), Condvar::new()));
/// let consumer = runtime::spawn({
///     let pair = pair.clone();
///     async move {
///         let (items, filled) = &*pair;
///         let mut items = filled.wait_while(items.lock().await, |items| items.is_empty()).await;
///         items.pop()
///     }
/// });
/// pair.0.lock().await.push(7);
/// pair.1.notify_one();
/// assert_eq!(consumer.await.unwrap(), Some(7));
/// # }
/// ```
pub struct Condvar {
    line: Line<()>,
}

/// Passes a call on if its owner is dropped between being called and having the lock, and if nobody else was called with
/// it: whoever waits after a call for everybody has not been called.
struct PassOn<'a>(Option<&'a Line<()>>);

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        if let Some(line) = self.0 {
            line.call_one();
        }
    }
}

impl Condvar {
    /// A condition variable nobody waits for.
    pub fn new() -> Condvar {
        Condvar { line: Line::new(()) }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        #[must_use]
        pub const fn const_new() -> Condvar {
            Condvar { line: Line::new(()) }
        }
    }

    /// Unlocks, waits for a call, and locks again.
    ///
    /// # Cancel safety
    /// Dropping it leaves the mutex unlocked. A call that it had been given goes to the next waiter.
    pub async fn wait<'a, T: ?Sized>(&self, guard: MutexGuard<'a, T>) -> MutexGuard<'a, T> {
        let mutex: &'a Mutex<T> = MutexGuard::mutex(&guard);
        let called_alone = self.unlock_and_wait(guard).await;
        let mut pass_on = PassOn(called_alone.then_some(&self.line));
        let guard = mutex.lock().await;
        pass_on.0 = None;
        guard
    }

    /// Like [`wait`](Self::wait), with a guard that owns its part in the mutex.
    ///
    /// # Cancel safety
    /// The same as of [`wait`](Self::wait).
    pub async fn wait_owned<T: ?Sized>(&self, guard: OwnedMutexGuard<T>) -> OwnedMutexGuard<T> {
        let mutex = Arc::clone(OwnedMutexGuard::mutex(&guard));
        let called_alone = self.unlock_and_wait(guard).await;
        let mut pass_on = PassOn(called_alone.then_some(&self.line));
        let guard = mutex.lock_owned().await;
        pass_on.0 = None;
        guard
    }

    /// Waits as long as `condition` says so; it is asked with the mutex locked, first of all before any waiting.
    ///
    /// # Cancel safety
    /// Dropping it leaves the mutex unlocked. A call that it had been given goes to the next waiter.
    pub async fn wait_while<'a, T: ?Sized, F>(
        &self,
        mut guard: MutexGuard<'a, T>,
        mut condition: F,
    ) -> MutexGuard<'a, T>
    where
        F: FnMut(&mut T) -> bool,
    {
        while condition(&mut guard) {
            guard = self.wait(guard).await;
        }
        guard
    }

    /// `true`: this waiter alone was called.
    async fn unlock_and_wait<G>(&self, guard: G) -> bool {
        let mut called = self.line.wait(|()| false);
        called.enter();
        drop(guard);
        called.await
    }

    /// Calls the task that has waited longest. `false`: nobody waits.
    ///
    /// The caller need not hold the lock, but should have changed the data with it held.
    pub fn notify_one(&self) -> bool {
        self.line.call_one()
    }

    /// Calls everybody who waits now.
    pub fn notify_all(&self) {
        self.line.call_all();
    }
}

impl Default for Condvar {
    fn default() -> Self {
        Condvar::new()
    }
}

impl fmt::Debug for Condvar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Condvar").finish_non_exhaustive()
    }
}
