//! The wheel: set, cancel, reset, advance, next deadline.
//!
//! Owns: [`TimerWheel`], the lists (by way of `level`), the position.
//! Not here: where a deadline belongs (`tick`), memory (`arena`, `level`), giving everything away (`drain`).
//!
//! Two clocks. `now` is what the caller said last. `position` is how far the lists are in order: every entry with a
//! deadline after `position` is in the list that `tick` computes from the two. `advance` only sets `now`; the work
//! is done by `step`, one entry at a time, so that a caller may stop after any of them, release a lock, and go on.
//!
//! `position <= now` always, and `expire` is done when they are equal and no list is open.
//!
//! The open list. When `position` reaches a slot the whole slot becomes the open list, in O(1). `step` takes it
//! apart from the front: what is due by `position` goes to the caller, what is not goes down to a lower level. An
//! entry of the open list is like any other meanwhile: it can be cancelled and reset.
//!
//! The danger is in the middle of that. A new timer with the deadline of one that waits in the open list must not
//! be sorted into its slot ahead of it. So while a list is open, every new timer goes to its end, whatever its
//! deadline. This keeps the order among equals (and a caller who stops in the middle pays with a detour of his new
//! timers, nothing else).
//!
//! `position` does not stop where a slot begins but moves on to the earliest deadline in it (or to `now`), so that a
//! lonely timer reaches the caller in one step from whatever level it is on.
//!
//! Rejected: a list for everything beyond the sixth level, to be looked through again each 2^36 ticks. A jump over
//! `n` such rounds looks `n` times through it, and the order among its entries needs care; five more levels of the
//! same kind, allocated when needed, are no code at all. Rejected too: moving all due entries to a list in
//! `advance`. With a million entries in one slot that is 10 ms under the caller's lock.

use std::fmt;

use crate::arena::{Arena, Key, LIST, Link};
use crate::level::{Level, List};
use crate::tick::{LEVELS, SLOTS, digit, level_of, slot_start};

/// The number of the open list, after those of all slots.
pub(crate) const OPEN: u32 = (LEVELS * SLOTS) as u32;

/// A hierarchical timer wheel: values of type `T` with a deadline each, which come out when their tick has come.
///
/// A tick is whatever the caller counts in; the wheel has no clock and moves only when [`advance`](Self::advance)
/// tells it the time. Any `u64` is a valid tick, and so is any distance between two.
///
/// **Order.** Values come out by deadline, and among equal deadlines in the order in which they were set, whatever
/// the steps in which time moves. A deadline in the past counts as now. [`reset`](Self::reset) sets anew: behind
/// those that already have the same deadline. The order depends on the calls alone, so equal programs see equal
/// orders.
///
/// **Cost.** [`insert`](Self::insert), [`cancel`](Self::cancel), [`reset`](Self::reset), [`advance`](Self::advance)
/// and [`next_deadline`](Self::next_deadline) take constant time. A timer that comes due has cost one step for each
/// level it went down, at most eleven and mostly one or two; time that passes without timers costs nothing, however
/// much. Memory comes and goes with the number of timers, 512 at a time; while that stays about the same, nothing is
/// allocated, but for the kilobyte of a level when a timer first needs it.
///
/// ```
/// use timer_wheel::TimerWheel;
///
/// let mut wheel = TimerWheel::new(1_000);
/// let request = wheel.insert(31_000, "request timed out");
/// wheel.insert(1_250, "tick");
///
/// assert_eq!(wheel.next_deadline(), Some(1_250));
/// wheel.advance(1_250);
/// assert_eq!(wheel.pop_due(), Some("tick"));
/// assert_eq!(wheel.pop_due(), None);
///
/// // The request was answered.
/// assert_eq!(wheel.cancel(request), Some("request timed out"));
/// assert_eq!(wheel.next_deadline(), None);
/// ```
pub struct TimerWheel<T> {
    pub(crate) arena: Arena<T>,
    pub(crate) levels: [Level; LEVELS],
    /// Bit `n` is set while level `n` has an entry.
    pub(crate) used_levels: u16,
    pub(crate) open: List,
    pub(crate) position: u64,
    pub(crate) now: u64,
}

/// What one step did.
enum Step<T> {
    /// A timer came due.
    Due(T),
    /// An entry of the open list went to a lower level.
    Sunk,
    /// There was nothing to do: the wheel is at `now`.
    Idle,
}

