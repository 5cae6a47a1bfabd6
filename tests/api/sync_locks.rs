use runtime::sync::*;
use runtime_tests::hostile::{Wakes, now, poll, poll_with};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

static MUTEX: Mutex<u32> = Mutex::const_new(1);
static LOCK: RwLock<u32> = RwLock::const_new(1);

#[test]
fn mutex_hands_over_in_order() {
    let mutex = Mutex::new(0);
    let held = now(mutex.lock());
    let wakes: Vec<_> = (0..3).map(|_| Wakes::new()).collect();
    let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(mutex.lock())).collect();
    for (waiting, wakes) in waiting.iter_mut().zip(&wakes) {
        assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    }
    drop(held);
    for (n, waiting) in waiting.iter_mut().enumerate() {
        assert_eq!(wakes.iter().map(|wakes| wakes.count()).sum::<usize>(), n + 1);
        assert!(mutex.try_lock().is_err(), "it is promised to a waiter");
        let Poll::Ready(mut guard) = poll(waiting.as_mut()) else { panic!("{n} was not woken") };
        *guard += 1;
    }
    drop(waiting);
    assert_eq!(mutex.into_inner(), 3);
}

#[test]
fn mutex_guards_map_and_unlock() {
    assert_eq!(*MUTEX.blocking_lock(), 1);
    let mutex = Arc::new(Mutex::new((1, Some(2))));
    let guard = mutex.try_lock().unwrap();
    assert!(std::ptr::eq(MutexGuard::mutex(&guard), &*mutex));
    let guard = MutexGuard::try_map(guard, |pair| if pair.0 > 1 { Some(&mut pair.0) } else { None }).unwrap_err();
    let mut first = MutexGuard::map(guard, |pair| &mut pair.1);
    first = MappedMutexGuard::try_map(first, |_| None).map(|_: MappedMutexGuard<'_, u8>| ()).unwrap_err();
    let mut second = MappedMutexGuard::try_map(first, Option::as_mut).unwrap();
    *second = 5;
    assert_eq!(format!("{second} {second:?}"), "5 5");
    assert!(mutex.try_lock().is_err());
    drop(second);

    let owned = now(Arc::clone(&mutex).lock_owned());
    assert!(Arc::ptr_eq(OwnedMutexGuard::mutex(&owned), &mutex) && Arc::clone(&mutex).try_lock_owned().is_err());
    let owned = OwnedMutexGuard::try_map(owned, |_| None).map(|_: OwnedMappedMutexGuard<_, u8>| ()).unwrap_err();
    let mapped = OwnedMutexGuard::map(owned, |pair| &mut pair.1);
    let mut mapped = OwnedMappedMutexGuard::try_map(mapped, Option::as_mut).unwrap();
    *mapped += 1;
    drop(OwnedMappedMutexGuard::map(mapped, |n| n));
    assert_eq!(*Arc::clone(&mutex).blocking_lock_owned(), (1, Some(6)));
    assert_eq!(format!("{mutex:?}"), "Mutex { data: (1, Some(6)) }");
    let _held = mutex.try_lock().unwrap();
    assert_eq!(format!("{mutex:?}"), "Mutex { data: <locked> }");
}

#[test]
fn a_map_that_panics_unlocks() {
    let mutex = Mutex::new(0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = MutexGuard::map(mutex.try_lock().unwrap(), |_| -> &mut u8 { panic!("no") });
    }));
    assert!(panicked.is_err() && mutex.try_lock().is_ok());
    let lock = RwLock::new(0);
    let panicked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let _ = RwLockWriteGuard::downgrade_map(lock.try_write().unwrap(), |_| -> &u8 { panic!("no") });
    }));
    assert!(panicked.is_err() && lock.try_write().is_ok());
}

#[test]
fn unsized_data() {
    let mutex: Arc<Mutex<[u8]>> = Arc::new(Mutex::new([1, 2]));
    now(mutex.lock())[0] = 5;
    assert_eq!(*now(Arc::clone(&mutex).lock_owned()), [5, 2]);
    let lock: Box<RwLock<dyn Fn() -> u8 + Send + Sync>> = Box::new(RwLock::new(|| 3));
    assert_eq!(now(lock.read())(), 3);
}

