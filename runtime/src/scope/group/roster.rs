//! Who belongs to a group, what became of them, and who waits for that.
//!
//! Owns: the list of children, their results, the waker of who waits.
//! Not here: tasks. A child is whatever can be [stopped](Stop), so that `model.rs` runs this
//! file without a scheduler.
//!
//! A child passes through three calls: `enlist` (before it exists: from now on the group waits for it), `attach` (it
//! exists, here is how to stop it), `finished` (it is gone). Between the first two the group may have decided, so `attach`
//! stops it at once; and a child cannot be finished before it is attached, because only then does its owner ask to hear of
//! its end.
//!
//! There are two ways to stop one. `stop` spares a child that has a shield inside until that is over, and is what failures,
//! `cancel` and the join that finds only daemons do. `abort` spares nobody, and is what dropping the group does, also to those that
//! were stopped before: hence a child stays in its slot until it is gone.
//!
//! The danger: user code under the lock. Wakers are cloned before and woken after it, results that nobody wants are dropped
//! after it, and stopping a child happens after it as well.

use super::super::wakes::Wakes;
use super::fate::{Finished, Outcome, Rule, StoppedBy};
use super::orphans::{Orphans, note};
use crate::engine::atomics::{Mutex, MutexGuard};
use crate::task::Id;
use std::collections::VecDeque;
use std::mem;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// How a child is stopped.
pub(super) trait Stop: Clone {
    /// When no shield is inside.
    fn stop(&self);
    /// At once.
    fn abort(&self);
}

pub(super) struct Roster<T, E, A> {
    state: Mutex<State<T, E, A>>,
    rule: Rule<T>,
}

struct State<T, E, A> {
    slots: Vec<Slot<A>>,
    /// Vacant slots.
    free: Vec<usize>,
    /// Children that are no daemons.
    running: usize,
    daemons: usize,
    next_order: u64,
    finished: VecDeque<Finished<T, E>>,
    waiter: Option<Waker>,
    /// Not for the next one that is over.
    waits_for_all: bool,
    /// Somebody has decided, or asked for it: all children are stopped, also those to come.
    stopping: bool,
    daemons_stopping: bool,
    /// No more children.
    closed: bool,
    /// Nobody will ask for results.
    abandoned: bool,
    /// Whoever waits for the end of an abandoned group.
    orphans: Option<Arc<Orphans>>,
}

enum Slot<A> {
    Vacant,
    /// Not attached yet.
    Silent {
        daemon: bool,
    },
    Running {
        daemon: bool,
        stopped: bool,
        child: A,
    },
}

impl<A: Clone> Slot<A> {
    fn is_daemon(&self) -> bool {
        matches!(self, Slot::Silent { daemon: true } | Slot::Running { daemon: true, .. })
    }

    /// How to stop it, once.
    fn take_stop(&mut self) -> Option<A> {
        match self {
            Slot::Running { stopped, child, .. } if !*stopped => {
                *stopped = true;
                Some(child.clone())
            }
            _ => None,
        }
    }

    /// How to abort it.
    fn child(&self) -> Option<A> {
        match self {
            Slot::Running { child, .. } => Some(child.clone()),
            _ => None,
        }
    }
}

impl<T, E, A: Clone> State<T, E, A> {
    /// Those to be stopped, after the lock.
    #[must_use]
    fn stop_all(&mut self) -> Vec<A> {
        self.stopping = true;
        self.slots.iter_mut().filter_map(Slot::take_stop).collect()
    }

    #[must_use]
    fn stop_daemons(&mut self) -> Vec<A> {
        self.daemons_stopping = true;
        self.slots.iter_mut().filter(|slot| slot.is_daemon()).filter_map(Slot::take_stop).collect()
    }

    /// Those to be aborted, after the lock.
    #[must_use]
    fn abort_all(&mut self) -> Vec<A> {
        self.stopping = true;
        self.slots.iter().filter_map(Slot::child).collect()
    }
}

/// A child's place in the roster, until it is finished.
pub(super) struct Seat<T, E, A: Stop> {
    roster: Arc<Roster<T, E, A>>,
    slot: usize,
    order: u64,
    left: bool,
}

impl<T, E, A: Stop> Roster<T, E, A> {
    pub(super) fn new(rule: Rule<T>) -> Arc<Self> {
        let state = State {
            slots: Vec::new(),
            free: Vec::new(),
            running: 0,
            daemons: 0,
            next_order: 0,
            finished: VecDeque::new(),
            waiter: None,
            waits_for_all: false,
            stopping: false,
            daemons_stopping: false,
            closed: false,
            abandoned: false,
            orphans: None,
        };
        Arc::new(Roster { state: Mutex::new(state), rule })
    }

