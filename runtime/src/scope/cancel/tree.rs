//! Who is stopped with whom.
//!
//! Owns: [`ScopeNode`] and [`Runner`], which alternate, and the walks over them: signal, doom, shield.
//! Imports: the door's lock and clock, `sync::Notify`.   Not here: polling a body, timers (`run`); contexts (`context`).
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

use super::super::Abort;
use crate::engine::atomics::{Mutex, MutexGuard};
use crate::engine::clockwork;
use crate::sync::Notify;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

/// Wakers are user code and may panic. Everybody else is woken all the same; then the first panic goes on.
#[derive(Default)]
struct Wakes(Option<Box<dyn Any + Send>>);

impl Wakes {
    fn call(&mut self, wake: impl FnOnce()) {
        if let Err(payload) = catch_unwind(AssertUnwindSafe(wake)) {
            self.0.get_or_insert(payload);
        }
    }

    fn done(self) {
        if let Some(payload) = self.0
            && !std::thread::panicking()
        {
            resume_unwind(payload);
        }
    }
}

/// A list whose entries keep their number.
struct Slab<T> {
    entries: Vec<Option<T>>,
    free: Vec<usize>,
}

impl<T> Slab<T> {
    const fn new() -> Self {
        Slab { entries: Vec::new(), free: Vec::new() }
    }

    fn insert(&mut self, entry: T) -> usize {
        match self.free.pop() {
            Some(key) => {
                self.entries[key] = Some(entry);
                key
            }
            None => {
                self.entries.push(Some(entry));
                self.entries.len() - 1
            }
        }
    }

    fn remove(&mut self, key: usize) -> Option<T> {
        let entry = self.entries.get_mut(key)?.take();
        self.free.push(key);
        if self.free.len() == self.entries.len() {
            *self = Slab::new();
        }
        entry
    }

    fn iter(&self) -> impl Iterator<Item = &T> {
        self.entries.iter().flatten()
    }
}

/// A scope.
pub(in crate::scope) struct ScopeNode {
    state: Mutex<ScopeState>,
    /// A copy of `state.signalled`, for those who only ask.
    signalled: AtomicBool,
    /// Those who wait for the signal.
    waiters: Notify,
}

struct ScopeState {
    settings: Settings,
    stage: Stage,
    /// As it was set when the scope was entered.
    shielded: bool,
    /// Where it is run, and its number in that runner's list (none if it is shielded).
    parent: Option<(Arc<Runner>, Option<usize>)>,
    runners: Slab<Weak<Runner>>,
    signalled: bool,
    /// Since when its own cancellation has been asked for, by hand or by its deadline.
    cancelled_at: Option<Instant>,
    doomed: bool,
}

/// What a scope has been told.
#[derive(Clone, Copy)]
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
    /// It drops its body.
    Drop,
    /// It drops its body as soon as no shielded scope runs inside.
    DropUnshielded,
}

/// The body of a scope, or a task inside one.
pub(in crate::scope) struct Runner {
    /// `None` only while it is dropped.
    scope: Option<Arc<ScopeNode>>,
    key: usize,
    task: Option<Box<dyn Abort>>,
    state: Mutex<RunnerState>,
}

struct RunnerState {
    /// How many shielded scopes run inside.
    shields: usize,
    /// The task is to be aborted when there is no shield any more.
    doomed: bool,
    /// Of the future of `run`.
    waker: Option<Waker>,
    scopes: Slab<Weak<ScopeNode>>,
}

impl ScopeNode {
    pub(super) fn new() -> Arc<ScopeNode> {
        Arc::new(ScopeNode {
            state: Mutex::new(ScopeState {
                settings: Settings { deadline: None, grace: Duration::ZERO, shielded: false },
                stage: Stage::New,
                shielded: false,
                parent: None,
                runners: Slab::new(),
                signalled: false,
                cancelled_at: None,
                doomed: false,
            }),
            signalled: AtomicBool::new(false),
            waiters: Notify::new(),
        })
    }

