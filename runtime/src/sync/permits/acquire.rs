//! The future that takes permits.
//!
//! Owns: [`Acquire`].
//! Not here: the word and the queue (`permits`).

use super::own_task::Own;
use super::{Enqueued, Newcomer, Permits};
use crate::engine::budget::{self, RestoreOnPending};
use crate::engine::current;
use crate::sync::waiters::Key;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

#[derive(Debug)]
enum Stage {
    Fresh,
    Queued(Key),
    /// The permits are ours, but the budget was used up when we got them.
    Taken,
    Done,
}

/// The permits are refused for ever.
#[derive(Debug, PartialEq, Eq)]
pub(in crate::sync) struct Closed;

/// Takes permits; see [`Permits::acquire_at`]. Dropped before it is ready, it has taken nothing.
#[derive(Debug)]
#[must_use = "futures do nothing unless polled"]
pub(in crate::sync) struct Acquire<'a> {
    permits: &'a Permits,
    wanted: usize,
    stage: Stage,
    place: &'static Location<'static>,
}

impl<'a> Acquire<'a> {
    #[inline]
    pub(super) fn new(permits: &'a Permits, wanted: usize, place: &'static Location<'static>) -> Self {
        Acquire { permits, wanted, stage: Stage::Fresh, place }
    }
}

impl Future for Acquire<'_> {
    type Output = Result<(), Closed>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Poll::Ready(unit) = budget::poll_proceed(cx) else {
            // Who must wait takes its place all the same (museum Y2).
            self.take_place(cx);
            return Poll::Pending;
        };
        if !matches!(self.stage, Stage::Fresh) {
            return self.poll_later(cx, unit);
        }
        if !self.permits.acquire_at_once(self.wanted) {
            return self.queue(cx, unit);
        }
        self.stage = Stage::Done;
        unit.made_progress();
        Poll::Ready(Ok(()))
    }
}

impl Acquire<'_> {
    /// The budget is used up. Free permits stay free: a task that took them would have them while it waits for its turn, and
    /// whoever runs meanwhile would queue for nothing.
    #[cold]
    fn take_place(&mut self, cx: &mut Context<'_>) {
        if matches!(self.stage, Stage::Fresh) && !self.permits.are_free(self.wanted) {
            let mut newcomer = Newcomer::new(cx.waker(), self.place);
            match self.permits.enqueue(&mut newcomer, self.wanted) {
                Enqueued::Taken => self.stage = Stage::Taken,
                // The task has been woken already.
                Enqueued::Waits { key, again: _ } => self.stage = Stage::Queued(key),
                Enqueued::Closed => {}
            }
        }
    }

    /// The first poll finds nothing free.
    #[inline(never)]
    fn queue(&mut self, cx: &mut Context<'_>, unit: RestoreOnPending) -> Poll<Result<(), Closed>> {
        let mut newcomer = Newcomer::new(cx.waker(), self.place);
        let result = match self.permits.enqueue(&mut newcomer, self.wanted) {
            Enqueued::Taken => {
                // The newcomer is dropped below, and that may panic: until then the permits are noted.
                self.stage = Stage::Taken;
                Ok(())
            }
            Enqueued::Closed => Err(Closed),
            Enqueued::Waits { key, again } => {
                self.stage = Stage::Queued(key);
                if again {
                    cx.waker().wake_by_ref();
                }
                return Poll::Pending;
            }
        };
        drop(newcomer);
        self.stage = Stage::Done;
        unit.made_progress();
        Poll::Ready(result)
    }

    #[inline(never)]
    fn poll_later(&mut self, cx: &mut Context<'_>, unit: RestoreOnPending) -> Poll<Result<(), Closed>> {
        let granted = match self.stage {
            Stage::Queued(key) => {
                let Some(granted) = self.poll_queued(key, cx) else { return Poll::Pending };
                granted
            }
            Stage::Taken => true,
            Stage::Fresh | Stage::Done => panic!("a future that takes permits was polled after it was ready"),
        };
        self.stage = Stage::Done;
        unit.made_progress();
        Poll::Ready(if granted { Ok(()) } else { Err(Closed) })
    }

    /// `None`: it waits on. Otherwise, whether it has its permits.
    fn poll_queued(&mut self, key: Key, cx: &mut Context<'_>) -> Option<bool> {
        let mut list = self.permits.waiters.lock();
        if list.is_queued(key) {
            drop(list);
            return self.wait_on(key, cx);
        }
        let (served, kept) = self.permits.take_served(&mut list, key);
        drop(list);
        self.note(served);
        drop(kept);
        Some(served)
    }

    /// It is polled before it is served.
    #[cold]
    fn wait_on(&mut self, key: Key, cx: &mut Context<'_>) -> Option<bool> {
        let (now, waker) = (current::id(), cx.waker());
        let (mut looked, mut again, mut moved) = (false, false, None);
        let (mut old_task, mut kept) = (None, None);
        let permits = self.permits;
        let served = permits.waiters.check_or_wait(key, cx, |list, key| {
            if list.is_queued(key) {
                // Once a poll: two looks of one poll prove nothing.
                if looked {
                    return None;
                }
                looked = true;
                old_task = list.payload(key).asker.polled_again(now, waker);
                if !list.has_granted() {
                    return None;
                }
                let idle = match Permits::look_for_own(list, key) {
                    Own::Idle(idle) => idle,
                    found => {
                        again = found == Own::Noted;
                        return None;
                    }
                };
                let to_tell = permits.change_places(list, idle, key);
                let is_served = to_tell.is_served;
                moved = Some(to_tell);
                if !is_served {
                    return None;
                }
            }
            let served;
            (served, kept) = permits.take_served(list, key);
            Some(served)
        });
        // First the note, then what is the user's: a waker may panic, and what we have is given back.
        if let Some(served) = served {
            self.note(served);
        }
        drop((old_task, kept));
        if again {
            cx.waker().wake_by_ref();
        }
        if let Some(moved) = moved {
            moved.tell();
        }
        served
    }

    /// It is out of the queue, with its permits or without.
    fn note(&mut self, served: bool) {
        self.stage = if served { Stage::Taken } else { Stage::Done };
    }
}

impl Acquire<'_> {
    /// Cancelled while it waits, or before it could say that it has the permits.
    #[cold]
    fn cancel(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Fresh | Stage::Done => {}
            Stage::Queued(key) => self.permits.leave(key),
            Stage::Taken => {
                self.permits.release(self.wanted);
            }
        }
    }
}

impl Drop for Acquire<'_> {
    #[inline]
    fn drop(&mut self) {
        if matches!(self.stage, Stage::Queued(_) | Stage::Taken) {
            self.cancel();
        }
    }
}
