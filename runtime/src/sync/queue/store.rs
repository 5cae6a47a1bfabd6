//! In which order items come out: three stores behind one small trait.

use std::cmp::Ordering;
use std::collections::{BinaryHeap, VecDeque};

/// A store of more places than this gives memory back when most of them are empty.
const KEEP: usize = 64;

/// Where a queue keeps its items. Used with the queue locked.
pub(super) trait Store {
    type Item;

    fn empty() -> Self;
    /// Puts an item in; `number` grows with each.
    fn put(&mut self, item: Self::Item, number: u64);
    fn take(&mut self) -> Option<Self::Item>;
    fn len(&self) -> usize;
    /// All items, in the order in which `take` would give them.
    fn drain(&mut self) -> Vec<Self::Item> {
        std::iter::from_fn(|| self.take()).collect()
    }
}

fn shrunk(len: usize, capacity: usize) -> Option<usize> {
    (capacity > KEEP && len < capacity / 8).then_some(len * 2)
}

impl<T> Store for VecDeque<T> {
    type Item = T;

    fn empty() -> Self {
        VecDeque::new()
    }

    fn put(&mut self, item: T, _: u64) {
        self.push_back(item);
    }

    fn take(&mut self) -> Option<T> {
        let item = self.pop_front();
        if let Some(capacity) = shrunk(self.len(), self.capacity()) {
            self.shrink_to(capacity);
        }
        item
    }

    fn len(&self) -> usize {
        VecDeque::len(self)
    }
}

impl<T> Store for Vec<T> {
    type Item = T;

    fn empty() -> Self {
        Vec::new()
    }

    fn put(&mut self, item: T, _: u64) {
        self.push(item);
    }

    fn take(&mut self) -> Option<T> {
        let item = self.pop();
        if let Some(capacity) = shrunk(self.len(), self.capacity()) {
            self.shrink_to(capacity);
        }
        item
    }

    fn len(&self) -> usize {
        Vec::len(self)
    }
}

/// An item with its number, in the order of a heap: the greatest is the smallest item, of equal ones the oldest.
pub(super) struct Ranked<T> {
    item: T,
    number: u64,
}

impl<T: Ord> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.item.cmp(&self.item).then_with(|| other.number.cmp(&self.number))
    }
}

impl<T: Ord> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T: Ord> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl<T: Ord> Eq for Ranked<T> {}

impl<T: Ord> Store for BinaryHeap<Ranked<T>> {
    type Item = T;

    fn empty() -> Self {
        BinaryHeap::new()
    }

    fn put(&mut self, item: T, number: u64) {
        self.push(Ranked { item, number });
    }

    fn take(&mut self) -> Option<T> {
        let ranked = self.pop();
        if let Some(capacity) = shrunk(self.len(), self.capacity()) {
            self.shrink_to(capacity);
        }
        ranked.map(|ranked| ranked.item)
    }

    fn len(&self) -> usize {
        BinaryHeap::len(self)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    fn capacity_after_a_peak<S: Store<Item = u64>>(capacity: impl Fn(&S) -> usize) {
        let mut store = S::empty();
        (0..10_000).for_each(|n| store.put(n, n));
        let most = capacity(&store);
        while store.len() > 3 {
            store.take();
        }
        assert!(capacity(&store) < most / 50, "{} of {most}", capacity(&store));
        assert_eq!(store.drain().len(), 3);
    }

    #[test]
    fn museum_f5_a_peak_is_given_back() {
        capacity_after_a_peak(VecDeque::capacity);
        capacity_after_a_peak(Vec::capacity);
        capacity_after_a_peak(BinaryHeap::<Ranked<u64>>::capacity);
    }
}