#[test]
fn readers_share_and_writers_do_not() {
    let lock = RwLock::new(5);
    let (first, second) = (now(lock.read()), lock.try_read().unwrap());
    assert!(lock.try_write().is_err());
    let wakes = Wakes::new();
    let mut write = pin!(lock.write());
    assert!(poll_with(write.as_mut(), &wakes.waker()).is_pending());
    assert!(lock.try_read().is_err(), "a reader does not overtake a writer");
    let mut late = pin!(lock.read());
    assert!(poll(late.as_mut()).is_pending());
    drop(first);
    assert_eq!(wakes.count(), 0);
    drop(second);
    assert_eq!(wakes.count(), 1);
    let Poll::Ready(mut writer) = poll(write) else { panic!() };
    *writer = 6;
    let late_wakes = Wakes::new();
    assert!(poll_with(late.as_mut(), &late_wakes.waker()).is_pending());
    let reader = writer.downgrade();
    assert_eq!((late_wakes.count(), *reader), (1, 6));
    assert!(poll(late).is_ready());
}

#[test]
fn a_reader_limit_is_kept() {
    let lock = RwLock::with_max_readers((), 2);
    let readers = (lock.try_read().unwrap(), lock.try_read().unwrap());
    assert!(lock.try_read().is_err());
    drop(readers);
    drop(lock.try_write().unwrap().downgrade());
    assert!(lock.try_write().is_ok());
    assert!(std::panic::catch_unwind(|| RwLock::with_max_readers((), 0)).is_err());
    assert!(std::panic::catch_unwind(|| RwLock::with_max_readers((), u32::MAX)).is_err());
}

#[test]
fn rwlock_guards_map_and_downgrade() {
    assert_eq!(*LOCK.blocking_read(), 1);
    *LOCK.blocking_write() += 1;
    let lock = Arc::new(RwLock::new((1, Some(2))));
    let write = now(lock.write());
    let write = RwLockWriteGuard::try_map(write, |_| None).map(|_: RwLockMappedWriteGuard<'_, u8>| ()).unwrap_err();
    let write = RwLockWriteGuard::try_downgrade_map(write, |_| None).map(|_: RwLockReadGuard<'_, u8>| ()).unwrap_err();
    let mut mapped = RwLockWriteGuard::map(write, |pair| &mut pair.0);
    *mapped = 10;
    assert!(RwLockMappedWriteGuard::try_map(mapped, |_| None).map(|_: RwLockMappedWriteGuard<'_, u8>| ()).is_err());
    let read = RwLockWriteGuard::downgrade_map(lock.try_write().unwrap(), |pair| &pair.1);
    let read = RwLockReadGuard::try_map(read, Option::as_ref).unwrap();
    let also = lock.try_read().unwrap();
    assert_eq!((*read, also.0), (2, 10));
    drop((read, also));
    drop(RwLockWriteGuard::into_mapped(lock.try_write().unwrap()));

    let owned = now(Arc::clone(&lock).write_owned());
    let owned =
        OwnedRwLockWriteGuard::try_map(owned, |_| None).map(|_: OwnedRwLockMappedWriteGuard<_, u8>| ()).unwrap_err();
    assert!(Arc::ptr_eq(OwnedRwLockWriteGuard::rwlock(&owned), &lock));
    let mapped = OwnedRwLockWriteGuard::map(owned, |pair| &mut pair.0);
    let mut mapped = OwnedRwLockMappedWriteGuard::map(mapped, |n| n);
    *mapped += 1;
    assert!(Arc::ptr_eq(OwnedRwLockMappedWriteGuard::rwlock(&mapped), &lock));
    drop(mapped);
    let owned = Arc::clone(&lock).try_write_owned().unwrap();
    let read = OwnedRwLockWriteGuard::try_downgrade_map(owned, |pair| Some(&pair.0)).unwrap_or_else(|_| panic!());
    let also = Arc::clone(&lock).try_read_owned().unwrap();
    assert_eq!((*read, also.0), (11, 11));
    assert!(lock.try_write().is_err());
    drop((OwnedRwLockReadGuard::map(read, |n| n), also));
    drop(Arc::clone(&lock).try_write_owned().unwrap().downgrade());
    assert_eq!(*now(lock.clone().read_owned()), (11, Some(2)));
    assert!(lock.try_write().is_ok(), "no permit was lost");
}
