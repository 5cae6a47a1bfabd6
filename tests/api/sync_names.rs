//! Every stable name of `tokio::sync` 1.54, used: what is missing, here or there, does not compile.
//!
//! `docs/tokio.md` lists them for reading, by what rustdoc says of both.

use runtime::sync::*;
use std::error::Error;
use std::fmt::{Debug, Display};
use std::future::{Ready, ready};
use std::iter::FusedIterator;
use std::ops::{Deref, DerefMut};

macro_rules! names {
    ($($type:ty: $($method:ident $(::<$($of:ty),*>)?),*;)*) => {
        $($(let _ = <$type>::$method $(::<$($of),*>)?;)*)*
    };
}

macro_rules! traits {
    ($($type:ty: $($bound:path),*;)*) => {$({
        fn has<T: ?Sized $(+ $bound)*>() {}
        has::<$type>();
    })*};
}

type Map = fn(&mut u8) -> &mut u8;
type TryMap = fn(&mut u8) -> Option<&mut u8>;
type View = fn(&u8) -> &u8;
type TryView = fn(&u8) -> Option<&u8>;
type Edit = fn(&mut u8);
type Change = fn(&mut u8) -> bool;
type Made = Ready<u8>;
type Trial = Ready<Result<u8, ()>>;

#[test]
#[rustfmt::skip]
fn methods_of_types() {
    names! {
        Barrier: new, wait;
        BarrierWaitResult: is_leader;
        MappedMutexGuard<'static, u8>: map::<u8, Map>, try_map::<u8, TryMap>;
        Mutex<u8>: blocking_lock, blocking_lock_owned, const_new, get_mut, into_inner, lock, lock_owned, new,
            try_lock, try_lock_owned;
        MutexGuard<'static, u8>: map::<u8, Map>, mutex, try_map::<u8, TryMap>;
        Notify: const_new, new, notified, notified_owned, notify_last, notify_one, notify_waiters;
        OnceCell<u8>: const_new, const_new_with, get, get_mut, get_or_init::<fn() -> Made, Made>,
            get_or_try_init::<(), fn() -> Trial, Trial>, initialized, into_inner, new, new_with, set, take;
        OwnedMappedMutexGuard<u8, u8>: map::<u8, Map>, try_map::<u8, TryMap>;
        OwnedMutexGuard<u8>: map::<u8, Map>, mutex, try_map::<u8, TryMap>;
        OwnedRwLockMappedWriteGuard<u8, u8>: map::<Map, u8>, rwlock, try_map::<TryMap, u8>;
        OwnedRwLockReadGuard<u8, u8>: map::<View, u8>, rwlock, try_map::<TryView, u8>;
        OwnedRwLockWriteGuard<u8>: downgrade, downgrade_map::<View, u8>, into_mapped, map::<Map, u8>, rwlock,
            try_downgrade_map::<TryView, u8>, try_map::<TryMap, u8>;
        OwnedSemaphorePermit: forget, merge, num_permits, semaphore, split;
        RwLock<u8>: blocking_read, blocking_write, const_new, const_with_max_readers, get_mut, into_inner, new,
            read, read_owned, try_read, try_read_owned, try_write, try_write_owned, with_max_readers, write,
            write_owned;
        RwLockMappedWriteGuard<'static, u8>: map::<Map, u8>, try_map::<TryMap, u8>;
        RwLockReadGuard<'static, u8>: map::<View, u8>, try_map::<TryView, u8>;
        RwLockWriteGuard<'static, u8>: downgrade, downgrade_map::<View, u8>, into_mapped, map::<Map, u8>,
            try_downgrade_map::<TryView, u8>, try_map::<TryMap, u8>;
        Semaphore: acquire, acquire_many, acquire_many_owned, acquire_owned, add_permits, available_permits,
            blocking_acquire, blocking_acquire_many, blocking_acquire_many_owned, blocking_acquire_owned, close,
            const_new, forget_permits, is_closed, new, try_acquire, try_acquire_many, try_acquire_many_owned,
            try_acquire_owned;
        SemaphorePermit<'static>: forget, merge, num_permits, semaphore, split;
        SetError<u8>: is_already_init_err, is_initializing_err;
        SetOnce<u8>: const_new, const_new_with, get, initialized, into_inner, new, new_with, set, wait;
        broadcast::Receiver<u8>: blocking_recv, is_closed, is_empty, len, recv, resubscribe, same_channel,
            sender_strong_count, sender_weak_count, try_recv;
        broadcast::Sender<u8>: closed, downgrade, is_empty, len, new, receiver_count, same_channel, send,
            strong_count, subscribe, weak_count;
        broadcast::WeakSender<u8>: strong_count, upgrade, weak_count;
        futures::Notified<'static>: enable;
        futures::OwnedNotified: enable;
        mpsc::OwnedPermit<u8>: release, same_channel, same_channel_as_sender, send;
        mpsc::Permit<'static, u8>: send;
        mpsc::Receiver<u8>: blocking_recv, blocking_recv_many, capacity, close, is_closed, is_empty, len,
            max_capacity, poll_recv, poll_recv_many, recv, recv_many, sender_strong_count, sender_weak_count,
            try_recv;
        mpsc::Sender<u8>: blocking_send, capacity, closed, downgrade, is_closed, max_capacity, reserve,
            reserve_many, reserve_owned, same_channel, send, send_timeout, strong_count, try_reserve,
            try_reserve_many, try_reserve_owned, try_send, weak_count;
        mpsc::UnboundedReceiver<u8>: blocking_recv, blocking_recv_many, close, is_closed, is_empty, len,
            poll_recv, poll_recv_many, recv, recv_many, sender_strong_count, sender_weak_count, try_recv;
        mpsc::UnboundedSender<u8>: closed, downgrade, is_closed, same_channel, send, strong_count, weak_count;
        mpsc::WeakSender<u8>: strong_count, upgrade, weak_count;
        mpsc::WeakUnboundedSender<u8>: strong_count, upgrade, weak_count;
        mpsc::error::SendTimeoutError<u8>: into_inner;
        mpsc::error::TrySendError<u8>: into_inner;
        oneshot::Receiver<u8>: blocking_recv, close, is_empty, is_terminated, try_recv;
        oneshot::Sender<u8>: closed, is_closed, poll_closed, send;
        watch::Receiver<u8>: borrow, borrow_and_update, changed, has_changed, is_closed, mark_changed,
            mark_unchanged, same_channel;
        watch::Ref<'static, u8>: has_changed;
        watch::Sender<u8>: borrow, closed, is_closed, new, receiver_count, same_channel, send,
            send_if_modified::<Change>, send_modify::<Edit>, send_replace, sender_count, subscribe;
    }
}

