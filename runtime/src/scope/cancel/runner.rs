//! What can be dropped when a scope is cancelled: its body, or a task spawned inside.
//!
//! Owns: [`Runner`], [`UntilGone`], and the walk up from one for deadlines.
//! Not here: the walk up for shields (`place`), the walks down (`tree`), which has the rules for locks; aborting a task
//! ([`Abort`]).
//!
//! The danger: a shield that ends in a child whose scope is *doomed* (wants it dropped). The child is aborted there and then,
//! but it is not gone: its poll goes on, and may fail. If what is around its group heard of the end now, another worker could drop
//! the group before that is told. So the end is *owed*: further out the shield counts until the child is gone and its
//! group knows. `doomed` and the end come under one lock, in one order or the other:
//!
//! | | of a group's child, under its lock | afterwards |
//! |---|---|---|
//! | a shield ends | one less; if doomed and not gone, owe it | doomed, the last: abort. Not owed: pass it on, outwards |
//! | the scope dooms it | doomed | no shield: abort |
//! | its group knows that it is gone | gone; take what is owed | pass that on |
//!
//! So whoever is in a shield when the scope is doomed is gone before the body is dropped, and its group knows. (Not so who was spawned
//! by somebody in another scope: nobody has doomed that.)

use super::super::Abort;
use super::super::place::{Place, change_shields};
use super::super::slab::Slab;
use super::super::wakes::Wakes;
use super::tree::ScopeNode;
use crate::engine::atomics::{Mutex, MutexGuard};
use crate::task::Id;
use std::mem;
use std::sync::{Arc, Weak};
use std::task::Waker;
use std::time::Instant;

/// The body of a scope, or a task inside one.
pub(in crate::scope) struct Runner {
    /// `None` only while it is dropped.
    pub(super) scope: Option<Arc<ScopeNode>>,
    pub(super) key: usize,
    task: Option<Box<dyn Abort>>,
    /// If the task is a child of a group.
    pub(super) child: Option<Child>,
    state: Mutex<RunnerState>,
}

/// A child of a group that was spawned in a scope.
pub(in crate::scope) struct Child {
    pub(in crate::scope) id: Id,
    /// Where the group stands, unless that is nowhere.
    pub(in crate::scope) group: Option<Arc<Place>>,
}

pub(super) struct RunnerState {
    /// How many shielded scopes run inside, those included that a child inside owes.
    shields: usize,
    /// The task is to be aborted when there is no shield any more.
    doomed: bool,
    /// The group that the task is a child of knows that it is gone.
    gone: bool,
    /// Ends of shields that are passed on outwards when the task is gone.
    owed: usize,
    /// Of the future of `run`.
    waker: Option<Waker>,
    pub(super) scopes: Slab<Weak<ScopeNode>>,
}

/// Made with the runner of a group's child, kept by whoever tells the group of its end, and dropped after that.
pub(in crate::scope) struct UntilGone(Arc<Runner>);

impl Drop for UntilGone {
    fn drop(&mut self) {
        self.0.is_gone();
    }
}

impl Runner {
    /// The body of a scope.
    pub(super) fn body(scope: &Arc<ScopeNode>, waker: Option<Waker>) -> Arc<Runner> {
        Runner::new(scope, None, None, waker)
    }

    fn new(
        scope: &Arc<ScopeNode>,
        task: Option<Box<dyn Abort>>,
        child: Option<Child>,
        waker: Option<Waker>,
    ) -> Arc<Runner> {
        Arc::new_cyclic(|this: &Weak<Runner>| Runner {
            key: scope.state().runners.insert(this.clone()),
            scope: Some(scope.clone()),
            task,
            child,
            state: Mutex::new(RunnerState {
                shields: 0,
                doomed: false,
                gone: false,
                owed: 0,
                waker,
                scopes: Slab::new(),
            }),
        })
    }

    /// For a task that is spawned where `self` runs.
    /// If that is the child of a group that stands somewhere, [`until_gone`](Runner::until_gone) is called before it runs.
    pub(in crate::scope) fn for_task(&self, task: Box<dyn Abort>, child: Option<Child>) -> Arc<Runner> {
        let scope = self.scope();
        let runner = Runner::new(scope, Some(task), child, None);
        let doomed = scope.state().doomed;
        if doomed {
            runner.doom();
        }
        runner
    }

    pub(super) fn state(&self) -> MutexGuard<'_, RunnerState> {
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

    pub(super) fn wake_body(&self) {
        let waker = self.state().waker.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Aborts the task, now or when it has no shield any more.
    pub(super) fn doom(&self) {
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

    pub(super) fn live_scopes(&self) -> Vec<Arc<ScopeNode>> {
        self.state().scopes.iter().filter_map(Weak::upgrade).collect()
    }

    pub(super) fn is_shielded(&self) -> bool {
        self.state().shields > 0
    }

    pub(in crate::scope) fn until_gone(self: &Arc<Self>) -> UntilGone {
        UntilGone(self.clone())
    }

    /// The task is gone, and its group knows.
    fn is_gone(&self) {
        let owed = {
            let mut state = self.state();
            state.gone = true;
            mem::take(&mut state.owed)
        };
        if owed > 0 {
            let mut wakes = Wakes::default();
            (0..owed).for_each(|_| change_shields(self.around(), false, &mut wakes));
            wakes.done();
        }
    }

    /// A shielded scope begins or ends inside. Gives what else that holds, or lets go.
    pub(in crate::scope) fn change_shields(&self, begins: bool, wakes: &mut Wakes) -> Place {
        let awaited = self.child.as_ref().is_some_and(|child| child.group.is_some());
        let (free, doomed, owed) = {
            let mut state = self.state();
            let owed = !begins && awaited && state.doomed && !state.gone;
            state.owed += usize::from(owed);
            state.shields = if begins { state.shields + 1 } else { state.shields - 1 };
            (state.shields == 0, state.doomed, owed)
        };
        match &self.task {
            Some(task) if free && doomed => wakes.call(|| task.abort()),
            None if free => wakes.call(|| self.wake_body()),
            _ => {}
        }
        if owed { Place::default() } else { self.around() }
    }

    /// What is around the scope that this is the body of, or around the group that it is a child of.
    fn around(&self) -> Place {
        match (&self.task, &self.child) {
            (None, _) => self.outer(),
            (Some(_), None) => Place::default(),
            (Some(_), Some(child)) => Place { runner: None, child: Some(child.id), above: child.group.clone() },
        }
    }

    /// What is around the scope that this is the body of, unless that is shielded.
    fn outer(&self) -> Place {
        let state = self.scope().state();
        if state.shielded {
            return Place::default();
        }
        state.parent.as_ref().map(|(parent, _)| parent.clone()).unwrap_or_default()
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
        next = runner.outer().runner.clone();
    }
    earliest
}
