//! Which sync types may cross threads, and which stay put.

use runtime::sync::*;
use std::cell::{Cell, RefCell};
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::rc::Rc;

fn send<T: Send + ?Sized>() {}
fn sync<T: Sync + ?Sized>() {}
fn unpin<T: Unpin + ?Sized>() {}
fn unwind<T: UnwindSafe + RefUnwindSafe + ?Sized>() {}

/// `true` if the type has the trait: an inherent constant wins over the trait's.
macro_rules! has {
    ($type:ty: $trait:ident) => {{
        #[allow(dead_code)]
        trait No {
            const HAS: bool = false;
        }
        impl<T: ?Sized> No for T {}
        struct Probe<T: ?Sized>(std::marker::PhantomData<T>);
        #[allow(dead_code)]
        impl<T: ?Sized + $trait> Probe<T> {
            const HAS: bool = true;
        }
        <Probe<$type>>::HAS
    }};
}

type Plain = u8;
type SendOnly = Cell<u8>;
type Neither = Rc<u8>;

macro_rules! send_sync_unpin {
    ($($type:ty),* $(,)?) => {$(
        send::<$type>();
        sync::<$type>();
        unpin::<$type>();
    )*};
}

#[test]
fn handles_cross_threads() {
    send_sync_unpin! {
        Notify, Semaphore, Barrier, BarrierWaitResult, SemaphorePermit<'static>, OwnedSemaphorePermit,
        Mutex<Plain>, MutexGuard<'static, Plain>, OwnedMutexGuard<Plain>, MappedMutexGuard<'static, Plain>,
        OwnedMappedMutexGuard<Plain, Plain>, RwLock<Plain>, RwLockReadGuard<'static, Plain>,
        RwLockWriteGuard<'static, Plain>, RwLockMappedWriteGuard<'static, Plain>, OwnedRwLockReadGuard<Plain>,
        OwnedRwLockWriteGuard<Plain>, OwnedRwLockMappedWriteGuard<Plain>, OnceCell<Plain>, SetOnce<Plain>,
        oneshot::Sender<Plain>, oneshot::Receiver<Plain>, mpsc::Sender<Plain>, mpsc::Receiver<Plain>,
        mpsc::WeakSender<Plain>, mpsc::UnboundedSender<Plain>, mpsc::UnboundedReceiver<Plain>,
        mpsc::WeakUnboundedSender<Plain>, mpsc::Permit<'static, Plain>, mpsc::PermitIterator<'static, Plain>,
        mpsc::OwnedPermit<Plain>, watch::Sender<Plain>, watch::Receiver<Plain>, broadcast::Sender<Plain>,
        broadcast::WeakSender<Plain>, broadcast::Receiver<Plain>,
        // Channels of what may be sent, though not shared.
        oneshot::Sender<SendOnly>, oneshot::Receiver<SendOnly>, mpsc::Sender<SendOnly>, mpsc::Receiver<SendOnly>,
        mpsc::UnboundedSender<SendOnly>, Mutex<SendOnly>, broadcast::Sender<SendOnly>,
        broadcast::WeakSender<SendOnly>, broadcast::Receiver<SendOnly>,
    }
    send::<futures::Notified<'static>>();
    sync::<futures::Notified<'static>>();
    send::<futures::OwnedNotified>();
    sync::<futures::OwnedNotified>();
    unwind::<Notify>();
    unwind::<mpsc::Sender<RefCell<u8>>>();
    unwind::<mpsc::UnboundedReceiver<u8>>();
}

// Beyond tokio, whose semaphore and what is made of it are not: their waiters lie in cells.
#[test]
#[cfg(not(feature = "oracle"))]
fn handles_may_be_used_after_a_panic() {
    unwind::<Semaphore>();
    unwind::<SemaphorePermit<'static>>();
    unwind::<OwnedSemaphorePermit>();
    unwind::<Barrier>();
    unwind::<futures::OwnedNotified>();
    unwind::<watch::Sender<Plain>>();
    unwind::<watch::Receiver<Plain>>();
    unwind::<broadcast::Sender<Plain>>();
    unwind::<broadcast::Receiver<Plain>>();
}

