//! An open file.
//!
//! Owns: [`File`], how it is made, taken apart, and asked about. Not here: its bytes (`bytes`, `seek`, `at`), the protocol
//! (`desk`), what threads do (`job`).

mod at;
mod bytes;
mod desk;
mod job;
mod seek;
#[cfg(all(test, not(loom)))]
mod tests;

use super::hop::hop;
use super::sys::may_ask;
use super::{FileTimes, OpenOptions};
use crate::engine::Caller;
use desk::{Doing, Front, State};
use job::Guest;
use std::fmt;
use std::fs::{self, Metadata, Permissions};
use std::future::poll_fn;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

/// What one operation moves at most, unless `set_max_buf_size` says otherwise: as documented by tokio, and programs
/// rely on it that a write up to this size is one write.
const MAX_BUF_SIZE: usize = 2 * 1024 * 1024;

/// An open file, read and written by tasks.
///
/// The methods for bytes are those of [`AsyncReadExt`](crate::io::AsyncReadExt), [`AsyncWriteExt`](crate::io::AsyncWriteExt) and
/// [`AsyncSeekExt`](crate::io::AsyncSeekExt); those of this type besides are [`std::fs::File`]'s.
///
/// ```no_run
/// use runtime::fs::File;
/// use runtime::io::AsyncWriteExt;
///
/// # async fn example() -> std::io::Result<()> {
/// let mut file = File::create("greeting.txt").await?;
/// file.write_all(b"hello\n").await?;
/// file.flush().await?;
/// # Ok(())
/// # }
/// ```
///
/// # Reading
/// Bytes that the system has in its cache are read right away, where the system can be asked for those only (Linux, on most
/// file systems). Otherwise a thread that may block reads.
///
/// Where the system cannot be asked, that thread reads up to 256 KiB ahead of a regular file which this process has opened here,
/// and nobody can have a second handle to: no [`try_clone`](File::try_clone) was made and no descriptor shown. What was read
/// ahead is forgotten by a write, a seek, a new length, and by those two. What *other* handles or programs write to those places
/// in the meantime is not seen; seek first where that matters.
///
/// # Writing
/// A write is *accepted* as soon as its bytes are copied. A thread writes them from then on; what is accepted meanwhile, up
/// to [`max_buf_size`](File::max_buf_size), it writes with them. One `write` of that size at most is never torn apart by
/// other writers of a file in append mode.
///
/// * To know that bytes have been written, [`flush`](crate::io::AsyncWriteExt::flush); to know that they will survive
///   the machine, [`sync_all`](File::sync_all), which flushes first.
/// * What was accepted is written also if the `File` is dropped or the runtime ends. Ending the runtime waits for it:
///   [`shutdown_timeout`](crate::runtime::Runtime::shutdown_timeout) until its deadline,
///   [`shutdown_background`](crate::runtime::Runtime::shutdown_background) not at all.
/// * An error comes out of the next write, `flush`, `shutdown` or sync. The bytes that could not be written, for want
///   of room for instance, are kept and tried again by each of these; so `flush` is `Ok` when everything is written
///   and not before. Reading or seeking gives them up, and so does dropping the `File`.
///
/// # The position
/// It is where the operations before have left it, as std's would, also while bytes are read ahead. Bytes that were read for
/// a future that was dropped are given by the next read; a write, a seek, a new length or a clone puts the position back
/// to before them. Clones share one position. With [`read_at`](File::read_at) and [`write_at`](File::write_at) it does not matter.
///
/// # Cancel safety
/// One operation is under way at a time, and goes on when its future is dropped; the next one waits for it. No byte is lost
/// or moved twice by that.
///
/// # Panics
/// If it is read, written or sought outside of a runtime.
pub struct File {
    std: Arc<fs::File>,
    front: Front,
    max_buf_size: usize,
    /// Is it worth to ask for bytes in the cache?
    is_cached: bool,
}

impl File {
    /// Opens a file to read it.
    ///
    /// # Errors
    /// Those of [`std::fs::File::open`].
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn open(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        File::options().read(true).open_for(Caller::of("fs::File::open"), path.as_ref())
    }

    /// Opens a file to write it. It is made if it is not there, and emptied if it is.
    ///
    /// # Errors
    /// Those of [`std::fs::File::create`].
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped.
    #[track_caller]
    pub fn create(path: impl AsRef<Path>) -> impl Future<Output = io::Result<File>> {
        let caller = Caller::of("fs::File::create");
        File::options().write(true).create(true).truncate(true).open_for(caller, path.as_ref())
    }

