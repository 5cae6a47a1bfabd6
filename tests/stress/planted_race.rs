//! A data race on purpose: what ThreadSanitizer must report, or its silence about everything else is worth nothing.
//!
//! It is the race of D1. `RwLockWriteGuard<'_, Cell<T>>` was `Send`; the other thread made a read guard of it by
//! `downgrade`, this thread took one too, and both wrote to one `Cell`. The guard cannot cross any more (the table in
//! `tests/api/sync_auto_traits.rs`), so the test carries it across by force. `tests/run tsan` runs it and expects a report.

use runtime::sync::{RwLock, RwLockWriteGuard};
use std::cell::Cell;
use std::sync::Barrier;

/// What the bounds forbid: a write guard of a `Cell` on another thread.
struct Carried<'a>(RwLockWriteGuard<'a, Cell<u64>>);

// SAFETY: there is none, and that is the point: two threads will write to the `Cell`. Run by `tests/run tsan` alone.
unsafe impl Send for Carried<'_> {}

const TURNS: u64 = 100_000;

fn add(cell: &Cell<u64>) {
    for _ in 0..TURNS {
        cell.set(cell.get() + 1);
    }
}

#[test]
#[ignore = "a data race on purpose: `tests/run tsan` runs it and expects ThreadSanitizer's report"]
fn d1_two_threads_write_to_one_cell() {
    let lock = RwLock::new(Cell::new(0));
    let both_read = Barrier::new(2);
    let carried = Carried(lock.try_write().expect("nobody else has it"));
    std::thread::scope(|threads| {
        let both_read = &both_read;
        let (downgraded, here) = std::sync::mpsc::channel();
        threads.spawn(move || {
            // The whole wrapper, not its field, is what the closure takes.
            let Carried(guard) = { carried };
            let guard = guard.downgrade();
            downgraded.send(()).expect("the other thread waits for this");
            both_read.wait();
            add(&guard);
        });
        here.recv().expect("the other thread sends this");
        let guard = lock.try_read().expect("the other has it for reading only");
        both_read.wait();
        add(&guard);
    });
    // What is lost was lost by the race; without one nothing is.
    assert_eq!(lock.into_inner().get(), 2 * TURNS);
}
