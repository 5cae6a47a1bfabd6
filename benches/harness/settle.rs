//! Waits until the threads of the last measurement are gone, so that none of them is counted into the next.

use std::thread;
use std::time::{Duration, Instant};

use crate::process::threads;

/// A thread that was told to end does so within milliseconds; the rest is room for a busy machine.
const PATIENCE: Duration = Duration::from_secs(2);
const LOOK_EVERY: Duration = Duration::from_millis(2);

/// How many threads the process has between two measurements.
pub(crate) struct Settle {
    calm: Option<usize>,
}

impl Settle {
    /// Takes the present number as the calm one.
    pub(crate) fn new() -> Self {
        Self { calm: threads() }
    }

    /// Waits for the calm number. Threads that do not go are returned, and counted as calm from now on.
    pub(crate) fn wait(&mut self) -> Result<(), usize> {
        let Some(calm) = self.calm else { return Ok(()) };
        let since = Instant::now();
        loop {
            let now = threads().unwrap_or(calm);
            if now <= calm {
                self.calm = Some(now);
                return Ok(());
            }
            if since.elapsed() > PATIENCE {
                self.calm = Some(now);
                return Err(now - calm);
            }
            thread::sleep(LOOK_EVERY);
        }
    }
}
