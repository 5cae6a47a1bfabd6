//! One level: 64 lists, each of them the entries of one value of a digit, and a word that says which are in use.
//!
//! Owns: the ends of the lists, the occupancy word, a lower bound of the deadlines per slot.
//! Not here: the entries themselves and the links between them (`arena`, `wheel`).
//!
//! The slots of a level (a kilobyte) are allocated when the first timer for it comes. A wheel that was never used
//! has no memory at all, and one for the timeouts of a server has two or three levels. They come as a vector from
//! the heap: an array moved into a box would be built on the stack first, and wheels are made on small stacks.
//!
//! `earliest` makes `next_deadline` exact without a search: it goes down with each entry that is added. It does not
//! go up when the earliest entry is taken away while others remain, since finding the second earliest means
//! reading the list. It is a lower bound then, until the slot is emptied or opened.
//!
//! Rejected: deriving the next deadline from the slot's number. It is a bound as well, but for every timer: a sleep
//! of an hour wakes its driver once for each level on the way down, instead of once.

use crate::arena::{LIST, Link};
use crate::tick::SLOTS;

/// The two ends of a list, and the earliest deadline in it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct List {
    /// The first and last entry; both are the list's own number (with [`LIST`] set) while it is empty.
    pub(crate) head: Link,
    pub(crate) tail: Link,
    /// No entry's deadline is below this. Has no meaning while the list is empty.
    pub(crate) earliest: u64,
}

impl List {
    pub(crate) const fn empty(number: u32) -> Self {
        List { head: LIST | number, tail: LIST | number, earliest: u64::MAX }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.head & LIST != 0
    }
}

#[derive(Debug)]
pub(crate) struct Level {
    /// Bit `n` is set while the list of slot `n` has an entry.
    occupied: u64,
    slots: Option<Box<[List; SLOTS]>>,
}

impl Level {
    pub(crate) const NEW: Level = Level { occupied: 0, slots: None };

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.occupied == 0
    }

    /// The first slot in use. The level must not be empty.
    #[inline]
    pub(crate) fn first_slot(&self) -> usize {
        debug_assert!(!self.is_empty());
        self.occupied.trailing_zeros() as usize % SLOTS
    }

    /// The list of `slot`, or `None` where the level has no memory, which means that all its lists are empty.
    #[inline]
    pub(crate) fn list(&self, slot: usize) -> Option<&List> {
        Some(&self.slots.as_deref()?[slot % SLOTS])
    }

    /// The list of `slot`. `first_number` is the number of this level's first list.
    #[inline]
    pub(crate) fn list_mut(&mut self, first_number: u32, slot: usize) -> &mut List {
        let slots = match &mut self.slots {
            Some(slots) => slots,
            none => none.insert(allocate(first_number)),
        };
        &mut slots[slot % SLOTS]
    }

    #[inline]
    pub(crate) fn mark_used(&mut self, slot: usize) {
        self.occupied |= 1 << slot;
    }

    #[inline]
    pub(crate) fn mark_empty(&mut self, slot: usize) {
        self.occupied &= !(1 << slot);
    }

    /// Gives the memory back if nothing is in it.
    pub(crate) fn shrink(&mut self) {
        if self.is_empty() {
            self.slots = None;
        }
    }

    #[cfg(test)]
    pub(crate) fn occupied(&self) -> u64 {
        self.occupied
    }

    #[cfg(test)]
    pub(crate) fn has_memory(&self) -> bool {
        self.slots.is_some()
    }
}

#[cold]
fn allocate(first_number: u32) -> Box<[List; SLOTS]> {
    let lists: Vec<List> = (0..SLOTS as u32).map(|slot| List::empty(first_number + slot)).collect();
    match lists.into_boxed_slice().try_into() {
        Ok(slots) => slots,
        Err(_) => unreachable!("BUG: a level has {SLOTS} lists"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_comes_with_the_first_list_and_goes_when_all_are_empty() {
        let mut level = Level::NEW;
        assert!(level.is_empty() && !level.has_memory());
        assert!(level.list(5).is_none());
        assert!(level.list_mut(128, 5).is_empty());
        assert_eq!(level.list(5).expect("allocated").head, LIST | 133);
        level.mark_used(5);
        level.shrink();
        assert!(level.has_memory(), "a slot is in use");
        level.mark_empty(5);
        level.shrink();
        assert!(!level.has_memory());
    }

    #[test]
    fn the_first_slot_is_the_lowest_bit() {
        let mut level = Level::NEW;
        for slot in [63, 17, 0] {
            level.mark_used(slot);
            assert_eq!(level.first_slot(), slot);
        }
        level.mark_empty(0);
        assert_eq!(level.first_slot(), 17);
        level.mark_empty(17);
        level.mark_empty(63);
        assert!(level.is_empty());
    }
}
