//! The futex: a sleep costs one system call and no memory besides the word.

use crate::engine::base::atomics::{AtomicU32, Ordering};
use rustix::thread::futex;
use std::time::{Duration, Instant};

pub(in crate::engine::base) struct Sleep;

impl Sleep {
    pub(in crate::engine::base) fn new() -> Self {
        Sleep
    }

    /// Sleeps while `word` is `value`, for `timeout` at most.
    pub(in crate::engine::base) fn wait_while(&self, word: &AtomicU32, value: u32, timeout: Option<Duration>) {
        // A deadline beyond the clock's range is none.
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while word.load(Ordering::Acquire) == value {
            let left = match deadline {
                None => None,
                Some(deadline) => match deadline.checked_duration_since(Instant::now()) {
                    Some(left) if !left.is_zero() => left.try_into().ok(),
                    _ => return,
                },
            };
            // Errors are "the word has changed", "interrupted" and "timed out"; the loop looks for itself.
            let _ = futex::wait(word, futex::Flags::PRIVATE, value, left.as_ref());
        }
    }

    pub(in crate::engine::base) fn wake(&self, word: &AtomicU32) {
        // The address may belong to somebody else by now: a stray wake-up, which every waiter must bear anyway.
        let _ = futex::wake(word, futex::Flags::PRIVATE, 1);
    }
}
