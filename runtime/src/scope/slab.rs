//! A list whose entries know their number and take themselves off: those below a node of the tree, the notes of a task.

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

    pub(super) fn get(&self, key: usize) -> Option<&T> {
        if key == 0 { self.first.as_ref() } else { self.others.get(key - 1)?.as_ref() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.first.is_none() && self.others.len() == self.free.len()
    }

    pub(super) fn into_iter(self) -> impl Iterator<Item = T> {
        self.first.into_iter().chain(self.others.into_iter().flatten())
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &T> {
        self.first.iter().chain(self.others.iter().flatten())
    }
}
