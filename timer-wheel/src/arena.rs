//! Where entries live: pages of them, a free list in each, and a generation per place that makes old keys stale.
//!
//! Owns: [`Key`], the memory of all entries.
//! Not here: which list an entry is in (`level`, `wheel`); the arena only stores its two links.
//!
//! Lists are made of indices instead of pointers, hence no unsafe code in the crate, and a wrong index is a panic at
//! worst. A freed place goes on top of its page's free list: the next timer gets the memory that is still in the cache.
//!
//! **Memory follows the number of timers.** It comes and goes by the page, so that it is never copied, and a timer that
//! remains of a million keeps one page, not all of them. A page without timers is freed if there are two more than the
//! timers need (or than [`Arena::reserve`] was told): whoever sets and cancels at the edge of a page allocates nothing.
//! The first page grows, since most wheels hold a few timers only.
//!
//! Places are given out by the page that had room last; those with room are a list through the pages.
//!
//! The danger: a key kept after its timer is gone names a place that has a new tenant by now, and cancels somebody
//! else's timer. Each place therefore counts its tenants in 32 bits. A program that sets and cancels as fast as it
//! can uses up these 2^32 generations within a minute or two, as the free list hands out the same place each time;
//! a counter that wraps would make an old key valid again. A place whose generations are used up is retired
//! instead: about 50 bytes lost after 4 billion timers, and no key ever fits twice. For the same reason a page that is
//! freed leaves a mark behind, from which the places in its stead start counting; one with a place that is worn more than
//! half is not freed, so that no place starts life with few generations to give.
//!
//! Rejected: `slab` (no generations); `slotmap` (links, deadline and value would be one more indirection, and its
//! keys wrap). Rejected: one vector. It copies 40 MB when it grows beyond a million, and the last timer keeps all of it.

use std::fmt;

/// A link: the index of an entry, or, with [`LIST`] set, the number of the list that ends here.
///
/// The first entry's `prev` and the last one's `next` name their list. So an entry in the middle of nowhere can be
/// unlinked without knowing which list it is in, and a whole list changes hands by rewriting two links.
pub(crate) type Link = u32;

/// Marks a [`Link`] as the number of a list.
pub(crate) const LIST: Link = 1 << 31;

/// A page with a place of this generation or a later one is never freed.
const WORN: u32 = 1 << 31;

/// No page, or no place.
const NONE: u32 = u32::MAX;

/// Places in a page: 20 KiB where a value is a waker. Few in the crate's own tests, which then use many pages.
const PAGE: u32 = if cfg!(test) { 8 } else { 512 };
const PAGE_BITS: u32 = PAGE.trailing_zeros();

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

/// One place: a timer, or a link of its page's free list.
#[derive(Debug)]
pub(crate) struct Entry<T> {
    pub(crate) prev: Link,
    /// The next entry of the list, or the next free place of the page where `value` is `None`.
    pub(crate) next: Link,
    generation: u32,
    pub(crate) deadline: u64,
    value: Option<T>,
}

#[derive(Debug)]
struct Page<T> {
    /// Or is it freed?
    made: bool,
    /// Up to `PAGE`.
    places: Vec<Entry<T>>,
    free: u32,
    live: u32,
    /// Where new places start counting: every generation that their predecessors have given away is below.
    first_generation: u32,
    /// And this is below none that a place has now.
    newest_generation: u32,
    /// Neighbours in the list of pages with room; `next` also in the one of freed pages.
    prev: u32,
    next: u32,
}

impl<T> Page<T> {
    fn new() -> Self {
        Page {
            made: false,
            places: Vec::new(),
            free: NONE,
            live: 0,
            first_generation: 0,
            newest_generation: 0,
            prev: NONE,
            next: NONE,
        }
    }

    #[inline]
    fn has_room(&self) -> bool {
        self.free != NONE || self.places.len() < PAGE as usize
    }
}

#[derive(Debug)]
pub(crate) struct Arena<T> {
    pages: Vec<Page<T>>,
    /// The first page with room, and the first one that is freed.
    roomy: u32,
    freed: u32,
    /// How many pages have memory, and how many have been asked for.
    made: u32,
    reserved: u32,
    len: u32,
}

