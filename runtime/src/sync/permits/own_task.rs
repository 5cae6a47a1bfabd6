//! A permit that was given to a future nobody polls goes to another future of the same task.
//!
//! A step of `permits`, apart because nobody who reads the rest needs it. What a futurelock is stands in `futurelock`.
//!
//! Waiters that were given their permits and have not taken them are *granted*; the wait list keeps them. A waiter that
//! has to wait looks through them for one of its own task, notes it, and wakes the task, so that it is polled again. If it
//! has seen the same one granted in three polls of its own, the task was polled to the end between the first and the third,
//! whatever the order in which it polls: everything in it that is polled at all has been polled, and the granted one was
//! not, or it would have taken its permits. Then the two change places. The one that waits goes to the head and gets the
//! permits, the other is queued behind it. Waiters of other tasks are not overtaken: both stand where one of the two stood
//! before.
//!
//! Each waiter counts its own polls, so it doesn't matter how many others of the task have been put aside. Where many wait
//! and all are polled, one is enough to keep the task awake: the granted one knows who does that.
//!
//! The danger: a waiter that was put back has no waker, because it was woken for what it has lost. It needs none before
//! its next poll: that wake is still on its way to it, or it is put aside, which is why we are here.

use super::{Claim, Permits};
use crate::sync::futurelock::{Futurelock, report};
use crate::sync::waiters::{Key, WaitList};
use crate::sync::wake::WakeBatch;
use std::task::Waker;

/// Granted waiters that are looked at. There are as many as permits came back since their tasks were last polled: one for a
/// mutex. A waiter that wants its own among more waits until the others have taken theirs.
const LOOKS_MAX: usize = 16;

/// In so many polls a waiter sees the same one granted before it takes its place. Two are not enough: where the order of
/// polls changes (`select!` does that), the granted one may have come before it the first time and after it the second.
const POLLS: u32 = 3;

/// What a waiter knows of others of its task.
#[derive(Debug, Default)]
pub(super) struct Noted {
    /// Of a waiter in the queue: the granted one that it saw in its last poll. Of a granted one: who keeps the task awake to
    /// find out whether it is polled.
    other: Option<Key>,
    /// In how many polls in a row it saw that one. 0: it has never seen any.
    polls: u32,
}

impl Noted {
    /// `other` is about to mean something else.
    pub(super) fn is_granted(&mut self) {
        self.other = None;
    }

    /// Another poll in which `granted` is granted. `true`: the first of all polls that saw any.
    fn sees(&mut self, granted: Key) -> bool {
        let is_first = self.polls == 0;
        self.polls = if self.other == Some(granted) { self.polls + 1 } else { 1 };
        self.other = Some(granted);
        is_first
    }
}

/// What a waiter that has to wait found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Own {
    Nobody,
    /// Noted: wake the own task once more, after unlocking.
    Noted,
    /// A futurelock: this granted one is not polled. (Never in the waiter's first look.)
    Idle(Key),
}

/// A futurelock that was resolved, and what is left to do about it after unlocking.
#[derive(Debug)]
pub(super) struct Moved {
    found: Futurelock,
    /// The waiter has its permits now. Otherwise it has some of them, and waits at the head for the rest.
    pub(super) is_served: bool,
    /// Of the one that is served.
    waker: Option<Waker>,
    batch: WakeBatch,
}

impl Moved {
    /// Wakes who got something by it, and tells the user. The caller holds no lock.
    #[cold]
    pub(super) fn tell(self) {
        self.batch.wake_all();
        drop(self.waker);
        report(&self.found);
    }
}

impl Permits {
    /// Looks for a granted waiter of the task of `key`, which is queued.
    #[cold]
    pub(super) fn look_for_own(list: &mut WaitList<Claim>, key: Key) -> Own {
        let Claim { asker, own, .. } = list.peek(key);
        let has_seen = own.other.is_some();
        let Some(idle) = list.find_granted(LOOKS_MAX, |claim| claim.asker.is_same_task(asker)) else {
            if has_seen {
                list.payload(key).own.other = None;
            }
            return Own::Nobody;
        };
        let own = &mut list.payload(key).own;
        let is_first = own.sees(idle);
        let polls = own.polls;
        if polls >= POLLS {
            return Own::Idle(idle);
        }
        // In an executor inside of the task each has a waker of its own, and to wake them all would be dear. There, who has seen
        // others come and go leaves it to the one who is at it.
        let awake = list.peek(idle).own.other;
        if !is_first && polls == 1 && awake.is_some_and(|other| list.waits_with_another_waker(other, key)) {
            return Own::Nobody;
        }
        list.payload(idle).own.other = Some(key);
        Own::Noted
    }

    /// Queues the granted `idle` again and serves the queue with what it had, `waiting` before all others.
    #[cold]
    pub(super) fn change_places(&self, list: &mut WaitList<Claim>, idle: Key, waiting: Key) -> Box<Moved> {
        let found = Futurelock::between(&list.peek(idle).asker, &list.peek(waiting).asker);
        let mut batch = WakeBatch::new();
        // Nobody but the first in the queue may have collected permits, or two of them could wait for each other's.
        let mut free = list.first_payload().map_or(0, Claim::give_up);
        free += list.payload(idle).give_up();
        list.payload(idle).own = Noted::default();
        list.requeue_granted_first(idle);
        list.move_to_front(waiting);
        // It is being polled: nobody need wake it.
        let waker = list.take_waker(waiting);
        // What does not fit is gone; whoever gives permits back says so.
        let _ = self.hand_out_locked(list, free, &mut batch);
        let is_served = !list.is_queued(waiting);
        let waker = match waker {
            Some(waker) if !is_served => list.set_waker(waiting, waker),
            other => other,
        };
        Box::new(Moved { found, is_served, waker, batch })
    }
}
