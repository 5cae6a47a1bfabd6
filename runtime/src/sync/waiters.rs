//! The queue of those who wait: a doubly linked list whose nodes lie in a slab.
//!
//! Owns: [`WaitList`], [`Key`], [`WakerSlot`].
//! Not here: the memory of the nodes (`slab`); when somebody is woken; that is each primitive's own rule (`permits`, `notify`, `broadcast`…).
//!
//! A node is in one of four states: *queued* (linked, has a waker), *fired* (unlinked by the one who served it, its
//! waker taken, still owned by its waiter), *granted* (fired, but in a second list of those whose waiters have not been
//! here since), *free*. Only the waiter frees a node, with the [`Key`] it got; each node has a number of its own, which
//! makes a stale key harmless.
//!
//! The danger: a list is only touched under its primitive's lock, and waker code must not run there. So every
//! function takes a waker that was cloned before, and gives back the one it replaces or removes, for the caller to
//! drop or wake after unlocking.
//!
//! Rejected: nodes inside the futures (pinned, intrusive). They save a bounds check and cost unsafe code in every
//! primitive; a slab node is found by index, and a future that was leaked by `mem::forget` leaks 48 bytes, no more.

mod slab;

use self::slab::{NIL, Slab};
use super::wake::WakeBatch;
use crate::engine::atomics::{Mutex, MutexGuard};
use crate::engine::contention;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::task::{Context, Waker};

/// Names one node of one waiter. A key that outlives its node is told from the next one by its generation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Key {
    index: u32,
    generation: u32,
}

#[derive(Debug)]
struct Node<P> {
    waker: Option<Waker>,
    payload: P,
    prev: u32,
    next: u32,
    generation: u32,
    stands: Stands,
}

/// Which list a node is linked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    Queued,
    Granted,
    Alone,
}

/// See the module's head. `P` is what the primitive remembers about a waiter.
#[derive(Debug)]
pub(super) struct WaitList<P> {
    nodes: Slab<Node<P>>,
    first: u32,
    last: u32,
    /// The granted one that was granted last.
    granted: u32,
    /// Of the next node: as its place may have been given back in between, it is not the place that counts.
    generation: u32,
}

impl<P> WaitList<P> {
    pub(super) const fn new() -> Self {
        WaitList { nodes: Slab::new(), first: NIL, last: NIL, granted: NIL, generation: 0 }
    }

    /// Is nobody queued? (Fired nodes may be left.)
    pub(super) fn is_empty(&self) -> bool {
        self.first == NIL
    }

    /// How many are queued. Walks the queue.
    pub(super) fn queued(&self) -> usize {
        std::iter::successors(self.nodes.get(self.first), |node| self.nodes.get(node.next)).count()
    }

    /// Queues a waiter behind all others.
    #[inline]
    pub(super) fn push_back(&mut self, waker: Option<Waker>, payload: P) -> Key {
        let (generation, last) = (self.generation, self.last);
        self.generation = generation.wrapping_add(1);
        let index =
            self.nodes.insert(|| Node { waker, payload, prev: last, next: NIL, generation, stands: Stands::Queued });
        match last {
            NIL => self.first = index,
            _ => self.at(last).next = index,
        }
        self.last = index;
        Key { index, generation }
    }

    /// A node that is known to be live.
    #[inline]
    fn at(&mut self, index: u32) -> &mut Node<P> {
        self.nodes.get_mut(index).expect("BUG: a link of a wait list leads to a free node")
    }

    #[inline]
    fn node(&mut self, key: Key) -> &mut Node<P> {
        let node = self.nodes.get_mut(key.index).filter(|node| node.generation == key.generation);
        node.unwrap_or_else(|| panic!("BUG: stale key of a waiter: {key:?}"))
    }

    /// The payload of the waiter that has waited longest.
    pub(super) fn first_payload(&mut self) -> Option<&mut P> {
        Some(&mut self.nodes.get_mut(self.first)?.payload)
    }

    /// The payload of the waiter that came last.
    pub(super) fn last_payload(&mut self) -> Option<&mut P> {
        Some(&mut self.nodes.get_mut(self.last)?.payload)
    }

    /// Takes the oldest waiter out of the queue and gives its waker. Its node stays, fired.
    pub(super) fn fire_first(&mut self) -> Option<Waker> {
        self.fire(self.first)
    }

    /// Like [`fire_first`](Self::fire_first), for the youngest.
    pub(super) fn fire_last(&mut self) -> Option<Waker> {
        self.fire(self.last)
    }

    /// Like [`fire_first`](Self::fire_first); the node can be found among the granted until its waiter removes it.
    pub(super) fn grant_first(&mut self) -> Option<Waker> {
        let index = self.first;
        if index == NIL {
            return None;
        }
        self.unlink(index);
        let second = std::mem::replace(&mut self.granted, index);
        if second != NIL {
            self.at(second).prev = index;
        }
        let node = self.at(index);
        (node.next, node.stands) = (second, Stands::Granted);
        node.waker.take()
    }