    fn state(&self) -> MutexGuard<'_, State<T, E, A>> {
        self.state.lock()
    }

    /// A place for one more child. `None`: the group takes no more.
    pub(super) fn enlist(self: &Arc<Self>, daemon: bool) -> Option<Seat<T, E, A>> {
        let mut state = self.state();
        if state.closed {
            return None;
        }
        *(if daemon { &mut state.daemons } else { &mut state.running }) += 1;
        let order = state.next_order;
        state.next_order += 1;
        let slot = match state.free.pop() {
            Some(slot) => slot,
            None => {
                state.slots.push(Slot::Vacant);
                state.slots.len() - 1
            }
        };
        state.slots[slot] = Slot::Silent { daemon };
        drop(state);
        Some(Seat { roster: self.clone(), slot, order, left: false })
    }

    fn leave(&self, slot: usize, order: u64, outcome: Outcome<T, E>) {
        let (waiter, stopped, unwanted, vacated, orphans);
        {
            let mut state = self.state();
            let daemon = state.slots[slot].is_daemon();
            vacated = mem::replace(&mut state.slots[slot], Slot::Vacant);
            state.free.push(slot);
            *(if daemon { &mut state.daemons } else { &mut state.running }) -= 1;
            let decides = !state.stopping && self.rule.decides(&outcome);
            stopped = if decides { state.stop_all() } else { Vec::new() };
            let stopped_by = match (daemon && state.daemons_stopping, state.stopping && !decides) {
                (true, _) => StoppedBy::Join,
                (_, true) => StoppedBy::Group,
                _ => StoppedBy::Nobody,
            };
            unwanted = match self.rule.result(outcome, stopped_by) {
                Ok(result) if !state.abandoned => {
                    state.finished.push_back(Finished { order, decided: decides, result });
                    None
                }
                Ok(result) => Some((Some(result), Outcome::Nothing)),
                Err(outcome) => Some((None, outcome)),
            };
            let worth_it = !state.waits_for_all || state.running == 0;
            waiter = if worth_it { state.waiter.take() } else { None };
            orphans = if state.running + state.daemons == 0 { state.orphans.clone() } else { None };
        }
        let mut wakes = Wakes::default();
        stopped.iter().for_each(|child| wakes.call(|| child.stop()));
        if let Some(waiter) = waiter {
            wakes.call(|| waiter.wake());
        }
        wakes.call(|| drop((unwanted, vacated)));
        if let Some(orphans) = orphans {
            wakes.call(|| orphans.settle());
        }
        wakes.done();
    }

    /// Stops all children, also those to come.
    pub(super) fn stop_all(&self) {
        let stopped = self.state().stop_all();
        for_all(&stopped, A::stop);
    }

    /// The group is dropped, by `task` if by any.
    pub(super) fn abandon(&self, task: Option<Id>) {
        let (aborted, finished, waiter, orphans) = {
            let mut state = self.state();
            state.closed = true;
            state.abandoned = true;
            if state.running + state.daemons > 0 {
                state.orphans = task.map(Orphans::of);
            }
            (state.abort_all(), mem::take(&mut state.finished), state.waiter.take(), state.orphans.clone())
        };
        if let Some(orphans) = &orphans {
            note(orphans);
        }
        for_all(&aborted, A::abort);
        drop((finished, waiter));
    }

    /// How many children there are that are no daemons.
    pub(super) fn running(&self) -> usize {
        self.state().running
    }

    pub(super) fn is_stopping(&self) -> bool {
        self.state().stopping
    }

    /// The next that is over. `None`: none is left but daemons.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Finished<T, E>>> {
        self.poll_for(cx, |state| {
            state.waits_for_all = false;
            match state.finished.pop_front() {
                Some(finished) => Some(Some(finished)),
                None => (state.running == 0).then_some(None),
            }
        })
    }

    /// Waits until all are gone, the daemons last. From then on nobody can be enlisted.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<VecDeque<Finished<T, E>>> {
        let mut daemons = Vec::new();
        let polled = self.poll_for(cx, |state| {
            state.waits_for_all = true;
            if state.running > 0 {
                return None;
            }
            state.closed = true;
            if state.daemons > 0 {
                if !state.daemons_stopping {
                    daemons = state.stop_daemons();
                }
                return None;
            }
            Some(mem::take(&mut state.finished))
        });
        for_all(&daemons, A::stop);
        polled
    }

    /// Looks, and leaves a waker where there is nothing to see.
    fn poll_for<R>(&self, cx: &mut Context<'_>, mut look: impl FnMut(&mut State<T, E, A>) -> Option<R>) -> Poll<R> {
        {
            let mut state = self.state();
            if let Some(seen) = look(&mut state) {
                return Poll::Ready(seen);
            }
            // `will_wake` compares two pointers, which is no user code.
            if state.waiter.as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
                return Poll::Pending;
            }
        }
        let new = cx.waker().clone();
        let (seen, unused) = {
            let mut state = self.state();
            match look(&mut state) {
                None => (None, state.waiter.replace(new)),
                seen => (seen, Some(new)),
            }
        };
        drop(unused);
        seen.map_or(Poll::Pending, Poll::Ready)
    }
}

/// All of them, also if one panics (see `wakes`).
fn for_all<A>(children: &[A], each: impl Fn(&A)) {
    let mut wakes = Wakes::default();
    children.iter().for_each(|child| wakes.call(|| each(child)));
    wakes.done();
}

impl<T, E, A: Stop> Seat<T, E, A> {
    /// The child exists now. It is stopped at once if the group has decided meanwhile.
    pub(super) fn attach(&self, child: A) {
        let (stopped, abandoned) = {
            let mut state = self.roster.state();
            let daemon = state.slots[self.slot].is_daemon();
            let stopped = state.stopping || daemon && state.daemons_stopping;
            let unwanted = stopped.then(|| child.clone());
            state.slots[self.slot] = Slot::Running { daemon, stopped, child };
            (unwanted, state.abandoned)
        };
        match stopped {
            Some(child) if abandoned => child.abort(),
            Some(child) => child.stop(),
            None => {}
        }
    }

    /// Are those the children of this very group?
    pub(super) fn is_among(&self, orphans: &Arc<Orphans>) -> bool {
        self.roster.state().orphans.as_ref().is_some_and(|own| Arc::ptr_eq(own, orphans))
    }

    /// The child is gone.
    pub(super) fn finished(mut self, outcome: Outcome<T, E>) {
        self.left = true;
        self.roster.leave(self.slot, self.order, outcome);
    }
}

/// It never came to be: spawning it panicked.
impl<T, E, A: Stop> Drop for Seat<T, E, A> {
    fn drop(&mut self) {
        if !self.left {
            self.roster.leave(self.slot, self.order, Outcome::Nothing);
        }
    }
}
