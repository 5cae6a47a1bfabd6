//! Channels, locks and signals between tasks.
//!
//! | to do this | use |
//! |---|---|
//! | hand one value to one task | [`oneshot`] |
//! | send many values to one task | [`mpsc`] |
//! | send every value to many tasks | [`broadcast`] |
//! | let many tasks see the latest value | [`watch`] |
//! | guard data across `.await` | [`Mutex`], [`RwLock`] |
//! | limit how many do something at once | [`Semaphore`] |
//! | lend tokens to owners, and change their number | [`CapacityLimiter`] |
//! | say "look again" | [`Notify`]; until it is taken back: [`Event`] |
//! | wait for a condition on guarded data | [`Condvar`] |
//! | share work among many tasks and threads | [`queue`] |
//! | tell tasks to stop | [`CancellationToken`]; and wait until they have: [`TaskTracker`] |
//! | meet at one point | [`Barrier`] |
//! | make a value once, on first use | [`OnceCell`]; or wait for one that another task sets: [`SetOnce`] |
//!
//! They know no runtime ([`TaskTracker`] apart, which spawns): every one of them works under any executor, and has
//! `blocking_*` functions for threads without one. Waiting is first come, first served. Every operation that can be ready
//! for ever takes part in the cooperative budget ([`task::coop`](crate::task::coop)). No code of yours (a waker, a
//! destructor, a closure) runs while a lock of ours is held, with three exceptions: the closures of
//! [`watch::Sender::send_modify`] and its like, the comparison in a [`queue::PriorityQueue`], and the clone of a value
//! that a [`broadcast`] receiver gets. A task that waits for itself is found and helped ([`futurelock`]).
//!
//! A plain [`std::sync::Mutex`] is right, and faster, wherever no `.await` happens while it is locked.

mod barrier;
mod blocking;
pub mod broadcast;
mod cancellation;
mod capacity_limiter;
mod condvar;
mod event;
mod first_panic;
pub mod futurelock;
mod line;
#[allow(unsafe_code)] // data inside a lock, and the pointers of its guards
mod lock_data;
#[cfg(all(test, loom))]
mod model;
pub mod mpsc;
mod mutex;
mod notify;
mod once_cell;
#[allow(unsafe_code)] // a place that is written once and then read without a lock
mod once_slot;
pub mod oneshot;
mod permits;
pub mod queue;
mod rwlock;
mod semaphore;
mod set_once;
mod tracker;
mod unit;
mod waiters;
mod wake;
pub mod watch;

pub use barrier::{Barrier, BarrierWaitResult};
pub use cancellation::{
    CancellationToken, DropGuard, DropGuardRef, RunUntilCancelledFuture, RunUntilCancelledFutureOwned,
    WaitForCancellationFuture, WaitForCancellationFutureOwned,
};
pub use capacity_limiter::{
    AlreadyBorrowed, Borrower, CapacityLimiter, CapacityLimiterStatistics, CapacityToken, OwnedCapacityToken,
    TryBorrowError,
};
pub use condvar::Condvar;
pub use event::Event;
pub use mutex::{Holder, MappedMutexGuard, Mutex, MutexGuard, OwnedMappedMutexGuard, OwnedMutexGuard, TryLockError};
pub use notify::Notify;
pub use once_cell::{OnceCell, SetError};
pub use rwlock::{
    OwnedRwLockMappedWriteGuard, OwnedRwLockReadGuard, OwnedRwLockWriteGuard, RwLock, RwLockMappedWriteGuard,
    RwLockReadGuard, RwLockWriteGuard,
};
pub use semaphore::{AcquireError, OwnedSemaphorePermit, Semaphore, SemaphorePermit, TryAcquireError};
pub use set_once::{SetOnce, SetOnceError};
pub use tracker::{TaskTracker, TaskTrackerToken, TaskTrackerWaitFuture, TrackedFuture};

/// Futures of this module that have a name.
pub mod futures {
    pub use super::notify::{Notified, OwnedNotified};
}
