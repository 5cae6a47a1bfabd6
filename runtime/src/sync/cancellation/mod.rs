//! `CancellationToken`: tell a tree of tasks to stop.
//!
//! Owns: [`CancellationToken`].
//! Not here: who descends from whom (`family`), futures (`futures`), guards (`guard`).
//!
//! A token is a counted pointer to a member of a family: the first token, its children, theirs, and so on. Clones are the
//! same member. Whether it is cancelled is one flag in the member; the family's lock is taken by those who have children,
//! cancel or go.
//!
//! The danger: depth. A server that gives each request a child of the last one's token builds a chain without end, so
//! nothing here walks a tree by recursion: cancelling collects the descendants in a list, and a member that goes takes
//! itself out of the family instead of dropping a parent that drops its parent.

mod family;
mod futures;
mod guard;
#[cfg(all(test, loom))]
mod model;

pub use self::futures::{
    RunUntilCancelledFuture, RunUntilCancelledFutureOwned, WaitForCancellationFuture, WaitForCancellationFutureOwned,
};
pub use self::guard::{DropGuard, DropGuardRef};

use self::family::{Member, OwnedBy};
use std::fmt;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::sync::Arc;

/// Tells tasks to stop, and those that descend from them.
///
/// A clone is the same token. A [`child_token`](Self::child_token) is cancelled with its parent, but can be cancelled
/// without it. Cancelling is for ever, and only a request: a task that listens
/// ([`cancelled`](Self::cancelled), [`run_until_cancelled`](Self::run_until_cancelled)) ends by itself.
///
/// Dropping a token cancels nothing ([`drop_guard`](Self::drop_guard) does); its children are from then on its parent's.
///
/// # Examples
///
/// ```
/// use runtime::sync::CancellationToken;
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// let server = CancellationToken::new();
/// let request = server.child_token();
/// let task = runtime::spawn(async move {
///     request.run_until_cancelled(std::future::pending::<()>()).await
/// });
/// server.cancel();
/// assert_eq!(task.await.unwrap(), None);
/// # }
/// ```
pub struct CancellationToken {
    member: Arc<Member>,
}

// A panic elsewhere leaves it as it was: cancelled or not.
impl UnwindSafe for CancellationToken {}
impl RefUnwindSafe for CancellationToken {}

impl CancellationToken {
    /// A token without a parent that is not cancelled.
    pub fn new() -> CancellationToken {
        CancellationToken { member: Member::first() }
    }

    /// A token that is cancelled with this one. Of a cancelled token, it is cancelled from the start.
    pub fn child_token(&self) -> CancellationToken {
        CancellationToken { member: self.member.child() }
    }

    /// Cancels this token and all that descend from it, and wakes all who wait for that. Once is enough.
    pub fn cancel(&self) {
        self.member.cancel();
    }

    /// Has this token, or one that it descends from, been cancelled?
    pub fn is_cancelled(&self) -> bool {
        self.member.is_cancelled()
    }

    /// Waits until the token is cancelled.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub fn cancelled(&self) -> WaitForCancellationFuture<'_> {
        WaitForCancellationFuture::new(&self.member)
    }

    /// Like [`cancelled`](Self::cancelled), for a future that owns its token.
    ///
    /// # Cancel safety
    /// Dropping it loses nothing.
    pub fn cancelled_owned(self) -> WaitForCancellationFutureOwned {
        WaitForCancellationFutureOwned::new(OwnedBy(self.member))
    }

    /// A guard that cancels the token when it is dropped.
    pub fn drop_guard(self) -> DropGuard {
        DropGuard::new(self)
    }

    /// Like [`drop_guard`](Self::drop_guard), for a guard that borrows the token.
    pub fn drop_guard_ref(&self) -> DropGuardRef<'_> {
        DropGuardRef::new(self)
    }

    /// Runs `fut` to its end, or until the token is cancelled: then `fut` is dropped and the answer is `None`.
    ///
    /// The token is asked before each poll of `fut`, so a token that is cancelled already polls nothing.
    ///
    /// # Cancel safety
    /// As cancel safe as `fut`.
    pub fn run_until_cancelled<F>(&self, fut: F) -> RunUntilCancelledFuture<'_, F>
    where
        F: Future,
    {
        RunUntilCancelledFuture::new(self.cancelled(), fut)
    }

    /// Like [`run_until_cancelled`](Self::run_until_cancelled), for a future that owns its token.
    ///
    /// # Cancel safety
    /// As cancel safe as `fut`.
    pub fn run_until_cancelled_owned<F>(self, fut: F) -> RunUntilCancelledFutureOwned<F>
    where
        F: Future,
    {
        RunUntilCancelledFutureOwned::new(self.cancelled_owned(), fut)
    }
}

impl Clone for CancellationToken {
    /// The same token.
    fn clone(&self) -> Self {
        CancellationToken { member: Arc::clone(&self.member) }
    }
}

impl Default for CancellationToken {
    fn default() -> Self {
        CancellationToken::new()
    }
}

/// Equal are a token and its clones.
impl PartialEq for CancellationToken {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.member, &other.member)
    }
}

impl Eq for CancellationToken {}

impl fmt::Debug for CancellationToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CancellationToken").field("is_cancelled", &self.is_cancelled()).finish()
    }
}
