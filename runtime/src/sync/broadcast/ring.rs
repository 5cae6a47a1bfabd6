//! What all ends of a broadcast channel share: a ring of the last values, and those who wait for the next.
//!
//! Owns: [`Ring`].   Imports: `waiters`.
//! Not here: locking (`mod`), and anything of `T`: a value is an `Arc`, so that neither its clone nor its drop happens
//! in here.
//!
//! Each value knows how many receivers have not passed it yet; the last to do so takes it out, so that nothing is kept
//! longer than anybody can want it. Positions are counted from 0 in 64 bits and never wrap.

use crate::sync::waiters::WaitList;
use std::sync::Arc;

#[derive(Debug)]
struct Place<T> {
    value: Option<Arc<T>>,
    /// Receivers that have yet to pass it.
    wanted_by: usize,
}

/// The state behind the channel's lock.
#[derive(Debug)]
pub(super) struct Ring<T> {
    places: Box<[Place<T>]>,
    /// The position that the next value gets. The ring holds the `places.len()` before it.
    next: u64,
    pub(super) receivers: usize,
    /// The last sender is gone.
    pub(super) closed: bool,
    pub(super) waiters: WaitList<()>,
}

/// What a receiver finds at its position.
#[derive(Debug)]
pub(super) enum Found<T> {
    /// Others have yet to receive it: a clone is asked for.
    Copied(Arc<T>),
    /// Nobody else will.
    Last(Arc<T>),
    Nothing,
    Closed,
    Lagged(u64),
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize, receivers: usize) -> Self {
        let places = (0..capacity.next_power_of_two()).map(|_| Place { value: None, wanted_by: 0 }).collect();
        Ring { places, next: 0, receivers, closed: false, waiters: WaitList::new() }
    }

    fn place(&mut self, position: u64) -> &mut Place<T> {
        let mask = self.places.len() - 1;
        &mut self.places[position as usize & mask]
    }

    /// Where a new receiver starts: it gets what is sent from now on.
    pub(super) fn next(&self) -> u64 {
        self.next
    }

    fn oldest(&self) -> u64 {
        self.next.saturating_sub(self.places.len() as u64)
    }

    /// How many values a receiver at `position` has yet to receive or to miss.
    pub(super) fn ahead_of(&self, position: u64) -> usize {
        (self.next - position) as usize
    }

    /// Values that somebody has yet to receive.
    pub(super) fn len(&self) -> usize {
        let mask = self.places.len() - 1;
        // Wanted places are the newest ones: a receiver that wants one wants all after it.
        let (mut low, mut high) = (self.oldest(), self.next);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.places[middle as usize & mask].wanted_by > 0 { high = middle } else { low = middle + 1 }
        }
        (self.next - low) as usize
    }

    /// Appends a value that all receivers of now want. Gives the overwritten one, to be dropped after unlocking.
    #[must_use = "drop it after unlocking"]
    pub(super) fn push(&mut self, value: Arc<T>) -> Option<Arc<T>> {
        let (position, wanted_by) = (self.next, self.receivers);
        self.next += 1;
        std::mem::replace(self.place(position), Place { value: Some(value), wanted_by }).value
    }

    /// What is at `position`? The receiver that asks passes it if it is a value.
    pub(super) fn take(&mut self, position: &mut u64) -> Found<T> {
        let oldest = self.oldest();
        if *position < oldest {
            let missed = oldest - *position;
            *position = oldest;
            return Found::Lagged(missed);
        }
        if *position == self.next {
            return if self.closed { Found::Closed } else { Found::Nothing };
        }
        let place = self.place(*position);
        *position += 1;
        place.wanted_by -= 1;
        let last = place.wanted_by == 0;
        let value = if last { place.value.take() } else { place.value.clone() };
        let value = value.expect("BUG: a value stays until all who want it have passed it");
        if last { Found::Last(value) } else { Found::Copied(value) }
    }

    /// A receiver at `position` leaves. Gives what nobody wants any more, to be dropped after unlocking.
    #[must_use = "drop them after unlocking"]
    pub(super) fn leave(&mut self, position: u64) -> Vec<Arc<T>> {
        self.receivers -= 1;
        let mut unwanted = Vec::new();
        for position in position.max(self.oldest())..self.next {
            let place = self.place(position);
            place.wanted_by -= 1;
            if place.wanted_by == 0 {
                unwanted.extend(place.value.take());
            }
        }
        unwanted
    }
}
