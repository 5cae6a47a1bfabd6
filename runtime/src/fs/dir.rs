//! What is in a folder.
//!
//! Owns: the entries that one trip has brought. Not here: making and removing folders.

use super::hop::hop;
use crate::engine::{Caller, is_entered, no_runtime_here};
use crate::task::JoinHandle;
use crate::task::blocking::spawn_internal_for;
use std::collections::VecDeque;
use std::ffi::OsString;
use std::fmt;
use std::fs::{self, FileType, Metadata};
use std::future::poll_fn;
use std::io;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

/// How many entries one trip brings at most. The system gives some hundreds with one call, which std keeps; with much
/// fewer here the trips would be most of the work, with more a program that looks at the first only would wait.
const BATCH: usize = 256;

/// Looks into a folder: [`std::fs::read_dir`]. The first entries come along.
///
/// # Cancel safety
/// Dropping it changes nothing.
///
/// # Examples
/// ```no_run
/// # async fn example() -> std::io::Result<()> {
/// let mut entries = runtime::fs::read_dir("pages").await?;
/// while let Some(entry) = entries.next_entry().await? {
///     println!("{}", entry.path().display());
/// }
/// # Ok(())
/// # }
/// ```
#[track_caller]
pub fn read_dir(path: impl AsRef<Path>) -> impl Future<Output = io::Result<ReadDir>> {
    let path = path.as_ref().to_owned();
    let folder = hop(Caller::of("fs::read_dir"), move || {
        let mut folder = Folder { there: VecDeque::new(), beyond: Some(fs::read_dir(path)?) };
        folder.fetch();
        Ok(folder)
    });
    async { Ok(ReadDir(State::Here(folder.await?))) }
}

/// The entries of a folder, in no particular order, without `.` and `..`. Made by [`read_dir`].
///
/// They are fetched a few hundred at a time. Whether an entry that comes or goes meanwhile is seen is not certain.
#[derive(Debug)]
#[must_use = "entries are fetched when they are asked for"]
pub struct ReadDir(State);

enum State {
    Here(Folder),
    Fetching(JoinHandle<Folder>),
    /// The runtime has ended with the folder.
    Gone,
}

struct Folder {
    there: VecDeque<io::Result<DirEntry>>,
    /// `None` at the end.
    beyond: Option<fs::ReadDir>,
}

impl ReadDir {
    /// The next entry; `None` after the last.
    ///
    /// # Cancel safety
    /// Dropping it loses no entry.
    #[track_caller]
    pub fn next_entry(&mut self) -> impl Future<Output = io::Result<Option<DirEntry>>> {
        let caller = Caller::of("fs::ReadDir::next_entry");
        poll_fn(move |cx| {
            if self.needs_trip() {
                caller.needs_runtime();
            }
            self.poll_next_entry(cx)
        })
    }

    /// [`next_entry`](ReadDir::next_entry), for who writes futures: `Pending` while entries are being fetched.
    ///
    /// One error does not mean the end: ask on. Of several tasks that poll, the last one is woken.
    #[track_caller]
    pub fn poll_next_entry(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<Option<DirEntry>>> {
        loop {
            if self.needs_trip() {
                self.fetch();
            }
            match &mut self.0 {
                State::Here(folder) => return Poll::Ready(folder.there.pop_front().transpose()),
                State::Gone => return Poll::Ready(Ok(None)),
                State::Fetching(trip) => match ready!(Pin::new(trip).poll(cx)) {
                    Ok(folder) => self.0 = State::Here(folder),
                    Err(error) => {
                        self.0 = State::Gone;
                        let what =
                            format!("the folder was not read to its end: {error}.\n  Read it before the runtime ends.");
                        return Poll::Ready(Err(io::Error::other(what)));
                    }
                },
            }
        }
    }

    fn needs_trip(&self) -> bool {
        matches!(&self.0, State::Here(folder) if folder.there.is_empty() && folder.beyond.is_some())
    }

    #[track_caller]
    fn fetch(&mut self) {
        if !is_entered() {
            no_runtime_here("fs::ReadDir::poll_next_entry");
        }
        if let State::Here(mut folder) = std::mem::replace(&mut self.0, State::Gone) {
            self.0 = State::Fetching(spawn_internal_for("fs::ReadDir::poll_next_entry", move || {
                folder.fetch();
                folder
            }));
        }
    }
}

impl Folder {
    fn fetch(&mut self) {
        while let Some(entry) = self.beyond.as_mut().and_then(Iterator::next) {
            let is_error = entry.is_err();
            self.there.push_back(entry.map(DirEntry::of));
            if is_error || self.there.len() == BATCH {
                return;
            }
        }
        self.beyond = None;
    }
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            State::Here(folder) => write!(f, "{} entries fetched", folder.there.len()),
            State::Fetching(_) => f.write_str("fetching"),
            State::Gone => f.write_str("gone"),
        }
    }
}

/// An entry of a folder. Made by [`ReadDir`].
#[derive(Debug)]
pub struct DirEntry {
    std: Arc<fs::DirEntry>,
    /// What the folder itself says, on most file systems.
    file_type: Option<FileType>,
}

impl DirEntry {
    /// Where a trip is allowed: some file systems have to look at the file.
    fn of(std: fs::DirEntry) -> DirEntry {
        DirEntry { file_type: std.file_type().ok(), std: Arc::new(std) }
    }

    /// The folder's path, as it was given to [`read_dir`], and this entry's name.
    pub fn path(&self) -> PathBuf {
        self.std.path()
    }

    /// The name of this entry in its folder.
    pub fn file_name(&self) -> OsString {
        self.std.file_name()
    }

    /// What the system knows of the entry: of a symbolic link itself, not of what it points to.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn metadata(&self) -> impl Future<Output = io::Result<Metadata>> {
        let std = self.std.clone();
        hop(Caller::of("fs::DirEntry::metadata"), move || std.metadata())
    }

    /// Is it a file, a folder, a symbolic link? Mostly known without a trip.
    ///
    /// # Cancel safety
    /// Dropping it changes nothing.
    #[track_caller]
    pub fn file_type(&self) -> impl Future<Output = io::Result<FileType>> {
        let caller = Caller::of("fs::DirEntry::file_type");
        async move {
            if let Some(known) = self.file_type {
                return Ok(known);
            }
            let std = self.std.clone();
            hop(caller, move || std.file_type()).await
        }
    }

    /// The number of the entry's file on its file system.
    pub fn ino(&self) -> u64 {
        self.std.ino()
    }
}