#[inline]
fn split(index: u32) -> (usize, usize) {
    ((index >> PAGE_BITS) as usize, (index % PAGE) as usize)
}

impl<T> Arena<T> {
    pub(crate) const fn new() -> Self {
        Arena { pages: Vec::new(), roomy: NONE, freed: NONE, made: 0, reserved: 0, len: 0 }
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.len as usize
    }

    /// How many places there is memory for, used or not.
    pub(crate) fn capacity(&self) -> usize {
        self.pages.iter().map(|page| page.places.capacity()).sum()
    }

    /// Makes room for so many more entries, and keeps it.
    pub(crate) fn reserve(&mut self, additional: usize) {
        let wanted = self.len().saturating_add(additional).min(LIST as usize);
        self.reserved = self.reserved.max(wanted.div_ceil(PAGE as usize) as u32);
        while self.made < self.reserved {
            self.make_page();
        }
        if let Some(first) = self.pages.first_mut() {
            first.places.reserve(wanted.min(PAGE as usize).saturating_sub(first.places.len()));
        }
    }

    /// A new entry with undefined links.
    ///
    /// # Panics
    /// With 2^31 places in use.
    #[inline]
    #[track_caller]
    pub(crate) fn add(&mut self, deadline: u64, value: T) -> Key {
        if let Some(page) = self.pages.get_mut(self.roomy as usize)
            && let Some(entry) = page.places.get_mut(page.free as usize)
        {
            let index = self.roomy << PAGE_BITS | page.free;
            page.free = entry.next;
            page.live += 1;
            self.len += 1;
            entry.deadline = deadline;
            entry.value = Some(value);
            let key = Key { index, generation: entry.generation };
            if !page.has_room() {
                self.leave_roomy(self.roomy);
            }
            return key;
        }
        self.grow(deadline, value)
    }

    /// In a place that was never used.
    #[cold]
    #[track_caller]
    fn grow(&mut self, deadline: u64, value: T) -> Key {
        if self.roomy == NONE {
            assert!(
                self.freed != NONE || self.pages.len() < (LIST / PAGE) as usize,
                "no room for another timer: the wheel already holds 2^31 of them, the most it can. \
                 Cancel timers that are no longer needed, or use several wheels."
            );
            self.make_page();
        }
        let page = &mut self.pages[self.roomy as usize];
        let (index, generation) = (self.roomy << PAGE_BITS | page.places.len() as u32, page.first_generation);
        page.places.push(Entry { prev: LIST, next: LIST, generation, deadline, value: Some(value) });
        page.live += 1;
        self.len += 1;
        if !page.has_room() {
            self.leave_roomy(self.roomy);
        }
        Key { index, generation }
    }

    /// The index of `key`'s entry, or `None` where the key is stale.
    #[inline]
    pub(crate) fn find(&self, key: Key) -> Option<u32> {
        let (page, place) = split(key.index);
        let entry = self.pages.get(page)?.places.get(place)?;
        // A free place already has the generation of its next tenant, whose key nobody has; the second test is for
        // keys made of thin air by `from_bits`, and for retired places.
        (entry.generation == key.generation && entry.value.is_some()).then_some(key.index)
    }

    /// The key of the entry at `index`.
    pub(crate) fn key(&self, index: u32) -> Key {
        Key { index, generation: self.entry(index).generation }
    }

    /// Takes the entry at `index`, which must be used and in no list any more, out of the arena.
    #[inline]
    pub(crate) fn remove(&mut self, index: u32) -> T {
        let (number, place) = split(index);
        let page = &mut self.pages[number];
        let had_room = page.has_room();
        let entry = &mut page.places[place];
        let value = entry.value.take().expect("BUG: an entry in a list has no value");
        self.len -= 1;
        page.live -= 1;
        let generation = entry.generation.checked_add(1);
        if let Some(generation) = generation {
            entry.generation = generation;
            entry.next = page.free;
            page.free = place as u32;
        }
        page.newest_generation = page.newest_generation.max(generation.unwrap_or(u32::MAX));
        if page.live == 0 || !had_room {
            self.after_remove(number as u32, had_room);
        }
        value
    }

