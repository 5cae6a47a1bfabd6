//! Giving everything away: for a wheel whose owner leaves, and for shutdown.
//!
//! Owns: [`Drain`].   Not here: time; draining moves no clock.
//!
//! Shutting down by advancing to the end of time was the obvious way, and is how runtimes came to fire timers that
//! were not due and to overflow on the way. Here the lists are emptied where they stand, and the wheel is as usable
//! after it as before.

use std::fmt;
use std::iter::FusedIterator;

use crate::arena::{Key, LIST};
use crate::wheel::{OPEN, TimerWheel};

impl<T> TimerWheel<T> {
    /// Takes out all timers, due or not, as `(key, deadline, value)`, to set them in another wheel or to end them.
    ///
    /// Equal deadlines come in the order in which they were set, so setting them in another wheel keeps that order;
    /// otherwise the order is nearly, but not exactly, that of the deadlines. The keys are stale already. The wheel
    /// stays at its tick and can be used further.
    ///
    /// What is left in the iterator when it is dropped is removed and dropped with it.
    ///
    /// ```
    /// # use timer_wheel::TimerWheel;
    /// let (mut leaving, mut staying) = (TimerWheel::new(0), TimerWheel::new(5));
    /// leaving.insert(20, "a");
    /// for (_, deadline, value) in leaving.drain() {
    ///     staying.insert(deadline, value);
    /// }
    /// assert!(leaving.is_empty());
    /// assert_eq!(staying.next_deadline(), Some(20));
    /// ```
    pub fn drain(&mut self) -> Drain<'_, T> {
        self.settle_open();
        Drain { wheel: self }
    }

    /// Sorts what is not due out of the open list. Entries in slots are older than equal ones in the open list, but
    /// what is due must come first; without the rest the two do not meet.
    fn settle_open(&mut self) {
        if self.open.is_empty() {
            return;
        }
        let last = self.open.tail;
        loop {
            let index = self.open.head;
            self.unlink(index);
            let deadline = self.arena.entry(index).deadline;
            if deadline <= self.position {
                self.append(OPEN, index, deadline);
            } else {
                self.sink(index, deadline);
            }
            if index == last {
                return;
            }
        }
    }
}

/// The iterator of [`TimerWheel::drain`].
pub struct Drain<'a, T> {
    wheel: &'a mut TimerWheel<T>,
}

impl<T> Iterator for Drain<'_, T> {
    type Item = (Key, u64, T);

    fn next(&mut self) -> Option<Self::Item> {
        let wheel = &mut *self.wheel;
        let index = if wheel.open.is_empty() {
            let (level, slot) = wheel.first_slot()?;
            wheel.levels[level].list(slot)?.head
        } else {
            wheel.open.head
        };
        debug_assert_eq!(index & LIST, 0, "BUG: a slot marked as used is empty");
        wheel.unlink(index);
        let (key, deadline) = (wheel.arena.key(index), wheel.arena.entry(index).deadline);
        Some((key, deadline, wheel.arena.remove(index)))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.wheel.len(), Some(self.wheel.len()))
    }
}

impl<T> ExactSizeIterator for Drain<'_, T> {}

impl<T> FusedIterator for Drain<'_, T> {}

impl<T> Drop for Drain<'_, T> {
    fn drop(&mut self) {
        self.for_each(drop);
    }
}

impl<T> fmt::Debug for Drain<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain").field("len", &self.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_come_out_and_equal_ones_in_order() {
        let mut wheel = TimerWheel::new(10);
        let far = wheel.insert(u64::MAX, 0);
        for n in 1..=5 {
            wheel.insert(5000, n);
        }
        wheel.insert(3, 6);
        let mut drain = wheel.drain();
        assert_eq!(drain.len(), 7);
        assert_eq!(drain.next().map(|(_, deadline, value)| (deadline, value)), Some((10, 6)));
        let rest: Vec<_> = drain.map(|(_, deadline, value)| (deadline, value)).collect();
        assert_eq!(rest, [(5000, 1), (5000, 2), (5000, 3), (5000, 4), (5000, 5), (u64::MAX, 0)]);
        assert!(wheel.is_empty());
        assert_eq!((wheel.cancel(far), wheel.now(), wheel.next_deadline()), (None, 10, None));
    }

    /// Stopped half-way through a slot, equal deadlines are on both sides: sorted down, and still in the open list.
    #[test]
    fn equal_ones_stay_in_order_in_the_middle_of_a_slot() {
        let mut wheel = TimerWheel::new(0);
        wheel.insert(64, 0);
        for n in 1..=4 {
            wheel.insert(100, n);
        }
        wheel.advance(70);
        let mut due = Vec::new();
        assert!(wheel.expire(3, |value| due.push(value)));
        assert_eq!(due, [0]);
        wheel.insert(100, 5);
        wheel.insert(0, 6);
        let all: Vec<_> = wheel.drain().map(|(_, deadline, value)| (deadline, value)).collect();
        assert_eq!(
            all.iter().filter(|(deadline, _)| *deadline == 100).map(|&(_, n)| n).collect::<Vec<_>>(),
            [1, 2, 3, 4, 5]
        );
        assert!(all.contains(&(70, 6)));
    }

    #[test]
    fn dropped_half_way_it_drops_the_rest_and_the_wheel_works_on() {
        use std::rc::Rc;
        let token = Rc::new(());
        let mut wheel = TimerWheel::new(0);
        for n in 0..100 {
            wheel.insert(n * n * n, token.clone());
        }
        assert!(wheel.drain().nth(9).is_some());
        assert_eq!(Rc::strong_count(&token), 1);
        wheel.insert(7, token.clone());
        wheel.advance(7);
        assert!(wheel.pop_due().is_some() && wheel.pop_due().is_none());
    }

    #[test]
    fn a_forgotten_drain_leaves_the_rest_in_the_wheel() {
        let mut wheel = TimerWheel::new(0);
        let keys: Vec<_> = (0..10).map(|n| wheel.insert(n * 100, n)).collect();
        let mut drain = wheel.drain();
        drain.next();
        std::mem::forget(drain);
        assert_eq!(wheel.len(), 9);
        assert_eq!(wheel.cancel(keys[0]), None);
        assert_eq!(wheel.cancel(keys[9]), Some(9));
    }
}
