//! What goes wrong is told, but not a thousand times: a server that nobody looks at must not fill a disk.

use std::time::{Duration, Instant};

const PAUSE: Duration = Duration::from_secs(1);

/// Tells each complaint at once, and the same one again after a second at the earliest.
#[derive(Default)]
pub(crate) struct Complaints {
    last: Option<(String, Instant)>,
    held_back: u64,
}

impl Complaints {
    pub(crate) fn tell(&mut self, complaint: String) {
        if self.last.as_ref().is_some_and(|(last, told)| *last == complaint && told.elapsed() < PAUSE) {
            self.held_back += 1;
            return;
        }
        match std::mem::take(&mut self.held_back) {
            0 => eprintln!("server: {complaint}"),
            times => eprintln!("server: {complaint} (and {times} times the one before)"),
        }
        self.last = Some((complaint, Instant::now()));
    }
}