    /// A page has become empty, or has got room.
    #[cold]
    fn after_remove(&mut self, number: u32, had_room: bool) {
        let page = &self.pages[number as usize];
        if !had_room && page.has_room() {
            self.enter_roomy(number);
        }
        let needed = self.len / PAGE + 2;
        if self.made > needed.max(self.reserved) {
            self.free_if_empty(number);
        }
    }

    #[inline]
    pub(crate) fn entry(&self, index: u32) -> &Entry<T> {
        let (page, place) = split(index);
        &self.pages[page].places[place]
    }

    #[inline]
    pub(crate) fn entry_mut(&mut self, index: u32) -> &mut Entry<T> {
        let (page, place) = split(index);
        &mut self.pages[page].places[place]
    }

    #[inline]
    pub(crate) fn value(&self, key: Key) -> Option<&T> {
        let index = self.find(key)?;
        self.entry(index).value.as_ref()
    }

    #[inline]
    pub(crate) fn value_mut(&mut self, key: Key) -> Option<&mut T> {
        let index = self.find(key)?;
        self.entry_mut(index).value.as_mut()
    }

    /// Frees all pages without timers, also those that were asked for, and lets low ones be used first, so that others become
    /// empty.
    pub(crate) fn shrink(&mut self) {
        self.reserved = 0;
        for number in (0..self.pages.len() as u32).rev() {
            let is_roomy = |page: &Page<T>| page.made && page.has_room();
            if !self.free_if_empty(number) && is_roomy(&self.pages[number as usize]) {
                self.leave_roomy(number);
                self.enter_roomy(number);
            }
        }
    }
}

/// The pages.
impl<T> Arena<T> {
    /// A page with memory and no places yet, the first in the list of those with room.
    fn make_page(&mut self) {
        let number = self.freed;
        let number = if number != NONE {
            self.freed = self.pages[number as usize].next;
            number
        } else {
            self.pages.push(Page::new());
            self.pages.len() as u32 - 1
        };
        let page = &mut self.pages[number as usize];
        page.made = true;
        if number > 0 {
            page.places = Vec::with_capacity(PAGE as usize);
        }
        self.made += 1;
        self.enter_roomy(number);
    }

    /// `false`: it stays.
    fn free_if_empty(&mut self, number: u32) -> bool {
        let page = &self.pages[number as usize];
        if !page.made || page.live > 0 || page.newest_generation >= WORN {
            return false;
        }
        // No place is retired, so all are free.
        self.leave_roomy(number);
        self.made -= 1;
        let page = &mut self.pages[number as usize];
        page.made = false;
        page.places = Vec::new();
        page.free = NONE;
        page.first_generation = page.newest_generation;
        page.next = std::mem::replace(&mut self.freed, number);
        true
    }

    fn enter_roomy(&mut self, number: u32) {
        let next = std::mem::replace(&mut self.roomy, number);
        let page = &mut self.pages[number as usize];
        (page.prev, page.next) = (NONE, next);
        if let Some(next) = self.pages.get_mut(next as usize) {
            next.prev = number;
        }
    }

    fn leave_roomy(&mut self, number: u32) {
        let page = &self.pages[number as usize];
        let (prev, next) = (page.prev, page.next);
        match self.pages.get_mut(prev as usize) {
            Some(prev) => prev.next = next,
            None => self.roomy = next,
        }
        if let Some(next) = self.pages.get_mut(next as usize) {
            next.prev = prev;
        }
    }

    /// For tests: the counts are right, and who has room is in the list of those who have.
    #[cfg(test)]
    pub(crate) fn audit(&self) {
        let live = |page: &Page<T>| page.places.iter().filter(|entry| entry.value.is_some()).count() as u32;
        for page in &self.pages {
            assert_eq!(page.live, live(page));
            assert!(page.made || page.places.capacity() == 0);
            assert!(page.places.iter().all(|entry| entry.generation <= page.newest_generation));
        }
        assert_eq!(self.len, self.pages.iter().map(|page| page.live).sum::<u32>());
        assert_eq!(self.made as usize, self.pages.iter().filter(|page| page.made).count());
        let (mut at, mut prev, mut roomy) = (self.roomy, NONE, 0);
        while let Some(page) = self.pages.get(at as usize) {
            assert!(page.made && page.has_room() && page.prev == prev);
            (prev, at, roomy) = (at, page.next, roomy + 1);
        }
        assert_eq!(roomy, self.pages.iter().filter(|page| page.made && page.has_room()).count());
    }

