//! Where entries live: one vector, a free list through it, and a generation per place that makes old keys stale.
//!
//! Owns: [`Key`], the memory of all entries.   Imports: nothing.
//! Not here: which list an entry is in (`level`, `wheel`); the arena only stores its two links.
//!
//! Lists are made of indices into this vector instead of pointers, hence no unsafe code in the crate, and a wrong
//! index is a panic at worst. A freed place goes on top of the free list: the next timer gets the memory that is
//! still in the cache, and a server whose timers come and go allocates nothing.
//!
//! The danger: a key kept after its timer is gone names a place that has a new tenant by now, and cancels somebody
//! else's timer. Each place therefore counts its tenants in 32 bits. A program that sets and cancels as fast as it
//! can uses up these 2^32 generations within a minute or two, as the free list hands out the same place each time;
//! a counter that wraps would make an old key valid again. A place whose generations are used up is retired
//! instead: about 50 bytes lost after 4 billion timers, and no key ever fits twice. For the same reason places that
//! [`Arena::shrink`] cuts off leave a mark behind, from which later places in their stead start counting; those worn
//! more than half are not cut off, so that no place starts life with few generations to give.
//!
//! Rejected: `slab` (no generations); `slotmap` (links, deadline and value would be one more indirection, and its
//! keys wrap).

use std::fmt;

/// A link: the index of an entry, or, with [`LIST`] set, the number of the list that ends here.
///
/// The first entry's `prev` and the last one's `next` name their list. So an entry in the middle of nowhere can be
/// unlinked without knowing which list it is in, and a whole list changes hands by rewriting two links.
pub(crate) type Link = u32;

/// Marks a [`Link`] as the number of a list.
pub(crate) const LIST: Link = 1 << 31;

/// A free place of this generation or a later one is never cut off.
const WORN: u32 = 1 << 31;

/// The end of the free list.
const NONE: u32 = u32::MAX;

/// Names one timer of one wheel, from [`insert`](crate::TimerWheel::insert) until it is cancelled, comes due or is
/// drained.
///
/// A key is a plain number: copy it, keep it as long as you like. Once its timer is gone it is stale for good and
/// every method answers `None` or `false` to it. A key means nothing to another wheel than the one that made it:
/// there it may be stale or name any timer, so that mixing wheels up is a mistake, if a harmless one for memory.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Key {
    index: u32,
    generation: u32,
}

impl Key {
    /// The key as one number, for callers who keep it in an atomic word.
    #[inline]
    pub const fn to_bits(self) -> u64 {
        (self.generation as u64) << 32 | self.index as u64
    }

    /// The key that [`to_bits`](Self::to_bits) made a number of. Any other number gives a key that is
    /// stale, or names some timer.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Key { index: bits as u32, generation: (bits >> 32) as u32 }
    }

    #[inline]
    pub(crate) const fn index(self) -> u32 {
        self.index
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}v{})", self.index, self.generation)
    }
}

/// One place: a timer, or a link of the free list.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) prev: Link,
    /// The next entry of the list, or of the free list where `value` is `None`.
    pub(crate) next: Link,
    generation: u32,
    pub(crate) deadline: u64,
    value: Option<T>,
}

