//! The handlers of this process, and the pipe that they write to.
//!
//! Owns: the table of kinds, the pipe.
//! Not here: what a handler may touch (`board` says), who reads the pipe (`reader`).
//!
//! A handler is installed once, by the first listener to its signal, and stays for the life of the process: to take it
//! away would bring back a default that ends the process, at a moment that nobody chose. `signal-hook-registry` calls
//! what was there before, and whoever else uses it.
//!
//! A child made by `fork` without `exec` has its parent's handlers and its parent's pipe. Its handlers leave the pipe
//! alone, and its first listener makes another one.

use super::board::Kind;
use super::{stop, sys};
use rustix::io::{Errno, ioctl_fionbio};
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicI32, AtomicU32, Ordering};
use std::sync::{Arc, LazyLock};

use parking_lot::Mutex;

/// The kinds of this system, by number.
static KINDS: LazyLock<Box<[Slot]>> = LazyLock::new(|| (0..=sys::last()).map(|_| Slot::new()).collect());

/// Where handlers write: a descriptor that is never closed, of the process with that number.
static WRITER: AtomicI32 = AtomicI32::new(-1);
static MAKER: AtomicU32 = AtomicU32::new(0);

static PIPE: Mutex<Option<Arc<Pipe>>> = Mutex::new(None);

struct Slot {
    kind: Kind,
    installed: Mutex<bool>,
}

/// What handlers of one process write to. Kept for ever.
pub(super) struct Pipe {
    reader: OwnedFd,
    writer: OwnedFd,
    maker: u32,
}

impl Slot {
    fn new() -> Self {
        Slot { kind: Kind::new(), installed: Mutex::new(false) }
    }
}

/// The kind with this number, whose handler is installed from now on.
pub(super) fn kind(number: i32) -> io::Result<&'static Kind> {
    let slot = usize::try_from(number).ok().filter(|number| *number > 0).and_then(|number| KINDS.get(number));
    let Some(slot) = slot.filter(|_| !signal_hook_registry::FORBIDDEN.contains(&number)) else {
        return Err(io::Error::other(format!(
            "signal {number} cannot be listened to: {}",
            if slot.is_some() { "no program may handle it" } else { "this system has no such signal" }
        )));
    };
    let mut installed = slot.installed.lock();
    if !*installed {
        install(number, &slot.kind)?;
        *installed = true;
    }
    Ok(&slot.kind)
}

fn install(number: i32, kind: &'static Kind) -> io::Result<()> {
    let caught = move || {
        stop::count(number);
        if kind.raise() {
            ring();
        }
    };
    // SAFETY: what a handler does may interrupt anything. `caught` reads and swaps atomics of statics that were made
    // before, and calls `getpid`, `write`, and at the very end `signal` and `raise`: all of them async-signal-safe. It
    // takes no lock, allocates nothing and cannot panic.
    unsafe { signal_hook_registry::register(number, caught) }.map(drop)
}

/// In the handler: whoever reads the pipe has something to tell.
fn ring() {
    if MAKER.load(Ordering::SeqCst) != std::process::id() {
        return;
    }
    // SAFETY: the pipe is kept for ever, so the number is its own.
    let writer = unsafe { BorrowedFd::borrow_raw(WRITER.load(Ordering::SeqCst)) };
    while rustix::io::write(writer, &[0]) == Err(Errno::INTR) {}
    // Where it is full, bytes wait to be read: that is as good.
}

/// This process's pipe.
pub(super) fn pipe() -> io::Result<Arc<Pipe>> {
    let mut pipe = PIPE.lock();
    match &*pipe {
        Some(pipe) if pipe.maker == std::process::id() => Ok(pipe.clone()),
        _ => {
            let (reader, writer) = io::pipe()?;
            ioctl_fionbio(&reader, true)?;
            ioctl_fionbio(&writer, true)?;
            let (reader, writer) = (reader.into(), writer.into());
            let new = Arc::new(Pipe { reader, writer, maker: std::process::id() });
            WRITER.store(new.writer.as_raw_fd(), Ordering::SeqCst);
            MAKER.store(new.maker, Ordering::SeqCst);
            // A parent's is kept as well: its number stands in the parent's handlers.
            std::mem::forget(pipe.replace(new.clone()));
            Ok(new)
        }
    }
}

impl Pipe {
    pub(super) fn reader(&self) -> io::Result<OwnedFd> {
        self.reader.try_clone()
    }
}

/// The end that is read.
impl AsFd for Pipe {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.reader.as_fd()
    }
}

/// Tells listeners of every kind what has come. After the pipe was emptied.
pub(super) fn tell_all() {
    for slot in &**KINDS {
        slot.kind.tell();
    }
}
