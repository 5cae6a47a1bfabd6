//! Lists of the tasks that are suspended: what shutdown cancels and inspection shows.
//!
//! A task is linked when it is pending for the first time, by its poller, into the list of the worker that polled it;
//! one that finishes in its first poll is never linked (that halves the cost of a spawn). Until then it is reachable
//! through the queue that its runnable is in.
//!
//! The lists are intrusive; their lock guards the links. It is held for a few loads and stores, never while user code
//! runs. A lock for each worker is uncontended unless tasks move between workers.
//!
//! The danger: a pointer to a task that is gone. A task is linked and unlinked with the poller's right to it, and before
//! it is complete its poller comes here to unlink it. So whoever holds the lock finds members alive.

use super::header::{Header, Links, Runnable, Running, TaskRef};
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

    /// Links a task. `false`: the list is closed.
    pub(crate) fn link(&self, task: &Running) -> bool {
        let mut list = self.0.lock();
        if list.closed {
            return false;
        }
        let this = task.pointer();
        let next = list.head.replace(this);
        // SAFETY: the poller's right keeps the task, and we hold the lock.
        unsafe { with_links(this, |links| *links = Links { previous: None, next }) };
        if let Some(next) = next {
            // SAFETY: it is a member, and we hold the lock.
            unsafe { with_links(next, |links| links.previous = Some(this)) };
        }
        true
    }

    /// Unlinks a task; nothing happens if shutdown did it first.
    pub(crate) fn unlink(&self, task: &Running) {
        let mut list = self.0.lock();
        // SAFETY: the poller's right keeps the task, which is in no other list.
        unsafe { list.remove(task.pointer()) };
    }

    /// From now on `link` refuses.
    pub(crate) fn close(&self) {
        self.0.lock().closed = true;
    }

    /// Unlinks one task and marks it cancelled.
    pub(crate) fn cancel_one(&self) -> Next {
        let mut list = self.0.lock();
        let Some(this) = list.head else { return Next::Empty };
        // SAFETY: it is a member.
        unsafe { list.remove(this) };
        // SAFETY: the task was a member: before it is complete, its poller takes our lock to unlink it, and we hold that.
        let task = unsafe { TaskRef::lent(this) };
        match task.cancel() {
            Some(task) => Next::Cancel(task),
            None => Next::Elsewhere,
        }
    }
}

impl List {
    /// # Safety
    /// The task is alive, and a member of this list or of none.
    unsafe fn remove(&mut self, this: NonNull<Header>) {
        // SAFETY: by contract; who has the list has the lock, here and below.
        let Links { previous, next } = unsafe { with_links(this, std::mem::take) };
        if previous.is_none() && self.head != Some(this) {
            return; // not in the list: only its head has nobody before it
        }
        match previous {
            // SAFETY: it is a member.
            Some(previous) => unsafe { with_links(previous, |links| links.next = next) },
            None => self.head = next,
        }
        if let Some(next) = next {
            // SAFETY: it is a member.
            unsafe { with_links(next, |links| links.previous = previous) };
        }
    }
}

/// # Safety
/// The task is alive, and the caller holds the lock of the list that it is in, or will be in, if there is one.
unsafe fn with_links<R>(task: NonNull<Header>, f: impl FnOnce(&mut Links) -> R) -> R {
    // SAFETY: by contract.
    let header = unsafe { task.as_ref() };
    header.links.with_mut(|links| {
        // SAFETY: the list's lock gives exclusive access to the links of its tasks.
        f(unsafe { &mut *links })
    })
}
