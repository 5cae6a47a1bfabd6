//! Groups that were dropped before their children were gone, and who waits for those.
//!
//! Owns: [`Orphans`], the end of such a group; the notes by which a task's own group hears of it.
//! Imports: the door's lock, task ids.   Not here: children (`roster`).
//!
//! Dropping a group aborts its children and cannot wait. But whoever dropped it may be a child itself: aborted by its own
//! group, perhaps, with the nested one in its future. It is not gone before those are that it has left behind, so that
//! `join` at the top means that nobody is left, however deep. Hence a group dropped with children in it is noted under the
//! id of the task that dropped it, and that task's seat is given up when the note is settled.
//!
//! Who never drops a group with children in it pays a look at a counter for each child that ends. Rejected: a wrapper
//! around each child that says which seat it has; it is paid by all, at each poll.
//!
//! The danger: depth. The end of one group may be the end of the one around it, and so on for ten thousand levels: what
//! is to be done is queued per thread, and done in a loop. And circles: a child that drops its own group does not wait for
//! that. (Two children that drop each other's groups do wait for each other; nobody else waits for them then.)

use super::super::wakes::Wakes;
use crate::engine::atomics::Mutex;
use crate::task::Id;
use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::mem;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, PoisonError};

type Then = Box<dyn FnOnce() + Send>;

/// The children of a dropped group, until the last is gone.
pub(super) struct Orphans {
    /// Who dropped it.
    task: Id,
    end: Mutex<End>,
}

enum End {
    /// Some are left. Who waits for them, does this then.
    Awaited(Option<Then>),
    /// None is left.
    Come,
}

/// Tasks, and the groups that they have dropped.
type Notes = HashMap<Id, Vec<Arc<Orphans>>>;
// Std's lock: loom does not look at this. The models begin at `Orphans`.
static NOTES: LazyLock<std::sync::Mutex<Notes>> = LazyLock::new(Default::default);

/// How many tasks have notes. A task's drop of a group comes before its end, so that who sees that sees the note.
static NOTED: AtomicUsize = AtomicUsize::new(0);

impl Orphans {
    pub(super) fn of(task: Id) -> Arc<Self> {
        Arc::new(Orphans { task, end: Mutex::new(End::Awaited(None)) })
    }

    /// The last is gone.
    pub(super) fn settle(self: &Arc<Self>) {
        let end = mem::replace(&mut *self.end.lock(), End::Come);
        strike(self);
        if let End::Awaited(Some(then)) = end {
            in_turn(then);
        }
    }

    /// `then` is done when the last is gone, or comes back: that has happened.
    pub(super) fn when_settled(&self, then: Then) -> Option<Then> {
        let mut end = self.end.lock();
        match &mut *end {
            End::Awaited(waits) => {
                *waits = Some(then);
                None
            }
            End::Come => Some(then),
        }
    }

    fn is_settled(&self) -> bool {
        matches!(*self.end.lock(), End::Come)
    }
}

fn notes() -> std::sync::MutexGuard<'static, Notes> {
    NOTES.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Its group has been dropped.
pub(super) fn note(orphans: &Arc<Orphans>) {
    let mut notes = notes();
    // The last may be gone by now, and has found nothing to strike.
    if !orphans.is_settled() {
        let own = notes.entry(orphans.task).or_default();
        if own.is_empty() {
            NOTED.fetch_add(1, Ordering::Release);
        }
        own.push(orphans.clone());
    }
}

fn strike(orphans: &Arc<Orphans>) {
    let mut notes = notes();
    let Some(own) = notes.get_mut(&orphans.task) else { return };
    own.retain(|noted| !Arc::ptr_eq(noted, orphans));
    if own.is_empty() {
        forget(&mut notes, orphans.task);
    }
}

fn forget(notes: &mut Notes, task: Id) -> Vec<Arc<Orphans>> {
    let Some(own) = notes.remove(&task) else { return Vec::new() };
    NOTED.fetch_sub(1, Ordering::Release);
    if notes.is_empty() {
        *notes = Notes::default();
    }
    own
}

/// The groups that `task`, which is over, has dropped and whose children are not gone.
pub(super) fn left_by(task: Id) -> Vec<Arc<Orphans>> {
    if NOTED.load(Ordering::Acquire) == 0 { Vec::new() } else { forget(&mut notes(), task) }
}

/// Does `then` when all of them are gone.
pub(super) fn after(orphans: Vec<Arc<Orphans>>, then: impl FnOnce() + Send + 'static) {
    if orphans.is_empty() { then() } else { wait_for(orphans, Box::new(then)) }
}

fn wait_for(mut left: Vec<Arc<Orphans>>, then: Then) {
    while let Some(orphans) = left.pop() {
        if orphans.is_settled() {
            continue;
        }
        if let Some(at_once) = orphans.when_settled(Box::new(move || wait_for(left, then))) {
            at_once();
        }
        return;
    }
    then();
}

thread_local! {
    /// What is to be done while something is being done.
    static TURNS: RefCell<Option<VecDeque<Then>>> = const { RefCell::new(None) };
}

/// Does it now, or when what this thread is doing of that kind is done.
fn in_turn(then: Then) {
    let mut then = Some(then);
    let busy = TURNS.try_with(|turns| match &mut *turns.borrow_mut() {
        Some(queue) => queue.extend(then.take()),
        idle => *idle = Some(VecDeque::new()),
    });
    let mut wakes = Wakes::default();
    while let Some(next) = then {
        wakes.call(next);
        // Without the thread's queue (it ends): each calls the next.
        then = if busy.is_ok() { next_turn() } else { None };
    }
    wakes.done();
}

fn next_turn() -> Option<Then> {
    TURNS.with(|turns| {
        let mut turns = turns.borrow_mut();
        let next = turns.as_mut().and_then(VecDeque::pop_front);
        if next.is_none() {
            *turns = None;
        }
        next
    })
}
