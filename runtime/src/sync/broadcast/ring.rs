//! What all ends of a broadcast channel share: a ring of the last values, and those who wait for the next.
//!
//! Owns: [`Ring`], its [`Tail`].
//! Not here: wakers (`mod`), and how a value is received (`place`).
//!
//! Each place has a lock of its own: receivers at different positions do not meet. Senders, and receivers that come, wait
//! or go, take the lock of the tail, and with it they never wait for a place: its lock is held while a value is cloned.
//! `next` changes under the tail's lock, after its place was filled; receivers read it without.
//!
//! Each value knows how many receivers have not passed it yet; the last to do so takes it out, so that nothing is kept
//! longer than anybody can want it. Positions are counted from 0 in 64 bits and never wrap.
//!
//! The dangers:
//! - A receiver reads `next`, and its place is filled anew before it has the place's lock. A place knows the position it was
//!   filled for, so the receiver sees that it has lost that value.
//! - A sender has come round to a place in which somebody still is. It puts the value into a spare place, and the next sender
//!   that comes round takes that away. Who does not find a value in its place looks there.

use super::place::{MAX_RECEIVERS, Place};
use crate::engine::atomics::{Arc, AtomicU64, Mutex, MutexGuard, Ordering};
use crate::sync::first_panic::DropEach;
use crate::sync::waiters::WaitList;

/// See the module's head.
#[derive(Debug)]
pub(super) struct Ring<T> {
    places: Box<[Place<T>]>,
    /// The position that the next value gets. The ring holds the `places.len()` before it.
    next: AtomicU64,
    tail: Mutex<Tail<T>>,
}

/// Who receives, who waits.
#[derive(Debug)]
pub(super) struct Tail<T> {
    receivers: usize,
    /// The last sender is gone.
    pub(super) closed: bool,
    pub(super) waiters: WaitList<()>,
    /// Values whose places were taken.
    spares: Vec<Arc<Place<T>>>,
}

/// What went out of reach: to be dropped after unlocking.
pub(super) struct Overwritten<T> {
    _value: Option<T>,
    _spare: Option<Arc<Place<T>>>,
}

/// What a receiver finds at its position.
#[derive(Debug)]
pub(super) enum Found<T> {
    Value(T),
    /// Nothing was there a moment ago; [`Ring::is_at_end`] is certain.
    Nothing,
    Lagged(u64),
}

impl<T> Tail<T> {
    pub(super) fn receivers(&self) -> usize {
        self.receivers
    }
}

impl<T> Ring<T> {
    pub(super) fn new(capacity: usize, receivers: usize) -> Self {
        Ring {
            places: (0..capacity.next_power_of_two()).map(|_| Place::empty()).collect(),
            next: AtomicU64::new(0),
            tail: Mutex::new(Tail { receivers, closed: false, waiters: WaitList::new(), spares: Vec::new() }),
        }
    }

    pub(super) fn lock_tail(&self) -> MutexGuard<'_, Tail<T>> {
        self.tail.lock()
    }

    fn place(&self, position: u64) -> &Place<T> {
        &self.places[position as usize & (self.places.len() - 1)]
    }

    /// The first position that the ring holds when `next` comes next.
    fn oldest(&self, next: u64) -> u64 {
        next.saturating_sub(self.places.len() as u64)
    }

    /// A receiver comes. Gives where it starts: it gets what is sent from now on.
    ///
    /// # Panics
    /// If there are 2^31 already.
    #[track_caller]
    pub(super) fn join(&self) -> u64 {
        let mut tail = self.lock_tail();
        let receivers = tail.receivers;
        if receivers < MAX_RECEIVERS {
            tail.receivers += 1;
            return self.next();
        }
        drop(tail);
        panic!("a broadcast channel has {receivers} receivers and takes no more; drop those that are not needed");
    }

    fn next(&self) -> u64 {
        self.next.load(Ordering::Acquire)
    }

    /// How many values a receiver at `position` has yet to receive or to miss.
    pub(super) fn ahead_of(&self, position: u64) -> usize {
        (self.next() - position) as usize
    }

    /// Values that somebody has yet to receive.
    pub(super) fn len(&self, tail: &Tail<T>) -> usize {
        let next = self.next();
        // Wanted places are the newest ones: a receiver that wants one wants all after it.
        let (mut low, mut high) = (self.oldest(next), next);
        while low < high {
            let middle = low + (high - low) / 2;
            if self.find(tail, middle).is_some_and(Place::is_wanted) { high = middle } else { low = middle + 1 }
        }
        (next - low) as usize
    }

    /// Where the value of a position is that the ring holds.
    fn find<'a>(&'a self, tail: &'a Tail<T>, position: u64) -> Option<&'a Place<T>> {
        let place = self.place(position);
        if place.is_of(position) {
            Some(place)
        } else {
            tail.spares.iter().map(|spare| &**spare).find(|spare| spare.is_of(position))
        }
    }

    /// Appends a value that all receivers of now want.
    #[must_use = "drop it after unlocking"]
    pub(super) fn push(&self, tail: &mut Tail<T>, value: T) -> Overwritten<T> {
        let position = self.next.load(Ordering::Relaxed);
        let before = position.checked_sub(self.places.len() as u64);
        let spare = tail.spares.iter().position(|spare| before.is_some_and(|before| spare.is_of(before)));
        let spare = spare.map(|at| tail.spares.swap_remove(at));
        let place = self.place(position);
        let overwritten = place.fill(position, value, tail.receivers).unwrap_or_else(|value| {
            tail.spares.push(Arc::new(Place::filled(position, value, tail.receivers)));
            place.give_up()
        });
        self.next.store(position + 1, Ordering::Release);
        Overwritten { _value: overwritten, _spare: spare }
    }

    fn lag(&self, position: &mut u64, next: u64) -> Found<T> {
        let oldest = self.oldest(next);
        let missed = oldest - *position;
        *position = oldest;
        Found::Lagged(missed)
    }

    /// Has a receiver at `position` seen all there is? Certain while the tail is locked.
    pub(super) fn is_at_end(&self, _tail: &Tail<T>, position: u64) -> bool {
        self.next() == position
    }

    /// A receiver at `position` leaves. Gives what nobody wants any more, to be dropped after unlocking.
    #[must_use = "drop them after unlocking"]
    pub(super) fn leave(&self, tail: &mut Tail<T>, position: u64) -> DropEach<T> {
        tail.receivers -= 1;
        let next = self.next();
        let unread = position.max(self.oldest(next))..next;
        DropEach(unread.filter_map(|position| self.find(tail, position)?.depart()).collect())
    }
}

impl<T: Clone> Ring<T> {
    /// What is at `position`? The receiver that asks passes it if it is a value.
    #[inline]
    pub(super) fn take(&self, position: &mut u64) -> Found<T> {
        loop {
            let next = self.next();
            if *position == next {
                return Found::Nothing;
            }
            if *position < self.oldest(next) {
                return self.lag(position, next);
            }
            if let Some(value) = self.place(*position).pass(position).or_else(|| self.take_spare(position)) {
                return Found::Value(value);
            }
        }
    }

    /// From a spare place, if it is in one.
    #[cold]
    fn take_spare(&self, position: &mut u64) -> Option<T> {
        // A sender that has filled our place anew has counted `next` on when it unlocks.
        let tail = self.lock_tail();
        let spare = tail.spares.iter().find(|spare| spare.is_of(*position)).cloned();
        drop(tail);
        spare?.pass(position)
    }
}