    /// Makes a file, to read and write it.
    ///
    /// # Errors
    /// `AlreadyExists`, if there is something of this name; nobody can come in between.
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped.
    #[track_caller]
    pub fn create_new<P: AsRef<Path>>(path: P) -> impl Future<Output = io::Result<File>> {
        let caller = Caller::of("fs::File::create_new");
        File::options().read(true).write(true).create_new(true).open_for(caller, path.as_ref())
    }

    /// All other ways to open a file: [`OpenOptions::new`].
    #[must_use]
    pub fn options() -> OpenOptions {
        OpenOptions::new()
    }

    /// A file that std has opened. Needs no runtime.
    pub fn from_std(std: fs::File) -> File {
        let is_cached = may_ask(&std);
        File { std: Arc::new(std), front: Front::new(), max_buf_size: MAX_BUF_SIZE, is_cached }
    }

    /// A file that was just opened, so that nobody else has it.
    pub(super) fn of_our_own(std: fs::File) -> File {
        let file = File::from_std(std);
        file.front.lock().is_private = true;
        file
    }

    /// Brings all that was accepted, and what is known of the file, to the disk: [`std::fs::File::sync_all`].
    ///
    /// Flushes first. (tokio's does not tell of bytes that could not be written.)
    ///
    /// # Cancel safety
    /// Dropping it leaves open whether it happens.
    #[track_caller]
    pub fn sync_all(&self) -> impl Future<Output = io::Result<()>> {
        self.sync(Caller::of("fs::File::sync_all"), fs::File::sync_all)
    }

    /// Brings all that was accepted to the disk, and of what is known of the file only what it takes to read it again:
    /// [`std::fs::File::sync_data`].
    ///
    /// Flushes first, as [`sync_all`](File::sync_all) does.
    ///
    /// # Cancel safety
    /// Dropping it leaves open whether it happens.
    #[track_caller]
    pub fn sync_data(&self) -> impl Future<Output = io::Result<()>> {
        self.sync(Caller::of("fs::File::sync_data"), fs::File::sync_data)
    }

    async fn sync(&self, caller: Caller, sync: fn(&fs::File) -> io::Result<()>) -> io::Result<()> {
        caller.needs_runtime();
        poll_fn(|cx| self.poll_written(cx)).await?;
        let guest = self.guest(&mut self.front.lock(), false);
        hop(caller, move || sync(guest.file())).await
    }

    /// Makes the file this long: [`std::fs::File::set_len`]. What is new is zeros. The position stays.
    ///
    /// # Errors
    /// `InvalidInput`, if it was not opened to be written, or cannot be so long.
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped; later operations wait for it.
    #[track_caller]
    pub fn set_len(&self, size: u64) -> impl Future<Output = io::Result<()>> {
        let caller = Caller::of("fs::File::set_len");
        async move {
            let guest = self.guest_when_idle(caller, true).await?;
            hop(caller, move || guest.file().set_len(size)).await
        }
    }

    /// What the system knows of the file, after all accepted writes: [`std::fs::File::metadata`].
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> {
        let caller = Caller::of("fs::File::metadata");
        async move {
            let guest = self.guest_after_writes(caller).await;
            hop(caller, move || guest.file().metadata()).await
        }
    }

