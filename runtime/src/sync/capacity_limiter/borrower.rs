//! Who a token is lent to.

use crate::engine::{Id, current};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread::{self, ThreadId};

/// One who borrows a token of a [`CapacityLimiter`](super::CapacityLimiter): a task, a thread, or whatever else was given
/// a name by [`Borrower::new`].
///
/// ```
/// use runtime::sync::Borrower;
///
/// assert_eq!(Borrower::current(), Borrower::current());
/// assert_ne!(Borrower::new(), Borrower::new());
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Borrower(Kind);

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    Task(Id),
    Thread(ThreadId),
    Named(u64),
}

impl Borrower {
    /// A borrower that is no other: for a connection, a request, a job.
    #[expect(clippy::new_without_default, reason = "each one is different, so none is the default")]
    pub fn new() -> Borrower {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Borrower(Kind::Named(NEXT.fetch_add(1, Ordering::Relaxed)))
    }

    /// The current task, or the thread where there is none.
    pub fn current() -> Borrower {
        Borrower(match current::id() {
            Some(task) => Kind::Task(task),
            None => Kind::Thread(thread::current().id()),
        })
    }

    /// The id of the task, if it is one.
    pub fn task_id(&self) -> Option<Id> {
        match self.0 {
            Kind::Task(id) => Some(id),
            Kind::Thread(_) | Kind::Named(_) => None,
        }
    }
}

impl fmt::Display for Borrower {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Kind::Task(id) => write!(f, "task {id}"),
            Kind::Thread(id) => write!(f, "{id:?}"),
            Kind::Named(number) => write!(f, "borrower {number}"),
        }
    }
}
