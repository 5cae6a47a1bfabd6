//! Groups that were dropped before their children were gone, and who waits for those.
//!
//! Owns: [`Orphans`], the end of such a group; the notes by which a task's own group hears of it.
//! Not here: children (`roster`).
//!
//! Dropping a group aborts its children and cannot wait. But whoever dropped it may be a child itself: aborted by its own
//! group, perhaps, with the nested one in its future. It is not gone before those are that it has left behind, so that
//! `join` at the top means that nobody is left, however deep. Hence a group dropped with children in it is noted under the
//! id of the task that dropped it, and that task's seat is given up when the note is settled.
//!
//! Who never drops a group with children in it pays a look at a counter for each child that ends. Rejected: a wrapper
//! around each child that says which seat it has; it is paid by all, at each poll.
//!
//! A note knows its number in its task's list, and the lists are spread over several locks by the tasks' ids: a hundred
//! thousand groups that one task drops cost each the same, and hold up hardly anybody else.
//!
//! The danger: depth. The end of one group may be the end of the one around it, and so on for ten thousand levels: it is
//! done in its thread's turn (`turns`). And circles: a child that drops its own group does not wait for
//! that. (Two children that drop each other's groups do wait for each other; nobody else waits for them then.)

use super::super::by_task::ByTask;
use super::super::slab::Slab;
use super::super::turns::{Then, in_turn};
use crate::engine::atomics::{Mutex, Static};
use crate::task::Id;
use std::mem;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// The children of a dropped group, until the last is gone.
pub(super) struct Orphans {
    /// Who dropped it.
    task: Id,
    /// The number of the note. Written and read under the lock of the notes.
    note: AtomicUsize,
    end: Mutex<End>,
}

enum End {
    /// Some are left. Who waits for them, does this then.
    Awaited(Option<Then>),
    /// None is left.
    Come,
}

/// Tasks, and the groups that they have dropped.
pub(super) type Notes = ByTask<Slab<Arc<Orphans>>>;

static NOTES: Static<Notes> = Static::new(ByTask::new);

/// Those of this process.
pub(super) fn notes() -> &'static Notes {
    NOTES.get()
}

impl Orphans {
    pub(super) fn of(task: Id) -> Arc<Self> {
        Arc::new(Orphans { task, note: AtomicUsize::new(0), end: Mutex::new(End::Awaited(None)) })
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

/// Its group has been dropped.
pub(super) fn note(orphans: &Arc<Orphans>) {
    notes().with(orphans.task, |notes| {
        // The last may be gone by now, and has found nothing to strike.
        if !orphans.is_settled() {
            let number = notes.get_or_insert_with(Slab::new).insert(orphans.clone());
            orphans.note.store(number, Ordering::Relaxed);
        }
    });
}

fn strike(orphans: &Arc<Orphans>) {
    let struck = notes().with(orphans.task, |notes| {
        let own = notes.as_mut()?;
        let number = orphans.note.load(Ordering::Relaxed);
        // Not there: it has not been noted, or its task is over and has taken all of its notes.
        if !own.get(number).is_some_and(|noted| Arc::ptr_eq(noted, orphans)) {
            return None;
        }
        let struck = own.remove(number);
        if own.is_empty() {
            *notes = None;
        }
        struck
    });
    drop(struck);
}

/// The groups that `task`, which is over, has dropped and whose children are not gone.
pub(super) fn left_by(task: Id) -> Vec<Arc<Orphans>> {
    notes().take(task).map_or_else(Vec::new, |notes| notes.into_iter().collect())
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
