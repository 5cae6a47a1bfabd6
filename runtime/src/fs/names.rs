//! Names that are moved or taken away, one trip each.

use super::hop::hop;
use crate::engine::Caller;
use std::fs;
use std::io;
use std::path::Path;

/// Gives a file or folder another name on the same file system; a file that has it is replaced: [`std::fs::rename`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn rename(from: impl AsRef<Path>, to: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    hop(Caller::of("fs::rename"), move || fs::rename(from, to))
}

/// Takes a file's name away; the file goes with its last name and last user: [`std::fs::remove_file`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn remove_file(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::remove_file"), move || fs::remove_file(path))
}

/// Removes an empty folder: [`std::fs::remove_dir`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn remove_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::remove_dir"), move || fs::remove_dir(path))
}

/// Removes a folder and all that is in it; symbolic links are removed, not followed: [`std::fs::remove_dir_all`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn remove_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::remove_dir_all"), move || fs::remove_dir_all(path))
}
