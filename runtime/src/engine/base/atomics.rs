//! Atomics, locks and cells: `std` and `parking_lot` in a build, `loom` in a model.
//!
//! Every type that a protocol of ours shares between threads comes from here, so that `model.rs` files can run the
//! real code under every interleaving. What no model looks at (counters for metrics, ids) uses `std` directly.

#[cfg(not(loom))]
mod imp {
    pub(crate) use parking_lot::{Condvar, Mutex, MutexGuard, ReentrantMutex, ReentrantMutexGuard};
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

    /// Makes a cell whose content starts with the layout of `V`, without moving a whole `T` over the stack.
    ///
    /// # Safety
    /// `place` is uninitialised and the caller's; a `V` at the start of a `T` makes a valid `T`, as `wrap` does.
    #[inline(always)]
    pub(crate) unsafe fn init_cell<T, V>(place: *mut RaceCell<T>, value: V, _wrap: impl FnOnce(V) -> T) {
        // SAFETY: by contract, and both cells are transparent.
        unsafe { place.cast::<V>().write(value) };
    }

    /// Whoever frees an atomic says so here, for the models.
    #[inline(always)]
    pub(crate) fn end_of_life(_atomic: &mut AtomicU64) {}

    /// A static that is made by its first user; in a model, of each execution.
    pub(crate) struct Static<T: 'static>(std::sync::LazyLock<T>);

    impl<T> Static<T> {
        pub(crate) const fn new(make: fn() -> T) -> Self {
            Static(std::sync::LazyLock::new(make))
        }

        pub(crate) fn get(&'static self) -> &'static T {
            &self.0
        }
    }

    /// Sleeps; in a model, lets the others go on.
    pub(crate) fn nap(time: std::time::Duration) {
        std::thread::sleep(time);
    }

    /// The time; in a model it stands still, or the model would run in another way each time.
    #[inline]
    pub(crate) fn now() -> std::time::Instant {
        std::time::Instant::now()
    }

    /// One pause of a spinning thread: it gives its core to whoever can use it.
    #[inline]
    pub(crate) fn spin_pause() {
        std::thread::yield_now();
    }

    /// One pause of a thread that cannot go on before another one has.
    pub(crate) fn wait_for_another() {
        std::thread::yield_now();
    }

    /// The most pauses between looks that only save time. About 1.5 us, where a pause is 25 ns.
    pub(crate) const PAUSES_MOST: u32 = 64;
}

#[cfg(loom)]
mod imp {
    pub(crate) use loom::cell::UnsafeCell as RaceCell;
    pub(crate) use loom::sync::Arc;
    pub(crate) use loom::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, AtomicU32, AtomicU64, AtomicUsize, fence};

    /// See outside of models.
    pub(crate) struct Static<T: 'static>(loom::lazy_static::Lazy<T>);

    impl<T> Static<T> {
        pub(crate) const fn new(make: fn() -> T) -> Self {
            Static(loom::lazy_static::Lazy { init: make, _p: std::marker::PhantomData })
        }

        pub(crate) fn get(&'static self) -> &'static T {
            self.0.get()
        }
    }

    /// As outside of models, over the stack.
    ///
    /// # Safety
    /// `place` is uninitialised and the caller's.
    pub(crate) unsafe fn init_cell<T, V>(place: *mut RaceCell<T>, value: V, wrap: impl FnOnce(V) -> T) {
        // SAFETY: by contract.
        unsafe { place.write(RaceCell::new(wrap(value))) };
    }

    /// `loom::sync::Mutex` with parking_lot's interface (a lock cannot be poisoned).
    #[derive(Debug)]
    pub(crate) struct Mutex<T>(loom::sync::Mutex<T>);

    /// Knows its mutex, so that a condition variable can give the lock up and take it again.
    #[derive(Debug)]
    pub(crate) struct MutexGuard<'a, T> {
        mutex: &'a Mutex<T>,
        /// `None` while a condition variable waits.
        held: Option<loom::sync::MutexGuard<'a, T>>,
    }

    /// Not so in a model: a thread that comes again is a deadlock, and seen.
    pub(crate) type ReentrantMutex<T> = Mutex<T>;
    pub(crate) type ReentrantMutexGuard<'a, T> = MutexGuard<'a, T>;

    impl<T> Mutex<T> {
        pub(crate) fn new(value: T) -> Self {
            Mutex(loom::sync::Mutex::new(value))
        }

        pub(crate) fn lock(&self) -> MutexGuard<'_, T> {
            MutexGuard { mutex: self, held: Some(self.lock_bare()) }
        }

