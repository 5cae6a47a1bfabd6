//! Who waits for a source: one seat per direction, and a bench for any number of futures.
//!
//! Owns: seats, bench.
//! Not here: the lock around it, and the rule that no waker is cloned, woken or dropped under that lock (`source`).
//!
//! A *seat* belongs to a `poll_*` function: the last caller's waker is the one that counts. The event takes it out.
//!
//! The *bench* serves `Source::ready`: each future owns one place on it, from its first pending poll to its end. Only
//! its owner gives a place back, so a place's number cannot come to mean another future. Places are reused: a million
//! futures that come and go leave one place.
//!
//! Everything here moves wakers and never calls them.

use std::task::Waker;

use crate::ready::{Direction, Ready};

const NO_PLACE: u32 = u32::MAX;

/// A future's place on the bench.
#[derive(Debug)]
pub(crate) enum Place {
    /// Free, and which place is the next free one.
    Free(u32),
    Waiting {
        mask: Ready,
        waker: Waker,
    },
    /// Its event came. These are the flags that ended the wait; nothing if it was a shutdown.
    Called(Ready),
}

#[derive(Debug)]
pub(crate) struct Waiters {
    seats: [Option<Waker>; 2],
    places: Vec<Place>,
    free: u32,
}

/// What a place answers to its future.
#[derive(Debug)]
pub(crate) enum Answer {
    Called(Ready),
    /// Not yet, and the waker that is set is the right one.
    Wait,
    /// Not yet, and another waker is set.
    OtherWaker,
}

impl Waiters {
    pub(crate) fn new() -> Waiters {
        Waiters { seats: Default::default(), places: Vec::new(), free: NO_PLACE }
    }

    pub(crate) fn seat(&mut self, direction: Direction) -> &mut Option<Waker> {
        &mut self.seats[direction as usize]
    }

    /// Takes the wakers that `ready` concerns.
    pub(crate) fn call(&mut self, ready: Ready, called: &mut Vec<Waker>) {
        for place in &mut self.places {
            let Place::Waiting { mask, .. } = place else { continue };
            let told = ready & *mask;
            if told.is_empty() {
                continue;
            }
            if let Place::Waiting { waker, .. } = std::mem::replace(place, Place::Called(told)) {
                called.push(waker);
            }
        }
        for direction in [Direction::Write, Direction::Read] {
            if ready.intersects(direction.interest().mask()) {
                called.extend(self.seat(direction).take());
            }
        }
    }

    /// Takes all wakers.
    pub(crate) fn take_all(&mut self, called: &mut Vec<Waker>) {
        called.extend(self.seats.iter_mut().filter_map(Option::take));
        for place in &mut self.places {
            if !matches!(place, Place::Waiting { .. }) {
                continue;
            }
            if let Place::Waiting { waker, .. } = std::mem::replace(place, Place::Called(Ready::EMPTY)) {
                called.push(waker);
            }
        }
    }

    /// Gives a future its place.
    pub(crate) fn sit(&mut self, mask: Ready, waker: Waker) -> u32 {
        let waiting = Place::Waiting { mask, waker };
        if self.free == NO_PLACE {
            self.places.push(waiting);
            return self.places.len() as u32 - 1;
        }
        let number = self.free;
        match std::mem::replace(&mut self.places[number as usize], waiting) {
            Place::Free(next) => self.free = next,
            taken => unreachable!("BUG: place {number} is on the free list and holds {taken:?}"),
        }
        number
    }

    /// What the place's future should do.
    pub(crate) fn ask(&self, number: u32, waker: &Waker) -> Answer {
        match &self.places[number as usize] {
            Place::Called(ready) => Answer::Called(*ready),
            Place::Waiting { waker: held, .. } if held.will_wake(waker) => Answer::Wait,
            Place::Waiting { .. } => Answer::OtherWaker,
            Place::Free(_) => unreachable!("BUG: place {number} was given back while its future lives"),
        }
    }

    /// Sets another waker in a place that waits; what comes back is to be dropped after the lock.
    pub(crate) fn change_waker(&mut self, number: u32, waker: Waker) -> Waker {
        match &mut self.places[number as usize] {
            Place::Waiting { waker: held, .. } => std::mem::replace(held, waker),
            Place::Called(_) | Place::Free(_) => waker,
        }
    }

    /// The future has ended; what comes back is to be dropped after the lock.
    pub(crate) fn leave(&mut self, number: u32) -> Place {
        let left = std::mem::replace(&mut self.places[number as usize], Place::Free(self.free));
        self.free = number;
        left
    }

    #[cfg(test)]
    pub(crate) fn places(&self) -> usize {
        self.places.len()
    }
}
