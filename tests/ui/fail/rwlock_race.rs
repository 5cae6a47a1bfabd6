//! A writer's guard that becomes a reader's on another thread would let two threads at one `Cell` (D1).

use runtime::sync::{RwLock, RwLockMappedWriteGuard, RwLockWriteGuard};
use std::cell::Cell;
use std::sync::Arc;

fn two_threads_add_to_one_cell(lock: &RwLock<Cell<u32>>) {
    let writer = lock.try_write().unwrap();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let reader = writer.downgrade();
            reader.set(reader.get() + 1);
        });
    });
    let reader = lock.try_read().unwrap();
    reader.set(reader.get() + 1);
}

fn nor_does_another_guard_go(
    mapped: RwLockMappedWriteGuard<'static, Cell<u32>>,
    owned: Arc<RwLock<Cell<u32>>>,
) {
    fn goes<T: Send>(_: T) {}
    goes(mapped);
    goes(owned.try_write_owned().unwrap());
}

fn what_is_sync_goes(writer: RwLockWriteGuard<'static, u32>) {
    std::thread::spawn(move || writer.downgrade());
}

fn main() {}
