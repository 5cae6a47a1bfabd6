//! Files and folders.
//!
//! | for | there is |
//! |---|---|
//! | a whole file at once | [`read`], [`read_to_string`], [`write()`], [`copy`] |
//! | a file bit by bit | [`File`], and [`OpenOptions`] for how to open it |
//! | any part of a file, many at once | [`File::read_at`], [`File::write_at`] |
//! | folders | [`read_dir`], [`create_dir_all`], [`DirBuilder`], [`remove_dir_all`] |
//! | names and what is known of them | [`metadata`], [`try_exists`], [`rename`], [`canonicalize`], [`hard_link`], [`symlink`] |
//!
//! No system tells when a file can be read without waiting, as it does for sockets. So each function here sends the
//! operation of the same name in [`std::fs`] to a thread of the runtime that may block, and its future waits for the result:
//! one trip, whatever happens on the way. Fewer, larger operations are faster: a file that fits into memory is best
//! read whole, and many small reads or writes go through a [`BufReader`](crate::io::BufReader) or
//! [`BufWriter`](crate::io::BufWriter). Two things need no trip: a [`File`] that is read where the system has the bytes
//! in its cache, and a [`File`] that is written faster than the system takes it.
//!
//! Errors are those of [`std::fs`], kind for kind.
//!
//! # Cancel safety
//! An operation that has been sent cannot be called back. Dropping the future of a function that changes something leaves
//! open whether it happens; it may be still to come. Of functions that only look, nothing stays.
//!
//! # Panics
//! Every future here panics if it is polled outside of a runtime.

mod build_dir;
mod dir;
mod file;
mod hop;
mod links;
mod look;
mod names;
mod options;
// `FromRawFd` is an unsafe trait.
#[allow(unsafe_code)]
mod raw_fd;
mod sys;
mod times;
mod whole;

pub use build_dir::{DirBuilder, create_dir, create_dir_all};
pub use dir::{DirEntry, ReadDir, read_dir};
pub use file::File;
pub use links::{canonicalize, hard_link, read_link, symlink};
pub use look::{metadata, set_permissions, symlink_metadata, try_exists};
pub use names::{remove_dir, remove_dir_all, remove_file, rename};
pub use options::OpenOptions;
pub use times::FileTimes;
pub use whole::{copy, read, read_to_string, write};