    fn fire(&mut self, index: u32) -> Option<Waker> {
        if index == NIL {
            return None;
        }
        self.unlink(index);
        self.at(index).waker.take()
    }

    /// Fires every queued waiter, each payload being shown to `mark`, and collects the wakers.
    pub(super) fn fire_all(&mut self, batch: &mut WakeBatch, mut mark: impl FnMut(&mut P)) {
        if self.first == NIL {
            return;
        }
        // Nodes that are live are queued or fired, so this is room for all, and at most for some more.
        batch.reserve(self.nodes.live());
        let mut index = std::mem::replace(&mut self.first, NIL);
        self.last = NIL;
        // All of them go, so none needs its neighbours mended.
        while let Some(node) = self.nodes.get_mut(index) {
            index = node.next;
            (node.prev, node.next, node.stands) = (NIL, NIL, Stands::Alone);
            mark(&mut node.payload);
            if let Some(waker) = node.waker.take() {
                batch.push(waker);
            }
        }
    }

    pub(super) fn is_queued(&mut self, key: Key) -> bool {
        self.node(key).stands == Stands::Queued
    }

    /// Would the waiter's waker wake the same task as `waker`?
    pub(super) fn will_wake(&mut self, key: Key, waker: &Waker) -> bool {
        self.node(key).waker.as_ref().is_some_and(|old| old.will_wake(waker))
    }

    /// Puts `waker` in and gives the old one back, to be dropped after unlocking.
    #[must_use = "drop it after unlocking"]
    pub(super) fn set_waker(&mut self, key: Key, waker: Waker) -> Option<Waker> {
        self.node(key).waker.replace(waker)
    }

    /// The waiter leaves: its node is free again.
    #[must_use = "drop the waker after unlocking"]
    pub(super) fn remove(&mut self, key: Key) -> (P, Option<Waker>) {
        self.unlink_from_any(key);
        let node = self.nodes.remove(key.index).expect("BUG: the node was there a moment ago");
        (node.payload, node.waker)
    }

    /// The same where nothing of the user's is left in the node: it is dropped here, and moved nowhere.
    #[inline]
    pub(super) fn free(&mut self, key: Key) {
        debug_assert!(self.node(key).waker.is_none(), "a waker would be dropped under the lock");
        self.unlink_from_any(key);
        self.nodes.free(key.index);
    }

    #[inline]
    fn unlink_from_any(&mut self, key: Key) {
        match self.node(key).stands {
            Stands::Queued => self.unlink(key.index),
            Stands::Granted => self.unlink_granted(key.index),
            Stands::Alone => {}
        }
    }

    #[inline]
    fn unlink(&mut self, index: u32) {
        let node = self.at(index);
        let (prev, next) = (node.prev, node.next);
        (node.prev, node.next, node.stands) = (NIL, NIL, Stands::Alone);
        match prev {
            NIL => self.first = next,
            _ => self.at(prev).next = next,
        }
        match next {
            NIL => self.last = prev,
            _ => self.at(next).prev = prev,
        }
    }
}

/// For those who move a grant from one waiter to another.
impl<P> WaitList<P> {
    /// Is there a waiter that was granted something and has not been here since?
    #[inline]
    pub(super) fn has_granted(&self) -> bool {
        self.granted != NIL
    }

    /// Does `other` wait, to be woken by another waker than `key`? Unlike elsewhere, `other` may be stale.
    pub(super) fn waits_with_another_waker(&self, other: Key, key: Key) -> bool {
        let waker_of = |key: Key| {
            let node = self.nodes.get(key.index).filter(|node| node.generation == key.generation)?;
            node.waker.as_ref().filter(|_| node.stands == Stands::Queued)
        };
        match (waker_of(other), waker_of(key)) {
            (Some(some), Some(other)) => !some.will_wake(other),
            _ => false,
        }
    }

    /// What the primitive remembers about a waiter.
    pub(super) fn peek(&self, key: Key) -> &P {
        let node = self.nodes.get(key.index).filter(|node| node.generation == key.generation);
        node.map(|node| &node.payload).unwrap_or_else(|| panic!("BUG: stale key of a waiter: {key:?}"))
    }

    /// Like [`peek`](Self::peek), to change it.
    pub(super) fn payload(&mut self, key: Key) -> &mut P {
        &mut self.node(key).payload
    }

    /// The first that `is_it` accepts of the `looks` granted last.
    pub(super) fn find_granted(&self, looks: usize, is_it: impl Fn(&P) -> bool) -> Option<Key> {
        let mut index = self.granted;
        for _ in 0..looks {
            let node = self.nodes.get(index)?;
            if is_it(&node.payload) {
                return Some(Key { index, generation: node.generation });
            }
            index = node.next;
        }
        None
    }

