//! Why a group, or one child of it, gave no output.
//!
//! Owns: [`ChildError`], [`GroupError`].

use crate::task::JoinError;
use std::error::Error;
use std::fmt;

/// Why a child gave no output.
#[derive(Debug)]
pub enum ChildError<E> {
    /// It returned an error.
    Failed(E),
    /// It panicked. ([`TaskGroup::join`](super::TaskGroup::join) does not return this, it goes on with the panic.)
    Panicked(JoinError),
    /// Somebody aborted it who was not its group: an [`AbortHandle`](crate::task::AbortHandle), a
    /// [`CancelScope`](crate::scope::CancelScope) that it was spawned in, the end of its runtime.
    Cancelled(JoinError),
}

impl<E> ChildError<E> {
    /// The error that the child returned, if it did.
    pub fn failed(self) -> Option<E> {
        match self {
            ChildError::Failed(error) => Some(error),
            ChildError::Panicked(_) | ChildError::Cancelled(_) => None,
        }
    }
}

impl<E: fmt::Display> fmt::Display for ChildError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ChildError::Failed(error) => error.fmt(f),
            ChildError::Panicked(error) | ChildError::Cancelled(error) => error.fmt(f),
        }
    }
}

impl<E: Error + 'static> Error for ChildError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        match self {
            ChildError::Failed(error) => error.source(),
            ChildError::Panicked(_) | ChildError::Cancelled(_) => None,
        }
    }
}

/// All failures of a group, in the order in which they happened. There is at least one; the first is the one for which
/// the group stopped the others. Those that it stopped are not listed.
#[derive(Debug)]
pub struct GroupError<E> {
    failures: Vec<ChildError<E>>,
}

impl<E> GroupError<E> {
    pub(super) fn new(failures: Vec<ChildError<E>>) -> Option<Self> {
        (!failures.is_empty()).then_some(GroupError { failures })
    }

    /// The first failure.
    pub fn first(&self) -> &ChildError<E> {
        &self.failures[0]
    }

    /// The first failure, by value.
    pub fn into_first(mut self) -> ChildError<E> {
        self.failures.swap_remove(0)
    }

    /// All of them, the first one first.
    pub fn failures(&self) -> &[ChildError<E>] {
        &self.failures
    }

    /// All of them, by value.
    pub fn into_failures(self) -> Vec<ChildError<E>> {
        self.failures
    }
}

impl<E: fmt::Display> fmt::Display for GroupError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut failures = self.failures.iter();
        write!(f, "a task of the group failed")?;
        if let Some(first) = failures.next() {
            write!(f, ": {first}")?;
        }
        failures.try_for_each(|later| write!(f, "; then another: {later}"))
    }
}

impl<E: Error + 'static> Error for GroupError<E> {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.failures.first().map(|first| first as &(dyn Error + 'static))
    }
}
