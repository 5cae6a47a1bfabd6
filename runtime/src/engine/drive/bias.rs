//! A value that one thread uses all the time and others seldom: for the one, a lock without a locked instruction.
//!
//! Owns: the lock.   Imports: `base`.   Not here: what is in it (`wheel`).
//!
//! At a time one thread is the *owner*; it has the value's [`Seat`]. `inside` is written by the owner only, `shared` by
//! whoever holds the mutex, and by an owner that rests.
//!
//! ```text
//! owner:  inside = true   - light L -  shared?  no:  use the value, inside = false (Release)
//!                                               yes: inside = false, lock, use the value, shared = false, unlock
//! other:  lock;  shared?  yes: use the value, unlock
//!                         no:  shared = true  - heavy H -  wait until inside is false (Acquire); use the value, unlock
//! rest:   shared = true (Release)
//! ```
//!
//! L pairs with H: either the owner sees `shared` and goes through the mutex, or the other sees `inside` and waits for
//! the few instructions that it lasts. The other leaves `shared` set, so a second one finds the door open; the owner
//! takes it back when it needs it. A resting owner (its thread sleeps, or is gone) opens the door itself, and nobody
//! has to interrupt it.
//!
//! The danger: two threads that both believe themselves the owner, or one that re-enters. So a seat that is taken cannot be
//! taken again, and what runs inside is a few lines on plain data: no waker, no drop of a user's value.
//!
//! Rejected: a plain mutex (25 ns more for a timeout that never fires, `docs/design/rejected.md`).

use crate::engine::base::atomics::{AtomicBool, Mutex, Ordering, RaceCell, wait_for_another};
use crate::engine::base::fences;
use std::marker::PhantomData;

pub(crate) struct Biased<T> {
    taken: AtomicBool,
    inside: AtomicBool,
    shared: AtomicBool,
    lock: Mutex<()>,
    value: RaceCell<T>,
}

// SAFETY: the protocol above gives the value to one thread at a time.
unsafe impl<T: Send> Sync for Biased<T> {}

impl<T> Biased<T> {
    /// Without an owner: everybody goes through the mutex.
    pub(crate) fn new(value: T) -> Self {
        fences::prepare();
        Biased {
            taken: AtomicBool::new(false),
            inside: AtomicBool::new(false),
            shared: AtomicBool::new(true),
            lock: Mutex::new(()),
            value: RaceCell::new(value),
        }
    }

    /// Makes the calling thread the owner, until the seat is dropped.
    pub(crate) fn take_seat(&self) -> Seat<'_, T> {
        // Acquire: what the last owner did happens before.
        let taken = self.taken.swap(true, Ordering::Acquire);
        assert!(!taken, "BUG: a seat is taken twice");
        Seat { biased: self, _this_thread: PhantomData }
    }

    /// For every thread, the owner's included (but not from inside).
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.lock.lock();
        if !self.shared.load(Ordering::Acquire) {
            self.shared.store(true, Ordering::SeqCst);
            fences::heavy(); // H
            while self.inside.load(Ordering::Acquire) {
                wait_for_another();
            }
        }
        self.use_value(f)
    }

    /// If nobody has to be interrupted for it.
    pub(crate) fn with_if_shared<R>(&self, f: impl FnOnce(&mut T) -> R) -> Option<R> {
        let _held = self.lock.lock();
        if !self.shared.load(Ordering::Acquire) {
            return None;
        }
        Some(self.use_value(f))
    }

    /// Does nobody use it as its owner?
    pub(crate) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    #[inline(always)]
    fn use_value<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        self.value.with_mut(|value| {
            // SAFETY: the caller is the owner, inside, and saw the door closed; or it holds the mutex with the door open
            // and the owner outside.
            f(unsafe { &mut *value })
        })
    }
}

/// The owner's side.
pub(crate) struct Seat<'b, T> {
    biased: &'b Biased<T>,
    _this_thread: PhantomData<*const ()>,
}

impl<T> Seat<'_, T> {
    #[inline(always)]
    pub(crate) fn with<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let biased = self.biased;
        biased.inside.store(true, Ordering::Relaxed);
        fences::light(); // L
        if !biased.shared.load(Ordering::Acquire) {
            let _leaves = Leaves(&biased.inside);
            return biased.use_value(f);
        }
        biased.inside.store(false, Ordering::Release);
        self.with_the_door_open(f)
    }

    #[cold]
    fn with_the_door_open<R>(&self, f: impl FnOnce(&mut T) -> R) -> R {
        let _held = self.biased.lock.lock();
        let result = self.biased.use_value(f);
        self.biased.shared.store(false, Ordering::Relaxed);
        result
    }

    /// The owner will not use the value for a while: others need not interrupt it.
    pub(crate) fn rest(&self) {
        self.biased.shared.store(true, Ordering::Release);
    }
}

impl<T> Drop for Seat<'_, T> {
    fn drop(&mut self) {
        self.rest();
        self.biased.taken.store(false, Ordering::Release);
    }
}

/// Leaves also when the closure panics.
struct Leaves<'b>(&'b AtomicBool);

impl Drop for Leaves<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        self.0.store(false, Ordering::Release);
    }
}