/// Their arguments are closures of types without a name.
#[test]
fn methods_with_closures() {
    drop(watch::channel(1).1.wait_for(|n| *n == 1));
    drop(OnceCell::<u8>::new().get_or_init(|| ready(1)));
}

#[test]
#[rustfmt::skip]
#[allow(deprecated)] // mpsc's `RecvError`
fn traits_of_types() {
    traits! {
        AcquireError: Debug, Display, Error;
        Barrier: Debug;
        BarrierWaitResult: Clone, Debug;
        MappedMutexGuard<'static, u8>: Debug, Deref, DerefMut, Display;
        Mutex<u8>: Debug, Default, From<u8>;
        MutexGuard<'static, u8>: Debug, Deref, DerefMut, Display;
        Notify: Debug, Default;
        OnceCell<u8>: Clone, Debug, Default, Eq, From<u8>, PartialEq;
        OwnedMappedMutexGuard<u8, u8>: Debug, Deref, DerefMut, Display;
        OwnedMutexGuard<u8>: Debug, Deref, DerefMut, Display;
        OwnedRwLockMappedWriteGuard<u8, u8>: Debug, Deref, DerefMut, Display;
        OwnedRwLockReadGuard<u8, u8>: Debug, Deref, Display;
        OwnedRwLockWriteGuard<u8>: Debug, Deref, DerefMut, Display;
        OwnedSemaphorePermit: Debug;
        RwLock<u8>: Debug, Default, From<u8>;
        RwLockMappedWriteGuard<'static, u8>: Debug, Deref, DerefMut, Display;
        RwLockReadGuard<'static, u8>: Debug, Deref, Display;
        RwLockWriteGuard<'static, u8>: Debug, Deref, DerefMut, Display;
        Semaphore: Debug;
        SemaphorePermit<'static>: Debug;
        SetError<u8>: Debug, Display, Eq, Error, PartialEq;
        SetOnce<u8>: Clone, Debug, Default, Eq, From<u8>, PartialEq;
        SetOnceError<u8>: Debug, Display, Eq, Error, PartialEq;
        TryAcquireError: Debug, Display, Eq, Error, PartialEq;
        TryLockError: Debug, Display, Error;
        broadcast::Receiver<u8>: Debug;
        broadcast::Sender<u8>: Clone, Debug;
        broadcast::WeakSender<u8>: Clone, Debug;
        broadcast::error::RecvError: Clone, Debug, Display, Eq, Error, PartialEq;
        broadcast::error::SendError<u8>: Debug, Display, Error;
        broadcast::error::TryRecvError: Clone, Debug, Display, Eq, Error, PartialEq;
        futures::Notified<'static>: Debug, Future;
        futures::OwnedNotified: Debug, Future;
        mpsc::OwnedPermit<u8>: Debug;
        mpsc::Permit<'static, u8>: Debug;
        mpsc::PermitIterator<'static, u8>: Debug, ExactSizeIterator, FusedIterator, Iterator;
        mpsc::Receiver<u8>: Debug, Unpin;
        mpsc::Sender<u8>: Clone, Debug;
        mpsc::UnboundedReceiver<u8>: Debug;
        mpsc::UnboundedSender<u8>: Clone, Debug;
        mpsc::WeakSender<u8>: Clone, Debug;
        mpsc::WeakUnboundedSender<u8>: Clone, Debug;
        mpsc::error::RecvError: Clone, Debug, Display, Error;
        mpsc::error::SendError<u8>: Clone, Copy, Debug, Display, Eq, Error,
            From<mpsc::error::SendError<u8>>, PartialEq;
        mpsc::error::SendTimeoutError<u8>: Clone, Copy, Debug, Display, Eq, Error, PartialEq;
        mpsc::error::TryRecvError: Clone, Copy, Debug, Display, Eq, Error, PartialEq;
        mpsc::error::TrySendError<u8>: Clone, Copy, Debug, Display, Eq, Error,
            From<mpsc::error::SendError<u8>>, PartialEq;
        oneshot::Receiver<u8>: Debug, Future;
        oneshot::Sender<u8>: Debug;
        oneshot::error::RecvError: Clone, Debug, Display, Eq, Error, PartialEq;
        oneshot::error::TryRecvError: Clone, Debug, Display, Eq, Error, PartialEq;
        watch::Receiver<u8>: Clone, Debug;
        watch::Ref<'static, u8>: Debug, Deref;
        watch::Sender<u8>: Clone, Debug, Default;
        watch::error::RecvError: Clone, Debug, Display, Error;
        watch::error::SendError<u8>: Clone, Copy, Debug, Display, Eq, Error, PartialEq;
    }
}

