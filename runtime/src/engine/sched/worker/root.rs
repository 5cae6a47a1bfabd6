//! What a worker runs besides tasks: nothing, or the future of `block_on`.
//!
//! Not here: when it has its turn (`turn`), how a thread becomes a worker for it (`block_on`).

/// What a worker runs besides tasks: nothing, or the future of `block_on`.
pub(crate) trait Root {
    fn is_woken(&self) -> bool;
    /// Polls if woken; `true` when it is complete.
    fn poll(&mut self) -> bool;
}

/// For a thread of the runtime's own.
pub(crate) struct NoRoot;

impl Root for NoRoot {
    fn is_woken(&self) -> bool {
        false
    }
    fn poll(&mut self) -> bool {
        false
    }
}

/// How a root that may have been woken stands to the tasks.
#[derive(Clone, Copy)]
pub(in crate::engine::sched) enum Turn {
    /// Nobody has seen it woken since its last poll.
    Asleep,
    /// Woken; seen so when the worker had begun so many polls.
    Waits(u64),
    /// It goes next.
    Now,
}
