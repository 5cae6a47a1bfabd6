//! Where code stands, and what is around that.
//!
//! Owns: [`Place`], the walk up from one for shields; [`Standing`], what a group remembers of its own.
//! Not here: the walks down (`cancel/tree`).
//!
//! Three things can be stopped with what is inside of them, other than by a plain drop: the body of a scope, a task that was
//! spawned in a scope (both are *runners*), and a child of a group. A group stands where it was made. So from a shield the
//! way leads up: from a body to where its scope was entered; from a group's child to where the group stands; and it ends at
//! a task that somebody else has spawned, and at the next shield, which is counted beyond itself already.
//!
//! A child of a group that stands nowhere knows one bit, in the table of its cell, and its id. One of a group that stands
//! in a child has that in its context, one context for all children of the group. Rejected: such a context
//! for every child. It is two steps on a counter that all children share, for each, and nearly none of them needs it.
//! Rejected: a list of the groups in each task, to be walked down when one is stopped. It is paid for each group, and a stop
//! would have to be tried again and again.

use super::cancel::runner::{Runner, UntilGone};
use super::context::Scoped;
use super::shields::shields;
use super::wakes::Wakes;
use crate::engine::current::{self, InContext};
use crate::engine::{Context as Inheritance, Header};
use crate::task::Id;
use std::cell::RefCell;
use std::sync::{Arc, OnceLock};

/// Where code stands. Empty: nowhere, where nobody but its own task can be stopped.
#[derive(Clone, Default)]
pub(super) struct Place {
    /// In a body, or a task of a scope.
    pub(super) runner: Option<Arc<Runner>>,
    /// In a child of a group, outside of scopes.
    pub(super) child: Option<Id>,
    /// Where that child's group stands.
    pub(super) above: Option<Arc<Place>>,
}

impl Place {
    /// Where the caller's code stands.
    pub(super) fn here() -> Place {
        let inherited = |context: &Inheritance| {
            let scoped = context.content_as::<Scoped>();
            scoped.map(|scoped| (scoped.runner.clone(), scoped.above.clone()))
        };
        let (runner, above) = current::with_context(inherited).flatten().unwrap_or_default();
        if runner.is_some() {
            return Place { runner, child: None, above: None };
        }
        let child = current::with(|task: &Header| task.is_child().then(|| task.id())).flatten();
        Place { runner: None, child, above: above.filter(|_| child.is_some()) }
    }

    pub(super) fn is_nowhere(&self) -> bool {
        self.runner.is_none() && self.child.is_none()
    }
}

/// A shielded scope begins or ends at `place`: what contains it is not dropped meanwhile.
pub(super) fn change_shields(place: Place, begins: bool, wakes: &mut Wakes) {
    let mut next = place;
    while !next.is_nowhere() {
        if let Some(child) = next.child {
            shields().change(child, begins, wakes);
        }
        next = match &next.runner {
            Some(runner) => runner.change_shields(begins, wakes),
            None => next.above.as_deref().cloned().unwrap_or_default(),
        };
    }
}

/// What a group remembers of where it was made, if that is not nowhere.
pub(super) struct Standing {
    place: Arc<Place>,
    /// For children that are spawned where no context is in force.
    context: OnceLock<Arc<Inheritance>>,
}

thread_local! {
    /// Of the group's child that this thread is spawning.
    static SEAT: RefCell<Option<Seat>> = const { RefCell::new(None) };
}

enum Seat {
    /// Where the group stands.
    Free(Arc<Place>),
    /// The child has a runner.
    Taken(UntilGone),
}

/// The task that is spawned while this is there is a child of the group.
pub(super) struct Seated<'s> {
    _context: Option<InContext<'s>>,
    /// A hook of the user's may spawn within a spawn.
    around: Option<Seat>,
}

impl Standing {
    /// Where the caller's code stands.
    pub(super) fn here() -> Option<Arc<Standing>> {
        let place = Place::here();
        (!place.is_nowhere()).then(|| Arc::new(Standing { place: Arc::new(place), context: OnceLock::new() }))
    }

    pub(super) fn seat(&self) -> Seated<'_> {
        let around = SEAT.replace(Some(Seat::Free(self.place.clone())));
        if current::has_context() {
            return Seated { _context: None, around };
        }
        let context = self.context.get_or_init(|| Inheritance::new(Scoped::at(&self.place)));
        Seated { _context: Some(current::enter_context(Some(context))), around }
    }
}

impl Seated<'_> {
    /// The child has been spawned. To be dropped when its group knows that it is gone.
    pub(super) fn until_gone(self) -> Option<UntilGone> {
        match SEAT.take() {
            Some(Seat::Taken(until_gone)) => Some(until_gone),
            _ => None,
        }
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        let unused = SEAT.replace(self.around.take());
        drop(unused);
    }
}

/// Where the group stands of which the new task is a child.
pub(super) fn take_seat() -> Option<Arc<Place>> {
    SEAT.with_borrow_mut(|seat| match seat.take() {
        Some(Seat::Free(place)) => Some(place),
        other => {
            *seat = other;
            None
        }
    })
}

/// The task that has taken the seat has a runner.
pub(super) fn fill_seat(runner: &Arc<Runner>) {
    let before = SEAT.replace(Some(Seat::Taken(runner.until_gone())));
    drop(before);
}
