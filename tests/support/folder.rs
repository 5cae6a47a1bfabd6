//! A folder of a test's own, gone when the test is over.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// Removed, with all that is in it, when it is dropped.
#[derive(Debug)]
pub struct Folder(PathBuf);

impl Folder {
    /// A new one in the system's folder for such things.
    pub fn new() -> Folder {
        Folder::below(std::env::temp_dir())
    }

    /// A new one somewhere else.
    pub fn below(parent: impl AsRef<Path>) -> Folder {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let name = format!("runtime-test-{}-{}", std::process::id(), NEXT.fetch_add(1, Ordering::Relaxed));
        let path = parent.as_ref().join(name);
        std::fs::create_dir(&path).expect("no folder for this test");
        Folder(path.canonicalize().expect("it has just been made"))
    }

    /// A new one in memory, where the system has a place for that: what is made there and removed again costs little.
    pub fn in_memory() -> Folder {
        let memory = Path::new("/dev/shm");
        if memory.is_dir() { Folder::below(memory) } else { Folder::new() }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// A path in it.
    pub fn at(&self, name: impl AsRef<Path>) -> PathBuf {
        self.0.join(name)
    }

    /// A new file in it.
    pub fn file(&self, name: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> PathBuf {
        let path = self.at(name);
        std::fs::write(&path, contents).expect("no file for this test");
        path
    }
}

impl Default for Folder {
    fn default() -> Folder {
        Folder::new()
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes that say where they belong: what is lost, doubled or out of place shows.
pub fn numbered(len: usize) -> Vec<u8> {
    (0..len).map(|at| (at ^ (at >> 8).wrapping_mul(31) ^ (at >> 16).wrapping_mul(7)) as u8).collect()
}
