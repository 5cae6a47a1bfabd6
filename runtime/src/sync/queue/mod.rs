//! Queues with many producers and many consumers.
//!
//! Owns: the three public types.
//! Not here: channels. A channel (`mpsc`) is faster and ends when its senders go; a queue is one object that everybody
//! holds, and knows which of its items are still being worked on.
//!
//! | type | `get` gives |
//! |---|---|
//! | [`Queue`] | the oldest item |
//! | [`LifoQueue`] | the newest |
//! | [`PriorityQueue`] | the smallest, of equal ones the oldest |
//!
//! All three have the same methods, each in an async, a blocking and a `try_` form.
//!
//! ```
//! use runtime::sync::queue::Queue;
//! use std::sync::Arc;
//!
//! # #[runtime::main(flavor = "current_thread")]
//! # async fn main() {
//! let jobs = Arc::new(Queue::new(8));
//! for _ in 0..3 {
//!     let jobs = jobs.clone();
//!     runtime::spawn(async move {
//!         while let Ok(job) = jobs.get().await {
//!             assert!(job < 100);
//!             jobs.task_done();
//!         }
//!     });
//! }
//! for job in 0..100 {
//!     jobs.put(job).await.unwrap();
//! }
//! jobs.join().await;
//! assert_eq!(jobs.statistics().got, 100);
//! jobs.close();
//! # }
//! ```

pub mod error;
mod exchange;
mod faces;
#[cfg(all(test, loom))]
mod model;
mod store;

use self::exchange::Exchange;
use self::faces::faces;
use self::store::Ranked;
use std::collections::{BinaryHeap, VecDeque};

/// A queue at one moment. From the queues' `statistics`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct QueueStatistics {
    /// Items in it.
    pub len: usize,
    /// The most there can be; `None` for an unbounded queue.
    pub maxsize: Option<usize>,
    /// The most there ever were.
    pub peak: usize,
    /// Items that were put in since it was made.
    pub put: u64,
    /// Items that were taken out since it was made.
    pub got: u64,
    /// Items that were put in and not reported by `task_done` yet.
    pub unfinished: usize,
    /// How many wait for room.
    pub waiting_to_put: usize,
    /// How many wait for an item.
    pub waiting_to_get: usize,
    /// How many wait for the last `task_done`.
    pub waiting_to_join: usize,
    /// Has it been closed?
    pub closed: bool,
}

/// A queue that gives the oldest item first. See the [module](self).
pub struct Queue<T> {
    exchange: Exchange<VecDeque<T>>,
}

/// A queue that gives the newest item first: a stack. See the [module](self).
pub struct LifoQueue<T> {
    exchange: Exchange<Vec<T>>,
}

/// A queue that gives the smallest item first, and of equal ones the oldest. See the [module](self).
///
/// For the greatest first, wrap items in [`Reverse`](std::cmp::Reverse). What is smallest is decided when a `get` takes
/// the item, not when it is woken for it.
///
/// `T`'s comparison runs while the queue is locked: where an item goes is known only by comparing it with those that are in
/// there, and they must not come and go meanwhile. So it must not use the same queue, it would wait for itself for ever; and while it
/// takes its time everybody waits who puts or gets. If it panics, the queue stays usable and its counts right, but the order of the
/// items is no longer certain, and a `get` may have cost its item.
///
/// ```
/// use runtime::sync::queue::PriorityQueue;
///
/// let queue = PriorityQueue::unbounded();
/// for item in [(2, "b"), (1, "a"), (3, "c")] {
///     queue.try_put(item)?;
/// }
/// assert_eq!(queue.try_get()?.1, "a");
/// assert_eq!(queue.blocking_get()?.1, "b");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct PriorityQueue<T: Ord> {
    exchange: Exchange<BinaryHeap<Ranked<T>>>,
}

faces!([T] Queue<T>, "Queue");
faces!([T] LifoQueue<T>, "LifoQueue");
faces!([T: Ord] PriorityQueue<T>, "PriorityQueue");
