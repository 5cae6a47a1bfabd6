//! Where a set keeps the handles of its tasks.
//!
//! Owns: the slots, in chunks, and which have room.   Not here: which of them have finished (`doorbell`).
//!
//! Slots are reused, and carry no generation. A ring from the former owner of a slot (its task was detached while it
//! finished) makes the set look at the new owner too early, and that is all: its handle says that it is not ready.
//!
//! A chunk is freed when it is vacant, so that the memory of half a million tasks goes as they are joined, and not in
//! one poll with the last. One vacant chunk is kept, so that a set that swings around a chunk's border does not
//! allocate at each swing. Chunks with room are in a list, linked by their numbers.

use super::super::{Id, JoinError, JoinHandle};
use super::doorbell::{Doorbell, SlotWaker};
use crate::engine::budget::{Budget, with_budget};
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

/// The slots of a chunk; 8 KiB.
const CHUNK: usize = 256;

/// So many chunks stay until the set is empty, and their slots keep their wakers, 64 bytes each, when they become
/// vacant: a set of a server's size does not allocate for a new task. What is beyond is given back.
const KEPT: usize = 4;

/// No slot, or no chunk.
const NONE: usize = usize::MAX;

pub(super) struct Slots<T> {
    /// `None`: freed.
    chunks: Vec<Option<Chunk<T>>>,
    /// The numbers of those that are freed.
    freed: Vec<usize>,
    /// The first of the chunks with room.
    roomy: usize,
    /// A chunk beyond the first that is vacant and kept all the same.
    spare: usize,
    occupied: usize,
}

struct Chunk<T> {
    slots: Vec<Slot<T>>,
    /// The first vacant slot of those that exist.
    vacant: usize,
    occupied: usize,
    /// In the list of chunks with room, if it has any.
    before: usize,
    after: usize,
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
        Slots { chunks: Vec::new(), freed: Vec::new(), roomy: NONE, spare: NONE, occupied: 0 }
    }

    /// How many tasks there are.
    pub(super) fn len(&self) -> usize {
        self.occupied
    }

    /// The handle of every task that is here.
    pub(super) fn handles(&self) -> impl Iterator<Item = &JoinHandle<T>> {
        self.chunks.iter().flatten().flat_map(|chunk| &chunk.slots).filter_map(|slot| match &slot.content {
            Content::Task(handle) => Some(handle),
            Content::Vacant { .. } => None,
        })
    }

    /// Takes a handle in. The doorbell rings once its task has finished, which may be now. The output stays with the
    /// task until it is asked for: a panic that is taken out counts as handled, also when the set is dropped with it.
    pub(super) fn insert(&mut self, mut handle: JoinHandle<T>, doorbell: &Arc<Doorbell>) {
        let index = self.occupy();
        let slot = self.slot(index).expect("BUG: a slot of a join set was occupied and is not there");
        let waker =
            slot.waker.get_or_insert_with(|| Arc::new(SlotWaker { slot: index, doorbell: doorbell.clone() }).into());
        let is_over = !handle.wake_when_over(waker);
        slot.content = Content::Task(handle);
        if is_over {
            doorbell.ring(index);
        }
    }

    fn slot(&mut self, index: usize) -> Option<&mut Slot<T>> {
        self.chunks.get_mut(index / CHUNK)?.as_mut()?.slots.get_mut(index % CHUNK)
    }

    fn chunk(&mut self, number: usize) -> &mut Chunk<T> {
        match self.chunks.get_mut(number) {
            Some(Some(chunk)) => chunk,
            _ => unreachable!("BUG: chunk {number} of a join set is in use and was freed"),
        }
    }

    /// A slot for a task; its content is to be set.
    fn occupy(&mut self) -> usize {
        if self.roomy == NONE {
            let number = self.freed.pop().unwrap_or(self.chunks.len());
            if number == self.chunks.len() {
                self.chunks.push(None);
            }
            self.chunks[number] =
                Some(Chunk { slots: Vec::new(), vacant: NONE, occupied: 0, before: NONE, after: NONE });
            self.link(number);
        }
        let number = self.roomy;
        if self.spare == number {
            self.spare = NONE;
        }
        self.occupied += 1;
        let chunk = self.chunk(number);
        let slot = chunk.occupy();
        if !chunk.has_room() {
            self.unlink(number);
        }
        number * CHUNK + slot
    }

    /// To the head of the list of those with room.
    fn link(&mut self, number: usize) {
        let after = std::mem::replace(&mut self.roomy, number);
        (self.chunk(number).before, self.chunk(number).after) = (NONE, after);
        if after != NONE {
            self.chunk(after).before = number;
        }
    }

    fn unlink(&mut self, number: usize) {
        let Chunk { before, after, .. } = *self.chunk(number);
        match before {
            NONE => self.roomy = after,
            before => self.chunk(before).after = after,
        }
        if after != NONE {
            self.chunk(after).before = before;
        }
    }

    /// The task in the slot that has rung, if there is one and it is over. The slot is vacant then.
    pub(super) fn take_finished(&mut self, index: usize) -> Option<Finished<T>> {
        let slot = self.slot(index)?;
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
        let slots = || self.chunks.iter().flatten().flat_map(|chunk| &chunk.slots);
        (slots().count(), slots().filter(|slot| slot.waker.is_some()).count())
    }

    fn vacate(&mut self, index: usize) {
        let number = index / CHUNK;
        self.occupied -= 1;
        let chunk = self.chunk(number);
        let had_room = chunk.has_room();
        let is_vacant = chunk.occupied == 1;
        // The task and the waker go when all is in order.
        let _gone = chunk.vacate(index % CHUNK, number < KEPT);
        if !had_room {
            self.link(number);
        }
        if is_vacant && number >= KEPT {
            if self.spare == NONE {
                self.spare = number;
            } else {
                self.unlink(number);
                self.chunks[number] = None;
                self.freed.push(number);
            }
        }
        if self.occupied == 0 && self.chunks.len() > KEPT {
            *self = Slots::new();
        }
    }
}

impl<T> Chunk<T> {
    fn has_room(&self) -> bool {
        self.occupied < CHUNK
    }

    fn occupy(&mut self) -> usize {
        self.occupied += 1;
        let slot = self.vacant;
        if slot == NONE {
            self.slots.push(Slot { content: Content::Vacant { next: NONE }, waker: None });
            return self.slots.len() - 1;
        }
        match self.slots[slot].content {
            Content::Vacant { next } => self.vacant = next,
            _ => unreachable!("BUG: slot {slot} of a join set is on the free list and has a task"),
        }
        slot
    }

    fn vacate(&mut self, index: usize, keep_waker: bool) -> (Content<T>, Option<Waker>) {
        self.occupied -= 1;
        let slot = &mut self.slots[index];
        let task = std::mem::replace(&mut slot.content, Content::Vacant { next: self.vacant });
        self.vacant = index;
        (task, if keep_waker { None } else { slot.waker.take() })
    }
}

/// Polls a handle regardless of the budget: who waits for the set has paid, or does not wait.
fn poll<T>(handle: &mut JoinHandle<T>, waker: &Waker) -> Poll<Result<T, JoinError>> {
    with_budget(Budget::UNCONSTRAINED, || Pin::new(handle).poll(&mut Context::from_waker(waker)))
}