#[derive(Debug)]
pub(crate) struct Arena<T> {
    entries: Vec<Entry<T>>,
    free: u32,
    len: u32,
    /// Every generation that a cut-off place has given away is below this one: new places start here.
    fresh_generation: u32,
}

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Arena { entries: Vec::new(), free: NONE, len: 0, fresh_generation: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many places there are, used or not.
    pub(crate) fn capacity(&self) -> usize {
        self.entries.capacity()
    }

    /// Makes room for so many more entries.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let free = self.entries.len() - self.len();
        self.entries.reserve(additional.saturating_sub(free));
    }

    /// A new entry with undefined links.
    ///
    /// # Panics
    /// With 2^31 places in use.
    #[inline]
    #[track_caller]
    pub(crate) fn add(&mut self, deadline: u64, value: T) -> Key {
        let index = self.free;
        if let Some(entry) = self.entries.get_mut(index as usize) {
            self.free = entry.next;
            self.len += 1;
            entry.deadline = deadline;
            entry.value = Some(value);
            return Key { index, generation: entry.generation };
        }
        self.grow(deadline, value)
    }

    #[cold]
    #[track_caller]
    fn grow(&mut self, deadline: u64, value: T) -> Key {
        let index = self.entries.len();
        assert!(
            index < LIST as usize,
            "no room for another timer: the wheel already holds 2^31 of them, the most it can. \
             Cancel timers that are no longer needed, or use several wheels."
        );
        let (index, generation) = (index as u32, self.fresh_generation);
        self.entries.push(Entry { prev: LIST, next: LIST, generation, deadline, value: Some(value) });
        self.len += 1;
        Key { index, generation }
    }

    /// The index of `key`'s entry, or `None` where the key is stale.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        let entry = self.entries.get(key.index as usize)?;
        // A free place already has the generation of its next tenant, whose key nobody has; the second test is for
        // keys made of thin air by `from_bits`, and for retired places.
        (entry.generation == key.generation && entry.value.is_some()).then_some(key.index)
    }

    /// The key of the entry at `index`.
    pub(crate) fn key(&self, index: u32) -> Key {
        Key { index, generation: self.entries[index as usize].generation }
    }

    /// Takes the entry at `index`, which must be used and in no list any more, out of the arena.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) -> T {
        let entry = &mut self.entries[index as usize];
        let value = entry.value.take().expect("BUG: an entry in a list has no value");
        self.len -= 1;
        if let Some(generation) = entry.generation.checked_add(1) {
            entry.generation = generation;
            entry.next = self.free;
            self.free = index;
        }
        value
    }

    #[inline]
    pub(crate) fn entry(&self, index: u32) -> &Entry<T> {
        &self.entries[index as usize]
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        &mut self.entries[index as usize]
    }

    #[inline]
    pub(crate) fn value(&self, key: Key) -> Option<&T> {
        let index = self.find(key)?;
        self.entries[index as usize].value.as_ref()
    }

    #[inline]
    pub(crate) fn value_mut(&mut self, key: Key) -> Option<&mut T> {
        let index = self.find(key)?;
        self.entries[index as usize].value.as_mut()
    }

    /// Gives back the memory behind the last place in use, and orders the free list so that low places are used
    /// first, which lets the next call give back more.
    pub(crate) fn shrink(&mut self) {
        let kept = |entry: &Entry<T>| entry.value.is_some() || entry.generation >= WORN;
        let used = self.entries.iter().rposition(kept).map_or(0, |last| last + 1);
        for entry in self.entries.drain(used..) {
            self.fresh_generation = self.fresh_generation.max(entry.generation);
        }
        self.entries.shrink_to_fit();
        self.free = NONE;
        for index in (0..used).rev() {
            let entry = &mut self.entries[index];
            // A free place at the last generation may have one tenant to come, or be retired; which of the two is
            // not recorded, so it counts as retired.
            if entry.value.is_none() && entry.generation < u32::MAX {
                entry.next = self.free;
                self.free = index as u32;
            }
        }
    }

    /// Sets the generation of the free place that is handed out next, as if that many tenants had left it.
    #[cfg(test)]
    pub(crate) fn age_next_free(&mut self, generation: u32) {
        let free = self.free;
        self.entries[free as usize].generation = generation;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn add_and_remove(arena: &mut Arena<u8>) -> Key {
        let key = arena.add(0, 7);
        let index = arena.find(key).expect("just added");
        assert_eq!(arena.remove(index), 7);
        key
    }

    #[test]
    fn a_key_is_stale_once_its_entry_is_gone() {
        let mut arena = Arena::new();
        let old = add_and_remove(&mut arena);
        assert_eq!(arena.find(old), None);
        let new = arena.add(0, 8);
        assert_eq!(new.index, old.index, "the place is used again");
        assert_eq!(arena.find(old), None);
        assert_eq!(arena.value(old), None);
        assert_eq!(arena.value(new), Some(&8));
        *arena.value_mut(new).expect("live") = 9;
        assert_eq!(arena.remove(new.index), 9);
    }

    #[test]
    fn a_place_whose_generations_are_used_up_is_retired() {
        let mut arena = Arena::new();
        let first = add_and_remove(&mut arena);
        arena.age_next_free(u32::MAX);
        let last = add_and_remove(&mut arena);
        assert_eq!((last.index, last.generation), (first.index, u32::MAX));
        assert_eq!(arena.find(last), None);
        let next = arena.add(0, 1);
        assert_ne!(next.index, first.index);
        assert_eq!(arena.find(first), None);
        assert_eq!(arena.find(last), None);
        assert_eq!(arena.len(), 1);
        arena.remove(next.index);
        arena.shrink();
        assert_eq!(arena.entries.len(), 1, "the retired place remains");
        let again = arena.add(0, 2);
        assert_ne!(again.index, first.index, "and is not handed out");
    }

    #[test]
    fn keys_stay_stale_when_their_place_was_cut_off_and_grew_again() {
        let mut arena = Arena::new();
        let keys: Vec<_> = (0..100).map(|n| arena.add(0, n)).collect();
        for &key in &keys {
            arena.remove(key.index);
        }
        arena.shrink();
        assert_eq!(arena.capacity(), 0);
        let anew: Vec<_> = (0..100).map(|n| arena.add(0, n)).collect();
        for key in keys {
            assert_eq!(arena.find(key), None);
        }
        assert!(anew.iter().all(|&key| arena.find(key).is_some()));
    }

    #[test]
    fn a_worn_place_does_not_wear_the_new_ones() {
        let mut arena = Arena::new();
        add_and_remove(&mut arena);
        arena.age_next_free(WORN);
        arena.shrink();
        assert_eq!(arena.entries.len(), 1, "kept, though free");
        assert_eq!(arena.fresh_generation, 0);
        assert_eq!(arena.add(0, 1), Key { index: 0, generation: WORN }, "and still in use");
    }

    #[test]
    fn shrink_keeps_what_is_used_and_hands_out_low_places_first() {
        let mut arena = Arena::new();
        let keys: Vec<_> = (0..10).map(|n| arena.add(n, n as u8)).collect();
        for at in [9, 8, 7, 2, 4, 0] {
            arena.remove(keys[at].index);
        }
        arena.shrink();
        assert_eq!((arena.entries.len(), arena.len()), (7, 4));
        for at in [1, 3, 5, 6] {
            assert_eq!(arena.value(keys[at]), Some(&(at as u8)));
        }
        let places: Vec<_> = (0..4).map(|_| arena.add(0, 0).index).collect();
        assert_eq!(places, [0, 2, 4, 7]);
    }

    #[test]
    fn keys_survive_the_way_through_a_number() {
        let key = Key { index: 0x1234_5678, generation: 0x9abc_def0 };
        assert_eq!(Key::from_bits(key.to_bits()), key);
        assert_eq!(format!("{:?}", Key { index: 3, generation: 4 }), "Key(3v4)");
        let mut arena = Arena::new();
        add_and_remove(&mut arena);
        assert_eq!(arena.find(Key { index: 0, generation: 1 }), None, "the next tenant has not moved in");
    }
}
