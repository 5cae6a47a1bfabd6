//! Atomics, locks and cells: `std` and `parking_lot` in a build, `loom` in a model.
//!
//! Every type that a protocol of ours shares between threads comes from here, so that `model.rs` files can run the
//! real code under every interleaving. What no model looks at (counters for metrics, ids) uses `std` directly.

#[cfg(not(loom))]
mod imp {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard};
    pub(crate) use std::sync::Arc;
    pub(crate) use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};

    /// `std::cell::UnsafeCell` with loom's interface: a closure marks how long the pointer is used.
    #[derive(Debug)]
    #[repr(transparent)]
    pub(crate) struct RaceCell<T>(std::cell::UnsafeCell<T>);

    impl<T> RaceCell<T> {
        pub(crate) const fn new(value: T) -> Self {
            RaceCell(std::cell::UnsafeCell::new(value))
        }

        #[inline(always)]
        pub(crate) fn with<R>(&self, f: impl FnOnce(*const T) -> R) -> R {
            f(self.0.get())
        }

        #[inline(always)]
        pub(crate) fn with_mut<R>(&self, f: impl FnOnce(*mut T) -> R) -> R {
            f(self.0.get())
        }
    }

    /// One pause of a spinning thread: it gives its core to whoever can use it.
    #[inline]
    pub(crate) fn spin_pause() {
        std::thread::yield_now();
    }
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::cell::UnsafeCell as RaceCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};

    /// `loom::sync::Mutex` with parking_lot's interface (a lock cannot be poisoned).
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    pub(crate) type MutexGuard<'a, T> = loom::sync::MutexGuard<'a, T>;

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            self.0.lock().expect("no thread panics with a lock held")
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            self.0.try_lock().ok()
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect("no thread panics with a lock held")
        }
    }

    /// `loom::sync::Condvar` with parking_lot's interface.
    #[derive(Debug)]
    pub(crate) struct Condvar(loom::sync::Condvar);

    impl Condvar {
        pub(crate) fn new() -> Self {
            Condvar(loom::sync::Condvar::new())
        }

        pub(crate) fn notify_one(&self) -> bool {
            self.0.notify_one();
            true
        }

        pub(crate) fn notify_all(&self) -> usize {
            self.0.notify_all();
            0
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            replace_guard(guard, |owned| self.0.wait(owned).expect("no thread panics with a lock held"));
        }
    }

    pub(crate) struct TimedOut;

    impl TimedOut {
        pub(crate) fn timed_out(&self) -> bool {
            true
        }
    }

    impl Condvar {
        /// Models have no clock: time is always up at once.
        pub(crate) fn wait_for<T>(&self, _guard: &mut MutexGuard<'_, T>, _timeout: std::time::Duration) -> TimedOut {
            TimedOut
        }
    }

    /// parking_lot waits on `&mut guard`, loom takes and gives back the guard.
    #[allow(unsafe_code)]
    fn replace_guard<G>(slot: &mut G, f: impl FnOnce(G) -> G) {
        // SAFETY: `slot` is valid and ours; the copy is given to `f`, and the original is overwritten before anyone
        // can drop it. loom aborts the model on a panic inside `f`, so no second drop happens on unwinding.
        let old = unsafe { std::ptr::read(slot) };
        let new = f(old);
        // SAFETY: `slot` is valid and its value has been moved out above, so it must not be dropped by assignment.
        unsafe { std::ptr::write(slot, new) };
    }

    pub(crate) fn spin_pause() {
        loom::thread::yield_now();
    }
}

pub(crate) use imp::*;
pub(crate) use std::sync::atomic::Ordering;
