//! A place that is filled once and then read without a lock.
//!
//! Owns: [`OnceSlot`].
//! Not here: who fills it (`once_cell`, `set_once`).
//!
//! | state | meaning | next |
//! |---|---|---|
//! | EMPTY | nothing | FILLING, by one compare-and-swap |
//! | FILLING | the one who swapped writes the value | FULL |
//! | FULL | the value is there for as long as the slot | - |
//!
//! Ordering: FULL is stored with Release and loaded with Acquire, so who sees it sees the value.

use crate::engine::atomics::{AtomicU8, Ordering};
use std::cell::UnsafeCell;

const EMPTY: u8 = 0;
const FILLING: u8 = 1;
const FULL: u8 = 2;

pub(super) struct OnceSlot<T> {
    state: AtomicU8,
    value: UnsafeCell<Option<T>>,
}

// SAFETY: the value moves in from one thread and may be dropped on another.
unsafe impl<T: Send> Send for OnceSlot<T> {}
// SAFETY: any thread may fill it (`Send`), and all may read it at once (`Sync`).
unsafe impl<T: Send + Sync> Sync for OnceSlot<T> {}

impl<T> OnceSlot<T> {
    crate::engine::const_fn! {
        pub(super) const fn empty() -> Self {
            OnceSlot { state: AtomicU8::new(EMPTY), value: UnsafeCell::new(None) }
        }
    }

    crate::engine::const_fn! {
        pub(super) const fn full(value: T) -> Self {
            OnceSlot { state: AtomicU8::new(FULL), value: UnsafeCell::new(Some(value)) }
        }
    }

    pub(super) fn is_full(&self) -> bool {
        self.state.load(Ordering::Acquire) == FULL
    }

    #[inline]
    pub(super) fn get(&self) -> Option<&T> {
        if !self.is_full() {
            return None;
        }
        // SAFETY: FULL: the value is written, and nobody writes again while `&self` borrows live.
        unsafe { (*self.value.get()).as_ref() }
    }

    pub(super) fn get_mut(&mut self) -> Option<&mut T> {
        self.value.get_mut().as_mut()
    }

    /// Fills it, unless somebody else has or is about to.
    pub(super) fn fill(&self, value: T) -> Result<(), T> {
        if self.state.compare_exchange(EMPTY, FILLING, Ordering::Acquire, Ordering::Relaxed).is_err() {
            return Err(value);
        }
        // SAFETY: EMPTY -> FILLING is done by one thread once; readers keep off until FULL.
        unsafe { *self.value.get() = Some(value) };
        self.state.store(FULL, Ordering::Release);
        Ok(())
    }

    pub(super) fn take(&mut self) -> Option<T> {
        self.state = AtomicU8::new(EMPTY);
        self.value.get_mut().take()
    }

    pub(super) fn into_inner(self) -> Option<T> {
        self.value.into_inner()
    }
}
