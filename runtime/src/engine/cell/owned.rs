//! Lists of the tasks that are suspended: what shutdown cancels and inspection shows.
//!
//! A task is linked when it is pending for the first time, by its poller, into the list of the worker that polled it;
//! one that finishes in its first poll is never linked (that halves the cost of a spawn). Until then it is reachable
//! through the queue that its runnable is in.
//!
//! The lists are intrusive; their lock guards the links. It is held for a few loads and stores, never while user code
//! runs. A lock for each worker is uncontended unless tasks move between workers.

use super::header::{Header, Links, Runnable};
use super::word::AfterWake;
use crate::engine::base::atomics::Mutex;
use std::ptr::NonNull;

/// One list.
pub(crate) struct OwnedTasks(Mutex<List>);

struct List {
    head: Option<NonNull<Header>>,
    closed: bool,
}

// SAFETY: the list gives out headers under its lock only, and headers are meant for any thread.
unsafe impl Send for List {}

/// What shutdown finds at the end of a list.
pub(crate) enum Next {
    /// It was asleep, and is the caller's to cancel.
    Cancel(Runnable),
    /// Somebody else has its runnable or polls it, and will see that it is cancelled.
    Elsewhere,
    Empty,
}

impl OwnedTasks {
    pub(crate) fn new() -> Self {
        OwnedTasks(Mutex::new(List { head: None, closed: false }))
    }

    /// Links a task that its poller holds. `false`: the list is closed.
    pub(crate) fn link(&self, task: &Header) -> bool {
        let mut list = self.0.lock();
        if list.closed {
            return false;
        }
        let this = NonNull::from(task);
        let next = list.head.replace(this);
        with_links(this, |links| *links = Links { previous: None, next });
        if let Some(next) = next {
            with_links(next, |links| links.previous = Some(this));
        }
        true
    }

    /// Unlinks a task that its poller holds; nothing happens if shutdown did it first.
    pub(crate) fn unlink(&self, task: &Header) {
        let mut list = self.0.lock();
        list.remove(NonNull::from(task));
    }

    /// From now on `link` refuses.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Unlinks one task and marks it cancelled.
    pub(crate) fn cancel_one(&self) -> Next {
        let mut list = self.0.lock();
        let Some(this) = list.head else { return Next::Empty };
        list.remove(this);
        // SAFETY: a linked task has the runtime's reference: before it completes, its poller takes our lock to unlink.
        match unsafe { this.as_ref() }.word.cancel() {
            AfterWake::Schedule => Next::Cancel(Runnable(this)),
            AfterWake::Nothing => Next::Elsewhere,
        }
    }
}

impl List {
    fn remove(&mut self, this: NonNull<Header>) {
        let Links { previous, next } = with_links(this, std::mem::take);
        if previous.is_none() && self.head != Some(this) {
            return; // not in the list: only its head has nobody before it
        }
        match previous {
            Some(previous) => with_links(previous, |links| links.next = next),
            None => self.head = next,
        }
        if let Some(next) = next {
            with_links(next, |links| links.previous = previous);
        }
    }
}

/// The caller holds the lock of the list that `task` is in, or will be in.
fn with_links<R>(task: NonNull<Header>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: linked tasks are alive (see `cancel_one`), and one that is being linked is its poller's.
    let header = unsafe { task.as_ref() };
    header.links.with_mut(|links| {
        // SAFETY: the list's lock gives exclusive access to the links of its tasks.
        f(unsafe { &mut *links })
    })
}
