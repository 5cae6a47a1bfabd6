//! The allocator under the cells: `std`'s in a build; in a model one that keeps what is freed.
//!
//! A model must see a use after free. So freed memory stays as it was until the execution is over, and loom's own
//! checks speak up when something in it is touched. Freeing twice, or never, is an error too.

#[cfg(not(loom))]
mod imp {
    pub(crate) use std::alloc::{alloc, dealloc};

    /// May freed blocks be kept for the next allocation?
    pub(crate) const REUSES: bool = !cfg!(no_task_cache);
}

#[cfg(loom)]
mod imp {
    use std::alloc::Layout;
    use std::cell::RefCell;
    use std::collections::HashMap;

    pub(crate) const REUSES: bool = false;

    /// All threads of a model are one thread to `std`.
    thread_local! {
        static BLOCKS: RefCell<HashMap<*mut u8, (Layout, Life)>> = RefCell::default();
    }

    #[derive(PartialEq)]
    enum Life {
        InUse,
        Freed,
    }

    /// # Safety
    /// As `std::alloc::alloc`.
    pub(crate) unsafe fn alloc(layout: Layout) -> *mut u8 {
        // SAFETY: by contract.
        let block = unsafe { std::alloc::alloc(layout) };
        BLOCKS.with_borrow_mut(|blocks| blocks.insert(block, (layout, Life::InUse)));
        block
    }

    /// # Safety
    /// As `std::alloc::dealloc`.
    pub(crate) unsafe fn dealloc(block: *mut u8, _layout: Layout) {
        let before = BLOCKS.with_borrow_mut(|blocks| {
            let life = &mut blocks.get_mut(&block).expect("BUG: freed what was never allocated").1;
            std::mem::replace(life, Life::Freed)
        });
        assert!(before == Life::InUse, "BUG: freed twice");
    }

    /// Ends an execution: how many blocks have leaked?
    #[cfg(test)]
    pub(crate) fn end() -> usize {
        BLOCKS.with_borrow_mut(|blocks| {
            let mut leaked = 0;
            for (block, (layout, life)) in blocks.drain() {
                leaked += usize::from(life == Life::InUse);
                // SAFETY: `alloc` made it with this layout, and the execution that could use it is over.
                unsafe { std::alloc::dealloc(block, layout) };
            }
            leaked
        })
    }
}

pub(crate) use imp::*;