        pub(crate) fn try_lock(&self) -> Option<MutexGuard<'_, T>> {
            let held = self.0.try_lock().ok()?;
            Some(MutexGuard { mutex: self, held: Some(held) })
        }

        pub(crate) fn get_mut(&mut self) -> &mut T {
            self.0.get_mut().expect("no thread panics with a lock held")
        }

        fn lock_bare(&self) -> loom::sync::MutexGuard<'_, T> {
            self.0.lock().expect("no thread panics with a lock held")
        }
    }

    impl<T> std::ops::Deref for MutexGuard<'_, T> {
        type Target = T;
        fn deref(&self) -> &T {
            self.held.as_ref().expect("BUG: a lock is used while its thread waits")
        }
    }

    impl<T> std::ops::DerefMut for MutexGuard<'_, T> {
        fn deref_mut(&mut self) -> &mut T {
            self.held.as_mut().expect("BUG: a lock is used while its thread waits")
        }
    }

    /// `loom::sync::Condvar` with parking_lot's interface, and with waits that time out.
    ///
    /// A timed wait gives up the lock and takes it back. What the other threads do in between is loom's choice, so a
    /// model sees time run out after nothing, after a notification that came too late, or (`TimedOut(false)`) not at
    /// all. The tickets are no loom objects: notify with the lock held, or the exploration misses orders.
    #[derive(Debug)]
    pub(crate) struct Condvar {
        condvar: loom::sync::Condvar,
        tickets: std::sync::Mutex<Tickets>,
    }

    /// Timed waits that nobody has notified yet.
    #[derive(Debug, Default)]
    struct Tickets {
        next: usize,
        waiting: Vec<usize>,
    }

    pub(crate) struct TimedOut(bool);

    impl TimedOut {
        pub(crate) fn timed_out(&self) -> bool {
            self.0
        }
    }

    impl Condvar {
        pub(crate) fn new() -> Self {
            Condvar { condvar: loom::sync::Condvar::new(), tickets: Default::default() }
        }

        pub(crate) fn notify_one(&self) -> bool {
            let mut tickets = self.tickets();
            if tickets.waiting.is_empty() {
                drop(tickets);
                self.condvar.notify_one();
            } else {
                tickets.waiting.remove(0);
            }
            true
        }

        pub(crate) fn notify_all(&self) -> usize {
            self.tickets().waiting.clear();
            self.condvar.notify_all();
            0
        }

        pub(crate) fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
            let held = guard.held.take().expect("BUG: a lock is used while its thread waits");
            guard.held = Some(self.condvar.wait(held).expect("no thread panics with a lock held"));
        }

        /// `Duration::MAX` never ends.
        pub(crate) fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, timeout: std::time::Duration) -> TimedOut {
            if timeout == std::time::Duration::MAX {
                self.wait(guard);
                return TimedOut(false);
            }
            let ticket = {
                let mut tickets = self.tickets();
                tickets.next += 1;
                let ticket = tickets.next;
                tickets.waiting.push(ticket);
                ticket
            };
            drop(guard.held.take());
            guard.held = Some(guard.mutex.lock_bare());
            let mut tickets = self.tickets();
            let before = tickets.waiting.len();
            tickets.waiting.retain(|other| *other != ticket);
            TimedOut(tickets.waiting.len() != before)
        }

        fn tickets(&self) -> std::sync::MutexGuard<'_, Tickets> {
            self.tickets.lock().expect("no thread panics with a lock held")
        }
    }

    /// Whoever frees an atomic says so here: an access that does not happen before is an error.
    pub(crate) fn end_of_life(atomic: &mut AtomicU64) {
        atomic.with_mut(|_| ());
    }

    /// A thread that has nothing to do lets the others go on.
    pub(crate) fn nap(_time: std::time::Duration) {
        loom::thread::yield_now();
    }

    /// It stands still.
    pub(crate) fn now() -> std::time::Instant {
        static NOW: std::sync::OnceLock<std::time::Instant> = std::sync::OnceLock::new();
        *NOW.get_or_init(std::time::Instant::now)
    }

    /// Nothing: loom's `yield_now` would hide the orders in which the spinning thread goes on at once. Spins are short.
    pub(crate) fn spin_pause() {}

    /// The others go first: until they have, this thread can do nothing.
    pub(crate) fn wait_for_another() {
        loom::thread::yield_now();
    }

    /// One look more is all that a model needs to see.
    pub(crate) const PAUSES_MOST: u32 = 1;
}

pub(crate) use imp::*;
pub(crate) use std::sync::atomic::Ordering;
