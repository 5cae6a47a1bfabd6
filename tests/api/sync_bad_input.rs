//! What makes no sense is refused on the line that asked for it, in words that say what to do instead.

use runtime::sync::*;
use runtime_tests::hostile::now;
use runtime_tests::{Flavor, assert_panics_here, for_each_flavor, watchdog};
use std::sync::Arc;

#[test]
fn sizes_that_cannot_be() {
    let most = Semaphore::MAX_PERMITS;
    assert_panics_here!(mpsc::channel::<u8>(0), "mpsc");
    assert_panics_here!(broadcast::channel::<u8>(0), "broadcast channel");
    assert_panics_here!(broadcast::channel::<u8>(usize::MAX), "broadcast channel");
    assert_panics_here!(broadcast::Sender::<u8>::new(0), "broadcast channel");
    assert_panics_here!(Semaphore::new(most + 1), "permits", "MAX_PERMITS");
    assert_panics_here!(Semaphore::new(usize::MAX), "permits", "MAX_PERMITS");
    assert_panics_here!(RwLock::with_max_readers(1, u32::MAX), "readers");
    assert_panics_here!(Semaphore::new(most).add_permits(1), "permits", "MAX_PERMITS");
    assert_panics_here!(Semaphore::new(1).add_permits(usize::MAX), "permits", "MAX_PERMITS");
    // Nobody has to wait for somebody else: one visitor is enough.
    assert!(now(Barrier::new(0).wait()).is_leader());
}

// tokio takes the one, and blames a line of its own for the other.
#[test]
#[cfg(not(feature = "oracle"))]
fn sizes_that_tokio_takes() {
    assert_panics_here!(mpsc::channel::<u8>(0), "room for 0 values", "from 1 to");
    assert_panics_here!(mpsc::channel::<u8>(usize::MAX), "room for", "from 1 to");
    assert_panics_here!(RwLock::with_max_readers(1, 0), "readers", "from 1 to");
    assert_panics_here!(queue::Queue::<u8>::new(0), "room for 0 items", "from 1 to", "unbounded");
    assert_panics_here!(queue::LifoQueue::<u8>::new(usize::MAX), "room for", "from 1 to");
    assert_panics_here!(queue::PriorityQueue::<u8>::new(0), "room for 0 items");
}

#[test]
fn permits_of_two_semaphores_do_not_merge() {
    let (one, two) = (Arc::new(Semaphore::new(1)), Arc::new(Semaphore::new(1)));
    let mut permit = one.try_acquire().unwrap();
    assert_panics_here!(permit.merge(two.try_acquire().unwrap()), "different");
    drop(permit);
    let mut owned = one.clone().try_acquire_owned().unwrap();
    assert_panics_here!(owned.merge(two.clone().try_acquire_owned().unwrap()), "different");
    drop(owned);
    assert_eq!((one.available_permits(), two.available_permits()), (1, 1), "both came back");
}

#[test]
fn more_than_a_channel_can_ever_hold_is_an_error_and_not_a_wait() {
    let (tx, _rx) = mpsc::channel::<u8>(2);
    assert!(now(tx.reserve_many(3)).is_err());
    assert!(tx.try_reserve_many(usize::MAX).is_err());
    assert_eq!(now(tx.reserve_many(0)).unwrap().count(), 0);
}