    fn state(&self) -> MutexGuard<'_, ScopeState> {
        self.state.lock()
    }

    pub(super) fn set(&self, change: impl FnOnce(&mut Settings)) {
        change(&mut self.state().settings);
    }

    /// A deadline that counts at once, also when the scope runs already.
    pub(super) fn reschedule(&self, deadline: Option<Instant>) {
        let runners = {
            let mut state = self.state();
            state.settings.deadline = deadline.map(Deadline::At);
            state.live_runners()
        };
        let mut wakes = Wakes::default();
        runners.iter().for_each(|runner| wakes.call(|| runner.wake_body()));
        wakes.done();
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

    /// `run` is polled for the first time, inside of `parent`.
    pub(super) fn enter(self: &Arc<Self>, parent: Option<Arc<Runner>>) -> Arc<Runner> {
        let shielded = {
            let mut state = self.state();
            state.stage = Stage::Running;
            if let Some(Deadline::After(time)) = state.settings.deadline {
                let now = clockwork::now();
                let at = now.checked_add(time).unwrap_or_else(|| crate::engine::far_from(now));
                state.settings.deadline = Some(Deadline::At(at));
            }
            state.shielded = state.settings.shielded;
            state.shielded
        };
        if let Some(parent) = parent {
            let key = (!shielded).then(|| parent.state().scopes.insert(Arc::downgrade(self)));
            self.state().parent = Some((parent.clone(), key));
            if shielded {
                change_shields(&parent, true, &mut Wakes::default());
            } else {
                parent.scope().pass_marks_on(self);
            }
        }
        Runner::new(self, None)
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
            doom(child.clone());
        }
        wakes.done();
    }

    /// The future of `run` has its output, or has dropped its body. `abandoned`: it is dropped itself.
    pub(super) fn leave(self: &Arc<Self>, abandoned: bool) {
        let (parent, shielded) = {
            let mut state = self.state();
            state.stage = Stage::Over;
            (state.parent.as_ref().map(|(parent, _)| parent.clone()), state.shielded)
        };
        let mut wakes = Wakes::default();
        if abandoned {
            self.mark_cancelled();
            signal(self.clone(), &mut wakes);
            doom(self.clone());
        }
        if let (Some(parent), true) = (parent, shielded) {
            change_shields(&parent, false, &mut wakes);
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
        let (over, runners) = {
            let state = self.state();
            (state.stage == Stage::Over, state.live_runners())
        };
        let mut wakes = Wakes::default();
        signal(self.clone(), &mut wakes);
        // Nobody counts the grace period of those who live on.
        if over {
            doom(self.clone());
        }
        runners.iter().for_each(|runner| wakes.call(|| runner.wake_body()));
        wakes.done();
    }

    /// The grace period is over.
    pub(super) fn doom(self: &Arc<Self>) {
        doom(self.clone());
    }

    /// Its own cancellation has been asked for.
    pub(super) fn cancel_requested(&self) -> bool {
        self.state().cancelled_at.is_some()
    }

    /// It, or one around it, has been cancelled.
    pub(in crate::scope) fn is_signalled(&self) -> bool {
        self.signalled.load(Ordering::Acquire)
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

    pub(super) fn next(&self, body: &Runner) -> Next {
        let next = {
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
        };
        if next == Next::Drop && body.state().shields > 0 { Next::DropUnshielded } else { next }
    }
}

impl ScopeState {
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

impl Runner {
    pub(super) fn new(scope: &Arc<ScopeNode>, task: Option<Box<dyn Abort>>) -> Arc<Runner> {
        Arc::new_cyclic(|this: &Weak<Runner>| Runner {
            key: scope.state().runners.insert(this.clone()),
            scope: Some(scope.clone()),
            task,
            state: Mutex::new(RunnerState { shields: 0, doomed: false, waker: None, scopes: Slab::new() }),
        })
    }

    /// For a task that is spawned where `self` runs.
    pub(in crate::scope) fn for_task(&self, task: Box<dyn Abort>) -> Arc<Runner> {
        let scope = self.scope();
        let runner = Runner::new(scope, Some(task));
        let doomed = scope.state().doomed;
        if doomed {
            runner.doom();
        }
        runner
    }

    fn state(&self) -> MutexGuard<'_, RunnerState> {
        self.state.lock()
    }

    /// The scope that it stands in.
    pub(in crate::scope) fn scope(&self) -> &Arc<ScopeNode> {
        self.scope.as_ref().expect("BUG: a runner that is being dropped was asked for its scope")
    }

    /// Remembers whom to wake when something changes for this body.
    pub(super) fn set_waker(&self, waker: &Waker) {
        // `will_wake` compares two pointers, which is no user code.
        if self.state().waker.as_ref().is_some_and(|old| old.will_wake(waker)) {
            return;
        }
        let new = waker.clone();
        let old = self.state().waker.replace(new);
        drop(old);
    }

    pub(super) fn forget_waker(&self) {
        let old = self.state().waker.take();
        drop(old);
    }

    fn wake_body(&self) {
        let waker = self.state().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Aborts the task, now or when it has no shield any more.
    fn doom(&self) {
        let Some(task) = &self.task else { return };
        let now = {
            let mut state = self.state();
            state.doomed = true;
            state.shields == 0
        };
        if now {
            task.abort();
        }
    }

    fn live_scopes(&self) -> Vec<Arc<ScopeNode>> {
        self.state().scopes.iter().filter_map(Weak::upgrade).collect()
    }

    /// The runner around the scope that this one is the body of, unless that is shielded.
    fn outer(&self) -> Option<Arc<Runner>> {
        let state = self.scope().state();
        if state.shielded {
            return None;
        }
        state.parent.as_ref().map(|(parent, _)| parent.clone())
    }
}

/// Tells a scope and all below it, but for the shielded ones, that they are cancelled.
fn signal(root: Arc<ScopeNode>, wakes: &mut Wakes) {
    let mut scopes = vec![root];
    while let Some(scope) = scopes.pop() {
        let runners = {
            let mut state = scope.state();
            if std::mem::replace(&mut state.signalled, true) {
                continue;
            }
            scope.signalled.store(true, Ordering::Release);
            state.live_runners()
        };
        wakes.call(|| scope.waiters.notify_waiters());
        runners.iter().for_each(|runner| scopes.extend(runner.live_scopes()));
    }
}

/// The grace period of a scope is over: aborts its tasks and those of all below it, but for the shielded ones. (Bodies
/// are dropped from outside, by the future of this scope's `run`.)
fn doom(root: Arc<ScopeNode>) {
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
            runner.doom();
            scopes.extend(runner.live_scopes());
        }
    }
}