#[test]
fn and_what_must_not_does_not() {
    assert!(has!(Plain: Send) && !has!(Neither: Send), "the probe works");
    assert!(!has!(futures::Notified<'static>: Unpin) && !has!(futures::OwnedNotified: Unpin));
    assert!(!has!(Mutex<Neither>: Send) && !has!(Mutex<Neither>: Sync));
    assert!(!has!(MutexGuard<'static, SendOnly>: Sync) && has!(MutexGuard<'static, SendOnly>: Send));
    assert!(!has!(MappedMutexGuard<'static, Neither>: Send) && !has!(MappedMutexGuard<'static, SendOnly>: Sync));
    assert!(!has!(RwLock<SendOnly>: Sync) && has!(RwLock<SendOnly>: Send));
    assert!(!has!(RwLockReadGuard<'static, SendOnly>: Send));
    assert!(!has!(OwnedRwLockReadGuard<SendOnly>: Send) && !has!(OwnedRwLockWriteGuard<SendOnly>: Send));
    assert!(!has!(OnceCell<SendOnly>: Sync) && !has!(SetOnce<Neither>: Send));
    assert!(!has!(oneshot::Sender<Neither>: Send) && !has!(oneshot::Receiver<Neither>: Sync));
    assert!(!has!(mpsc::Sender<Neither>: Send) && !has!(mpsc::Receiver<Neither>: Send));
    assert!(!has!(mpsc::UnboundedSender<Neither>: Sync) && !has!(broadcast::Receiver<Neither>: Send));
    assert!(!has!(watch::Sender<SendOnly>: Sync) && !has!(watch::Ref<'static, Plain>: Send));
}

fn is_send<T: Send>(value: T) -> T {
    value
}

#[test]
fn futures_of_methods_are_send() {
    let (tx, mut rx) = mpsc::channel::<u8>(1);
    drop(is_send(tx.send(1)));
    drop(is_send(tx.reserve_many(1)));
    drop(is_send(rx.recv()));
    drop(is_send(tx.closed()));
    let (tx, mut rx) = watch::channel(0);
    drop(is_send(rx.changed()));
    drop(is_send(tx.closed()));
    let (tx, mut rx) = broadcast::channel::<u8>(1);
    drop(is_send(rx.recv()));
    drop(is_send(tx.closed()));
    let cell = OnceCell::<u8>::new();
    drop(is_send(cell.get_or_init(|| std::future::ready(1))));
    drop(is_send(SetOnce::<u8>::new().wait()));
    drop(is_send(Mutex::new(Cell::new(0)).lock()));
    drop(is_send(RwLock::new(0).write()));
    drop(is_send(Barrier::new(1).wait()));
    let (mut tx, _rx) = oneshot::channel::<u8>();
    drop(is_send(tx.closed()));
}

#[cfg(not(feature = "oracle"))]
mod beyond_tokio {
    use super::{Neither, Plain, SendOnly, is_send, send, sync, unpin, unwind};
    use runtime::sync::queue::{LifoQueue, PriorityQueue, Queue, QueueStatistics};
    use runtime::sync::*;
    use std::marker::PhantomPinned;

    #[test]
    fn handles_cross_threads() {
        send_sync_unpin! {
            CancellationToken, DropGuard, DropGuardRef<'static>, TaskTracker, TaskTrackerToken, Event, Condvar,
            CapacityLimiter, CapacityToken<'static>, OwnedCapacityToken, Borrower, CapacityLimiterStatistics, Holder,
            Queue<Plain>, Queue<SendOnly>, LifoQueue<SendOnly>, PriorityQueue<Plain>, QueueStatistics,
            futurelock::Futurelock,
        }
        unwind::<CancellationToken>();
        unwind::<TaskTracker>();
        unwind::<Event>();
        unwind::<Condvar>();
        unwind::<CapacityLimiter>();
        unwind::<Queue<SendOnly>>();
        assert!(!has!(Queue<Neither>: Send) && !has!(Queue<Neither>: Sync));
        assert!(!has!(WaitForCancellationFuture<'static>: Unpin) && !has!(WaitForCancellationFutureOwned: Unpin));
        assert!(has!(TrackedFuture<Plain>: Unpin) && !has!(TrackedFuture<PhantomPinned>: Unpin));
    }

    #[test]
    fn futures_of_methods_are_send() {
        let token = CancellationToken::new();
        drop(is_send(token.cancelled()));
        drop(is_send(token.run_until_cancelled(std::future::pending::<()>())));
        drop(is_send(token.cancelled_owned()));
        drop(is_send(TaskTracker::new().wait()));
        drop(is_send(Event::new().wait()));
        let (mutex, condvar) = (Mutex::new(0), Condvar::new());
        drop(is_send(condvar.wait_while(mutex.try_lock().unwrap(), |n| *n > 0)));
        drop(is_send(CapacityLimiter::new(1).acquire()));
        let queue = Queue::new(1);
        drop(is_send(queue.put(1)));
        drop(is_send(queue.get()));
        drop(is_send(queue.join()));
    }
}
