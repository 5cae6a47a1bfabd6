//! Who is stopped with whom.
//!
//! Owns: [`ScopeNode`], and the walks down from one: signal, doom.
//! Not here: what stands in a scope (`runner`), how a tree is taken down
//! (`dismantle`), polling a body and timers (`run`), contexts (`context`).
//!
//! A scope is run in at most one *runner*, its parent. A runner is what can be dropped: the body of a scope, or a task
//! spawned inside one; it stands in exactly one scope. Parents are counted by their children, children are listed weakly:
//! a node goes with its last user, and takes itself off its parent's list.
//!
//! Every node has a lock; **none is taken under another**, and nothing is woken, aborted or dropped under one. So a walk
//! takes what it needs from a node, gives the lock back and goes on with a list of its own, never by calling itself:
//! a hundred thousand levels need no stack (museum W9), nor does the end of such a chain (`dismantle`).
//!
//! The danger: a node that joins while a signal passes. It enters its parent's list first and looks at its parent's marks
//! then. The walk sets a scope's mark before it takes its list. So one of the two finds the other.

use super::super::place::{Place, change_shields};
use super::super::slab::Slab;
use super::super::wakes::Wakes;
use super::runner::Runner;
use super::token::Bonds;
use crate::engine::atomics::{AtomicBool, Mutex, MutexGuard, Ordering};
use crate::engine::clockwork;
use crate::sync::Notify;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

/// A scope.
pub(in crate::scope) struct ScopeNode {
    state: Mutex<ScopeState>,
    /// A copy of `state.signalled`, for those who only ask.
    signalled: AtomicBool,
    /// Those who wait for the signal.
    waiters: Notify,
}

pub(super) struct ScopeState {
    settings: Settings,
    stage: Stage,
    /// As it was set when the scope was entered.
    pub(super) shielded: bool,
    /// Where it is run, and its number in that runner's list (none if it is shielded, or if there is no runner).
    pub(super) parent: Option<(Place, Option<usize>)>,
    pub(super) runners: Slab<Weak<Runner>>,
    /// The one of them that is the body, once `run` has been polled.
    body: Weak<Runner>,
    signalled: bool,
    /// Since when its own cancellation has been asked for, by hand or by its deadline.
    cancelled_at: Option<Instant>,
    pub(super) doomed: bool,
    /// The tokens that go with it, if there are any.
    bonds: Option<Box<Bonds>>,
}

/// What a scope has been told.
#[derive(Clone, Copy, Default)]
pub(super) struct Settings {
    pub(super) deadline: Option<Deadline>,
    pub(super) grace: Duration,
    pub(super) shielded: bool,
}

#[derive(Clone, Copy)]
pub(super) enum Deadline {
    /// From the entry, which is yet to come.
    After(Duration),
    At(Instant),
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    New,
    /// There is a future of `run`.
    Claimed,
    /// It has been polled.
    Running,
    Over,
}

/// What the future of `run` does next.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Next {
    /// Nothing, before somebody wakes it.
    Wait,
    /// At that time it calls `cancel`.
    CancelAt(Instant),
    /// Nothing before that time, when the grace period ends.
    DropAt(Instant),
    /// It dooms the scope, and drops its body as soon as no shielded scope runs inside.
    Drop,
}

impl Deadline {
    /// The scope is entered. From now on it is a moment.
    pub(super) fn enter(&mut self) -> Instant {
        let at = match *self {
            Deadline::At(at) => at,
            Deadline::After(time) => {
                let now = clockwork::now();
                now.checked_add(time).unwrap_or_else(|| crate::engine::far_from(now))
            }
        };
        *self = Deadline::At(at);
        at
    }
}

impl ScopeNode {
    pub(super) fn new() -> Arc<ScopeNode> {
        ScopeNode::at(Stage::New, Settings::default())
    }

