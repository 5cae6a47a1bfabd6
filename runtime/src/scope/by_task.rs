//! What is known of some tasks, by their ids.
//!
//! Owns: [`ByTask`], a map under several locks, with a count for those who ask in vain.
//! Not here: what is known: groups that a task has dropped (`group/orphans`), shields inside a child (`shields`).
//!
//! Most tasks are never in one. Whoever looks for a task when no task at all is known pays a load of a word that hardly
//! ever changes. What the load promises: an entry that was made *before* it, in the order that the two threads have
//! between them, is found. Who has no such order may come first.

use crate::engine::atomics::{AtomicUsize, Mutex, Ordering};
use crate::task::Id;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};

/// So many locks.
const SHARDS: usize = 16;

pub(super) struct ByTask<T> {
    shards: Vec<Mutex<HashMap<Id, T>>>,
    hasher: RandomState,
    /// How many tasks are known.
    known: AtomicUsize,
}

impl<T> ByTask<T> {
    pub(super) fn new() -> Self {
        let shards = (0..SHARDS).map(|_| Mutex::new(HashMap::new())).collect();
        ByTask { shards, hasher: RandomState::new(), known: AtomicUsize::new(0) }
    }

    /// Is nothing known of any task?
    pub(super) fn is_empty(&self) -> bool {
        self.known.load(Ordering::Acquire) == 0
    }

    /// Changes what is known of `task`. `change` runs under the lock: no user code in it, and none in what it drops.
    pub(super) fn with<R>(&self, task: Id, change: impl FnOnce(&mut Option<T>) -> R) -> R {
        let shard = self.hasher.hash_one(task) as usize % self.shards.len();
        let mut tasks = self.shards[shard].lock();
        let mut entry = tasks.remove(&task);
        let before = entry.is_some();
        let result = change(&mut entry);
        match (before, entry.is_some()) {
            (false, true) => drop(self.known.fetch_add(1, Ordering::Release)),
            (true, false) => drop(self.known.fetch_sub(1, Ordering::Release)),
            _ => {}
        }
        if let Some(entry) = entry {
            tasks.insert(task, entry);
        } else if tasks.is_empty() {
            // What many had needed is given back.
            *tasks = HashMap::new();
        }
        result
    }

    /// Takes out what is known of `task`.
    pub(super) fn take(&self, task: Id) -> Option<T> {
        if self.is_empty() { None } else { self.with(task, Option::take) }
    }
}
