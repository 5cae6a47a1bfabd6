//! Who descends from whom, and is cancelled with whom.
//!
//! Owns: [`Member`], the tree of its family.
//! Not here: the public types.
//!
//! All members of a family share one lock and one map from numbers to places. A place knows its parent, its first and
//! last child and its siblings, by number. A member whose last handle is gone leaves its place:
//!
//! * without children, the place goes;
//! * with one child, the place goes and the child takes it;
//! * with more, the place stays, empty, for as long as it has more than one child.
//!
//! So every step is O(1), and there are never more empty places than members: a chain in which each token has a child and
//! is dropped stays two places long, however long it goes on. A cancelled member has no place either.
//!
//! Rejected: children that own their parents. Simple, but such a chain grows for ever, and its end is dropped by recursion.
//! Rejected: a lock per member. Moving a child to its grandparent takes three of them, in an order that the moves change.
//!
//! The danger: the last handle of a member that goes while an ancestor is cancelled. The canceller works on places, and
//! holds the members it finds until the lock is free; one it cannot find any more has nobody who could wait.

use crate::engine::atomics::{AtomicBool, Mutex, Ordering};
use crate::sync::notify::Notify;
use crate::sync::wake::WakeBatch;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::ops::Deref;
use std::sync::{Arc, Weak};

/// Names a place. 0 is none.
type Number = u64;
const NONE: Number = 0;

/// One token, shared by its clones.
pub(super) struct Member {
    cancelled: AtomicBool,
    notify: Notify,
    family: Arc<Family>,
    number: Number,
}

struct Family(Mutex<Tree>);

struct Tree {
    places: HashMap<Number, Place, BuildHasherDefault<Spread>>,
    /// The number that was given last.
    last: Number,
}

/// A member's place, or what is left of it.
struct Place {
    /// `None`: the member has gone.
    member: Option<Weak<Member>>,
    parent: Number,
    first: Number,
    last: Number,
    older: Number,
    younger: Number,
}

/// Numbers are given one after the other; a multiplication spreads them as well as a real hash would.
#[derive(Default)]
struct Spread(u64);

impl Hasher for Spread {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, _: &[u8]) {
        unreachable!("BUG: places have numbers");
    }

    fn write_u64(&mut self, number: u64) {
        // 2^64 divided by the golden ratio.
        self.0 = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    }
}

impl Member {
    /// The first of a new family.
    pub(super) fn first() -> Arc<Member> {
        let tree = Tree { places: HashMap::default(), last: NONE };
        let family = Arc::new(Family(Mutex::new(tree)));
        // No other handle exists yet: the tree is ours without waiting.
        Member::join(&family, NONE)
    }

    pub(super) fn child(&self) -> Arc<Member> {
        if self.is_cancelled() { Member::late(&self.family) } else { Member::join(&self.family, self.number) }
    }

    /// A member that is cancelled from the start, and has no place.
    fn late(family: &Arc<Family>) -> Arc<Member> {
        let (cancelled, notify) = (AtomicBool::new(true), Notify::new());
        Arc::new(Member { cancelled, notify, family: Arc::clone(family), number: NONE })
    }

    fn join(family: &Arc<Family>, parent: Number) -> Arc<Member> {
        let mut tree = family.0.lock();
        // The parent may have been cancelled since the caller looked.
        if parent != NONE && !tree.places.contains_key(&parent) {
            drop(tree);
            return Member::late(family);
        }
        tree.last += 1;
        let (cancelled, notify, number) = (AtomicBool::new(false), Notify::new(), tree.last);
        let member = Arc::new(Member { cancelled, notify, family: Arc::clone(family), number });
        tree.add(number, Arc::downgrade(&member), parent);
        drop(tree);
        member
    }

    pub(super) fn is_cancelled(&self) -> bool {
        self.cancelled.load(Ordering::Acquire)
    }

    pub(super) fn cancel(&self) {
        if self.is_cancelled() {
            return;
        }
        let mut batch = WakeBatch::new();
        let mut tree = self.family.0.lock();
        let cancelled = tree.cut(self.number);
        // All flags before any wake: a task that runs sees its whole branch cancelled.
        for member in &cancelled {
            member.cancelled.store(true, Ordering::Release);
        }
        drop(tree);
        for member in &cancelled {
            member.notify.notify_waiters_into(&mut batch);
        }
        batch.wake_all();
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        if !self.is_cancelled() {
            let mut tree = self.family.0.lock();
            tree.leave(self.number);
            tree.shrink();
        }
    }
}

impl Tree {
    fn add(&mut self, number: Number, member: Weak<Member>, parent: Number) {
        let older = match self.places.get_mut(&parent) {
            Some(parent) => std::mem::replace(&mut parent.last, number),
            None => NONE,
        };
        if older != NONE {
            self.place(older).younger = number;
        } else if parent != NONE {
            self.place(parent).first = number;
        }
        let place = Place { member: Some(member), parent, first: NONE, last: NONE, older, younger: NONE };
        self.places.insert(number, place);
    }

    fn place(&mut self, number: Number) -> &mut Place {
        self.places.get_mut(&number).expect("BUG: a link in a family of tokens leads nowhere")
    }

