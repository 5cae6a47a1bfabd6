//! A worker's two queues: tasks that are ready, and tasks that gave way.
//!
//! Owns: the owning halves, which go from thread to thread with their place.
//! Not here: the stealers (`place`), when which queue has its turn (`worker`).
//!
//! A task that yields, or has used up its budget, goes behind everything that is ready anywhere: what sockets and timers
//! bring, what was pushed from outside. In one queue with the others it would go before all that. Thieves take from either.

use crate::engine::cell::Runnable;
use crossbeam_deque::Worker as Deque;

/// Whoever holds them holds the place.
pub(crate) struct Queues {
    /// First in, first out.
    pub(crate) ready: Deque<Runnable>,
    /// Those that gave way, in that order.
    pub(crate) yielded: Deque<Runnable>,
}

impl Queues {
    pub(crate) fn new() -> Self {
        Queues { ready: Deque::new_fifo(), yielded: Deque::new_fifo() }
    }
}
