//! When a file was used last, as far as one may say so oneself.

use std::fs;
use std::time::SystemTime;

/// Times to give to a file by [`File::set_times`](super::File::set_times): [`std::fs::FileTimes`].
///
/// ```no_run
/// use runtime::fs::{File, FileTimes};
/// use std::time::SystemTime;
///
/// # async fn example() -> std::io::Result<()> {
/// let file = File::options().write(true).open("build.stamp").await?;
/// file.set_times(FileTimes::new().set_modified(SystemTime::now())).await?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug, Default)]
#[must_use = "times change nothing by themselves: give them to `File::set_times`"]
pub struct FileTimes(pub(super) fs::FileTimes);

impl FileTimes {
    /// Times of which none is set; what is not set is left as it is.
    pub fn new() -> Self {
        FileTimes::default()
    }

    /// When the file was read last.
    pub fn set_accessed(mut self, t: SystemTime) -> Self {
        self.0 = self.0.set_accessed(t);
        self
    }

    /// When the file was changed last.
    pub fn set_modified(mut self, t: SystemTime) -> Self {
        self.0 = self.0.set_modified(t);
        self
    }
}
