//! Where a file's bytes are while they are neither the task's nor the system's, and what is under way.
//!
//! Owns: [`Desk`], its state, and who waits for it. Not here: what an operation does (`job`), and what the traits promise.
//!
//! One operation is under way at a time: a write, a read, or something else that moves or needs the position. It leaves what
//! it has done on the desk, not with a future; so a future that is dropped loses nothing, and whoever comes next finds it.
//!
//! | | is | put there by | taken by |
//! |---|---|---|---|
//! | `under_way` | what a thread is doing, or is about to do | who begins it | the thread, last of all |
//! | `outbox` | bytes that were accepted and have not been written | `write` | the thread that writes; again and again, until it is empty |
//! | `write_error` | why the outbox could not be written | the thread that writes | the next `write`, `flush`, `shutdown` or sync |
//! | `answer` | how the read under way ended | the thread that reads | the next read; nobody, if something else comes first |
//! | `inbox` | bytes that were read and that nobody has seen | the thread that reads | reads; what needs the position gives them back |
//! | `moved` | how a seek ended | the thread that seeks | `poll_complete` |
//!
//! The danger: a poll looks at the desk while the operation ends. State and wakers stand under one lock: either the poll sees
//! that nothing is under way, or the thread sees the waker. A waker is cloned, woken and dropped outside of it.

use parking_lot::{Mutex, MutexGuard};
use std::io;
use std::mem;
use std::ops::Range;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// An outbox that has grown larger is given back when nothing is written any more.
const KEPT_MAX: usize = 256 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Doing {
    Read,
    Write,
    /// A seek from the end, a new length.
    Other,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) under_way: Option<Doing>,
    pub(super) outbox: Vec<u8>,
    pub(super) write_error: Option<io::Error>,
    pub(super) answer: Option<io::Result<()>>,
    pub(super) inbox: Inbox,
    pub(super) moved: Option<io::Result<u64>>,
    /// Where the last seek has led to.
    pub(super) position: u64,
    /// May one write carry on several accepted ones? In a regular file only bytes count; elsewhere each write may be a message.
    /// Not known before the first operation.
    pub(super) is_regular: bool,
    /// Is nobody else able to move the position, or to write through the same open file? Then bytes may be read ahead.
    pub(super) is_private: bool,
    /// Closures that have the file and are none of the above.
    pub(super) guests: usize,
    waiting: Vec<Waker>,
}

#[derive(Default)]
pub(super) struct Inbox {
    pub(super) bytes: Vec<u8>,
    pub(super) unread: Range<usize>,
    /// Were they read ahead? The position is before the unread ones then, and otherwise behind them.
    pub(super) is_ahead: bool,
}

/// The half of the desk that stands with the threads.
#[derive(Default)]
pub(super) struct Desk(Mutex<State>);

/// The half that stands with the file. When it goes, nobody waits any more.
pub(super) struct Front(Arc<Desk>);

// What a panic leaves behind is a state that the desk has a row for.
impl UnwindSafe for Front {}
impl RefUnwindSafe for Front {}

impl Front {
    pub(super) fn new() -> Front {
        Front(Arc::default())
    }

    pub(super) fn desk(&self) -> Arc<Desk> {
        self.0.clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// The state, once `is_free` of it. Remembers who waits otherwise.
    pub(super) fn poll_until(
        &self,
        cx: &mut Context<'_>,
        is_free: impl Fn(&State) -> bool,
    ) -> Poll<MutexGuard<'_, State>> {
        loop {
            let state = self.lock();
            if is_free(&state) {
                return Poll::Ready(state);
            }
            drop(state);
            let waker = cx.waker().clone();
            let mut state = self.lock();
            if is_free(&state) {
                // Free meanwhile: once more, without a waker to drop.
                drop(state);
                drop(waker);
                continue;
            }
            if !state.waiting.iter().any(|known| known.will_wake(&waker)) {
                state.waiting.push(waker);
                return Poll::Pending;
            }
            drop(state);
            return Poll::Pending;
        }
    }

    /// The state, once nothing is under way.
    pub(super) fn poll_idle(&self, cx: &mut Context<'_>) -> Poll<MutexGuard<'_, State>> {
        self.poll_until(cx, |state| state.under_way.is_none())
    }
}

impl Drop for Front {
    /// The operation goes on; the task's memory need not stay for it.
    fn drop(&mut self) {
        let waiting = mem::take(&mut self.lock().waiting);
        drop(waiting);
    }
}

impl Desk {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Changes the state, and wakes whoever waits for a change.
    pub(super) fn tell(&self, change: impl FnOnce(&mut State)) {
        let mut state = self.lock();
        change(&mut state);
        let waiting = mem::take(&mut state.waiting);
        drop(state);
        waiting.into_iter().for_each(Waker::wake);
    }
}

impl State {
    /// A new operation begins, so nobody will ask for the answers to earlier ones.
    pub(super) fn begin(&mut self, what: Doing) {
        self.under_way = Some(what);
        self.forget_answers();
    }

    pub(super) fn forget_answers(&mut self) {
        self.answer = None;
        self.moved = None;
    }

    /// Bytes that could not be written are written at another place by nobody. (Their error stays until it is told.)
    pub(super) fn give_up_outbox(&mut self) {
        if !self.outbox.is_empty() {
            self.outbox = Vec::new();
        }
    }
}

impl Inbox {
    pub(super) fn is_empty(&self) -> bool {
        self.unread.is_empty()
    }

    /// The bytes that come next, `n` at the most; they are seen then.
    pub(super) fn take(&mut self, n: usize) -> &[u8] {
        let from = self.unread.start;
        let n = n.min(self.unread.len());
        self.unread.start += n;
        &self.bytes[from..from + n]
    }

    pub(super) fn clear(&mut self) {
        self.unread = 0..0;
        self.is_ahead = false;
    }

    /// A buffer to read into.
    pub(super) fn lend(&mut self) -> Vec<u8> {
        self.clear();
        mem::take(&mut self.bytes)
    }
}

/// `bytes`, emptied, unless it is too large to keep.
pub(super) fn emptied(mut bytes: Vec<u8>) -> Vec<u8> {
    if bytes.capacity() > KEPT_MAX {
        return Vec::new();
    }
    bytes.clear();
    bytes
}
