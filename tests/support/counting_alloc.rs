//! A global allocator that counts what is alive. A test binary opts in:
//!
//! ```ignore
//! #[global_allocator]
//! static COUNTING: CountingAlloc = CountingAlloc;
//! ```

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::sync::atomic::{AtomicIsize, Ordering};

static BLOCKS: AtomicIsize = AtomicIsize::new(0);
static BYTES: AtomicIsize = AtomicIsize::new(0);

/// The system's allocator, counted.
pub struct CountingAlloc;

/// What is allocated now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Live {
    /// Blocks.
    pub blocks: isize,
    /// Bytes, as asked for.
    pub bytes: isize,
}

/// What is allocated now, if this binary opted in.
pub fn live() -> Live {
    Live { blocks: BLOCKS.load(Ordering::SeqCst), bytes: BYTES.load(Ordering::SeqCst) }
}

thread_local! {
    static MADE_HERE: Cell<usize> = const { Cell::new(0) };
}

/// How many blocks this thread has ever asked for, if this binary opted in.
pub fn made_by_this_thread() -> usize {
    MADE_HERE.get()
}

fn count(blocks: isize, bytes: isize) {
    if blocks > 0 {
        // Without a destructor, so it is there as long as the thread is.
        MADE_HERE.set(MADE_HERE.get() + 1);
    }
    BLOCKS.fetch_add(blocks, Ordering::Relaxed);
    BYTES.fetch_add(bytes, Ordering::Relaxed);
}

// SAFETY: every call is forwarded unchanged to `System`, which keeps the trait's contract; counting touches no memory
// of the caller and does not allocate.
unsafe impl GlobalAlloc for CountingAlloc {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc`'s contract, and it is the same contract.
        let block = unsafe { System.alloc(layout) };
        if !block.is_null() {
            count(1, layout.size() as isize);
        }
        block
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        count(-1, -(layout.size() as isize));
        // SAFETY: the caller got `block` from `alloc` above with this layout, hence from `System`.
        unsafe { System.dealloc(block, layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller keeps `alloc_zeroed`'s contract, and it is the same contract.
        let block = unsafe { System.alloc_zeroed(layout) };
        if !block.is_null() {
            count(1, layout.size() as isize);
        }
        block
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        // SAFETY: the caller got `block` from `alloc` above with this layout, hence from `System`.
        let moved = unsafe { System.realloc(block, layout, size) };
        if !moved.is_null() {
            count(0, size as isize - layout.size() as isize);
        }
        moved
    }
}