#[test]
fn functions_that_make_channels() {
    let _ = mpsc::channel::<u8>;
    let _ = mpsc::unbounded_channel::<u8>;
    let _ = oneshot::channel::<u8>;
    let _ = broadcast::channel::<u8>;
    let _ = watch::channel::<u8>;
}

#[test]
fn what_is_in_errors() {
    let _ = [TryAcquireError::Closed, TryAcquireError::NoPermits];
    let _ = [SetError::AlreadyInitializedError(1), SetError::InitializingError(1)];
    let _ = SetOnceError(1).0 + mpsc::error::SendError(1).0 + watch::error::SendError(1).0;
    let _ = broadcast::error::SendError(1).0;
    let _ = [broadcast::error::RecvError::Closed, broadcast::error::RecvError::Lagged(1_u64)];
    use broadcast::error::TryRecvError as Cast;
    let _ = [Cast::Closed, Cast::Empty, Cast::Lagged(1_u64)];
    let _ = [mpsc::error::TrySendError::Full(1), mpsc::error::TrySendError::Closed(1)];
    let _ = [mpsc::error::TryRecvError::Empty, mpsc::error::TryRecvError::Disconnected];
    let _ = [mpsc::error::SendTimeoutError::Timeout(1), mpsc::error::SendTimeoutError::Closed(1)];
    let _ = [oneshot::error::TryRecvError::Empty, oneshot::error::TryRecvError::Closed];
}

/// What can stand in a static.
#[test]
fn constants() {
    static _MUTEX: Mutex<u8> = Mutex::const_new(1);
    static _LOCK: RwLock<u8> = RwLock::const_new(1);
    static _FEW: RwLock<u8> = RwLock::const_with_max_readers(1, 2);
    static _SEMAPHORE: Semaphore = Semaphore::const_new(Semaphore::MAX_PERMITS);
    static _NOTIFY: Notify = Notify::const_new();
    static _CELL: OnceCell<u8> = OnceCell::const_new();
    static _MADE: OnceCell<u8> = OnceCell::const_new_with(1);
    static _SET: SetOnce<u8> = SetOnce::const_new();
    static _DONE: SetOnce<u8> = SetOnce::const_new_with(1);
}
