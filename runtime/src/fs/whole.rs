//! Whole files, one trip each.

use super::hop::hop;
use crate::engine::Caller;
use std::fs;
use std::io;
use std::path::Path;

/// Reads a whole file: [`std::fs::read`].
///
/// # Cancel safety
/// Dropping it changes nothing.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let page = runtime::fs::read("index.html").await?;
/// println!("{} bytes", page.len());
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn read(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Vec<u8>>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::read"), move || fs::read(path))
}

/// Reads a whole file as text: [`std::fs::read_to_string`].
///
/// # Errors
/// `InvalidData` if it is not UTF-8.
///
/// # Cancel safety
/// Dropping it changes nothing.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let settings = runtime::fs::read_to_string("settings.toml").await?;
/// println!("{} lines", settings.lines().count());
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn read_to_string(path: impl AsRef<Path>) -> impl Future<Output = io::Result<String>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::read_to_string"), move || fs::read_to_string(path))
}

/// Makes `contents` the whole content of a file, which is created or replaced: [`std::fs::write`].
///
/// The bytes are copied first, since the thread that writes them may outlive the future.
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// runtime::fs::write("pid", std::process::id().to_string()).await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn write(path: impl AsRef<Path>, contents: impl AsRef<[u8]>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    let contents = contents.as_ref().to_owned();
    hop(Caller::of("fs::write"), move || fs::write(path, contents))
}

/// Copies a file's content and permissions to `to`, which is created or replaced: [`std::fs::copy`]. Gives the number of bytes.
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// runtime::fs::copy("settings.toml", "settings.bak").await?;
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn copy(from: impl AsRef<Path>, to: impl AsRef<Path>) -> impl Future<Output = io::Result<u64>> {
    let (from, to) = (from.as_ref().to_owned(), to.as_ref().to_owned());
    hop(Caller::of("fs::copy"), move || fs::copy(from, to))
}