impl<T> TimerWheel<T> {
    /// An empty wheel at tick `now`. Allocates nothing.
    pub const fn new(now: u64) -> Self {
        TimerWheel {
            arena: Arena::new(),
            levels: [Level::NEW; LEVELS],
            used_levels: 0,
            open: List::empty(OPEN),
            position: now,
            now,
        }
    }

    /// The tick that [`advance`](Self::advance) told last.
    #[inline]
    pub fn now(&self) -> u64 {
        self.now
    }

    /// How many timers are set and have not come out yet. Counts those which are due.
    #[inline]
    pub fn len(&self) -> usize {
        self.arena.len()
    }

    /// Whether no timer is set.
    #[inline]
    pub fn is_empty(&self) -> bool {
        self.arena.len() == 0
    }

    /// Sets a timer: `value` comes out of [`pop_due`](Self::pop_due) or [`expire`](Self::expire) once the wheel has
    /// been advanced to `deadline`, not before.
    ///
    /// A deadline at or before [`now`](Self::now) counts as `now`: it is due without another `advance`, behind
    /// everything else that is due.
    ///
    /// # Panics
    /// When the wheel already holds 2^31 timers.
    #[inline]
    #[track_caller]
    pub fn insert(&mut self, deadline: u64, value: T) -> Key {
        let deadline = deadline.max(self.now);
        let key = self.arena.add(deadline, value);
        self.place(key.index(), deadline);
        key
    }

    /// Takes a timer back: its value, or `None` where the key is stale, as the timer was cancelled, came out or was
    /// drained before.
    ///
    /// A timer that is due and still in the wheel can be cancelled like any other.
    #[inline]
    pub fn cancel(&mut self, key: Key) -> Option<T> {
        let index = self.arena.find(key)?;
        self.unlink(index);
        Some(self.arena.remove(index))
    }

    /// Gives a timer another deadline, sooner or later, and keeps its key and value. `false` where the key is stale.
    ///
    /// The same as cancelling and setting it anew: behind those that already have this deadline; a deadline in the
    /// past counts as now; and a timer that is due and still in the wheel becomes one that is not.
    #[inline]
    pub fn reset(&mut self, key: Key, deadline: u64) -> bool {
        let Some(index) = self.arena.find(key) else { return false };
        self.unlink(index);
        let deadline = deadline.max(self.now);
        self.arena.entry_mut(index).deadline = deadline;
        self.place(index, deadline);
        true
    }

    /// The tick at which a timer comes due, or `None` where the key is stale.
    ///
    /// This is the deadline it was set for, or, if that was past already, the tick at which it was set.
    #[inline]
    pub fn deadline(&self, key: Key) -> Option<u64> {
        let index = self.arena.find(key)?;
        Some(self.arena.entry(index).deadline)
    }

    /// A timer's value, or `None` where the key is stale.
    #[inline]
    pub fn get(&self, key: Key) -> Option<&T> {
        self.arena.value(key)
    }

    /// A timer's value, or `None` where the key is stale.
    #[inline]
    pub fn get_mut(&mut self, key: Key) -> Option<&mut T> {
        self.arena.value_mut(key)
    }

    /// Tells the wheel that it is tick `now`. A tick before the one told last is ignored.
    ///
    /// This takes constant time: what is due by then comes out of [`pop_due`](Self::pop_due) or
    /// [`expire`](Self::expire), in portions as large as the caller likes.
    #[inline]
    pub fn advance(&mut self, now: u64) {
        if now > self.now {
            self.now = now;
            if !self.has_work() {
                self.position = now;
            }
        }
    }

    /// Takes out the next timer that is due, or `None` when there is none until time is advanced.
    ///
    /// One call may have to sort through many timers that are *not* due before it finds one that is. Whoever holds a
    /// lock that others wait for calls [`expire`](Self::expire) instead, which stops where it is told to.
    #[inline]
    pub fn pop_due(&mut self) -> Option<T> {
        loop {
            match self.step() {
                Step::Due(value) => return Some(value),
                Step::Sunk => {}
                Step::Idle => return None,
            }
        }
    }

