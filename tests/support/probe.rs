//! Values that count their drops.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

#[derive(Default)]
struct Counts {
    made: AtomicUsize,
    dropped: AtomicUsize,
}

/// Makes [`Probe`]s and counts them.
#[derive(Clone, Default)]
pub struct Drops(Arc<Counts>);

impl Drops {
    /// No probe yet.
    pub fn new() -> Drops {
        Drops::default()
    }

    /// A value that this counts.
    pub fn probe(&self) -> Probe {
        self.0.made.fetch_add(1, Ordering::SeqCst);
        Probe(self.0.clone())
    }

    /// How many were dropped.
    pub fn count(&self) -> usize {
        self.0.dropped.load(Ordering::SeqCst)
    }

    /// How many were made.
    pub fn made(&self) -> usize {
        self.0.made.load(Ordering::SeqCst)
    }

    /// How many are alive. Panics if one was dropped twice.
    #[track_caller]
    pub fn alive(&self) -> usize {
        let dropped = self.count();
        self.made().checked_sub(dropped).expect("a probe was dropped twice")
    }
}

/// A value whose drop is counted, once.
pub struct Probe(Arc<Counts>);

impl Clone for Probe {
    fn clone(&self) -> Probe {
        self.0.made.fetch_add(1, Ordering::SeqCst);
        Probe(self.0.clone())
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl std::fmt::Debug for Probe {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Probe")
    }
}

/// Runs a closure when it is dropped.
pub struct OnDrop<F: FnMut()>(pub F);

impl<F: FnMut()> Drop for OnDrop<F> {
    fn drop(&mut self) {
        (self.0)()
    }
}
