use runtime::sync::{Semaphore, TryAcquireError};
use runtime_tests::hostile::{Wakes, now, poll, poll_with};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

static ONE: Semaphore = Semaphore::const_new(1);

#[test]
fn permits_come_back() {
    let permit = ONE.try_acquire().unwrap();
    assert_eq!(ONE.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    drop(permit);
    drop(ONE.blocking_acquire().unwrap());
    now(ONE.acquire()).unwrap().forget();
    assert_eq!(ONE.available_permits(), 0);
    ONE.add_permits(1);
    assert_eq!(ONE.available_permits(), 1);
}

#[test]
fn a_big_request_is_not_overtaken() {
    let semaphore = Semaphore::new(3);
    let two = semaphore.try_acquire_many(2).unwrap();
    let wakes = Wakes::new();
    let mut big = pin!(semaphore.acquire_many(3));
    let mut small = pin!(semaphore.acquire());
    assert!(poll_with(big.as_mut(), &wakes.waker()).is_pending());
    assert!(poll(small.as_mut()).is_pending());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::NoPermits);
    drop(two);
    assert_eq!(wakes.count(), 1);
    assert!(poll(small.as_mut()).is_pending());
    let Poll::Ready(Ok(big)) = poll(big) else { panic!() };
    assert_eq!(big.num_permits(), 3);
    drop(big);
    assert!(poll(small).is_ready());
}

#[test]
fn a_big_request_that_is_cancelled_gives_back_what_it_had_collected() {
    let semaphore = Semaphore::new(2);
    let held = semaphore.try_acquire().unwrap();
    let mut big = Box::pin(semaphore.acquire_many(2));
    let mut small = pin!(semaphore.acquire());
    assert!(poll(big.as_mut()).is_pending());
    let wakes = Wakes::new();
    assert!(poll_with(small.as_mut(), &wakes.waker()).is_pending());
    drop(big);
    assert_eq!(wakes.count(), 1);
    assert!(poll(small.as_mut()).is_ready());
    drop(held);
}

#[test]
fn close_refuses_waiters_and_later_ones_and_takes_permits_back() {
    let semaphore = Arc::new(Semaphore::new(2));
    let held = Arc::clone(&semaphore).try_acquire_owned().unwrap();
    let wakes = Wakes::new();
    let mut waiting = pin!(semaphore.acquire_many(2));
    assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    semaphore.close();
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(waiting), Poll::Ready(Err(_))));
    assert_eq!(semaphore.available_permits(), 1, "what the waiter had collected is back");
    drop(held);
    assert_eq!(semaphore.available_permits(), 2);
    assert!(semaphore.is_closed() && now(semaphore.acquire()).is_err());
    assert_eq!(semaphore.try_acquire().unwrap_err(), TryAcquireError::Closed);
    assert_eq!(semaphore.forget_permits(5), 2);
    semaphore.add_permits(1);
    assert!(semaphore.is_closed() && semaphore.try_acquire().is_err());
}

#[test]
fn split_and_merge() {
    let semaphore = Arc::new(Semaphore::new(5));
    let mut all = semaphore.try_acquire_many(5).unwrap();
    let two = all.split(2).unwrap();
    assert!(all.split(4).is_none());
    assert_eq!((all.num_permits(), two.num_permits()), (3, 2));
    drop(two);
    assert_eq!(semaphore.available_permits(), 2);
    all.merge(semaphore.try_acquire_many(2).unwrap());
    assert_eq!(all.num_permits(), 5);
    let other = Semaphore::new(1);
    let foreign = other.try_acquire().unwrap();
    let merged = catch_unwind(AssertUnwindSafe(|| {
        let mut mine = all.split(1).unwrap();
        mine.merge(foreign);
    }));
    assert!(merged.is_err());
    drop(all);
    assert_eq!((semaphore.available_permits(), other.available_permits()), (5, 1));

    let mut owned = now(Arc::clone(&semaphore).acquire_many_owned(3)).unwrap();
    let part = owned.split(1).unwrap();
    owned.merge(part);
    assert!(Arc::ptr_eq(owned.semaphore(), &semaphore) && owned.num_permits() == 3);
    owned.forget();
    assert_eq!(semaphore.available_permits(), 2);
    assert_eq!(semaphore.forget_permits(1), 1);
}

#[test]
#[cfg_attr(feature = "oracle", ignore = "tokio adds the permits before it panics")]
fn limits_are_kept() {
    let semaphore = Semaphore::new(Semaphore::MAX_PERMITS);
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(1))).is_err());
    assert_eq!(semaphore.available_permits(), Semaphore::MAX_PERMITS, "nothing was added");
    assert!(catch_unwind(|| Semaphore::new(Semaphore::MAX_PERMITS + 1)).is_err());
    assert!(catch_unwind(|| Semaphore::new(usize::MAX)).is_err());
    assert!(catch_unwind(AssertUnwindSafe(|| semaphore.add_permits(usize::MAX))).is_err());
    assert_eq!(now(semaphore.acquire_many(u32::MAX)).unwrap().num_permits(), u32::MAX as usize);
    drop(now(semaphore.acquire_many(0)).unwrap());
}