    /// One that nobody else can run, for the future that owns it.
    pub(super) fn until(deadline: Deadline) -> Arc<ScopeNode> {
        ScopeNode::at(Stage::Claimed, Settings { deadline: Some(deadline), ..Settings::default() })
    }

    fn at(stage: Stage, settings: Settings) -> Arc<ScopeNode> {
        Arc::new(ScopeNode {
            state: Mutex::new(ScopeState {
                settings,
                stage,
                shielded: false,
                parent: None,
                runners: Slab::new(),
                body: Weak::new(),
                signalled: false,
                cancelled_at: None,
                doomed: false,
                bonds: None,
            }),
            signalled: AtomicBool::new(false),
            waiters: Notify::new(),
        })
    }

    pub(super) fn state(&self) -> MutexGuard<'_, ScopeState> {
        self.state.lock()
    }

    /// The state, for whom it belongs to alone.
    pub(super) fn state_mut(&mut self) -> &mut ScopeState {
        self.state.get_mut()
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// A deadline that counts at once, also when the scope runs already.
    pub(super) fn reschedule(&self, deadline: Option<Instant>) {
        let body = {
            let mut state = self.state();
            state.settings.deadline = deadline.map(Deadline::At);
            state.body.upgrade()
        };
        if let Some(body) = body {
            body.wake_body();
        }
    }

    /// `false`: it has been run, or is about to be.
    pub(super) fn claim(&self) -> bool {
        let mut state = self.state();
        let is_new = state.stage == Stage::New;
        if is_new {
            state.stage = Stage::Claimed;
        }
        is_new
    }

    /// `run` is polled for the first time, at `place`, with `waker`.
    pub(super) fn enter(self: &Arc<Self>, place: Place, waker: Option<Waker>) -> Arc<Runner> {
        let shielded = {
            let mut state = self.state();
            state.stage = Stage::Running;
            if let Some(deadline) = &mut state.settings.deadline {
                deadline.enter();
            }
            state.shielded = state.settings.shielded;
            state.shielded
        };
        if !place.is_nowhere() {
            let listed = place.runner.as_ref().filter(|_| !shielded);
            let key = listed.map(|parent| parent.state().scopes.insert(Arc::downgrade(self)));
            self.state().parent = Some((place.clone(), key));
            if let Some(parent) = listed {
                parent.scope().pass_marks_on(self);
            }
        }
        if shielded {
            change_shields(place, true, &mut Wakes::default());
        }
        let body = Runner::body(self, waker);
        self.state().body = Arc::downgrade(&body);
        body
    }

    /// A scope that has just joined takes over what its parent has heard before.
    fn pass_marks_on(&self, child: &Arc<ScopeNode>) {
        let (signalled, doomed) = {
            let state = self.state();
            (state.signalled, state.doomed)
        };
        let mut wakes = Wakes::default();
        if signalled {
            signal(child.clone(), &mut wakes);
        }
        if doomed {
            doom(child.clone(), &mut wakes);
        }
        wakes.done();
    }

    /// The future of `run` has its output, or has dropped its body. `abandoned`: it is dropped itself.
    pub(super) fn leave(self: &Arc<Self>, abandoned: bool) {
        let (place, shielded) = {
            let mut state = self.state();
            state.stage = Stage::Over;
            (state.parent.as_ref().map(|(place, _)| place.clone()), state.shielded)
        };
        let mut wakes = Wakes::default();
        if abandoned {
            self.mark_cancelled();
            signal(self.clone(), &mut wakes);
            doom(self.clone(), &mut wakes);
        }
        if let (Some(place), true) = (place, shielded) {
            change_shields(place, false, &mut wakes);
        }
        wakes.done();
    }

    fn mark_cancelled(&self) -> bool {
        let mut state = self.state();
        let is_first = state.cancelled_at.is_none();
        if is_first {
            state.cancelled_at = Some(clockwork::now());
        }
        is_first
    }

    pub(super) fn cancel(self: &Arc<Self>) {
        if !self.mark_cancelled() {
            return;
        }
        let (over, body) = {
            let state = self.state();
            (state.stage == Stage::Over, state.body.upgrade())
        };
        let mut wakes = Wakes::default();
        signal(self.clone(), &mut wakes);
        // Nobody counts the grace period of those who live on.
        if over {
            doom(self.clone(), &mut wakes);
        }
        if let Some(body) = body {
            wakes.call(|| body.wake_body());
        }
        wakes.done();
    }

    /// The grace period is over.
    pub(super) fn doom(self: &Arc<Self>) {
        let mut wakes = Wakes::default();
        doom(self.clone(), &mut wakes);
        wakes.done();
    }

    /// Its own cancellation has been asked for.
    pub(super) fn cancel_requested(&self) -> bool {
        self.state().cancelled_at.is_some()
    }

    /// It, or one around it, has been cancelled.
    pub(in crate::scope) fn is_signalled(&self) -> bool {
        self.signalled.load(Ordering::Acquire)
    }

    pub(super) fn is_doomed(&self) -> bool {
        self.state().doomed
    }

    pub(in crate::scope) async fn signalled(&self) {
        let mut waits = std::pin::pin!(self.waiters.notified());
        waits.as_mut().enable();
        if !self.is_signalled() {
            waits.await;
        }
    }

    pub(super) fn own_deadline(&self) -> Option<Instant> {
        self.state().deadline()
    }

    pub(super) fn next(&self) -> Next {
        let state = self.state();
        match (state.cancelled_at, state.deadline()) {
            (None, None) => Next::Wait,
            (None, Some(deadline)) => Next::CancelAt(deadline),
            (Some(since), _) => match since.checked_add(state.settings.grace) {
                Some(end) if end <= clockwork::now() => Next::Drop,
                Some(end) => Next::DropAt(end),
                None => Next::Wait,
            },
        }
    }
}

