//! New folders, one trip each.

use super::hop::hop;
use crate::engine::Caller;
use std::fs;
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;

/// Makes a folder: [`std::fs::create_dir`].
///
/// # Errors
/// `AlreadyExists`, if there is something of this name; `NotFound`, if the folder that it would be in is missing.
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn create_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::create_dir"), move || fs::create_dir(path))
}

/// Makes a folder and those that it would be in, as far as they are missing: [`std::fs::create_dir_all`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn create_dir_all(path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::create_dir_all"), move || fs::create_dir_all(path))
}

/// Makes folders in all the ways there are: [`std::fs::DirBuilder`].
///
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// runtime::fs::DirBuilder::new().recursive(true).mode(0o700).create("cache/pages").await?;
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Default)]
pub struct DirBuilder {
    recursive: bool,
    mode: Option<u32>,
}

impl DirBuilder {
    /// Makes one folder, in a folder that exists, as [`create_dir`] does.
    pub fn new() -> Self {
        DirBuilder::default()
    }

    /// Are the folders on the way made too? Then one that exists is no error. No, if this is not called.
    pub fn recursive(&mut self, recursive: bool) -> &mut Self {
        self.recursive = recursive;
        self
    }

    /// The permissions of new folders, of which the process's `umask` takes some away. `0o777`, if this is not called.
    pub fn mode(&mut self, mode: u32) -> &mut Self {
        self.mode = Some(mode);
        self
    }

    /// Makes the folder.
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped.
    #[track_caller]
    pub fn create(&self, path: impl AsRef<Path>) -> impl Future<Output = io::Result<()>> {
        let path = path.as_ref().to_owned();
        let mut builder = fs::DirBuilder::new();
        builder.recursive(self.recursive);
        if let Some(mode) = self.mode {
            builder.mode(mode);
        }
        hop(Caller::of("fs::DirBuilder::create"), move || builder.create(path))
    }
}
