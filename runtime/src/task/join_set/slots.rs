//! Where a set keeps the handles of its tasks.
//!
//! Owns: the slots, their free list.   Not here: which of them have finished (`doorbell`).
//!
//! Slots are reused, and carry no generation. A ring from the former owner of a slot (its task was detached while it
//! finished) makes the set look at the new owner too early, and that is all: its handle says that it is not ready.

use super::super::{Id, JoinError, JoinHandle};
use super::doorbell::{Doorbell, SlotWaker};
use crate::engine::budget::{Budget, with_budget};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// So many slots keep their waker when they become vacant, 64 bytes each: a set of a server's size does not allocate
/// for a new task. What is beyond is given back, the slots themselves when the set becomes empty.
const KEPT: usize = 1024;

/// The end of the free list.
const NONE: usize = usize::MAX;

pub(super) struct Slots<T> {
    slots: Vec<Slot<T>>,
    vacant: usize,
    occupied: usize,
}

struct Slot<T> {
    content: Content<T>,
    waker: Option<Waker>,
}

enum Content<T> {
    Vacant { next: usize },
    Task(JoinHandle<T>),
}

/// A task that is over.
pub(super) struct Finished<T> {
    pub(super) id: Id,
    pub(super) output: Result<T, JoinError>,
}

impl<T> Slots<T> {
    pub(super) const fn new() -> Self {
        Slots { slots: Vec::new(), vacant: NONE, occupied: 0 }
    }

    /// How many tasks there are.
    pub(super) fn len(&self) -> usize {
        self.occupied
    }

    /// The handle of every task that is here.
    pub(super) fn handles(&self) -> impl Iterator<Item = &JoinHandle<T>> {
        self.slots.iter().filter_map(|slot| match &slot.content {
            Content::Task(handle) => Some(handle),
            Content::Vacant { .. } => None,
        })
    }

    /// Takes a handle in. The doorbell rings once its task has finished, which may be now. The output stays with the
    /// task until it is asked for: a panic that is taken out counts as handled, also when the set is dropped with it.
    pub(super) fn insert(&mut self, mut handle: JoinHandle<T>, doorbell: &Arc<Doorbell>) {
        let index = self.occupy();
        let slot = &mut self.slots[index];
        let waker =
            slot.waker.get_or_insert_with(|| Arc::new(SlotWaker { slot: index, doorbell: doorbell.clone() }).into());
        let is_over = !handle.wake_when_over(waker);
        slot.content = Content::Task(handle);
        if is_over {
            doorbell.ring(index);
        }
    }

    /// A slot for a task; its content is to be set.
    fn occupy(&mut self) -> usize {
        self.occupied += 1;
        let index = self.vacant;
        if index == NONE {
            self.slots.push(Slot { content: Content::Vacant { next: NONE }, waker: None });
            return self.slots.len() - 1;
        }
        match self.slots[index].content {
            Content::Vacant { next } => self.vacant = next,
            _ => unreachable!("BUG: slot {index} of a join set is on the free list and has a task"),
        }
        index
    }

    /// The task in the slot that has rung, if there is one and it is over. The slot is vacant then.
    pub(super) fn take_finished(&mut self, index: usize) -> Option<Finished<T>> {
        let slot = self.slots.get_mut(index)?;
        let Content::Task(handle) = &mut slot.content else { return None };
        let Some(waker) = &slot.waker else { unreachable!("BUG: slot {index} of a join set has a task and no waker") };
        let id = handle.id();
        match poll(handle, waker) {
            Poll::Pending => None,
            Poll::Ready(output) => {
                self.vacate(index);
                Some(Finished { id, output })
            }
        }
    }

    #[cfg(test)]
    pub(super) fn slots_and_wakers(&self) -> (usize, usize) {
        (self.slots.len(), self.slots.iter().filter(|slot| slot.waker.is_some()).count())
    }

    fn vacate(&mut self, index: usize) {
        self.occupied -= 1;
        let slot = &mut self.slots[index];
        let _task = std::mem::replace(&mut slot.content, Content::Vacant { next: self.vacant });
        self.vacant = index;
        if index >= KEPT {
            slot.waker = None;
        }
        if self.occupied == 0 && self.slots.len() > KEPT {
            *self = Slots::new();
        }
    }
}

/// Polls a handle regardless of the budget: who waits for the set has paid, or does not wait.
fn poll<T>(handle: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, JoinError>> {
    with_budget(Budget::UNCONSTRAINED, || Pin::new(handle).poll(&mut Context::from_waker(waker)))
}
