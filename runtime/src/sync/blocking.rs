//! The blocking faces: a thread waits where a task would.
//!
//! Owns: [`wait`], [`assert_may_block`].
//! Not here: what is waited for.
//!
//! The danger: a thread that polls tasks and parks here stops every task behind it, perhaps the very one it waits
//! for. So each `blocking_*` function asks [`assert_may_block`] first.

use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

/// Panics, blaming the caller, if this thread is polling a task.
#[track_caller]
pub(super) fn assert_may_block(what: &str) {
    assert!(
        !crate::engine::in_async_context(),
        "`{what}` would block a thread that is polling async tasks (Cannot block the current thread from within a \
         runtime): it could wait for a task that only this thread can run.\n  Use the async function and `.await` it, or move the call to `task::spawn_blocking`."
    );
}

struct ParkedThread {
    thread: Thread,
    // `unpark` can be swallowed or left over by foreign code that parks, so the wake has a flag of its own.
    woken: AtomicBool,
}

impl Wake for ParkedThread {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.woken.swap(true, Ordering::AcqRel) {
            self.thread.unpark();
        }
    }
}

/// Polls `future` on this thread and parks in between.
pub(super) fn wait<F: Future>(future: F) -> F::Output {
    let mut future = pin!(future);
    let parked = Arc::new(ParkedThread { thread: thread::current(), woken: AtomicBool::new(false) });
    let waker = Waker::from(Arc::clone(&parked));
    let mut cx = Context::from_waker(&waker);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut cx) {
            return output;
        }
        while !parked.woken.swap(false, Ordering::AcqRel) {
            thread::park();
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use crate::engine::entered::{Role, set_role};

    #[test]
    #[should_panic(expected = "`Mutex::blocking_lock` would block a thread that is polling async tasks")]
    fn blocking_inside_a_task_is_refused() {
        let _polls = set_role(Role::Polls(None));
        drop(crate::sync::Mutex::new(0).blocking_lock());
    }
}