    /// Handles at most `limit` timers: gives those that are due to `due`, and sorts others into finer slots on the
    /// way. Returns whether there is more to do.
    ///
    /// Between two calls the wheel may be used in any way; timers that are due and not yet given out can still be
    /// cancelled and reset. So a million timers with one deadline need not keep others from the wheel:
    ///
    /// ```
    /// # use timer_wheel::TimerWheel;
    /// # use std::sync::Mutex;
    /// let wheel = Mutex::new(TimerWheel::new(0));
    /// # for n in 0..1_000 { wheel.lock().unwrap().insert(70 + n / 500, n); }
    /// # let mut woken = 0;
    /// # let mut wake = |_| woken += 1;
    /// wheel.lock().unwrap().advance(100);
    ///
    /// let mut batch = Vec::with_capacity(64);
    /// loop {
    ///     let more = wheel.lock().unwrap().expire(64, |value| batch.push(value));
    ///     batch.drain(..).for_each(&mut wake);
    ///     if !more {
    ///         break;
    ///     }
    /// }
    /// # assert_eq!(woken, 1_000);
    /// ```
    ///
    /// A timer set meanwhile for a deadline that is past is due at once and handled too, after the others: a caller
    /// who sets one for each that comes out does not see the end. `due` runs while the wheel is borrowed; should it
    /// panic, the wheel is as good as before, less the value that was given out.
    #[inline]
    pub fn expire(&mut self, limit: usize, mut due: impl FnMut(T)) -> bool {
        for _ in 0..limit {
            match self.step() {
                Step::Due(value) => due(value),
                Step::Sunk => {}
                Step::Idle => return false,
            }
        }
        self.has_work()
    }

    /// When to call [`advance`](Self::advance) and [`expire`](Self::expire) next, or `None` while no timer is set.
    ///
    /// Never after the earliest deadline, and exactly it unless the earliest timer was cancelled or reset to a later
    /// deadline. Where such a timer was in one slot with others, the answer may remain at its deadline, which is
    /// before theirs: then a driver wakes once, finds nothing due, and sees a later tick here. Each such visit sorts
    /// the slot's timers at least one level down, so that there are at most ten on the way to a deadline.
    ///
    /// An answer at or before [`now`](Self::now) means that there is work for `expire` now.
    #[inline]
    pub fn next_deadline(&self) -> Option<u64> {
        if !self.open.is_empty() {
            // What was sorted out of the open list is not before its bound, what was set since is part of it, and
            // all other slots come later.
            return Some(self.open.earliest);
        }
        let (level, slot) = self.first_slot()?;
        self.levels[level].list(slot).map(|list| list.earliest)
    }

    /// Gives back what memory the present timers do not need: that of levels without any, and that of entries which was
    /// kept for the next few or [reserved](Self::reserve). Takes time in proportion to the most timers there have been, by
    /// the 512.
    ///
    /// Keys stay valid, those that are stale stay stale.
    pub fn shrink(&mut self) {
        self.levels.iter_mut().for_each(Level::shrink);
        self.arena.shrink();
    }

    /// The key of the timer that comes out next, due or not, or `None` while no timer is set.
    ///
    /// Takes time in proportion to the timers of one slot, those that come due about when this one does.
    pub fn peek(&self) -> Option<Key> {
        let in_open = self.earliest_from(self.open.head);
        let slot = self.first_slot().and_then(|(level, slot)| self.levels[level].list(slot));
        let in_slot = slot.and_then(|list| self.earliest_from(list.head));
        let deadline = |index: u32| self.arena.entry(index).deadline;
        // Of two equal ones the one in the slot is older.
        let index = match (in_slot, in_open) {
            (Some(slot), Some(open)) => Some(if deadline(slot) <= deadline(open) { slot } else { open }),
            (slot, open) => slot.or(open),
        };
        index.map(|index| self.arena.key(index))
    }

    /// Makes room for so many more timers, and keeps it until it is [given back](Self::shrink).
    ///
    /// # Panics
    /// When memory is exhausted, as `Vec::reserve` does.
    pub fn reserve(&mut self, additional: usize) {
        self.arena.reserve(additional);
    }

    /// How many timers fit before memory is allocated.
    pub fn capacity(&self) -> usize {
        self.arena.capacity()
    }
}

/// The lists.
impl<T> TimerWheel<T> {
    #[inline]
    pub(crate) fn first_slot(&self) -> Option<(usize, usize)> {
        if self.used_levels == 0 {
            return None;
        }
        let level = self.used_levels.trailing_zeros() as usize;
        Some((level, self.levels[level].first_slot()))
    }

    /// The first entry of the earliest deadline, from this link to the end of its list.
    fn earliest_from(&self, mut link: Link) -> Option<u32> {
        let mut earliest: Option<(u64, u32)> = None;
        while link & LIST == 0 {
            let entry = self.arena.entry(link);
            if earliest.is_none_or(|(deadline, _)| entry.deadline < deadline) {
                earliest = Some((entry.deadline, link));
            }
            link = entry.next;
        }
        earliest.map(|(_, index)| index)
    }

