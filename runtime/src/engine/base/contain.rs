//! Code of users, called where a panic would end a thread of ours, or come out in the middle of a stranger.
//!
//! Owns: what stands around each such call.   Not here: a task's own panic, which its handle gets (`cell`).
//!
//! The danger: a waker's clone, wake or drop, a hook, and the drop of a panic's payload are called in the middle of a
//! worker's life. A panic there takes the thread away with its place still counted as taken, and everything waits for it
//! for ever; or it comes out of somebody else's `block_on`. The panic hook has printed it, and it concerns no task, so it
//! ends where it began.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Calls `f`. `None`: it panicked.
#[inline]
pub(crate) fn contain<R>(f: impl FnOnce() -> R) -> Option<R> {
    // Whoever shares state with what panics sees it as after any other panic of theirs.
    catch_unwind(AssertUnwindSafe(f)).map_err(discard).ok()
}

/// Drops what a panic carried, which is a user's value with a drop of its own.
#[cold]
pub(crate) fn discard(payload: Box<dyn Any + Send>) {
    if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        // A payload whose drop panics with a payload: enough is enough.
        mem::forget(again);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::panic::panic_any;

    struct Bomb;

    impl Drop for Bomb {
        fn drop(&mut self) {
            panic_any(Bomb);
        }
    }

    #[test]
    fn nothing_comes_out_of_it() {
        assert_eq!(contain(|| 1), Some(1));
        assert_eq!(contain(|| panic!("once")), None::<()>);
        assert_eq!(contain(|| panic_any(Bomb)), None::<()>);
        discard(Box::new(Bomb));
    }
}
