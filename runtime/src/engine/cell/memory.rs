//! Where cells live: free lists by size class, one set for each thread, bounded by bytes.
//!
//! Owns: the blocks that this thread has freed.
//! Not here: what is in a block (`slot`).
//!
//! A spawn that finds a block here costs a few loads instead of a `malloc` and a later `free`; it is the first of the
//! levers on spawn speed (`docs/design/measure.md`). Blocks may be freed by another thread than the one that made
//! them: they go to the list of the thread that frees. What exceeds the bound goes back to the allocator, and so does
//! everything when the thread ends, or sleeps for long (`sched/sleep`).
//!
//! The bound of a thread is what it has itself had to ask the allocator for, and not more than `BYTES_MAX`. So a thread
//! that frees and never spawns, as those of the blocking pool, keeps nothing: with 500 of them a bound that is the same for
//! all would be half a gigabyte that nobody takes from.
//!
//! `--cfg no_task_cache` turns the lists off, so that AddressSanitizer and valgrind see every free.

use crate::engine::base::heap::{self, alloc, dealloc};
use std::alloc::{Layout, handle_alloc_error};
use std::cell::Cell;
use std::ptr::NonNull;

/// Classes are this far apart, and 8 bytes short of a multiple of it: what common allocators give without waste, since
/// they keep 8 bytes of their own before each block. An idle task with a small future takes 112 bytes so.
const STEP: usize = 16;
/// Larger cells go to the allocator: they are rare, and their cost is in filling them.
const LARGEST: usize = 1024;
const CLASSES: usize = LARGEST / STEP + 1;
/// No cell that needs more is cached.
const ALIGN: usize = 16;
/// How much one thread keeps at the most. 1 MiB holds 8,000 small tasks: a whole burst of spawns (the prototype lost a factor
/// of two on ping-pong with 256 blocks, and gained nothing above 4096).
const BYTES_MAX: usize = 1 << 20;

/// A free block: the link to the next one stands in its first word.
type Link = Option<NonNull<u8>>;

struct FreeLists {
    heads: [Cell<Link>; CLASSES],
    bytes: Cell<usize>,
    /// The bound.
    most: Cell<usize>,
}

impl FreeLists {
    const fn new() -> Self {
        FreeLists { heads: [const { Cell::new(None) }; CLASSES], bytes: Cell::new(0), most: Cell::new(0) }
    }

    fn pop(&self, class: usize) -> Link {
        let block = self.heads[class].get()?;
        // SAFETY: a block in the list is ours, at least 24 bytes large, and `push` wrote its link there.
        let next = unsafe { block.cast::<Link>().read() };
        self.heads[class].set(next);
        self.bytes.set(self.bytes.get() - class_bytes(class));
        Some(block)
    }

    /// `false` when the lists are full.
    fn push(&self, class: usize, block: NonNull<u8>) -> bool {
        let bytes = self.bytes.get() + class_bytes(class);
        if bytes > self.most.get() {
            return false;
        }
        self.bytes.set(bytes);
        // SAFETY: the caller gives up the block, which is at least 24 bytes large and aligned to `ALIGN`.
        unsafe { block.cast::<Link>().write(self.heads[class].get()) };
        self.heads[class].set(Some(block));
        true
    }

    /// There was no block of this class: one like it may be kept from now on.
    fn missed(&self, class: usize) {
        self.most.set((self.most.get() + class_bytes(class)).min(BYTES_MAX));
    }

    fn empty(&self) {
        self.most.set(0);
        for class in 0..CLASSES {
            while let Some(block) = self.pop(class) {
                // SAFETY: blocks of a class are allocated with that class's layout, and this one has left its list.
                unsafe { dealloc(block.as_ptr(), class_layout(class)) };
            }
        }
    }
}

impl Drop for FreeLists {
    fn drop(&mut self) {
        self.empty();
    }
}

thread_local! {
    static LISTS: FreeLists = const { FreeLists::new() };
}

const fn class_bytes(class: usize) -> usize {
    (class + 1) * STEP + 8
}

fn class_layout(class: usize) -> Layout {
    Layout::from_size_align(class_bytes(class), ALIGN).expect("BUG: a size class is a valid layout")
}

