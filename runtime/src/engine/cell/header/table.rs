//! The entry points into the typed half of a cell, and what is the same for all cells of a type.
//!
//! Owns: [`CellTable`]; the fields behind the header that are reached through it.   Not here: the functions (`slot`).
//!
//! The danger: a function of one type called for the cell of another. A header and its table are made together
//! (`slot::allocate`) and part never.

use super::{Header, Output, Runnable, Stage};
use std::ptr::NonNull;

/// Each function asks that its argument belongs to a cell of the table's type.
pub(in crate::engine::cell) struct CellTable {
    /// Polls, or drops the future if the task is cancelled.
    pub(in crate::engine::cell) run: unsafe fn(Runnable),
    /// Moves the output, if it is still there, to where an `Option<Result<T, JoinError>>` stands.
    pub(in crate::engine::cell) take_output: unsafe fn(Output<'_>, *mut ()),
    /// Drops the output where it is.
    pub(in crate::engine::cell) drop_output: unsafe fn(Output<'_>),
    /// Frees the cell. The last reference is gone.
    pub(in crate::engine::cell) free: unsafe fn(NonNull<Header>),
    /// Queues a woken task; the owner's `schedule`.
    pub(in crate::engine::cell) schedule: unsafe fn(NonNull<()>, Runnable),
    /// The name that the cell keeps, if it does.
    pub(in crate::engine::cell) name: unsafe fn(NonNull<Header>) -> Option<NonNull<str>>,
    /// Was it spawned as a child of a group?
    pub(in crate::engine::cell) is_child: bool,
    /// Where the context stands in a cell that has room for one: behind everything else, in bytes from its start.
    pub(in crate::engine::cell) context_at: usize,
}

impl Header {
    pub(crate) fn name(&self) -> Option<&str> {
        let name = self.table.name;
        // SAFETY: the header is that of the cell that the table is for.
        let name = unsafe { name(NonNull::from(self)) };
        // SAFETY: the name stays where it is as long as the cell does.
        name.map(|name| unsafe { name.as_ref() })
    }

    /// Was the task spawned as a child of a group?
    pub(crate) fn is_child(&self) -> bool {
        self.table.is_child
    }

    /// What is in the slot.
    ///
    /// # Safety
    /// The caller has the slot: it is the poller (W1), or the output is its own (W3).
    #[inline]
    pub(in crate::engine::cell) unsafe fn stage(&self) -> Stage {
        self.stage.with(|stage| {
            // SAFETY: the field goes with the slot.
            unsafe { *stage }
        })
    }

    /// # Safety
    /// As [`stage`](Header::stage), and `new` is what the slot holds from now on.
    #[inline]
    pub(in crate::engine::cell) unsafe fn set_stage(&self, new: Stage) {
        self.stage.with_mut(|stage| {
            // SAFETY: the field goes with the slot.
            unsafe { *stage = new }
        });
    }
}
