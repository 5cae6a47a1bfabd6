//! The driver's side that knows no kernel: which sources there are, and whether it has ended.
//!
//! Owns: the table, the count of stale keys.
//! Not here: descriptors and turns (`driver`). Sources hold this, so they outlive the driver without harm.
//!
//! S1. A source that enters before the shutdown is in the table when the shutdown lists it: it is told. One that comes
//!     later is refused. There is no third case, because both are steps under the table's lock.

use std::sync::atomic::AtomicU64 as Counter;
use std::task::Waker;

use crate::base::{Arc, Ordering};
use crate::ready::Ready;
use crate::slots::{Counts, Key, Refused, Slots};
use crate::source::SourceCell;

#[derive(Debug)]
pub(crate) struct Registry {
    slots: Slots<Arc<SourceCell>>,
    stale: Counter,
}

impl Registry {
    pub(crate) fn new() -> Registry {
        Registry { slots: Slots::new(), stale: Counter::new(0) }
    }

    pub(crate) fn enter(&self) -> Result<(Key, Arc<SourceCell>), Refused> {
        let cell = Arc::new(SourceCell::new());
        let key = self.slots.insert(&cell)?;
        Ok((key, cell))
    }

    /// Makes the key stale. What comes back holds wakers perhaps: drop it where user code may run.
    pub(crate) fn strike(&self, key: Key) -> Option<Arc<SourceCell>> {
        self.slots.remove(key)
    }

    /// Looks up a batch of the kernel's keys. Those that name nobody are counted and left out.
    ///
    /// `batch` calls the function it is given once for each key; it runs under the table's lock, and more than once.
    /// Gives how many keys there were.
    pub(crate) fn resolve(
        &self,
        batch: impl Fn(&mut dyn FnMut(u64, Ready)),
        mut found: impl FnMut(Arc<SourceCell>, Ready),
    ) -> usize {
        let (mut named, mut stale) = (0, 0);
        let mut table = self.slots.look_up();
        batch(&mut |bits, _| {
            if let Some(cell) = table.get(Key::from_bits(bits)) {
                cell.ask_for_memory();
            }
        });
        batch(&mut |bits, ready| match table.get(Key::from_bits(bits)) {
            Some(cell) => {
                named += 1;
                found(cell.clone(), ready);
            }
            None => stale += 1,
        });
        table.count_named(named);
        drop(table);
        if stale > 0 {
            self.stale.fetch_add(stale as u64, Ordering::Relaxed);
        }
        named + stale
    }

    /// Ends it: every source reports the shutdown from now on and keeps no waker, every waiter is called, nobody enters any
    /// more. May be repeated.
    pub(crate) fn shut(&self, wake: impl FnMut(Waker)) {
        let all = self.slots.shut();
        let mut called = Vec::new();
        for cell in &all {
            cell.readiness.shut();
            cell.take_wakers(&mut called);
        }
        called.into_iter().for_each(wake);
    }

    pub(crate) fn is_shut(&self) -> bool {
        self.slots.is_shut()
    }

    pub(crate) fn sources(&self) -> usize {
        self.slots.taken()
    }

    pub(crate) fn counts(&self) -> Counts {
        self.slots.counts()
    }

    pub(crate) fn stale(&self) -> u64 {
        self.stale.load(Ordering::Relaxed)
    }
}

#[cfg(all(test, loom))]
mod model;