impl ScopeState {
    pub(super) fn bonds(&mut self) -> &mut Bonds {
        self.bonds.get_or_insert_default()
    }

    pub(super) fn is_signalled(&self) -> bool {
        self.signalled
    }

    fn live_runners(&self) -> Vec<Arc<Runner>> {
        self.runners.iter().filter_map(Weak::upgrade).collect()
    }

    /// While it counts.
    fn deadline(&self) -> Option<Instant> {
        match self.settings.deadline {
            Some(Deadline::At(at)) if self.stage != Stage::Over => Some(at),
            _ => None,
        }
    }
}

/// Tells a scope and all below it, but for the shielded ones, that they are cancelled.
fn signal(root: Arc<ScopeNode>, wakes: &mut Wakes) {
    let mut scopes = vec![root];
    while let Some(scope) = scopes.pop() {
        let (runners, token) = {
            let mut state = scope.state();
            if std::mem::replace(&mut state.signalled, true) {
                continue;
            }
            scope.signalled.store(true, Ordering::Release);
            (state.live_runners(), state.bonds.as_ref().and_then(|bonds| bonds.told()))
        };
        wakes.call(|| scope.waiters.notify_waiters());
        if let Some(token) = token {
            wakes.call(|| token.cancel());
        }
        runners.iter().for_each(|runner| scopes.extend(runner.live_scopes()));
    }
}

/// The grace period of a scope is over: aborts its tasks and those of all below it, but for the shielded ones. (Bodies
/// are dropped from outside, by the future of this scope's `run`.)
fn doom(root: Arc<ScopeNode>, wakes: &mut Wakes) {
    let mut scopes = vec![root];
    while let Some(scope) = scopes.pop() {
        let runners = {
            let mut state = scope.state();
            if std::mem::replace(&mut state.doomed, true) {
                continue;
            }
            state.live_runners()
        };
        for runner in runners {
            wakes.call(|| runner.doom());
            scopes.extend(runner.live_scopes());
        }
    }
}
