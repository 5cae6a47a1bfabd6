//! Which task this thread polls (or drops) right now.

use super::header::Header;
use crate::engine::base::id::Id;
use std::cell::Cell;
use std::ptr::NonNull;

thread_local! {
    static CURRENT: Cell<Option<NonNull<Header>>> = const { Cell::new(None) };
}

/// Puts the previous task back when it is dropped; tasks nest where one polls a `LocalSet`.
pub(crate) struct Current(Option<NonNull<Header>>);

/// The caller has a reference to the cell for as long as the guard lives.
#[inline]
pub(super) fn enter(task: NonNull<Header>) -> Current {
    Current(CURRENT.replace(Some(task)))
}

/// No task, for code that is not any task's (hooks, the future of `block_on`).
pub(crate) fn leave() -> Current {
    Current(CURRENT.replace(None))
}

impl Drop for Current {
    #[inline]
    fn drop(&mut self) {
        CURRENT.set(self.0);
    }
}

/// The id of the current task.
pub(crate) fn id() -> Option<Id> {
    with(Header::id)
}

/// Asks the current task's header.
pub(crate) fn with<R>(f: impl FnOnce(&Header) -> R) -> Option<R> {
    // SAFETY: whoever called `enter` keeps the cell while its guard lives, and the guard takes the pointer away.
    CURRENT.get().map(|task| f(unsafe { task.as_ref() }))
}
