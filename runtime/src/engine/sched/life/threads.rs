//! Which threads an engine has, so that all are waited for at the end.
//!
//! Not here: starting one (`workers`), threads of the pool (`blocking`, which counts its own).

use parking_lot::{Condvar, Mutex};
use std::thread::JoinHandle;
use std::time::Instant;

/// Which threads run, for whoever shuts down.
pub(crate) struct Threads {
    running: Mutex<Running>,
    one_less: Condvar,
}

struct Running {
    count: usize,
    handles: Vec<JoinHandle<()>>,
}

impl Threads {
    pub(crate) fn new() -> Self {
        Threads { running: Mutex::new(Running { count: 0, handles: Vec::new() }), one_less: Condvar::new() }
    }

    /// Waits until all are gone, until `deadline` at the most. `false`: some still run.
    pub(crate) fn wait(&self, deadline: Option<Instant>) -> bool {
        let mut running = self.running.lock();
        while running.count > 0 {
            match deadline {
                None => self.one_less.wait(&mut running),
                Some(deadline) => {
                    if self.one_less.wait_until(&mut running, deadline).timed_out() && running.count > 0 {
                        return false;
                    }
                }
            }
        }
        let handles = std::mem::take(&mut running.handles);
        drop(running);
        for handle in handles {
            // Each is past its last line of ours; joining returns its stack. A panic was printed by the hook.
            let _ = handle.join();
        }
        true
    }

    /// One more, which is started next.
    pub(super) fn count(&self) {
        self.running.lock().count += 1;
    }

    /// One less: it is past its last line of ours, or was not started.
    pub(super) fn count_out(&self) {
        self.running.lock().count -= 1;
        self.one_less.notify_all();
    }

    /// To be joined at the end, which returns its stack.
    pub(super) fn keep(&self, handle: JoinHandle<()>) {
        let mut running = self.running.lock();
        running.handles.retain(|handle| !handle.is_finished());
        running.handles.push(handle);
    }
}
