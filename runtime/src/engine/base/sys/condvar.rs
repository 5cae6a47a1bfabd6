//! The portable sleep: a lock and a condition variable beside the word.

use crate::engine::base::atomics::{AtomicU32, Condvar, Mutex, Ordering};
use std::time::{Duration, Instant};

pub(in crate::engine::base) struct Sleep {
    lock: Mutex<()>,
    changed: Condvar,
}

impl Sleep {
    pub(in crate::engine::base) fn new() -> Self {
        Sleep { lock: Mutex::new(()), changed: Condvar::new() }
    }

    /// Sleeps while `word` is `value`, for `timeout` at most.
    pub(in crate::engine::base) fn wait_while(&self, word: &AtomicU32, value: u32, timeout: Option<Duration>) {
        let deadline = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        let mut guard = self.lock.lock();
        while word.load(Ordering::Acquire) == value {
            match deadline {
                None => self.changed.wait(&mut guard),
                Some(deadline) => {
                    let Some(left) = deadline.checked_duration_since(Instant::now()) else { return };
                    self.changed.wait_for(&mut guard, left);
                }
            }
        }
    }

    pub(in crate::engine::base) fn wake(&self, _word: &AtomicU32) {
        // The word has changed already; taking the lock orders us behind a sleeper that has read it and not yet slept.
        drop(self.lock.lock());
        self.changed.notify_one();
    }
}