    /// Whether `step` would do anything but bring `position` to `now`.
    #[inline]
    fn has_work(&self) -> bool {
        !self.open.is_empty()
            || self.first_slot().is_some_and(|(level, slot)| slot_start(self.position, level, slot) <= self.now)
    }

    fn step(&mut self) -> Step<T> {
        if self.open.is_empty() && !self.open_next_slot() {
            return Step::Idle;
        }
        let index = self.open.head;
        self.unlink(index);
        let deadline = self.arena.entry(index).deadline;
        if deadline <= self.position {
            return Step::Due(self.arena.remove(index));
        }
        self.sink(index, deadline);
        Step::Sunk
    }

    /// Moves on to the next slot in use that begins by `now`, and makes it the open list; `false` if there is none.
    fn open_next_slot(&mut self) -> bool {
        debug_assert!(self.open.is_empty());
        if !self.has_work() {
            self.position = self.now;
            return false;
        }
        let Some((level, slot)) = self.first_slot() else { return false };
        let first_number = (level * SLOTS) as u32;
        let number = first_number + slot as u32;
        let list = std::mem::replace(self.levels[level].list_mut(first_number, slot), List::empty(number));
        self.mark_empty(number);
        debug_assert!(list.earliest > self.position, "BUG: a slot has an entry from before the position");
        self.position = list.earliest.min(self.now);
        self.arena.entry_mut(list.head).prev = LIST | OPEN;
        self.arena.entry_mut(list.tail).next = LIST | OPEN;
        self.open = list;
        true
    }

    /// Links an entry without links where its deadline belongs.
    #[inline]
    fn place(&mut self, index: u32, deadline: u64) {
        if !self.open.is_empty() || deadline <= self.position {
            self.append(OPEN, index, deadline);
        } else {
            self.sink(index, deadline);
        }
    }

    /// Links an entry without links, whose deadline is after `position`, into its slot.
    #[inline]
    pub(crate) fn sink(&mut self, index: u32, deadline: u64) {
        let level = level_of(self.position, deadline);
        self.append((level * SLOTS + digit(deadline, level)) as u32, index, deadline);
    }

    /// Links an entry without links to the end of a list.
    #[inline]
    pub(crate) fn append(&mut self, number: u32, index: u32, deadline: u64) {
        let list = self.list_mut(number);
        let last = std::mem::replace(&mut list.tail, index);
        if last & LIST != 0 {
            list.head = index;
            list.earliest = deadline;
            self.mark_used(number);
        } else {
            list.earliest = list.earliest.min(deadline);
            self.arena.entry_mut(last).next = index;
        }
        let entry = self.arena.entry_mut(index);
        entry.prev = last;
        entry.next = LIST | number;
    }

    /// Takes an entry out of the list it is in.
    #[inline]
    pub(crate) fn unlink(&mut self, index: u32) {
        let entry = self.arena.entry(index);
        let (prev, next) = (entry.prev, entry.next);
        if prev & LIST == 0 {
            self.arena.entry_mut(prev).next = next;
        } else {
            self.list_mut(prev & !LIST).head = next;
        }
        if next & LIST == 0 {
            self.arena.entry_mut(next).prev = prev;
        } else {
            self.list_mut(next & !LIST).tail = prev;
            // Two ends of the same list: it was alone in it.
            if prev == next {
                self.mark_empty(next & !LIST);
            }
        }
    }

    #[inline]
    fn list_mut(&mut self, number: u32) -> &mut List {
        let (level, slot) = (number as usize / SLOTS, number as usize % SLOTS);
        match self.levels.get_mut(level) {
            Some(level) => level.list_mut(number - slot as u32, slot),
            None => &mut self.open,
        }
    }

    #[inline]
    fn mark_used(&mut self, number: Link) {
        let (level, slot) = (number as usize / SLOTS, number as usize % SLOTS);
        if let Some(list) = self.levels.get_mut(level) {
            list.mark_used(slot);
            self.used_levels |= 1 << level;
        }
    }

    #[inline]
    fn mark_empty(&mut self, number: Link) {
        let (level, slot) = (number as usize / SLOTS, number as usize % SLOTS);
        if let Some(list) = self.levels.get_mut(level) {
            list.mark_empty(slot);
            if list.is_empty() {
                self.used_levels &= !(1 << level);
            }
        }
    }
}

impl<T> Default for TimerWheel<T> {
    /// An empty wheel at tick 0.
    fn default() -> Self {
        TimerWheel::new(0)
    }
}

impl<T> fmt::Debug for TimerWheel<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TimerWheel")
            .field("now", &self.now)
            .field("len", &self.len())
            .field("next_deadline", &self.next_deadline())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
