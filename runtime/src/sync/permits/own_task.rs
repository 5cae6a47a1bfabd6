//! A permit that was given to a future nobody polls goes to another future of the same task.
//!
//! A step of `permits`, apart because nobody who reads the rest needs it. What a futurelock is stands in `futurelock`.
//!
//! Waiters that were given their permits and have not taken them are *granted*; the wait list keeps them. A waiter that
//! has to wait looks through them for one of its own task. The first time it marks that one and wakes its own task. If it
//! is polled again and the mark still stands, everything in the task that is polled at all has been polled in between, and
//! the granted one was not: then the two change places. The one that waits goes to the head and gets the permits, the other
//! is queued behind it. Waiters of other tasks are not overtaken: both stand where one of the two stood before.
//!
//! The danger: a waiter that was put back has no waker, because it was woken for what it has lost. It needs none before
//! its next poll: that wake is still on its way to it, or it is put aside, which is why we are here.

use super::{Claim, Permits};
use crate::sync::futurelock::Futurelock;
use crate::sync::waiters::{Key, WaitList};
use crate::sync::wake::WakeBatch;
use std::task::Waker;

/// Granted waiters that are looked at. There are as many as permits came back since their tasks were last polled: one for a
/// mutex. A waiter that wants its own among more waits until the others have taken theirs.
const LOOKS_MAX: usize = 16;

/// What a waiter that has to wait found.
#[derive(Debug)]
pub(super) enum Own {
    Nobody,
    /// Marked for the first time: wake the own task once more, after unlocking.
    Marked,
    /// The waiter has its permits now. Its waker is to be dropped after unlocking.
    Resolved(Futurelock, Option<Waker>),
    /// It has some of them now, and waits at the head for the rest.
    Nearer(Futurelock),
}

impl Permits {
    /// Looks for a granted waiter of the task of `key`, which is queued.
    #[cold]
    pub(super) fn look_for_own(&self, list: &mut WaitList<Claim>, key: Key, batch: &mut WakeBatch) -> Own {
        let asker = list.payload(key).asker;
        let own = list.find_granted(LOOKS_MAX, |claim| claim.asker.is_same_task(&asker));
        let Some(idle) = own else { return Own::Nobody };
        let marked_by = list.payload(idle).marked_by;
        match marked_by {
            Some(marker) if marker == key => {}
            // One of several that wait is enough, and two that took turns would wake their task for ever.
            Some(other) if list.is_waiting(other) => return Own::Nobody,
            _ => {
                list.payload(idle).marked_by = Some(key);
                return Own::Marked;
            }
        }
        let found = Futurelock::between(&list.payload(idle).asker, &asker);
        self.change_places(list, idle, key, batch, found)
    }

    /// Queues the granted `idle` again and serves the queue with what it had, `waiting` before all others.
    fn change_places(
        &self,
        list: &mut WaitList<Claim>,
        idle: Key,
        waiting: Key,
        batch: &mut WakeBatch,
        found: Futurelock,
    ) -> Own {
        // Nobody but the first in the queue may have collected permits, or two of them could wait for each other's.
        let mut free = list.first_payload().map_or(0, Claim::give_up);
        free += list.payload(idle).give_up();
        list.requeue_granted_first(idle);
        list.move_to_front(waiting);
        // It is being polled: nobody need wake it.
        let waker = list.take_waker(waiting);
        // What does not fit is gone; whoever gives permits back says so.
        let _ = self.hand_out_locked(list, free, batch);
        if !list.is_queued(waiting) {
            return Own::Resolved(found, waker);
        }
        if let Some(waker) = waker {
            let none = list.set_waker(waiting, waker);
            debug_assert!(none.is_none());
        }
        Own::Nearer(found)
    }
}