/// A shielded scope begins or ends inside `parent`: what contains it is not dropped meanwhile. Counted up to the task, or to
/// the next shield, which is counted beyond itself already.
fn change_shields(parent: &Arc<Runner>, begins: bool, wakes: &mut Wakes) {
    let mut next = Some(parent.clone());
    while let Some(runner) = next {
        let free = {
            let mut state = runner.state();
            if begins {
                state.shields += 1;
            } else {
                state.shields -= 1;
            }
            (state.shields == 0).then_some(state.doomed)
        };
        match (free, &runner.task) {
            (Some(true), Some(task)) => task.abort(),
            (Some(_), None) => wakes.call(|| runner.wake_body()),
            _ => {}
        }
        next = if runner.task.is_some() { None } else { runner.outer() };
    }
}

/// The earliest deadline that counts for `runner`.
pub(in crate::scope) fn deadline_of(runner: Arc<Runner>) -> Option<Instant> {
    let mut earliest: Option<Instant> = None;
    let mut next = Some(runner);
    while let Some(runner) = next {
        let own = runner.scope().own_deadline();
        earliest = match (earliest, own) {
            (Some(a), Some(b)) => Some(a.min(b)),
            (a, b) => a.or(b),
        };
        next = runner.outer();
    }
    earliest
}

impl Drop for Runner {
    fn drop(&mut self) {
        dismantle(self.take_scope());
    }
}

impl Drop for ScopeNode {
    fn drop(&mut self) {
        let Some(parent) = self.take_parent() else { return };
        if let Some(mut runner) = Arc::into_inner(parent) {
            dismantle(runner.take_scope());
        }
    }
}

impl Runner {
    /// Takes itself off its scope's list.
    fn take_scope(&mut self) -> Option<Arc<ScopeNode>> {
        let scope = self.scope.take()?;
        let entry = scope.state().runners.remove(self.key);
        drop(entry);
        Some(scope)
    }
}

impl ScopeNode {
    /// Takes itself off its parent's list.
    fn take_parent(&mut self) -> Option<Arc<Runner>> {
        let (parent, key) = self.state().parent.take()?;
        if let Some(key) = key {
            let entry = parent.state().scopes.remove(key);
            drop(entry);
        }
        Some(parent)
    }
}

/// Drops a scope, and whatever it alone has kept above it, one after the other instead of one inside the other.
fn dismantle(mut scope: Option<Arc<ScopeNode>>) {
    while let Some(mut node) = scope.take().and_then(Arc::into_inner) {
        if let Some(mut runner) = node.take_parent().and_then(Arc::into_inner) {
            scope = runner.take_scope();
        }
    }
}
