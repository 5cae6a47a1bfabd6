//! A line: those who wait to be called, behind one lock with the state that says whether they need to.
//!
//! Owns: [`Line`], [`InLine`].
//! Not here: what the state means (`event`, `condvar`, `queue`), and permits (`permits`).
//!
//! Unlike `Notify` a line remembers no call that nobody heard, and unlike `permits` it counts nothing. Because state and
//! waiters share the lock, "look at the state, then stand in line" is one step, and so is "change the state, then call".
//!
//! The danger: a call given to a waiter that is dropped before it runs. Its drop passes a `call_one` on (museum LW13).

#[cfg(all(test, loom))]
mod model;

use super::waiters::{Key, WaitList, check_or_wait};
use super::wake::WakeBatch;
use crate::engine::atomics::{Mutex, MutexGuard};
use crate::engine::budget;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

/// How a waiter was called.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Called {
    NotYet,
    Alone,
    WithAll,
}

#[derive(Debug)]
struct Place<S> {
    state: S,
    list: WaitList<Called>,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Line<S>(Mutex<Place<S>>);

// Consistent whenever its lock is free, whoever panicked: no foreign code runs inside.
impl<S> UnwindSafe for Line<S> {}
impl<S> RefUnwindSafe for Line<S> {}

/// The state, locked, and the right to call.
pub(super) struct LineGuard<'a, S>(MutexGuard<'a, Place<S>>);

impl<S> Line<S> {
    crate::engine::const_fn! {
        pub(super) const fn new(state: S) -> Self {
            Line(Mutex::new(Place { state, list: WaitList::new() }))
        }
    }

    pub(super) fn lock(&self) -> LineGuard<'_, S> {
        LineGuard(self.0.lock())
    }

    /// A future that is ready when it is called, or at once if `is_due` says so when it would stand in line.
    pub(super) fn wait<C: FnMut(&mut S) -> bool>(&self, is_due: C) -> InLine<'_, S, C> {
        InLine { line: self, is_due, stage: Stage::Fresh }
    }

    /// Calls the one that has waited longest. `false`: nobody waits.
    pub(super) fn call_one(&self) -> bool {
        let mut place = self.lock();
        let (called, waker) = place.pick_first();
        drop(place);
        WakeBatch::one(waker).wake_all();
        called
    }

    /// Calls everybody who waits now.
    pub(super) fn call_all(&self) {
        let mut batch = WakeBatch::new();
        let mut place = self.lock();
        place.pick_all(&mut batch);
        drop(place);
        batch.wake_all();
    }

    fn leave(&self, key: Key) {
        let mut place = self.lock();
        let (called, old) = place.0.list.remove(key);
        let next = if called == Called::Alone { place.pick_first().1 } else { None };
        drop(place);
        WakeBatch::one(next).wake_all();
        drop(old);
    }
}

impl<S> LineGuard<'_, S> {
    /// Calls the oldest; its waker, if it has one yet, is to be woken after unlocking.
    #[must_use = "wake it after unlocking"]
    fn pick_first(&mut self) -> (bool, Option<Waker>) {
        let Some(called) = self.0.list.first_payload() else { return (false, None) };
        *called = Called::Alone;
        (true, self.0.list.fire_first())
    }

    /// Calls all; the batch is to be woken after unlocking.
    pub(super) fn pick_all(&mut self, batch: &mut WakeBatch) {
        self.0.list.fire_all(batch, |called| *called = Called::WithAll);
    }

    /// How many stand in line.
    pub(super) fn waiting(&self) -> usize {
        self.0.list.queued()
    }
}

impl<S> Deref for LineGuard<'_, S> {
    type Target = S;

    fn deref(&self) -> &S {
        &self.0.state
    }
}

impl<S> DerefMut for LineGuard<'_, S> {
    fn deref_mut(&mut self) -> &mut S {
        &mut self.0.state
    }
}

#[derive(Debug)]
enum Stage {
    Fresh,
    Queued(Key),
    /// Called, or due when it came, but the budget was used up. `alone`: the call is passed on if we are dropped.
    Due {
        alone: bool,
    },
    Done,
}

/// The future of [`Line::wait`]. It gives whether the call was for this waiter alone: if so, and if the waiter that had it
/// is cancelled after all, the call is to be passed on. A call for everybody is over with them.
#[must_use = "futures do nothing unless polled"]
pub(super) struct InLine<'a, S, C> {
    line: &'a Line<S>,
    is_due: C,
    stage: Stage,
}

impl<S, C> Unpin for InLine<'_, S, C> {}

impl<S, C: FnMut(&mut S) -> bool> InLine<'_, S, C> {
    /// Stands in line, unless it is due, without a waker yet: for a caller that must do something in between.
    pub(super) fn enter(&mut self) {
        if matches!(self.stage, Stage::Fresh) {
            let mut place = self.line.lock();
            self.stage = if (self.is_due)(&mut place) {
                Stage::Due { alone: false }
            } else {
                Stage::Queued(place.0.list.push_back(None, Called::NotYet))
            };
        }
    }
}

impl<S, C: FnMut(&mut S) -> bool> Future for InLine<'_, S, C> {
    type Output = bool;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<bool> {
        // The place in line is taken even when the budget is used up (museum Y2).
        let unit = budget::poll_proceed(cx);
        self.enter();
        if let Stage::Queued(key) = self.stage {
            let called = check_or_wait(
                &self.line.0,
                |place| &mut place.list,
                key,
                cx,
                |place, key| {
                    // A called node has no waker, so nothing foreign is dropped here.
                    (!place.list.is_queued(key)).then(|| place.list.remove(key).0)
                },
            );
            let Some(called) = called else { return Poll::Pending };
            self.stage = Stage::Due { alone: called == Called::Alone };
        }
        let Poll::Ready(unit) = unit else { return Poll::Pending };
        unit.made_progress();
        let alone = matches!(self.stage, Stage::Due { alone: true });
        self.stage = Stage::Done;
        Poll::Ready(alone)
    }
}

impl<S, C> Drop for InLine<'_, S, C> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Queued(key) => self.line.leave(key),
            Stage::Due { alone: true } => _ = self.line.call_one(),
            Stage::Fresh | Stage::Due { alone: false } | Stage::Done => {}
        }
    }
}
