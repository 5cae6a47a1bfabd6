//! Which engines there are, by number.
//!
//! Owns: the list.
//!
//! A timer keeps the number of its runtime instead of a count of it, which would cost two locked instructions for each.
//! Nearly always the thread that drops or polls it is inside that runtime; if not, this list tells whether it still is
//! there.

use crate::engine::sched::engine::Engine;
use parking_lot::Mutex;
use std::sync::{Arc, Weak};

static ENGINES: Mutex<Vec<(u64, Weak<Engine>)>> = Mutex::new(Vec::new());

pub(in crate::engine::sched) fn enter(engine: &Arc<Engine>) {
    ENGINES.lock().push((engine.id, Arc::downgrade(engine)));
}

pub(in crate::engine::sched) fn leave(id: u64) {
    let mut engines = ENGINES.lock();
    if let Some(at) = engines.iter().position(|(other, _)| *other == id) {
        let gone = engines.swap_remove(at);
        drop(engines);
        drop(gone);
    }
}

/// The engine with this number, if it still is there.
#[cold]
pub(in crate::engine::sched) fn find(id: u64) -> Option<Arc<Engine>> {
    let engines = ENGINES.lock();
    let weak = engines.iter().find(|(other, _)| *other == id)?.1.clone();
    drop(engines);
    weak.upgrade()
}
