//! `Send`, `Sync` and `Unpin` of every public generic type, and of what its async methods give, for contents of each
//! kind (D1).
//!
//! The words are explained in `runtime_tests::auto_traits`. Built as the oracle it is tokio's table, so rows without
//! `tokio:` are the same in both. Where they differ, the reason stands above. A law in `tests/tidy` misses types that are
//! not here.

use runtime_tests::auto_traits;

#[test]
fn d1_of_the_module_sync() {
    use runtime::sync::*;
    use std::sync::Arc;
    use std::time::Duration;
    auto_traits! {
        types {
            Mutex<T> => both both none none pinned;
            MutexGuard<'static, T> => both send none none unpin;
            OwnedMutexGuard<T> => both send none none unpin;
            MappedMutexGuard<'static, T> => both send sync none unpin;
            // A mapped guard that is shared shows the part it points to; that the mutex is shared with it asks for Send alone.
            // tokio asks for all of both.
            OwnedMappedMutexGuard<T, u8> => both both none none unpin, tokio: both send none none unpin;
            OwnedMappedMutexGuard<u8, T> => both send sync none unpin, tokio: both send none none unpin;
            RwLock<T> => both send none none pinned;
            // A shared guard shows a `&T` and nothing else, so Sync needs Sync, as for the guards of std. tokio asks for Send
            // too. A writer's guard may become a reader's on the other thread: Send needs both, and of a mapped one as well.
            RwLockReadGuard<'static, T> => both none both none unpin, tokio: both none send none unpin;
            RwLockWriteGuard<'static, T> => both none sync none unpin, tokio: both none none none unpin;
            RwLockMappedWriteGuard<'static, T> => both none sync none unpin, tokio: both none none none unpin;
            // Unpin: ours own an `Arc`, tokio's say that they own a `T`.
            OwnedRwLockReadGuard<T, u8> => both none none none unpin, tokio: both none none none pinned;
            OwnedRwLockReadGuard<u8, T> => both none both none unpin, tokio: both none send none unpin;
            OwnedRwLockWriteGuard<T> => both none none none unpin, tokio: both none none none pinned;
            OwnedRwLockMappedWriteGuard<T, u8> => both none none none unpin, tokio: both none none none pinned;
            OwnedRwLockMappedWriteGuard<u8, T> => both none sync none unpin, tokio: both none none none unpin;
            OnceCell<T> => both send none none pinned;
            SetError<T> => both send sync none pinned;
            SetOnce<T> => both send none none pinned;
            SetOnceError<T> => both send sync none pinned;
            oneshot::Sender<T> => both both none none unpin;
            oneshot::Receiver<T> => both both none none unpin;
            mpsc::Sender<T> => both both none none unpin;
            mpsc::WeakSender<T> => both both none none unpin;
            mpsc::Receiver<T> => both both none none unpin;
            mpsc::Permit<'static, T> => both both none none unpin;
            mpsc::PermitIterator<'static, T> => both both none none unpin;
            mpsc::OwnedPermit<T> => both both none none unpin;
            mpsc::UnboundedSender<T> => both both none none unpin;
            mpsc::WeakUnboundedSender<T> => both both none none unpin;
            mpsc::UnboundedReceiver<T> => both both none none unpin;
            mpsc::error::SendError<T> => both send sync none pinned;
            mpsc::error::TrySendError<T> => both send sync none pinned;
            mpsc::error::SendTimeoutError<T> => both send sync none pinned;
            broadcast::Sender<T> => both both none none unpin;
            broadcast::WeakSender<T> => both both none none unpin;
            broadcast::Receiver<T> => both both none none unpin;
            broadcast::error::SendError<T> => both send sync none pinned;
            watch::Sender<T> => both none none none unpin;
            watch::Receiver<T> => both none none none unpin;
            watch::Ref<'static, T> => sync none sync none unpin;
            watch::error::SendError<T> => both send sync none pinned;
        }
        results {
            |lock: &'static Mutex<T>| lock.lock() => both both none none;
            |lock: Arc<Mutex<T>>| lock.lock_owned() => both both none none;
            |lock: &'static RwLock<T>| lock.read() => both none none none;
            |lock: &'static RwLock<T>| lock.write() => both none none none;
            |lock: Arc<RwLock<T>>| lock.read_owned() => both none none none;
            |lock: Arc<RwLock<T>>| lock.write_owned() => both none none none;
            |cell: &'static OnceCell<T>| cell.get_or_init(std::future::pending::<T>) => both none none none;
            |cell: &'static SetOnce<T>| cell.wait() => both none none none;
            |tx: &'static mut oneshot::Sender<T>| tx.closed() => both both none none;
            |(tx, item): (&'static mpsc::Sender<T>, T)| tx.send(item) => both send none none;
            |(tx, item): (&'static mpsc::Sender<T>, T)| tx.send_timeout(item, Duration::ZERO) => both send none none;
            |tx: &'static mpsc::Sender<T>| tx.reserve() => both both none none;
            |tx: &'static mpsc::Sender<T>| tx.reserve_many(1) => both both none none;
            |tx: mpsc::Sender<T>| tx.reserve_owned() => both both none none;
            |tx: &'static mpsc::Sender<T>| tx.closed() => both both none none;
            |rx: &'static mut mpsc::Receiver<T>| rx.recv() => both both none none;
            |(rx, all): (&'static mut mpsc::Receiver<T>, &'static mut Vec<T>)| rx.recv_many(all, 1)
                => both send none none;
            |tx: &'static mpsc::UnboundedSender<T>| tx.closed() => both both none none;
            |rx: &'static mut mpsc::UnboundedReceiver<T>| rx.recv() => both both none none;
            |(rx, all): (&'static mut mpsc::UnboundedReceiver<T>, &'static mut Vec<T>)| rx.recv_many(all, 1)
                => both send none none;
            |tx: &'static broadcast::Sender<T>| tx.closed() => both both none none;
            |rx: &'static mut broadcast::Receiver<T>| rx.recv() => both both none none;
            |tx: &'static watch::Sender<T>| tx.closed() => both none none none;
            |rx: &'static mut watch::Receiver<T>| rx.changed() => both none none none;
            |rx: &'static mut watch::Receiver<T>| rx.wait_for(|_| true) => both none none none;
        }
    }
}

#[cfg(not(feature = "oracle"))]
#[test]
fn d1_of_sync_beyond_tokio() {
    use runtime::sync::*;
    use std::future::Ready;
    auto_traits! {
        types {
            queue::Queue<T> => both both none none pinned;
            queue::LifoQueue<T> => both both none none pinned;
            queue::PriorityQueue<T> => both both none none pinned;
            queue::error::PutError<T> => both send sync none pinned;
            queue::error::TryPutError<T> => both send sync none pinned;
            TrackedFuture<Ready<T>> => both send sync none unpin;
        }
        results {
            |(condvar, guard): (&'static Condvar, MutexGuard<'static, T>)| condvar.wait(guard) => both send none none;
            |(condvar, guard): (&'static Condvar, OwnedMutexGuard<T>)| condvar.wait_owned(guard) => both send none none;
            |(condvar, guard): (&'static Condvar, MutexGuard<'static, T>)| condvar.wait_while(guard, |_| true)
                => both send none none;
            |(queue, item): (&'static queue::Queue<T>, T)| queue.put(item) => both send none none;
            |queue: &'static queue::Queue<T>| queue.get() => both both none none;
            |queue: &'static queue::Queue<T>| queue.join() => both both none none;
            |(token, f): (&'static CancellationToken, Ready<T>)| token.run_until_cancelled(f) => both send sync none;
            |(token, f): (CancellationToken, Ready<T>)| token.run_until_cancelled_owned(f) => both send sync none;
            |(tracker, f): (&'static TaskTracker, Ready<T>)| tracker.track_future(f) => both send sync none;
        }
    }
}

#[test]
fn d1_of_the_module_task() {
    use runtime::task::*;
    use std::future::Ready;
    auto_traits! {
        types {
            JoinHandle<T> => both both none none unpin;
            JoinSet<T> => both both none none unpin;
            join_set::Builder<'static, T> => both both none none unpin;
            LocalKey<T> => both both both both unpin;
            futures::TaskLocalFuture<T, Ready<u8>> => both send sync none pinned;
            futures::TaskLocalFuture<u8, Ready<T>> => both send sync none pinned;
            coop::Unconstrained<Ready<T>> => both send sync none unpin;
            coop::Coop<Ready<T>> => both send sync none unpin;
        }
        results {
            |set: &'static mut JoinSet<T>| set.join_next() => both both none none;
            |set: &'static mut JoinSet<T>| set.join_next_with_id() => both both none none;
            |set: JoinSet<T>| set.join_all() => both send none none;
            |set: &'static mut JoinSet<T>| set.shutdown() => both both none none;
            |f: Ready<T>| unconstrained(f) => both send sync none;
        }
    }
}

#[test]
fn d1_of_the_module_io() {
    use runtime::io::unix::*;
    use runtime::io::*;
    use runtime_tests::auto_traits::Stream;
    auto_traits! {
        types {
            BufReader<Stream<T>> => both send sync none pinned;
            BufWriter<Stream<T>> => both send sync none pinned;
            BufStream<Stream<T>> => both send sync none pinned;
            Lines<Stream<T>> => both send sync none pinned;
            Split<Stream<T>> => both send sync none pinned;
            Take<Stream<T>> => both send sync none pinned;
            Chain<Stream<T>, Empty> => both send sync none pinned;
            Chain<Empty, Stream<T>> => both send sync none pinned;
            Join<Stream<T>, Sink> => both send sync none pinned;
            Join<Empty, Stream<T>> => both send sync none pinned;
            // A half that is shared can do nothing: all of its methods take `&mut self` or the half itself. So a half of what
            // may be sent is Sync. One of what may not be sent is not, since nobody could use that, and it would take an
            // `unsafe impl` to say it.
            ReadHalf<Stream<T>> => both both none none unpin, tokio: both send sync none unpin;
            WriteHalf<Stream<T>> => both both none none unpin, tokio: both send sync none unpin;
            AsyncFd<Stream<T>> => both send sync none pinned;
            AsyncFdReadyGuard<'static, Stream<T>> => both none both none unpin;
            AsyncFdReadyMutGuard<'static, Stream<T>> => both send sync none unpin;
            AsyncFdRegisterError<Stream<T>> => both send sync none pinned;
        }
        results {
            |s: &'static mut Stream<T>| s.read(&mut []) => both send sync none;
            |s: &'static mut Stream<T>| s.read_exact(&mut []) => both send sync none;
            |s: &'static mut Stream<T>| s.read_u16() => both send sync none;
            |s: &'static mut Stream<T>| s.fill_buf() => both send sync none;
            |s: &'static mut Stream<T>| s.write(b"") => both send sync none;
            |s: &'static mut Stream<T>| s.write_all(b"") => both send sync none;
            |s: &'static mut Stream<T>| s.write_u16(1) => both send sync none;
            |s: &'static mut Stream<T>| s.write_vectored(&[]) => both send sync none;
            |s: &'static mut Stream<T>| s.flush() => both send sync none;
            |s: &'static mut Stream<T>| s.shutdown() => both send sync none;
            |s: &'static mut Stream<T>| s.rewind() => both send sync none;
            |(s, bytes): (&'static mut Stream<T>, &'static mut Vec<u8>)| s.read_buf(bytes) => both send sync none;
            |(s, bytes): (&'static mut Stream<T>, &'static mut Vec<u8>)| s.read_to_end(bytes) => both send sync none;
            |(s, bytes): (&'static mut Stream<T>, &'static mut Vec<u8>)| s.read_until(0, bytes) => both send sync none;
            |(s, text): (&'static mut Stream<T>, &'static mut String)| s.read_to_string(text) => both send sync none;
            |(s, text): (&'static mut Stream<T>, &'static mut String)| s.read_line(text) => both send sync none;
            |(s, bytes): (&'static mut Stream<T>, &'static mut &'static [u8])| s.write_buf(bytes)
                => both send sync none;
            |(s, bytes): (&'static mut Stream<T>, &'static mut &'static [u8])| s.write_all_buf(bytes)
                => both send sync none;
            |lines: &'static mut Lines<Stream<T>>| lines.next_line() => both send sync none;
            |parts: &'static mut Split<Stream<T>>| parts.next_segment() => both send sync none;
            |s: &'static mut Stream<T>| copy(s, Box::leak(Box::new(sink()))) => both send sync none;
            |s: &'static mut Stream<T>| copy(Box::leak(Box::new(empty())), s) => both send sync none;
            |s: &'static mut Stream<T>| copy_buf(s, Box::leak(Box::new(sink()))) => both send sync none;
            |s: &'static mut Stream<T>| copy_bidirectional(s, Box::leak(Box::new(duplex(1).0))) => both send sync none;
            |fd: &'static AsyncFd<Stream<T>>| fd.ready(Interest::READABLE) => both none both none;
            |fd: &'static AsyncFd<Stream<T>>| fd.readable() => both none both none;
            |fd: &'static AsyncFd<Stream<T>>| fd.writable() => both none both none;
            |fd: &'static AsyncFd<Stream<T>>| fd.async_io(Interest::READABLE, |_| Ok(())) => both none both none;
            |fd: &'static mut AsyncFd<Stream<T>>| fd.ready_mut(Interest::READABLE) => both send sync none;
            |fd: &'static mut AsyncFd<Stream<T>>| fd.readable_mut() => both send sync none;
            |fd: &'static mut AsyncFd<Stream<T>>| fd.writable_mut() => both send sync none;
            |fd: &'static mut AsyncFd<Stream<T>>| fd.async_io_mut(Interest::READABLE, |_| Ok(()))
                => both send sync none;
        }
    }
}

#[test]
fn d1_of_the_module_time() {
    use runtime::time::*;
    use std::future::Ready;
    use std::time::Duration;
    auto_traits! {
        types {
            Timeout<Ready<T>> => both send sync none pinned;
        }
        results {
            |f: Ready<T>| timeout(Duration::ZERO, f) => both send sync none;
            |f: Ready<T>| timeout_at(Instant::now(), f) => both send sync none;
        }
    }
}

#[cfg(not(feature = "oracle"))]
#[test]
fn d1_of_the_module_task_beyond_tokio() {
    use runtime::task::*;
    auto_traits! {
        types {
            BlockingMap<T> => both both none none unpin;
            TrySpawnError<T> => both send sync none pinned;
        }
        results {
            |map: &'static mut BlockingMap<T>| map.next() => both both none none;
            |map: BlockingMap<T>| map.collect() => both send none none;
        }
    }
}

#[cfg(not(feature = "oracle"))]
#[test]
fn d1_of_time_beyond_tokio() {
    use runtime::time::*;
    auto_traits! {
        types {
            DelayQueue<T> => both send sync none unpin;
            delay_queue::Expired<T> => both send sync none pinned;
        }
        results {
            |queue: &'static mut DelayQueue<T>| queue.next() => both send sync none;
        }
    }
}

#[cfg(not(feature = "oracle"))]
#[test]
fn d1_of_the_module_scope() {
    use runtime::scope::*;
    use std::future::Ready;
    use std::time::Duration;
    auto_traits! {
        types {
            TaskGroup<T, u8> => both both none none unpin;
            TaskGroup<u8, T> => both both none none unpin;
            Spawner<T, u8> => both both none none unpin;
            Spawner<u8, T> => both both none none unpin;
            runtime::scope::Ready<T> => both both none none unpin;
            ChildError<T> => both send sync none pinned;
            GroupError<T> => both send sync none pinned;
            MoveOnAfter<Ready<T>> => both send sync none pinned;
            FailAfter<Ready<T>> => both send sync none pinned;
            Run<Ready<T>> => both send sync none pinned;
            ScopedTask<'static, T> => both both none none unpin;
            ContextKey<T> => both both both both unpin;
            ContextFuture<u8, Ready<T>> => both send sync none pinned;
            LocalChild<T> => both both none none unpin;
        }
        results {
            |group: &'static mut TaskGroup<T, u8>| group.next() => both both none none;
            |group: &'static mut TaskGroup<u8, T>| group.next() => both both none none;
            |group: TaskGroup<T, u8>| group.join() => both send none none;
            |group: TaskGroup<T, u8>| group.join_first() => both send none none;
            |group: TaskGroup<T, u8>| group.join_settled() => both send none none;
            |f: Ready<T>| move_on_after(Duration::ZERO, f) => both send sync none;
            |f: Ready<T>| fail_after(Duration::ZERO, f) => both send sync none;
            |(scope, f): (&'static CancelScope, Ready<T>)| scope.run(f) => both send sync none;
        }
    }
}
