//! Running a body in a scope.
//!
//! Owns: [`Run`], the future of [`CancelScope::run`].   Imports: the door's timer, `context`, `tree`.
//! Not here: who is told of a cancellation (`tree`).
//!
//! Each poll does three things, in this order: it polls the body, with the scope's context in force; it asks the tree what is
//! next; it looks at the clock if there is a time to wait for. The body comes first, so that what is ready in the
//! very poll in which its time is up is not lost (museum T17). The timer is the engine's own and takes no part in
//! the coop budget, so that a body which uses that up is stopped all the same (T18).

use super::super::context::Scoped;
use super::CancelScope;
use super::runner::Runner;
use super::tree::Next;
use crate::engine::{Context as Inheritance, NoTimer, Timer, current};
use crate::task::Cancelled;
use pin_project_lite::pin_project;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Instant;

pin_project! {
    /// The future of [`CancelScope::run`].
    ///
    /// # Cancel safety
    /// Dropping it before its end drops the body, and cancels the scope without a grace period: tasks that were spawned
    /// inside and still run are aborted.
    #[must_use = "futures do nothing unless they are awaited or polled"]
    pub struct Run<F> {
        scope: CancelScope,
        entered: Option<Entered>,
        timer: Option<Timer>,
        // `None`: it is over.
        #[pin]
        body: Option<F>,
        // Never `Unpin`, whatever the body is, so that it can change without breaking anyone.
        #[pin]
        _pinned: PhantomPinned,
    }

    impl<F> PinnedDrop for Run<F> {
        fn drop(this: Pin<&mut Self>) {
            let mut this = this.project();
            if this.body.is_some() {
                let left = this.entered.as_ref().map(|entered| Leaving { entered, abandoned: true });
                let _inside = current::enter_context(this.entered.as_ref().map(|entered| &entered.context));
                this.body.set(None);
                drop(_inside);
                drop(left);
            }
        }
    }
}

struct Entered {
    body: Arc<Runner>,
    context: Arc<Inheritance>,
}

/// Tells the tree that the body is gone, also if dropping it panics.
struct Leaving<'e> {
    entered: &'e Entered,
    abandoned: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.entered.body.forget_waker();
        self.entered.body.scope().leave(self.abandoned);
    }
}

impl Entered {
    fn new(scope: &CancelScope, waker: Waker) -> Self {
        let outer = current::context();
        let outer = outer.as_deref().and_then(Inheritance::content_as::<Scoped>);
        let body = scope.node.enter(outer.and_then(|outer| outer.runner.clone()), waker);
        let context = Inheritance::new(Scoped::inside(outer, body.clone()));
        Entered { body, context }
    }
}

impl<F> Run<F> {
    pub(super) fn new(scope: CancelScope, body: F) -> Self {
        Run { scope, entered: None, timer: None, body: Some(body), _pinned: PhantomPinned }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, Cancelled>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let entered = &*this.entered.get_or_insert_with(|| Entered::new(this.scope, cx.waker().clone()));
        let inside = current::enter_context(Some(&entered.context));
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!(
                "a `CancelScope` was polled again after it had given its result.\n  Keep the result, or use `fuse()` \
                 where a loop polls finished futures."
            );
        };
        // Before the body is polled: what it does may be what wakes us.
        entered.body.set_waker(cx.waker());
        if let Poll::Ready(output) = body.poll(cx) {
            let leaving = Leaving { entered, abandoned: false };
            this.body.set(None);
            drop(inside);
            drop(leaving);
            return Poll::Ready(Ok(output));
        }
        drop(inside);
        if !time_to_drop(entered, this.timer, cx) {
            return Poll::Pending;
        }
        let leaving = Leaving { entered, abandoned: false };
        let inside = current::enter_context(Some(&entered.context));
        this.body.set(None);
        drop(inside);
        drop(leaving);
        Poll::Ready(Err(Cancelled::new()))
    }
}

fn time_to_drop(entered: &Entered, timer: &mut Option<Timer>, cx: &mut Context<'_>) -> bool {
    let node = entered.body.scope();
    loop {
        // Whatever changes after this look wakes us.
        entered.body.set_waker(cx.waker());
        match node.next(&entered.body) {
            Next::Wait => return false,
            Next::CancelAt(at) => {
                if wait_until(timer, at, cx).is_pending() {
                    return false;
                }
                node.cancel();
            }
            Next::DropAt(at) => {
                if wait_until(timer, at, cx).is_pending() {
                    return false;
                }
            }
            Next::Drop => {
                node.doom();
                return true;
            }
            Next::DropUnshielded => {
                node.doom();
                return false;
            }
        }
    }
}

#[track_caller]
fn wait_until(timer: &mut Option<Timer>, at: Instant, cx: &mut Context<'_>) -> Poll<()> {
    let waits = match timer {
        Some(timer) => {
            if timer.deadline() != at {
                timer.reset(at);
            }
            Ok(timer)
        }
        None => Timer::new(at).map(|new| timer.insert(new)),
    };
    match waits.map(|timer| timer.poll(cx)) {
        Ok(Poll::Pending) => Poll::Pending,
        Ok(Poll::Ready(Ok(()))) => Poll::Ready(()),
        Ok(Poll::Ready(Err(why))) | Err(why) => no_clock(why),
    }
}

#[cold]
#[track_caller]
fn no_clock(why: NoTimer) -> ! {
    match why {
        NoTimer::NoRuntime => panic!(
            "no runtime here: a `CancelScope` with a deadline was polled outside of any, and a deadline needs a clock.\n  \
             Poll it inside `Runtime::block_on` or a spawned task, or hold the guard of `Handle::enter`."
        ),
        NoTimer::ShutDown => panic!(
            "the runtime of this `CancelScope` is shut down: its deadline would never come.\n  Keep the `Runtime` for as \
             long as anything waits by its clock."
        ),
    }
}

impl<F> fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Run").field("scope", &self.scope).finish_non_exhaustive()
    }
}
