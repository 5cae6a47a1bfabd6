//! Running a body in a scope.
//!
//! Owns: [`Run`], the future of [`CancelScope::run`].
//! Not here: who is told of a cancellation (`tree`).
//!
//! Each poll does three things, in this order: it polls the body, with the scope's context in force; it asks the tree what is
//! next; it looks at the clock if there is a time to wait for. The body comes first, so that what is ready in the
//! very poll in which its time is up is not lost (museum T17). The timer is the engine's own and takes no part in
//! the coop budget, so that a body which uses that up is stopped all the same (T18).
//!
//! A scope that only has a deadline, and no handle outside, is nothing but a timer until somebody inside asks for his
//! context: spawns, opens a scope, asks for the deadline. It is *unasked*: it has no node in the tree, and its context is
//! in force unmade. So a `move_on_after` whose body is ready at once allocates nothing.

use super::super::context::Scoped;
use super::super::place::Place;
use super::CancelScope;
use super::runner::Runner;
use super::tree::{Deadline, Next, ScopeNode};
use crate::engine::current::{self, InContext, Unmade};
use crate::engine::{Context as Inheritance, NoTimer, Timer, no_runtime_here};
use crate::task::Cancelled;
use pin_project_lite::pin_project;
use std::cell::Cell;
use std::fmt;
use std::future::Future;
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::sync::{Arc, OnceLock};
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
        scope: Scope,
        // Empty: not polled yet, or unasked.
        entered: OnceLock<Entered>,
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
            let (until, entered) = (this.scope.until(), &*this.entered);
            if this.body.is_none() || until.is_none() && entered.get().is_none() {
                // Over, or never polled: there is no inside.
                this.body.set(None);
                return;
            }
            let cancelled = Cell::new(true);
            let make = || make_late(entered, until, &cancelled);
            let unmade = Unmade::new(&make);
            let leaving = Leaving { entered, abandoned: true };
            let inside = enter(entered, &unmade);
            this.body.set(None);
            drop(inside);
            drop(leaving);
        }
    }
}

/// The scope that is run.
enum Scope {
    /// There are handles to it, by which it may be cancelled.
    Shared(CancelScope),
    /// Nobody knows it but the code inside, once that asks.
    Own { deadline: Deadline, polled: bool },
}

impl Scope {
    /// The deadline of one that may be unasked, from the first poll on.
    fn until(&self) -> Option<Instant> {
        match *self {
            Scope::Own { deadline: Deadline::At(at), polled: true } => Some(at),
            _ => None,
        }
    }
}

/// Puts the context of the inside into force.
fn enter<'c>(entered: &'c OnceLock<Entered>, unmade: &'c Unmade<'_>) -> InContext<'c> {
    match entered.get() {
        Some(entered) => current::enter_context(Some(&entered.context)),
        None => current::enter_unmade(unmade),
    }
}

/// Somebody inside of an unasked scope asks.
#[cold]
fn make_late<'e>(
    entered: &'e OnceLock<Entered>,
    until: Option<Instant>,
    cancelled: &Cell<bool>,
) -> &'e Arc<Inheritance> {
    let enter = || {
        let Some(until) = until else { unreachable!("BUG: a scope with handles is unasked") };
        let node = ScopeNode::until(Deadline::At(until));
        // Without a waker: the tree is looked at when the body's poll is over, with one.
        let entered = Entered::new(&node, None);
        if cancelled.get() {
            node.cancel();
            node.doom();
        }
        entered
    };
    &entered.get_or_init(enter).context
}

struct Entered {
    body: Arc<Runner>,
    context: Arc<Inheritance>,
}

/// Tells the tree that the body is gone, also if dropping it panics.
struct Leaving<'e> {
    /// Empty: nobody has asked, and the tree knows nothing of it.
    entered: &'e OnceLock<Entered>,
    abandoned: bool,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        if let Some(entered) = self.entered.get() {
            entered.body.forget_waker();
            entered.body.scope().leave(self.abandoned);
        }
    }
}

impl Entered {
    fn new(scope: &Arc<ScopeNode>, waker: Option<Waker>) -> Self {
        let outer = current::context();
        let outer = outer.as_deref().and_then(Inheritance::content_as::<Scoped>);
        let body = scope.enter(Place::here(), waker);
        let context = Inheritance::new(Scoped::inside(outer, body.clone()));
        Entered { body, context }
    }
}

impl<F> Run<F> {
    pub(super) fn new(scope: CancelScope, body: F) -> Self {
        Run::of(Scope::Shared(scope), body)
    }

    /// In a scope of its own, with a deadline.
    pub(super) fn until(deadline: Deadline, body: F) -> Self {
        Run::of(Scope::Own { deadline, polled: false }, body)
    }

    fn of(scope: Scope, body: F) -> Self {
        Run { scope, entered: OnceLock::new(), timer: None, body: Some(body), _pinned: PhantomPinned }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = Result<F::Output, Cancelled>;

    #[track_caller]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let until = match this.scope {
            Scope::Shared(scope) => {
                this.entered.get_or_init(|| Entered::new(&scope.node, Some(cx.waker().clone())));
                None
            }
            Scope::Own { deadline, polled } => {
                *polled = true;
                Some(deadline.enter())
            }
        };
        let (entered, cancelled) = (&*this.entered, Cell::new(false));
        let make = || make_late(entered, until, &cancelled);
        let unmade = Unmade::new(&make);
        let inside = enter(entered, &unmade);
        let Some(body) = this.body.as_mut().as_pin_mut() else {
            panic!(
                "a `CancelScope` was polled again after it had given its result.\n  Keep the result, or use `fuse()` \
                 where a loop polls finished futures."
            );
        };
        if let Some(entered) = entered.get() {
            // Before the body is polled: what it does may be what wakes us.
            entered.body.set_waker(cx.waker());
        }
        if let Poll::Ready(output) = body.poll(cx) {
            let leaving = Leaving { entered, abandoned: false };
            this.body.set(None);
            drop(inside);
            drop(leaving);
            return Poll::Ready(Ok(output));
        }
        drop(inside);
        let is_over = match (entered.get(), until) {
            (None, Some(until)) => wait_until(this.timer, until, cx).is_ready(),
            (Some(entered), _) => time_to_drop(entered, this.timer, cx),
            (None, None) => unreachable!("BUG: a scope with handles was polled and not entered"),
        };
        if !is_over {
            return Poll::Pending;
        }
        cancelled.set(true);
        let leaving = Leaving { entered, abandoned: false };
        let inside = enter(entered, &unmade);
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
        match node.next() {
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
                // Those that are found in a shield here have heard of it, or that is just ending.
                return !entered.body.is_shielded();
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
        NoTimer::NoRuntime => no_runtime_here("CancelScope::run"),
        NoTimer::ShutDown => panic!(
            "the runtime of this `CancelScope` is shut down: its deadline would never come.\n  Keep the `Runtime` for as \
             long as anything waits by its clock."
        ),
    }
}

impl<F> fmt::Debug for Run<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut run = f.debug_struct("Run");
        if let Scope::Shared(scope) = &self.scope {
            run.field("scope", scope);
        }
        run.finish_non_exhaustive()
    }
}
