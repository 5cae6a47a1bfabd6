//! The numbers that tasks go by.

use std::cell::Cell;
use std::fmt;
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

/// The number of a task, unique in the process while it runs. It is never used again.
///
/// ```
/// # runtime::runtime::Runtime::new().unwrap().block_on(async {
/// let task = runtime::spawn(async { runtime::task::id() });
/// let id = task.id();
/// assert_eq!(id, task.await.unwrap());
/// # })
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Id(NonZeroU64);

/// Ids are handed out in blocks, so that two threads that spawn do not fight for one cache line.
const BLOCK: u64 = 256;

thread_local! {
    /// The next id of this thread's block; at a multiple of `BLOCK` there is none left.
    static NEXT: Cell<u64> = const { Cell::new(0) };
}

impl Id {
    /// A new id, from this thread's block.
    #[inline]
    pub(crate) fn fresh() -> Id {
        let id = match NEXT.get() {
            used_up if used_up % BLOCK == 0 => Id::next_block(),
            id => id,
        };
        NEXT.set(id + 1);
        Id(NonZeroU64::new(id).expect("BUG: task ids start at 1"))
    }

    pub(crate) fn number(self) -> u64 {
        self.0.get()
    }

    #[cold]
    fn next_block() -> u64 {
        // Block 0 would hold the id 0. u64 does not wrap within the life of a machine.
        static BLOCKS: AtomicU64 = AtomicU64::new(1);
        BLOCKS.fetch_add(1, Ordering::Relaxed) * BLOCK
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Id({})", self.0)
    }
}
