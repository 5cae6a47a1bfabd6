//! The portable alarm: whoever sets it wakes its thread for a moment, to tell it.

use crate::engine::base::atomics::{Condvar, Mutex};
use std::time::Duration;

pub(crate) struct Alarm {
    /// Goes off so long after the thread has heard of it.
    after: Mutex<Option<Duration>>,
    changed: Condvar,
}

impl Alarm {
    pub(crate) fn new() -> Self {
        Alarm { after: Mutex::new(None), changed: Condvar::new() }
    }

    #[allow(dead_code, clippy::unused_self)] // on systems where there is another one
    pub(crate) fn prepare(&self) {}

    pub(crate) fn set(&self, after: Duration) {
        let mut state = self.after.lock();
        *state = Some(after);
        self.changed.notify_all();
    }

    pub(crate) fn clear(&self) {
        *self.after.lock() = None;
    }

    pub(crate) fn wait(&self) {
        let mut state = self.after.lock();
        loop {
            match *state {
                None => self.changed.wait(&mut state),
                Some(Duration::ZERO) => return,
                Some(after) => {
                    if self.changed.wait_for(&mut state, after).timed_out() && state.is_some() {
                        return;
                    }
                }
            }
        }
    }
}
