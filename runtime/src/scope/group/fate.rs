//! What becomes of a child, and which child's fate is all of theirs.
//!
//! Owns: [`Outcome`], [`Rule`], and the kept result, [`Finished`].
//! Not here: children (`roster`).
//!
//! A panic is somebody's: whoever is told of it takes it, and one that nobody has taken is reported when it is dropped.

use super::ChildError;
use crate::engine::PanicSink;
use crate::task::{Id, JoinError};
use std::sync::Arc;

/// Which child decides for all.
pub(super) enum Rule<T> {
    /// Whoever fails. All results are kept.
    Failure,
    /// Whoever fails, or gives such an output. What comes later is dropped.
    First(fn(&T) -> bool),
    /// Nobody.
    Never,
}

/// What became of a child.
pub(super) enum Outcome<T, E> {
    Output(T),
    Failed(E),
    Cancelled(JoinError),
    Panicked(Panicked),
    /// A daemon has ended in peace; or the child never came to be.
    Nothing,
}

/// A panic that nobody has been told of.
pub(super) struct Panicked {
    error: Option<JoinError>,
    sink: Option<Arc<dyn PanicSink>>,
}

impl Panicked {
    pub(super) fn new(error: JoinError, sink: Option<Arc<dyn PanicSink>>) -> Self {
        Panicked { error: Some(error), sink }
    }

    /// It is the caller's from here on.
    pub(super) fn take(mut self) -> JoinError {
        self.error.take().expect("BUG: a child's panic is taken twice")
    }
}

/// The group has gone without a look at it.
impl Drop for Panicked {
    fn drop(&mut self) {
        let Some(error) = self.error.take() else { return };
        let id: Id = error.id();
        if let (Ok(payload), Some(sink)) = (error.try_into_panic(), &self.sink) {
            sink.unhandled(id, &*payload);
        }
    }
}

/// What a child left.
pub(super) struct Finished<T, E> {
    /// Children are numbered in the order in which they were spawned.
    pub(super) order: u64,
    /// It was this one that decided.
    pub(super) decided: bool,
    pub(super) result: Result<T, Failure<E>>,
}

pub(super) enum Failure<E> {
    Plain(ChildError<E>),
    Panic(Panicked),
}

impl<E> Failure<E> {
    /// For whoever is told of it.
    pub(super) fn into_error(self) -> ChildError<E> {
        match self {
            Failure::Plain(error) => error,
            Failure::Panic(panicked) => ChildError::Panicked(panicked.take()),
        }
    }
}

/// Who could have stopped a child that is over.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum StoppedBy {
    Nobody,
    /// The group, for somebody else's failure or because it was asked to.
    Group,
    /// Whoever joined the group and found only daemons left.
    Join,
}

impl<T> Rule<T> {
    pub(super) fn decides<E>(&self, outcome: &Outcome<T, E>) -> bool {
        match (self, outcome) {
            (Rule::Never, _) | (_, Outcome::Nothing) => false,
            (Rule::First(such), Outcome::Output(output)) => such(output),
            (Rule::Failure, Outcome::Output(_)) => false,
            (_, Outcome::Failed(_) | Outcome::Cancelled(_) | Outcome::Panicked(_)) => true,
        }
    }

    /// What is kept of it; `Err`: it goes.
    pub(super) fn result<E>(
        &self,
        outcome: Outcome<T, E>,
        by: StoppedBy,
    ) -> Result<Result<T, Failure<E>>, Outcome<T, E>> {
        let late = by == StoppedBy::Group && matches!(self, Rule::First(_));
        let expected = match by {
            StoppedBy::Nobody => false,
            StoppedBy::Group => !matches!(self, Rule::Never),
            StoppedBy::Join => true,
        };
        match outcome {
            Outcome::Output(output) if !late => Ok(Ok(output)),
            Outcome::Failed(error) if !late => Ok(Err(Failure::Plain(ChildError::Failed(error)))),
            Outcome::Cancelled(error) if !expected => Ok(Err(Failure::Plain(ChildError::Cancelled(error)))),
            Outcome::Panicked(panicked) => Ok(Err(Failure::Panic(panicked))),
            unwanted => Err(unwanted),
        }
    }
}
