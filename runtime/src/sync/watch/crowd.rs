//! Receivers that wait for a change, in several queues.
//!
//! All of them are woken by each change and queue again at once, from as many threads as there are workers. In one queue they
//! would wait for its lock. Which queue a receiver takes does not matter, since nobody is served before another: it keeps
//! the one that its number gives it.

use crate::sync::futures::Notified;
use crate::sync::notify::Notify;
use crate::sync::wake::WakeBatch;

/// Each costs a sender one atomic operation.
const QUEUES: usize = 4;

#[derive(Debug)]
pub(super) struct Crowd([Notify; QUEUES]);

impl Crowd {
    pub(super) fn new() -> Self {
        Crowd(std::array::from_fn(|_| Notify::new()))
    }

    /// Hears every call from now on.
    pub(super) fn notified(&self, number: usize) -> Notified<'_> {
        self.0[number % QUEUES].notified()
    }

    /// Calls everybody.
    pub(super) fn notify_waiters(&self) {
        let mut batch = WakeBatch::new();
        for queue in &self.0 {
            queue.notify_waiters_into(&mut batch);
        }
        batch.wake_all();
    }
}
