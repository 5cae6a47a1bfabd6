//! Where the files of a measurement lie.

use runtime_benches::Wrong;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// A folder that goes with the measurement.
pub(super) struct Folder(pub(super) PathBuf);

impl Folder {
    pub(super) fn new() -> Result<Folder, Wrong> {
        let path = std::env::temp_dir().join(format!("runtime-bench-{}", std::process::id()));
        told(&path, fs::create_dir(&path))?;
        Ok(Folder(path))
    }

    pub(super) fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is the system's to remove.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A failure of the system is one of the measurement.
pub(super) fn told<T>(path: &Path, result: io::Result<T>) -> Result<T, Wrong> {
    result.map_err(|error| Wrong(format!("{}: {error}", path.display())))
}

/// Bytes that differ from place to place.
pub(super) fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ (at >> 8)) as u8).collect()
}
