//! What all ends of a broadcast channel share: a ring of the last values, and those who wait for the next.
//!
//! Owns: [`Ring`], its [`Tail`].   Imports: `waiters`, the door.
//! Not here: wakers (`mod`), and anything of `T`: a value is counted (`value`), so that neither its clone nor its drop
//! happens under a lock of the ring.
//!
//! Each place has a lock of its own, for the few steps in which a receiver passes it: receivers at different positions do
//! not meet. Senders, and receivers that come, wait or go, take the lock of the tail, and then those of places.
//! `next` changes under the tail's lock, after its place was filled; receivers read it without.
//!
//! Each value knows how many receivers have not passed it yet; the last to do so takes it out, so that nothing is kept
//! longer than anybody can want it. Positions are counted from 0 in 64 bits and never wrap.
//!
//! The danger: a receiver reads `next`, and its place is filled anew before it has the place's lock. A place knows the
//! position it was filled for, so the receiver sees that it has lost that value.

use super::value::Value;
use crate::engine::atomics::{AtomicU64, Mutex, MutexGuard, Ordering};
use crate::engine::contention;
use crate::sync::waiters::WaitList;

#[derive(Debug)]
struct Place<T> {
    position: u64,
    value: Option<Value<T>>,
    /// Receivers that have yet to pass it.
    wanted_by: usize,
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Ring<T> {
    places: Box<[Mutex<Place<T>>]>,
    /// The position that the next value gets. The ring holds the `places.len()` before it.
    next: AtomicU64,
    tail: Mutex<Tail>,
}

/// Who receives, who waits.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) receivers: usize,
    /// The last sender is gone.
    pub(super) closed: bool,
    pub(super) waiters: WaitList<()>,
}

/// What a receiver finds at its position.
#[derive(Debug)]
pub(super) enum Found<T> {
    Value(Value<T>),
    /// Nothing was there a moment ago; [`Ring::is_at_end`] is certain.
    Nothing,
    Lagged(u64),
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize, receivers: usize) -> Self {
        let place = |_| Mutex::new(Place { position: 0, value: None, wanted_by: 0 });
        Ring {
            places: (0..capacity.next_power_of_two()).map(place).collect(),
            next: AtomicU64::new(0),
            tail: Mutex::new(Tail { receivers, closed: false, waiters: WaitList::new() }),
        }
    }

    pub(super) fn lock_tail(&self) -> MutexGuard<'_, Tail> {
        self.tail.lock()
    }

    fn lock_place(&self, position: u64) -> MutexGuard<'_, Place<T>> {
        let place = &self.places[position as usize & (self.places.len() - 1)];
        place.try_lock().unwrap_or_else(|| {
            contention::meet();
            place.lock()
        })
    }

    /// The first position that the ring holds when `next` comes next.
    fn oldest(&self, next: u64) -> u64 {
        next.saturating_sub(self.places.len() as u64)
    }

    /// Where a new receiver starts: it gets what is sent from now on. Certain while the tail is locked.
    pub(super) fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// How many values a receiver at `position` has yet to receive or to miss.
    pub(super) fn ahead_of(&self, position: u64) -> usize {
        (self.next() - position) as usize
    }

    /// Values that somebody has yet to receive.
    pub(super) fn len(&self, _tail: &Tail) -> usize {
        let next = self.next();
        // Wanted places are the newest ones: a receiver that wants one wants all after it.
        let (mut low, mut high) = (self.oldest(next), next);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.lock_place(middle).wanted_by > 0 { high = middle } else { low = middle + 1 }
        }
        (next - low) as usize
    }

    /// Appends a value that all receivers of now want. Gives the overwritten one, to be dropped after unlocking.
    #[must_use = "drop it after unlocking"]
    pub(super) fn push(&self, tail: &mut Tail, value: Value<T>) -> Option<Value<T>> {
        let position = self.next.load(Ordering::Relaxed);
        let filled = Place { position, value: Some(value), wanted_by: tail.receivers };
        let overwritten = std::mem::replace(&mut *self.lock_place(position), filled).value;
        self.next.store(position + 1, Ordering::Release);
        overwritten
    }

    /// What is at `position`? The receiver that asks passes it if it is a value.
    pub(super) fn take(&self, position: &mut u64) -> Found<T> {
        let next = self.next();
        if *position == next {
            return Found::Nothing;
        }
        if *position < self.oldest(next) {
            return self.lag(position, next);
        }
        let mut place = self.lock_place(*position);
        if place.position != *position {
            // Filled anew since we read `next`, and perhaps before `next` says so.
            let next = place.position + 1;
            drop(place);
            return self.lag(position, next);
        }
        *position += 1;
        place.wanted_by -= 1;
        let last = place.wanted_by == 0;
        let value = if last { place.value.take() } else { place.value.clone() };
        drop(place);
        let value = value.expect("BUG: a value stays until all who want it have passed it");
        Found::Value(value)
    }

    fn lag(&self, position: &mut u64, next: u64) -> Found<T> {
        let oldest = self.oldest(next);
        let missed = oldest - *position;
        *position = oldest;
        Found::Lagged(missed)
    }

    /// Has a receiver at `position` seen all there is? Certain while the tail is locked.
    pub(super) fn is_at_end(&self, _tail: &Tail, position: u64) -> bool {
        self.next() == position
    }

    /// A receiver at `position` leaves. Gives what nobody wants any more, to be dropped after unlocking.
    #[must_use = "drop them after unlocking"]
    pub(super) fn leave(&self, tail: &mut Tail, position: u64) -> Vec<Value<T>> {
        tail.receivers -= 1;
        let next = self.next();
        let mut unwanted = Vec::new();
        for position in position.max(self.oldest(next))..next {
            let mut place = self.lock_place(position);
            place.wanted_by -= 1;
            if place.wanted_by == 0 {
                unwanted.extend(place.value.take());
            }
        }
        unwanted
    }
}
