//! A list of those below a node, each of which knows its number and takes itself off.

/// A list whose entries keep their number. Most have one, the body of a scope: it needs no memory of its own.
pub(super) struct Slab<T> {
    first: Option<T>,
    /// From number 1 on.
    others: Vec<Option<T>>,
    /// Numbers among the others.
    free: Vec<usize>,
}

impl<T> Slab<T> {
    pub(super) const fn new() -> Self {
        Slab { first: None, others: Vec::new(), free: Vec::new() }
    }

    pub(super) fn insert(&mut self, entry: T) -> usize {
        if self.first.is_none() {
            self.first = Some(entry);
            return 0;
        }
        match self.free.pop() {
            Some(key) => {
                self.others[key - 1] = Some(entry);
                key
            }
            None => {
                self.others.push(Some(entry));
                self.others.len()
            }
        }
    }

    pub(super) fn remove(&mut self, key: usize) -> Option<T> {
        if key == 0 {
            return self.first.take();
        }
        let entry = self.others.get_mut(key - 1)?.take();
        self.free.push(key);
        if self.free.len() == self.others.len() {
            (self.others, self.free) = (Vec::new(), Vec::new());
        }
        entry
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter().flatten())
    }
}
