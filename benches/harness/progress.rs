//! One line on a terminal that says how far the run is. It is drawn between measurements only: nothing may tick while
//! one runs. A stream that is no terminal gets nothing.

use std::io::{IsTerminal, Write, stderr};
use std::time::Instant;

const WIDTH: usize = 24;

/// The line.
pub(crate) struct Progress {
    shown: bool,
    since: Instant,
    total: usize,
}

impl Progress {
    /// For `total` workloads.
    pub(crate) fn new(total: usize) -> Self {
        Self { shown: stderr().is_terminal(), since: Instant::now(), total }
    }

    /// Draws the line anew.
    pub(crate) fn show(&self, done: usize, what: &str, round: usize) {
        if self.shown {
            let line = line(done, self.total, what, round, self.since.elapsed().as_secs());
            // A terminal that is gone must not end the measurement.
            let _ = write!(stderr(), "\r\x1b[2K{line}").and_then(|()| stderr().flush());
        }
    }

    /// Takes the line away, before something is printed in its place.
    pub(crate) fn clear(&self) {
        if self.shown {
            let _ = write!(stderr(), "\r\x1b[2K").and_then(|()| stderr().flush());
        }
    }
}

fn line(done: usize, total: usize, what: &str, round: usize, seconds: u64) -> String {
    let filled = WIDTH * done / total.max(1);
    let bar = format!("{}{}", "#".repeat(filled), ".".repeat(WIDTH - filled));
    format!("[{bar}] {done}/{total}  {}:{:02}  round {round}  {what}", seconds / 60, seconds % 60)
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_bar_fills() {
        assert_eq!(super::line(1, 2, "x", 3, 61), "[############............] 1/2  1:01  round 3  x");
        assert!(super::line(2, 2, "x", 3, 0).starts_with(&format!("[{}]", "#".repeat(super::WIDTH))));
    }
}
