//! Links and the names behind them, one trip each.

use super::hop::hop;
use crate::engine::Caller;
use std::fs;
use std::io;
use std::os::unix;
use std::path::{Path, PathBuf};

/// The absolute name of a file or folder, without symbolic links and `..`: [`std::fs::canonicalize`].
///
/// # Cancel safety
/// Dropping it changes nothing.
#[track_caller]
pub fn canonicalize(path: impl AsRef<Path>) -> impl Future<Output = io::Result<PathBuf>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::canonicalize"), move || fs::canonicalize(path))
}

/// What a symbolic link says: [`std::fs::read_link`].
///
/// # Cancel safety
/// Dropping it changes nothing.
#[track_caller]
pub fn read_link(path: impl AsRef<Path>) -> impl Future<Output = io::Result<PathBuf>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::read_link"), move || fs::read_link(path))
}

/// Gives a file a second name, `link`: [`std::fs::hard_link`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn hard_link(original: impl AsRef<Path>, link: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let (original, link) = (original.as_ref().to_owned(), link.as_ref().to_owned());
    hop(Caller::of("fs::hard_link"), move || fs::hard_link(original, link))
}

/// Makes a symbolic link called `link` that says `original`: [`std::os::unix::fs::symlink`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn symlink(original: impl AsRef<Path>, link: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let (original, link) = (original.as_ref().to_owned(), link.as_ref().to_owned());
    hop(Caller::of("fs::symlink"), move || unix::fs::symlink(original, link))
}