    /// A second handle to the same open file: [`std::fs::File::try_clone`]. The two share one position; each has its own
    /// accepted bytes, so flush one before the other writes.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn try_clone(&self) -> impl Future<Output = io::Result<File>> {
        let caller = Caller::of("fs::File::try_clone");
        async move {
            let guest = self.guest_when_idle(caller, false).await?;
            self.is_shared_from_now_on();
            let mut file = File::from_std(hop(caller, move || guest.file().try_clone()).await?);
            file.max_buf_size = self.max_buf_size;
            Ok(file)
        }
    }

    /// Waits for what is under way and gives std's file. An error of a write that nobody has been told of is lost: flush before.
    ///
    /// # Cancel safety
    /// Dropping it drops the `File`.
    pub async fn into_std(self) -> fs::File {
        poll_fn(|cx| self.front.poll_until(cx, |state| state.under_way.is_none() && state.guests == 0).map(drop)).await;
        // Fails where nothing can be sought, and hence nothing be put back.
        let _ = self.give_back(&mut self.front.lock());
        Arc::into_inner(self.std).expect("BUG: nothing is under way, and somebody has the file")
    }

    /// Gives std's file, if nothing is under way.
    ///
    /// # Errors
    /// The file itself, if something is.
    pub fn try_into_std(self) -> Result<fs::File, Self> {
        let mut state = self.front.lock();
        if state.under_way.is_some() || state.guests > 0 {
            drop(state);
            return Err(self);
        }
        let _ = self.give_back(&mut state);
        drop(state);
        Ok(Arc::into_inner(self.std).expect("BUG: nothing is under way, and somebody has the file"))
    }

    /// Changes who may do what with the file: [`std::fs::File::set_permissions`].
    ///
    /// # Cancel safety
    /// Once polled, it happens, also if the future is dropped.
    #[track_caller]
    pub fn set_permissions(&self, perm: Permissions) -> impl Future<Output = io::Result<()>> {
        let caller = Caller::of("fs::File::set_permissions");
        async move {
            caller.needs_runtime();
            let guest = self.guest(&mut self.front.lock(), false);
            hop(caller, move || guest.file().set_permissions(perm)).await
        }
    }

    /// Says when the file was read and changed last, after all that is under way: [`std::fs::File::set_times`].
    ///
    /// # Cancel safety
    /// Once its turn has come, it happens, also if the future is dropped.
    #[track_caller]
    pub fn set_times(&self, times: FileTimes) -> impl Future<Output = io::Result<()>> {
        self.set_times_for(Caller::of("fs::File::set_times"), times)
    }

    /// Says when the file was changed last: [`std::fs::File::set_modified`].
    ///
    /// # Cancel safety
    /// As of [`set_times`](File::set_times).
    #[track_caller]
    pub fn set_modified(&self, time: SystemTime) -> impl Future<Output = io::Result<()>> {
        self.set_times_for(Caller::of("fs::File::set_modified"), FileTimes::new().set_modified(time))
    }

    async fn set_times_for(&self, caller: Caller, times: FileTimes) -> io::Result<()> {
        let guest = self.guest_when_idle(caller, false).await?;
        hop(caller, move || guest.file().set_times(times.0)).await
    }

    /// Sets what one operation moves at most, and how many accepted bytes may wait: 2 MiB at first.
    ///
    /// # Panics
    /// If it is 0.
    #[track_caller]
    pub fn set_max_buf_size(&mut self, max_buf_size: usize) {
        assert!(max_buf_size > 0, "`max_buf_size` is 0: nothing could be read or written.\n  Set at least 1.");
        self.max_buf_size = max_buf_size;
    }

    /// What one operation moves at most.
    pub fn max_buf_size(&self) -> usize {
        self.max_buf_size
    }

    fn is_shared_from_now_on(&self) {
        self.front.lock().is_private = false;
    }

    fn guest(&self, state: &mut State, is_alone: bool) -> Guest {
        Guest::enter(self.front.desk(), state, self.std.clone(), is_alone)
    }

    /// After all that is under way, and with the position where the task thinks it is.
    async fn guest_when_idle(&self, caller: Caller, is_alone: bool) -> io::Result<Guest> {
        caller.needs_runtime();
        poll_fn(|cx| {
            self.front.poll_idle(cx).map(|mut state| {
                self.give_back(&mut state)?;
                Ok(self.guest(&mut state, is_alone))
            })
        })
        .await
    }

    async fn guest_after_writes(&self, caller: Caller) -> Guest {
        caller.needs_runtime();
        let is_free = |state: &State| state.under_way != Some(Doing::Write);
        poll_fn(|cx| self.front.poll_until(cx, is_free).map(|mut state| self.guest(&mut state, false))).await
    }
}

impl From<fs::File> for File {
    fn from(std: fs::File) -> File {
        File::from_std(std)
    }
}

impl From<OwnedFd> for File {
    fn from(fd: OwnedFd) -> File {
        File::from_std(fs::File::from(fd))
    }
}

impl AsFd for File {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.is_shared_from_now_on();
        self.std.as_fd()
    }
}

impl AsRawFd for File {
    fn as_raw_fd(&self) -> RawFd {
        self.is_shared_from_now_on();
        self.std.as_raw_fd()
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("File").field("std", &self.std).finish()
    }
}