    /// Takes a grant back: its waiter is queued again, before all others, without a waker.
    pub(super) fn requeue_granted_first(&mut self, key: Key) {
        assert!(self.node(key).stands == Stands::Granted, "BUG: took back what was not granted: {key:?}");
        self.unlink_granted(key.index);
        self.push_front(key.index);
    }

    /// A queued waiter goes before all others.
    pub(super) fn move_to_front(&mut self, key: Key) {
        self.unlink(key.index);
        self.push_front(key.index);
    }

    /// Takes the waker out, for one that need not be woken.
    pub(super) fn take_waker(&mut self, key: Key) -> Option<Waker> {
        self.node(key).waker.take()
    }

    fn push_front(&mut self, index: u32) {
        let second = std::mem::replace(&mut self.first, index);
        match second {
            NIL => self.last = index,
            _ => self.at(second).prev = index,
        }
        let node = self.at(index);
        (node.prev, node.next, node.stands) = (NIL, second, Stands::Queued);
    }

    #[inline]
    fn unlink_granted(&mut self, index: u32) {
        let node = self.at(index);
        let (prev, next) = (node.prev, node.next);
        (node.prev, node.next, node.stands) = (NIL, NIL, Stands::Alone);
        match prev {
            NIL => self.granted = next,
            _ => self.at(prev).next = next,
        }
        if next != NIL {
            self.at(next).prev = prev;
        }
    }
}

/// A wait list behind its lock.
#[derive(Debug)]
pub(super) struct Waiters<P>(Mutex<WaitList<P>>);

// The list is consistent whenever its lock is free, whoever panicked: no foreign code runs inside.
impl<P> UnwindSafe for Waiters<P> {}
impl<P> RefUnwindSafe for Waiters<P> {}

impl<P> Waiters<P> {
    crate::engine::const_fn! {
        pub(super) const fn new() -> Self {
            Waiters(Mutex::new(WaitList::new()))
        }
    }

    #[inline]
    pub(super) fn lock(&self) -> MutexGuard<'_, WaitList<P>> {
        contention::lock(&self.0)
    }

    /// See [`check_or_wait`].
    pub(super) fn check_or_wait<R>(
        &self,
        key: Key,
        cx: &mut Context<'_>,
        check: impl FnMut(&mut WaitList<P>, Key) -> Option<R>,
    ) -> Option<R> {
        check_or_wait(&self.0, |list| list, key, cx, check)
    }
}

/// Runs `check` under the lock until it is content or the waiter with `key` is registered with `cx`'s waker.
///
/// `check` answers `Some` when there is nothing to wait for any more. The waker is cloned and the old one is dropped
/// outside of the lock; `check` runs again after each time the lock was free.
pub(super) fn check_or_wait<S, P, R>(
    lock: &Mutex<S>,
    list_of: impl Fn(&mut S) -> &mut WaitList<P>,
    key: Key,
    cx: &mut Context<'_>,
    mut check: impl FnMut(&mut S, Key) -> Option<R>,
) -> Option<R> {
    let mut fresh = None;
    loop {
        let mut state = lock.lock();
        if let Some(answer) = check(&mut state, key) {
            drop(state);
            return Some(answer);
        }
        let list = list_of(&mut state);
        if list.will_wake(key, cx.waker()) {
            drop(state);
            return None;
        }
        if let Some(waker) = fresh.take() {
            let old = list.set_waker(key, waker);
            drop(state);
            drop(old);
            return None;
        }
        drop(state);
        fresh = Some(cx.waker().clone());
    }
}

/// Room for the waker of the one task that may wait here.
#[derive(Debug)]
pub(super) struct WakerSlot(Mutex<Option<Waker>>);

impl UnwindSafe for WakerSlot {}
impl RefUnwindSafe for WakerSlot {}

impl WakerSlot {
    pub(super) fn new() -> Self {
        WakerSlot(Mutex::new(None))
    }

    /// Registers `cx`'s waker. Whoever publishes something and then calls [`take`](Self::take) either finds it, or
    /// took the lock first, and then the caller's look after this call finds what was published.
    pub(super) fn register(&self, cx: &mut Context<'_>) {
        if self.0.lock().as_ref().is_some_and(|old| old.will_wake(cx.waker())) {
            return;
        }
        let fresh = cx.waker().clone();
        let old = self.0.lock().replace(fresh);
        drop(old);
    }

    pub(super) fn take(&self) -> Option<Waker> {
        self.0.lock().take()
    }

    /// Wakes the one who waits, if any, with the lock free.
    pub(super) fn wake(&self) {
        let waker = self.take();
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests;
