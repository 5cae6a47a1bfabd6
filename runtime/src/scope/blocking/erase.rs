//! Forgetting what a future borrows.
//!
//! Owns: one transmute.   Not here: why that is sound (`scope/blocking`, whose only caller this is).

use std::future::Future;
use std::mem::transmute;
use std::pin::Pin;

type Borrowing<'scope> = Pin<Box<dyn Future<Output = ()> + Send + 'scope>>;

/// A future that seems to borrow nothing. The caller sees to it that it is dropped before `'scope` ends: this is private to
/// [`scope_blocking`](super::scope_blocking), which does not return before the tasks of its scope are gone.
pub(super) fn erase<'scope>(future: Borrowing<'scope>) -> Borrowing<'static> {
    // SAFETY: the two types differ in a lifetime only. `BlockingScope::spawn` puts the future into a task of the scope's
    // group; `scope_blocking` waits for every task of that group, whatever unwinds, and `'scope` cannot end before it returns.
    unsafe { transmute::<Borrowing<'scope>, Borrowing<'static>>(future) }
}
