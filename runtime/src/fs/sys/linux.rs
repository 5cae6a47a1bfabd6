//! Reads that take what is in the page cache, and never wait for a disk: `preadv2` with `RWF_NOWAIT`.
//!
//! Ways in which it does not work, and what is done about them:
//!
//! * The call is missing (before Linux 4.6, or hidden by a sandbox), or does not know the flag (before 4.14): the first answer
//!   says so, once for the process.
//! * The file system refuses the flag: once for each file.
//! * A file with `O_DIRECT` has no cache, and a read of it waits for the disk in spite of the flag: it is not asked.
//! * Linux 5.9 and 5.10 sometimes answer 0 in the middle of a file, as at its end; others had spurious errors. So no
//!   answer but bytes is taken at its word: an end counts if the file's size says the same, and what looks like an error
//!   is asked again, by an ordinary read.

use super::Cached;
use rustix::fs::{FileType, OFlags, SeekFrom, fcntl_getfl, fstat, seek};
use rustix::io::{Errno, ReadWriteFlags, preadv2};
use std::fs::File;
use std::io::IoSliceMut;
use std::sync::atomic::{AtomicBool, Ordering};

/// Relaxed: it guards nothing.
static IS_MISSING: AtomicBool = AtomicBool::new(false);

/// The offset that stands for the descriptor's own position, which moves as with `read`.
const POSITION: u64 = u64::MAX;

/// Can there be bytes of this file in the cache?
pub(in crate::fs) fn may_ask(file: &File) -> bool {
    !IS_MISSING.load(Ordering::Relaxed) && fcntl_getfl(file).is_ok_and(|flags| !flags.contains(OFlags::DIRECT))
}

/// Reads at the descriptor's position, and moves it.
pub(in crate::fs) fn read_cached(file: &File, room: &mut [u8]) -> Cached {
    attempt(file, room, POSITION)
}

/// Reads from `offset` on; the descriptor's position does not matter and stays.
pub(in crate::fs) fn read_cached_at(file: &File, room: &mut [u8], offset: u64) -> Cached {
    // No file reaches so far, and the last number has a meaning of its own.
    if offset > i64::MAX as u64 { Cached::Missed } else { attempt(file, room, offset) }
}

fn attempt(file: &File, room: &mut [u8], offset: u64) -> Cached {
    if IS_MISSING.load(Ordering::Relaxed) {
        return Cached::Refused;
    }
    match preadv2(file, &mut [IoSliceMut::new(room)], offset, ReadWriteFlags::NOWAIT) {
        Ok(0) if ends_before(file, offset) => Cached::Read(0),
        Ok(0) | Err(Errno::AGAIN | Errno::INTR) => Cached::Missed,
        Ok(n) => Cached::Read(n),
        Err(Errno::NOSYS) => {
            IS_MISSING.store(true, Ordering::Relaxed);
            Cached::Refused
        }
        Err(_) => Cached::Refused,
    }
}

/// Does the file end at or before the place? Of a file without a size it cannot be told: those of `/proc` have none, and bytes.
fn ends_before(file: &File, offset: u64) -> bool {
    let Ok(known) = fstat(file) else { return false };
    let place = if offset == POSITION { seek(file, SeekFrom::Current(0)).ok() } else { Some(offset) };
    FileType::from_raw_mode(known.st_mode) == FileType::RegularFile
        && known.st_size > 0
        && place.is_some_and(|place| place >= known.st_size as u64)
}
