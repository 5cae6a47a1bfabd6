//! What is known of a name, one trip each.

use super::hop::hop;
use crate::engine::Caller;
use std::fs::{self, Metadata, Permissions};
use std::io;
use std::path::Path;

/// What the system knows of a file or folder, through symbolic links: [`std::fs::metadata`].
///
/// # Cancel safety
/// Dropping it changes nothing.
#[track_caller]
pub fn metadata(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Metadata>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::metadata"), move || fs::metadata(path))
}

/// What the system knows of a name, which may be a symbolic link itself: [`std::fs::symlink_metadata`].
///
/// # Cancel safety
/// Dropping it changes nothing.
#[track_caller]
pub fn symlink_metadata(path: impl AsRef<Path>) -> impl Future<Output = io::Result<Metadata>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::symlink_metadata"), move || fs::symlink_metadata(path))
}

/// Changes who may do what with a file or folder: [`std::fs::set_permissions`].
///
/// # Cancel safety
/// Once polled, it happens, also if the future is dropped.
#[track_caller]
pub fn set_permissions(path: impl AsRef<Path>, perm: Permissions) -> impl Future<Output = io::Result<()>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::set_permissions"), move || fs::set_permissions(path, perm))
}

/// Is there something of this name, through symbolic links? [`std::fs::exists`].
///
/// # Errors
/// If it cannot be told, for instance because a folder on the way may not be entered.
///
/// # Cancel safety
/// Dropping it changes nothing.
#[track_caller]
pub fn try_exists(path: impl AsRef<Path>) -> impl Future<Output = io::Result<bool>> {
    let path = path.as_ref().to_owned();
    hop(Caller::of("fs::try_exists"), move || path.try_exists())
}
