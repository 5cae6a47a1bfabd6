//! A file's time of birth, which can be set on these systems.

use crate::fs::FileTimes;
use std::os::darwin::fs::FileTimesExt;
use std::time::SystemTime;

impl FileTimes {
    /// When the file was made.
    pub fn set_created(mut self, t: SystemTime) -> Self {
        self.0 = self.0.set_created(t);
        self
    }
}
