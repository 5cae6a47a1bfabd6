//! What the models of `sync` share, and the models of all that waits through `waiters`.
//!
//! Channels have a `model.rs` of their own, next to what they model.

/// What the models share.
pub(super) mod kit {
    use loom::sync::Notify;
    use std::future::Future;
    use std::pin::pin;
    use std::sync::Arc;
    use std::task::{Context, Poll, Wake, Waker};

    /// Every interleaving with at most three preemptions.
    pub(in crate::sync) fn check(f: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(f);
    }

    /// loom's own signal: its `park` forgets an `unpark` that comes while the thread is between two steps.
    struct Signal(Notify);

    impl Wake for Signal {
        fn wake(self: Arc<Self>) {
            self.0.notify();
        }
    }

    /// Polls and parks; a lost wake-up is a deadlock that loom reports.
    pub(in crate::sync) fn block_on<F: Future>(future: F) -> F::Output {
        let signal = Arc::new(Signal(Notify::new()));
        let waker = Waker::from(Arc::clone(&signal));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return output;
            }
            signal.0.wait();
        }
    }

    /// One poll with a waker that does nothing.
    pub(in crate::sync) fn poll_once<F: Future>(future: std::pin::Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }
}

/// Notify, Semaphore, Mutex, RwLock, OnceCell, SetOnce, Barrier.
#[allow(unsafe_code)] // cells whose accesses loom watches
mod primitives {
    use super::kit::{block_on, check, poll_once};
    use crate::engine::atomics::RaceCell;
    use crate::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce};
    use loom::sync::Arc;
    use loom::thread;

    // Planted fault: in `Notify::enqueue`, do not look for PERMIT again: deadlock.
    #[test]
    fn model_notify_one_is_not_lost() {
        check(|| {
            let notify = Arc::new(Notify::new());
            let other = Arc::clone(&notify);
            let notifier = thread::spawn(move || other.notify_one());
            block_on(notify.notified());
            notifier.join().unwrap();
        });
    }

    // Planted fault: in `Notify::leave`, do not pass a `First` on: deadlock (museum LW13).
    #[test]
    fn museum_lw13_model_notify_passes_on_what_a_cancelled_waiter_had() {
        check(|| {
            let notify = Arc::new(Notify::new());
            let other = Arc::clone(&notify);
            let canceller = thread::spawn(move || {
                let mut waiting = Box::pin(other.notified());
                let ready = poll_once(waiting.as_mut()).is_ready();
                drop(waiting);
                if ready {
                    other.notify_one();
                }
            });
            let other = Arc::clone(&notify);
            let notifier = thread::spawn(move || other.notify_one());
            block_on(notify.notified());
            canceller.join().unwrap();
            notifier.join().unwrap();
        });
    }

    // Planted fault: in `Wait::new`, take the round at the first poll instead: deadlock (museum LW12).
    #[test]
    fn museum_lw12_model_notify_waiters_reaches_futures_that_exist() {
        check(|| {
            let notify = Arc::new(Notify::new());
            let waiting = notify.notified();
            let other = Arc::clone(&notify);
            let notifier = thread::spawn(move || other.notify_waiters());
            thread::yield_now();
            block_on(waiting);
            notifier.join().unwrap();
        });
    }

    // Planted fault: in `Permits::release`, ignore QUEUED: deadlock. Ordering Relaxed in `release` and `try_acquire`: a
    // race on the cell.
    #[test]
    fn model_semaphore_hands_over_permits_and_what_was_written() {
        check(|| {
            let shared = Arc::new((Semaphore::new(1), RaceCell::new(0)));
            let threads: Vec<_> = (0..2)
                .map(|_| {
                    let shared = Arc::clone(&shared);
                    thread::spawn(move || {
                        let permit = block_on(shared.0.acquire()).unwrap();
                        // SAFETY: the one permit makes this the only access; loom watches.
                        shared.1.with_mut(|n| unsafe { *n += 1 });
                        drop(permit);
                    })
                })
                .collect();
            for thread in threads {
                thread.join().unwrap();
            }
            // SAFETY: the threads are gone.
            assert_eq!(shared.1.with(|n| unsafe { *n }), 2);
            assert_eq!(shared.0.available_permits(), 1);
        });
    }

    // Planted fault: in `Permits::leave`, hand out nothing: deadlock, or fewer permits at the end (museum LW13).
    #[test]
    fn museum_lw13_model_semaphore_cancel_against_release() {
        check(|| {
            let semaphore = Arc::new(Semaphore::new(1));
            let permit = block_on(semaphore.acquire()).unwrap();
            let other = Arc::clone(&semaphore);
            let canceller = thread::spawn(move || {
                let mut waiting = Box::pin(other.acquire());
                let _ = poll_once(waiting.as_mut());
            });
            let other = Arc::clone(&semaphore);
            let waiter = thread::spawn(move || drop(block_on(other.acquire()).unwrap()));
            drop(permit);
            canceller.join().unwrap();
            waiter.join().unwrap();
            assert_eq!(semaphore.available_permits(), 1);
        });
    }

    // Planted fault: in `Permits::enqueue`, do not look at CLOSED: deadlock.
    #[test]
    fn model_semaphore_close_against_acquire() {
        check(|| {
            let semaphore = Arc::new(Semaphore::new(0));
            let other = Arc::clone(&semaphore);
            let closer = thread::spawn(move || other.close());
            assert!(block_on(semaphore.acquire()).is_err());
            closer.join().unwrap();
        });
    }

    // Planted fault: in `Permits::close`, do not give back what waiters had collected: the last count is too low.
    #[test]
    fn model_semaphore_close_against_add_conserves_permits() {
        check(|| {
            let semaphore = Arc::new(Semaphore::new(0));
            let other = Arc::clone(&semaphore);
            let closer = thread::spawn(move || other.close());
            let other = Arc::clone(&semaphore);
            let adder = thread::spawn(move || other.add_permits(1));
            let got = block_on(semaphore.acquire_many(2)).map(|permit| permit.forget()).is_ok();
            closer.join().unwrap();
            adder.join().unwrap();
            assert!(!got);
            assert_eq!(semaphore.available_permits(), 1);
        });
    }

    // Planted fault: in `hand_out_locked`, begin with `free = extra` only: deadlock.
    #[test]
    fn model_semaphore_many_collects_from_two_releases() {
        check(|| {
            let semaphore = Arc::new(Semaphore::new(0));
            let adders: Vec<_> = (0..2)
                .map(|_| {
                    let semaphore = Arc::clone(&semaphore);
                    thread::spawn(move || semaphore.add_permits(1))
                })
                .collect();
            block_on(semaphore.acquire_many(2)).unwrap().forget();
            for adder in adders {
                adder.join().unwrap();
            }
            assert_eq!(semaphore.available_permits(), 0);
        });
    }

    // Planted fault: release without handing out in `Mutex::unlock`: deadlock.
    #[test]
    fn model_mutex_excludes() {
        check(|| {
            let mutex = Arc::new(Mutex::new(0));
            let other = Arc::clone(&mutex);
            let thread = thread::spawn(move || *block_on(other.lock()) += 1);
            *block_on(mutex.lock()) += 1;
            thread.join().unwrap();
            assert_eq!(*block_on(mutex.lock()), 2);
        });
    }

    // Planted fault: in `Unlock::downgrade`, release all permits: a writer gets in (the assertion fails), and the last
    // count is too high (museum Y1).
    #[test]
    fn museum_y1_model_rwlock_downgrade_lets_no_writer_in_between() {
        check(|| {
            let lock = Arc::new(RwLock::with_max_readers(RaceCell::new(0), 2));
            let writer = block_on(lock.write());
            let other = Arc::clone(&lock);
            let thread = thread::spawn(move || {
                // SAFETY: the guard is for writing; loom watches.
                block_on(other.write()).with_mut(|n| unsafe { *n += 1 });
            });
            // SAFETY: as above.
            writer.with_mut(|n| unsafe { *n = 5 });
            let reader = writer.downgrade();
            // SAFETY: the guard is for reading; loom watches.
            assert_eq!(reader.with(|n| unsafe { *n }), 5);
            drop(reader);
            thread.join().unwrap();
            let readers = (lock.try_read().unwrap(), lock.try_read().unwrap());
            // SAFETY: as above.
            assert_eq!(readers.0.with(|n| unsafe { *n }), 6);
            assert!(lock.try_read().is_err(), "there are two permits");
        });
    }

    // Planted fault: in `OnceCell::publish`, do not close the permits: deadlock.
    #[test]
    fn model_once_cell_is_made_once() {
        check(|| {
            let cell = Arc::new(OnceCell::new());
            let other = Arc::clone(&cell);
            let thread = thread::spawn(move || *block_on(other.get_or_init(async || 1)));
            let mine = *block_on(cell.get_or_init(async || 2));
            assert_eq!(thread.join().unwrap(), mine);
        });
    }

    // Planted fault: in `SetOnce::wait`, look before the future is made: deadlock.
    #[test]
    fn model_set_once_wakes_who_waits() {
        check(|| {
            let cell = Arc::new(SetOnce::new());
            let other = Arc::clone(&cell);
            let thread = thread::spawn(move || other.set(1).unwrap());
            assert_eq!(*block_on(cell.wait()), 1);
            thread.join().unwrap();
        });
    }

    // Planted fault: in `Barrier::arrive`, fire nobody: deadlock.
    #[test]
    fn model_barrier_has_one_leader() {
        check(|| {
            let barrier = Arc::new(Barrier::new(2));
            let other = Arc::clone(&barrier);
            let thread = thread::spawn(move || block_on(other.wait()).is_leader());
            let mine = block_on(barrier.wait()).is_leader();
            assert!(mine != thread.join().unwrap());
        });
    }
}