const fn class_of(layout: Layout) -> Option<usize> {
    if !heap::REUSES || layout.size() == 0 || layout.size() > LARGEST || layout.align() > ALIGN {
        None
    } else {
        Some(layout.size().saturating_sub(9) / STEP)
    }
}

/// A block for `layout`, uninitialised. Aborts the process through the allocation error hook when memory is out.
#[inline]
pub(super) fn take(layout: Layout) -> NonNull<u8> {
    let Some(class) = class_of(layout) else { return fresh(layout) };
    let cached = LISTS.try_with(|lists| lists.pop(class)).ok().flatten();
    cached.unwrap_or_else(|| miss(class))
}

#[cold]
fn miss(class: usize) -> NonNull<u8> {
    let _ = LISTS.try_with(|lists| lists.missed(class));
    fresh(class_layout(class))
}

/// How many bytes this thread keeps.
pub(crate) fn kept() -> usize {
    LISTS.try_with(|lists| lists.bytes.get()).unwrap_or(0)
}

/// Gives back what this thread keeps. It learns its bound anew.
pub(crate) fn give_all_back() {
    let _ = LISTS.try_with(FreeLists::empty);
}

#[cold]
fn fresh(layout: Layout) -> NonNull<u8> {
    assert!(layout.size() > 0, "BUG: a cell has a header, so it has a size");
    // SAFETY: the layout has a size.
    let block = unsafe { alloc(layout) };
    NonNull::new(block).unwrap_or_else(|| handle_alloc_error(layout))
}

/// Gives back a block that `take(layout)` made.
///
/// # Safety
/// `block` came from `take` with the same layout, on any thread, and nobody uses it any more.
#[inline]
pub(super) unsafe fn give_back(block: NonNull<u8>, layout: Layout) {
    let layout = match class_of(layout) {
        None => layout,
        Some(class) => {
            if LISTS.try_with(|lists| lists.push(class, block)).unwrap_or(false) {
                return;
            }
            class_layout(class)
        }
    };
    // SAFETY: `take` used this very layout: the class's where there is one, else the caller's own.
    unsafe { dealloc(block.as_ptr(), layout) };
}

#[cfg(all(test, not(loom), not(no_task_cache)))]
mod tests {
    use super::*;

    #[test]
    fn a_freed_block_is_used_again_by_its_class_only() {
        std::thread::spawn(|| {
            let (small, large) = (Layout::new::<[u64; 10]>(), Layout::new::<[u64; 40]>());
            let first = take(small);
            // SAFETY: just taken with this layout.
            unsafe { give_back(first, small) };
            let other = take(large);
            assert_ne!(first, other);
            assert_eq!(first, take(Layout::new::<[u64; 11]>()), "10 and 11 words share a class");
            for (block, layout) in [(first, small), (other, large)] {
                // SAFETY: taken above with a layout of this class.
                unsafe { give_back(block, layout) };
            }
        })
        .join()
        .unwrap();
    }

    #[test]
    fn the_bound_is_kept() {
        std::thread::spawn(|| {
            let layout = Layout::new::<[u64; 128]>();
            let blocks: Vec<_> = (0..3_000).map(|_| take(layout)).collect();
            for block in blocks {
                // SAFETY: just taken with this layout.
                unsafe { give_back(block, layout) };
            }
            assert!(kept() <= BYTES_MAX && kept() > BYTES_MAX - 2_000, "{} bytes are kept", kept());
            give_all_back();
            assert_eq!(kept(), 0);
        })
        .join()
        .unwrap();
    }

    #[test]
    fn d36_a_thread_keeps_no_more_than_it_has_asked_for() {
        let layout = Layout::new::<[u64; 10]>();
        let blocks: Vec<_> = (0..100).map(|_| take(layout).as_ptr() as usize).collect();
        std::thread::spawn(move || {
            let own = take(layout);
            let block_bytes = class_bytes(class_of(layout).expect("a class of its own"));
            for block in blocks.into_iter().filter_map(|block| NonNull::new(block as *mut u8)).chain([own]) {
                // SAFETY: just taken with this layout, here or on the thread that waits for this one.
                unsafe { give_back(block, layout) };
            }
            assert_eq!(kept(), block_bytes);
        })
        .join()
        .unwrap();
    }
}
