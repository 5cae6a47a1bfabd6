//! What a thread does for a file: the operations of the desk, and closures that are its guests.
//!
//! Each has the file only until its result stands on the desk: once it is told that nothing is under way, the file may be
//! closed or taken apart.
//!
//! A job whose thread never comes (the runtime ends) is dropped. A write is done all the same, right there; a read fails.

use super::desk::{Desk, Doing, Inbox, State, emptied};
use crate::task::blocking::spawn_internal_for;
use rustix::io::Errno;
use std::fs::File;
use std::io::{self, ErrorKind, Read, Seek, SeekFrom, Write};
use std::mem;
use std::os::unix::fs::FileExt;
use std::sync::Arc;

/// How much a read brings ahead of what is asked for: as many bytes as can be copied while a thread is woken and wakes back
/// (some 20 us), so that the trip is at most half of the cost.
pub(super) const AHEAD: usize = 256 * 1024;

pub(super) enum Work {
    /// All that is in the outbox, and what is put there meanwhile.
    Write,
    /// Up to this many bytes; and of a regular file, if `ahead` says so, as many as one trip is worth.
    Read {
        wanted: usize,
        ahead: bool,
    },
    Seek(SeekFrom),
}

/// An operation of the desk, from its begin to its end.
pub(super) struct Job {
    desk: Arc<Desk>,
    /// `None` once it has been done.
    file: Option<Arc<File>>,
    work: Work,
}

impl Job {
    /// The desk says already what is under way.
    pub(super) fn send(desk: Arc<Desk>, file: Arc<File>, work: Work) {
        let job = Job { desk, file: Some(file), work };
        drop(spawn_internal_for("fs::File", move || job.run()));
    }

    fn run(mut self) {
        if let Some(file) = self.file.take() {
            self.perform(file);
        }
    }

    fn perform(&self, file: Arc<File>) {
        match self.work {
            Work::Write => write(&self.desk, file),
            Work::Read { wanted, ahead } => read(&self.desk, file, wanted, ahead),
            Work::Seek(to) => {
                let moved = (&*file).seek(to);
                drop(file);
                self.ends_with_move(moved);
            }
        }
    }

    fn ends_with_move(&self, moved: io::Result<u64>) {
        self.desk.tell(|state| {
            if let Ok(position) = moved {
                state.position = position;
            }
            state.moved = Some(moved);
            state.under_way = None;
        });
    }
}

impl Drop for Job {
    fn drop(&mut self) {
        let Some(file) = self.file.take() else { return };
        match self.work {
            Work::Write => self.perform(file),
            Work::Read { .. } => {
                drop(file);
                self.desk.tell(|state| {
                    state.answer = Some(Err(ended("nothing was read")));
                    state.under_way = None;
                });
            }
            Work::Seek(_) => {
                drop(file);
                self.ends_with_move(Err(ended("the position did not move")));
            }
        }
    }
}

#[cold]
fn ended(what: &str) -> io::Error {
    io::Error::other(format!(
        "{what}: the runtime ended before a thread began to.\n  Do it before, or in another runtime: the file is still there."
    ))
}

/// Writes until the outbox is empty or an error stops it; then the rest stands in front of it again.
fn write(desk: &Desk, file: Arc<File>) {
    let is_regular = file.metadata().is_ok_and(|known| known.is_file());
    let mut batch = Vec::new();
    desk.tell(|state| {
        state.is_regular = is_regular;
        mem::swap(&mut batch, &mut state.outbox);
    });
    let mut file = Some(file);
    while let Some(open) = &file {
        let written = write_batch(open, &batch);
        // To have the file or not is decided together with what the desk says: it must not be found open.
        desk.tell(|state| match written {
            Ok(()) if !state.outbox.is_empty() => {
                batch.clear();
                mem::swap(&mut batch, &mut state.outbox);
            }
            Ok(()) => {
                state.outbox = emptied(mem::take(&mut batch));
                state.under_way = None;
                file = None;
            }
            Err((done, error)) => {
                if is_regular && may_succeed_later(&error) {
                    batch.drain(..done);
                    batch.append(&mut state.outbox);
                    state.outbox = mem::take(&mut batch);
                } else {
                    state.give_up_outbox();
                }
                state.write_error = Some(error);
                state.under_way = None;
                file = None;
            }
        });
    }
}

/// How far it came comes with the error.
fn write_batch(mut file: &File, batch: &[u8]) -> Result<(), (usize, io::Error)> {
    let mut done = 0;
    while done < batch.len() {
        match file.write(&batch[done..]) {
            Ok(0) => return Err((done, ErrorKind::WriteZero.into())),
            Ok(n) => done += n,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err((done, error)),
        }
    }
    Ok(())
}

/// Room may come; the right to write does not.
fn may_succeed_later(error: &io::Error) -> bool {
    error.raw_os_error() != Some(Errno::BADF.raw_os_error())
}

fn read(desk: &Desk, file: Arc<File>, wanted: usize, ahead: bool) {
    let mut bytes = desk.lock().inbox.lend();
    let ahead_from = if ahead { readable_ahead(&file) } else { None };
    let room = if ahead_from.is_some() { wanted.max(AHEAD) } else { wanted };
    // What was initialized once stays so.
    if bytes.len() < room {
        bytes = vec![0; room];
    }
    let read = loop {
        let read = match ahead_from {
            Some(from) => file.read_at(&mut bytes[..room], from),
            None => (&*file).read(&mut bytes[..room]),
        };
        match read {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            read => break read,
        }
    };
    drop(file);
    desk.tell(|state| {
        state.inbox = Inbox { bytes, unread: 0..*read.as_ref().unwrap_or(&0), is_ahead: ahead_from.is_some() };
        state.answer = Some(read.map(drop));
        state.under_way = None;
    });
}

/// Where to read ahead from: of a regular file the position, of all else nothing.
fn readable_ahead(mut file: &File) -> Option<u64> {
    let is_regular = file.metadata().is_ok_and(|known| known.is_file());
    if is_regular { file.stream_position().ok() } else { None }
}

/// A closure that has the file and leaves nothing on the desk. Any number of them may.
pub(super) struct Guest {
    desk: Arc<Desk>,
    /// `None` once it has gone.
    file: Option<Arc<File>>,
    /// Nothing else is under way meanwhile.
    is_alone: bool,
}

impl Guest {
    /// `state` is the desk's.
    pub(super) fn enter(desk: Arc<Desk>, state: &mut State, file: Arc<File>, is_alone: bool) -> Guest {
        state.guests += 1;
        if is_alone {
            state.begin(Doing::Other);
        }
        Guest { desk, file: Some(file), is_alone }
    }

    pub(super) fn file(&self) -> &File {
        self.file.as_ref().expect("BUG: a guest has no file before it has gone")
    }
}

impl Drop for Guest {
    fn drop(&mut self) {
        self.desk.tell(|state| {
            self.file = None;
            state.guests -= 1;
            if self.is_alone {
                state.under_way = None;
            }
        });
    }
}