    /// Sets the generation of the free place that is handed out next, as if that many tenants had left it.
    #[cfg(test)]
    pub(crate) fn age_next_free(&mut self, generation: u32) {
        let page = &mut self.pages[self.roomy as usize];
        page.places[page.free as usize].generation = generation;
        page.newest_generation = generation;
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
        assert!(arena.capacity() > 0, "the retired place remains");
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
        assert_eq!(arena.made, 2);
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
        assert_eq!(arena.made, 1, "kept, though free");
        assert_eq!(arena.add(0, 1), Key { index: 0, generation: WORN }, "and still in use");
        assert_eq!(arena.add(0, 1), Key { index: 1, generation: 0 });
    }

    #[test]
    fn shrink_keeps_what_is_used_and_hands_out_low_pages_first() {
        let mut arena = Arena::new();
        let keys: Vec<_> = (0..4 * PAGE).map(|n| arena.add(u64::from(n), n as u8)).collect();
        let stays = [1, PAGE + 2, 3 * PAGE - 1].map(|at| at as usize);
        for (at, key) in keys.iter().enumerate().filter(|(at, _)| !stays.contains(at)) {
            assert_eq!(arena.remove(key.index), at as u8);
        }
        arena.shrink();
        assert_eq!((arena.made, arena.len()), (3, 3));
        for at in stays {
            assert_eq!(arena.value(keys[at]), Some(&(at as u8)));
        }
        let pages: Vec<_> = (0..3 * PAGE).map(|_| arena.add(0, 0).index / PAGE).collect();
        assert!(pages.is_sorted(), "{pages:?}");
    }

    /// D28: a peak is given back as it goes, and a survivor keeps one page.
    #[test]
    fn d28_memory_follows_the_number_of_timers() {
        let mut arena = Arena::new();
        let keys: Vec<_> = (0..1000).map(|n| arena.add(n, n)).collect();
        assert_eq!(arena.made, 1000_u32.div_ceil(PAGE));
        for (left, key) in keys[1..].iter().enumerate().map(|(at, key)| (998 - at as u32, key)) {
            arena.remove(key.index);
            assert!(arena.made <= (left + 1) / PAGE + 3, "{} pages for {} timers", arena.made, left + 1);
        }
        assert_eq!(arena.value(keys[0]), Some(&0));
        arena.shrink();
        assert_eq!((arena.made, arena.capacity()), (1, PAGE as usize));
    }

    /// Whoever comes and goes at the edge of a page allocates nothing.
    #[test]
    fn an_edge_is_no_place_to_allocate_at() {
        let mut arena = Arena::new();
        let full: Vec<_> = (0..3 * PAGE).map(|n| arena.add(0, n)).collect();
        let one_more = arena.add(0, 0);
        let capacity = arena.capacity();
        arena.remove(one_more.index);
        for _ in 0..10 {
            let more = [(); 2].map(|()| arena.add(0, 0));
            assert_eq!(arena.capacity(), capacity);
            for key in more {
                arena.remove(key.index);
            }
            arena.remove(full[0].index);
            arena.add(0, 0);
            assert_eq!(arena.capacity(), capacity);
        }
    }

    #[test]
    fn what_was_asked_for_stays_until_it_is_given_back() {
        let mut arena = Arena::new();
        arena.reserve(5 * PAGE as usize);
        let room = arena.capacity();
        assert!(room >= 5 * PAGE as usize);
        for _ in 0..2 {
            let keys: Vec<_> = (0..5 * PAGE).map(|n| arena.add(0, n)).collect();
            for key in keys {
                arena.remove(key.index);
            }
            assert_eq!(arena.capacity(), room);
        }
        arena.shrink();
        assert_eq!(arena.capacity(), 0);
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
