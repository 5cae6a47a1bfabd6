//! Files made from a descriptor's number: what `FromRawFd` asks for, and nothing else.

use super::File;
use std::fs;
use std::os::fd::{FromRawFd, RawFd};

impl FromRawFd for File {
    unsafe fn from_raw_fd(fd: RawFd) -> File {
        // SAFETY: the trait asks our caller for an open descriptor that is its own.
        File::from_std(unsafe { fs::File::from_raw_fd(fd) })
    }
}