#[test]
fn what_is_closed_says_so() {
    let semaphore = Arc::new(Semaphore::new(1));
    semaphore.close();
    assert!(now(semaphore.acquire()).is_err() && now(semaphore.clone().acquire_many_owned(0)).is_err());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert!(semaphore.blocking_acquire().is_err() && semaphore.clone().blocking_acquire_owned().is_err());

    let (tx, rx) = mpsc::channel(1);
    drop(rx);
    assert_eq!(now(tx.send(1)), Err(mpsc::error::SendError(1)));
    assert_eq!(tx.try_send(2), Err(mpsc::error::TrySendError::Closed(2)));
    assert_eq!(tx.blocking_send(3), Err(mpsc::error::SendError(3)));
    assert!(now(tx.reserve()).is_err() && now(tx.clone().reserve_owned()).is_err());
    assert!(matches!(tx.try_reserve_owned(), Err(mpsc::error::TrySendError::Closed(_))));
    let (tx, rx) = mpsc::unbounded_channel();
    drop(rx);
    assert_eq!(tx.send(1), Err(mpsc::error::SendError(1)));

    let (tx, rx) = oneshot::channel();
    drop(rx);
    assert_eq!(tx.send(1), Err(1));
    let (tx, rx) = oneshot::channel::<u8>();
    drop(tx);
    assert!(rx.blocking_recv().is_err());

    let (tx, rx) = watch::channel(1);
    drop(rx);
    assert_eq!(tx.send(2).unwrap_err().0, 2);
    let mut rx = tx.subscribe();
    drop(tx);
    assert!(now(rx.changed()).is_err() && now(rx.wait_for(|n| *n == 9)).is_err() && rx.has_changed().is_err());

    let (tx, rx) = broadcast::channel(1);
    let mut late = tx.subscribe();
    drop(rx);
    assert!(tx.send(1).is_ok());
    drop(tx);
    assert_eq!((late.blocking_recv(), late.blocking_recv()), (Ok(1), Err(broadcast::error::RecvError::Closed)));
}

for_each_flavor!(blocking_inside_of_async_code);

fn blocking_inside_of_async_code(flavor: Flavor) {
    let _watch = watchdog();
    flavor.build().block_on(async {
        let mutex = Arc::new(Mutex::new(1));
        let lock = RwLock::new(1);
        let semaphore = Arc::new(Semaphore::new(1));
        let (tx, mut rx) = mpsc::channel(1);
        let (unbounded, mut unbounded_rx) = mpsc::unbounded_channel();
        let (once, once_rx) = oneshot::channel();
        let (all, mut all_rx) = broadcast::channel(1);
        // Nothing would have to wait: it is refused all the same, so that it does not depend on luck.
        unbounded.send(1).unwrap();
        once.send(1).unwrap();
        all.send(1).unwrap();
        assert_panics_here!(mutex.blocking_lock(), "block");
        assert_panics_here!(mutex.clone().blocking_lock_owned(), "block");
        assert_panics_here!(lock.blocking_read(), "block");
        assert_panics_here!(lock.blocking_write(), "block");
        assert_panics_here!(tx.blocking_send(1), "block");
        assert_panics_here!(rx.blocking_recv(), "block");
        assert_panics_here!(rx.blocking_recv_many(&mut Vec::new(), 1), "block");
        assert_panics_here!(unbounded_rx.blocking_recv(), "block");
        assert_panics_here!(unbounded_rx.blocking_recv_many(&mut Vec::new(), 1), "block");
        assert_panics_here!(once_rx.blocking_recv(), "block");
        assert_panics_here!(all_rx.blocking_recv(), "block");
        assert_panics_here!(semaphore.blocking_acquire(), "block");
        assert_panics_here!(semaphore.blocking_acquire_many(1), "block");
        assert_panics_here!(semaphore.clone().blocking_acquire_owned(), "block");
        assert_panics_here!(semaphore.clone().blocking_acquire_many_owned(1), "block");
        #[cfg(not(feature = "oracle"))]
        {
            let queue = queue::Queue::unbounded();
            assert_panics_here!(mutex.blocking_lock(), "`Mutex::blocking_lock` would block", "await", "spawn_blocking");
            assert_panics_here!(queue.blocking_put(1), "would block", "await");
            assert_panics_here!(queue.blocking_get(), "would block", "await");
            assert_panics_here!(queue.blocking_join(), "would block", "await");
            assert_panics_here!(Event::new().blocking_wait(), "would block", "await");
            assert_panics_here!(CapacityLimiter::new(1).blocking_acquire(), "would block", "await");
        }
        // Refused calls have taken nothing.
        assert_eq!((semaphore.available_permits(), tx.capacity(), unbounded_rx.len(), all_rx.len()), (1, 1, 1, 1));
        assert!(mutex.try_lock().is_ok() && lock.try_write().is_ok());
    });
}
