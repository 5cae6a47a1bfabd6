//! A value that one thread uses all the time and others seldom: for the one, a lock that costs a fence.
//!
//! Owns: the lock.   Not here: what is in it (`wheel`).
//!
//! At a time one thread is the *owner*; it has the value's [`Seat`]. `inside` is written by the owner only, `shared` by
//! whoever holds the mutex, and by an owner that rests.
//!
//! ```text
//! owner:  inside = true  - fence L -  shared?  no:  use the value, inside = false (Release)
//!                                              yes: inside = false, lock, use the value, shared = false, unlock
//! other:  lock;  shared?  yes: use the value, unlock
//!                         no:  shared = true  - fence H -  wait until inside is false (Acquire); use the value, unlock
//! rest:   shared = true (Release)
//! ```
//!
//! L pairs with H: either the owner sees `shared` and goes through the mutex, or the other sees `inside` and waits for
//! the few instructions that it lasts. The other leaves `shared` set, so a second one finds the door open; the owner
//! takes it back when it needs it. A resting owner (its thread sleeps, or is gone) opens the door itself.
//!
//! The danger: two threads that both believe themselves the owner, or one that re-enters. So a seat that is taken cannot be
//! taken again, and what runs inside is a few lines on plain data: no waker, no drop of a user's value.
//!
//! Rejected: a plain mutex, and a fence L that only the compiler sees, with `membarrier` as H (`docs/design/rejected.md`).

use crate::engine::base::atomics::{
    AtomicBool, Mutex, Ordering, PAUSES_MOST, RaceCell, fence, spin_pause, wait_for_another,
};
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
            self.shared.store(true, Ordering::Relaxed);
            fence(Ordering::SeqCst); // H
            let mut looks = 0;
            while self.inside.load(Ordering::Acquire) {
                // A few instructions, unless the owner has just lost its CPU.
                if looks < PAUSES_MOST {
                    looks += 1;
                    spin_pause();
                } else {
                    wait_for_another();
                }
            }
        }
        self.use_value(f)
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
        fence(Ordering::SeqCst); // L
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

    /// The owner will not use the value for a while: others need not wait for it.
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

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
    use std::thread;
    use std::time::{Duration, Instant};

    /// D2: the owner comes often, with stores that miss its cache ahead of its own; others come at odd moments.
    #[test]
    fn d2_one_thread_at_a_time_is_inside() {
        const OTHERS: u64 = 50_000;
        const LONG_ENOUGH: Duration = Duration::from_millis(500);
        struct Value {
            visitor: AtomicU64,
            sum: u64,
        }
        let visit = |value: &mut Value, who| {
            let before = value.visitor.swap(who, Relaxed);
            value.sum += 1;
            let after = value.visitor.swap(0, Relaxed);
            assert_eq!((before, after), (0, who), "two are inside");
        };
        let biased = Arc::new(Biased::new(Value { visitor: AtomicU64::new(0), sum: 0 }));
        let stop = Arc::new(AtomicBool::new(false));
        let owner = {
            let (biased, stop) = (biased.clone(), stop.clone());
            thread::spawn(move || {
                let far: Vec<_> = (0..1 << 20).map(|_| AtomicU64::new(0)).collect();
                let seat = biased.take_seat();
                let (mut random, mut visits) = (1_u64, 0);
                while !stop.load(Relaxed) {
                    for _ in 0..8 {
                        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                        far[(random >> 44) as usize].store(random, Relaxed);
                    }
                    seat.with(|value| visit(value, 1));
                    visits += 1;
                    if visits % 1024 == 0 {
                        seat.rest();
                    }
                }
                visits
            })
        };
        let (begun, mut others) = (Instant::now(), 0);
        while others < OTHERS && begun.elapsed() < LONG_ENOUGH {
            (0..others % 64).for_each(|_| spin_pause());
            biased.with(|value| visit(value, 2));
            others += 1;
        }
        stop.store(true, Relaxed);
        let visits = owner.join().unwrap();
        assert_eq!(biased.with(|value| value.sum), visits + others);
    }
}