    /// The member of this place has no handle any more.
    fn leave(&mut self, number: Number) {
        // Cancelled by an ancestor meanwhile: no place.
        if let Some(place) = self.places.get_mut(&number) {
            place.member = None;
            self.tidy(number);
        }
    }

    /// Takes an empty place away if it has at most one child, and then perhaps its parent's.
    fn tidy(&mut self, number: Number) {
        let mut at = number;
        while let Some(place) = self.places.get(&at) {
            if place.member.is_some() || place.first != place.last {
                return;
            }
            let (only_child, parent) = (place.first, place.parent);
            if only_child == NONE {
                self.unlink(at);
                self.places.remove(&at);
                // The parent has a child less; if it is empty it may be able to go too.
                at = parent;
            } else {
                self.replace_by_child(at, only_child);
                return;
            }
        }
    }

    /// Links `child` where its parent stands, which goes.
    fn replace_by_child(&mut self, number: Number, child: Number) {
        let Some(gone) = self.places.remove(&number) else { return };
        let place = self.place(child);
        (place.parent, place.older, place.younger) = (gone.parent, gone.older, gone.younger);
        self.link_neighbours(&gone, child, child);
    }

    fn unlink(&mut self, number: Number) {
        let place = self.place(number);
        let gone = Place { member: None, ..*place };
        (place.parent, place.older, place.younger) = (NONE, NONE, NONE);
        self.link_neighbours(&gone, gone.younger, gone.older);
    }

    /// What led to `place` from its older side leads to `forwards` from now on, and from its younger side `backwards`.
    fn link_neighbours(&mut self, place: &Place, forwards: Number, backwards: Number) {
        if place.older != NONE {
            self.place(place.older).younger = forwards;
        } else if place.parent != NONE {
            self.place(place.parent).first = forwards;
        }
        if place.younger != NONE {
            self.place(place.younger).older = backwards;
        } else if place.parent != NONE {
            self.place(place.parent).last = backwards;
        }
    }

    /// Takes a branch out of the tree; gives its members, parents before children.
    fn cut(&mut self, number: Number) -> Vec<Arc<Member>> {
        let mut members = Vec::new();
        // Cancelled by another meanwhile: no place.
        let Some(top) = self.places.get(&number) else { return members };
        let parent = top.parent;
        self.unlink(number);
        let mut at = vec![number];
        while let Some(place) = at.pop().and_then(|number| self.places.remove(&number)) {
            // A pointer that leads nowhere is of a member that is about to `leave`.
            members.extend(place.member.and_then(|member| member.upgrade()));
            let mut child = place.last;
            while child != NONE {
                at.push(child);
                child = self.place(child).older;
            }
        }
        self.tidy(parent);
        self.shrink();
        members
    }

    /// Gives memory back that a much larger family has needed.
    fn shrink(&mut self) {
        if self.places.capacity() > 64 && self.places.len() < self.places.capacity() / 8 {
            self.places.shrink_to(self.places.len() * 2);
        }
    }
}

/// A handle that leads to its member's `Notify`.
pub(super) struct OwnedBy(pub(super) Arc<Member>);

impl Deref for OwnedBy {
    type Target = Notify;

    fn deref(&self) -> &Notify {
        &self.0.notify
    }
}

/// The same, borrowed.
#[derive(Clone, Copy)]
pub(super) struct BorrowedFrom<'a>(pub(super) &'a Member);

impl Deref for BorrowedFrom<'_> {
    type Target = Notify;

    fn deref(&self) -> &Notify {
        &self.0.notify
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn places(member: &Member) -> usize {
        member.family.0.lock().places.len()
    }

    #[test]
    fn a_chain_whose_tokens_go_stays_short() {
        let mut last = Member::first();
        for _ in 0..1000 {
            last = last.child();
            assert_eq!(places(&last), 1);
        }
        let root = Member::first();
        let mut last = root.child();
        for _ in 0..1000 {
            last = last.child();
            assert_eq!(places(&root), 2);
        }
        root.cancel();
        assert!(last.is_cancelled());
        assert_eq!(places(&root), 0);
    }

    #[test]
    fn an_empty_place_goes_with_its_last_child_but_one() {
        let root = Member::first();
        let parent = root.child();
        let children: Vec<_> = (0..5).map(|_| parent.child()).collect();
        drop(parent);
        assert_eq!(places(&root), 7, "the place stays, for five children");
        let mut children = children.into_iter();
        let kept = children.next();
        for left in [6, 5, 4, 2] {
            drop(children.next());
            assert_eq!(places(&root), left);
        }
        root.cancel();
        assert!(kept.is_some_and(|kept| kept.is_cancelled()));
    }

    #[test]
    fn a_family_gives_memory_back() {
        let root = Member::first();
        let children: Vec<_> = (0..10_000).map(|_| root.child()).collect();
        let most = root.family.0.lock().places.capacity();
        drop(children);
        let tree = root.family.0.lock();
        assert!(tree.places.capacity() < most / 50, "{} of {most}", tree.places.capacity());
    }
}
