//! Everything that waits, one after the other.

use super::{Leaf, MILLI, the_last_to_poll_is_woken};
use runtime::io::{AsyncReadExt, AsyncWriteExt};
use runtime::net::{TcpListener, TcpStream, UdpSocket, UnixListener, UnixStream, unix::pipe};
use runtime::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
use runtime::task::JoinSet;
use runtime::time::{Duration, Instant, interval, sleep, sleep_until, timeout};
use std::future::pending;
use std::io::Write;
use std::sync::Arc;

fn leaf(future: impl Future<Output = ()> + 'static) -> Leaf {
    Box::pin(future)
}

/// What a leaf gives is of no interest.
fn unused<T>(_: T) {}

/// A leaf, what it waits for, and its name by way of the code that makes it.
macro_rules! woken {
    ($($leaf:expr => $happen:expr;)*) => {
        $(the_last_to_poll_is_woken(stringify!($leaf), leaf(async move { unused($leaf) }), move || unused($happen)).await;)*
    };
}

pub(super) async fn each() {
    time().await;
    locks().await;
    events().await;
    channels().await;
    tasks().await;
    sockets().await;
    streams().await;
    #[cfg(not(feature = "oracle"))]
    beyond::each().await;
}

async fn time() {
    let mut ticks = interval(20 * MILLI);
    ticks.tick().await;
    let at = Instant::now() + 20 * MILLI;
    woken! {
        sleep(20 * MILLI).await => ();
        sleep_until(at + 20 * MILLI).await => ();
        timeout(20 * MILLI, pending::<()>()).await => ();
        timeout(Duration::from_secs(9), sleep(20 * MILLI)).await => ();
    }
    // The next tick may have passed meanwhile; the one after it has not.
    ticks.reset();
    woken! { ticks.tick().await => (); }
}

async fn locks() {
    let mutex = Arc::new(Mutex::new(()));
    let (held, waits) = (mutex.clone().lock_owned().await, mutex.clone());
    woken! { waits.lock().await => drop(held); }
    let (held, waits) = (mutex.clone().lock_owned().await, mutex.clone());
    woken! { waits.lock_owned().await => drop(held); }
    let lock = Arc::new(RwLock::new(()));
    let (held, waits) = (lock.clone().write_owned().await, lock.clone());
    woken! { waits.read().await => drop(held); }
    let (held, waits) = (lock.clone().read_owned().await, lock.clone());
    woken! { waits.write().await => drop(held); }
    let permits = Arc::new(Semaphore::new(0));
    let (gives, waits) = (permits.clone(), permits);
    woken! { waits.acquire_many(2).await => gives.add_permits(2); }
    let permits = Arc::new(Semaphore::new(0));
    let (gives, waits) = (permits.clone(), permits);
    woken! { waits.acquire_owned().await => gives.add_permits(1); }
}

async fn events() {
    for all in [false, true] {
        let notify = Arc::new(Notify::new());
        let waits = notify.clone();
        woken! { waits.notified().await => if all { notify.notify_waiters() } else { notify.notify_one() }; }
    }
    let barrier = Arc::new(Barrier::new(2));
    let waits = barrier.clone();
    woken! { waits.wait().await => runtime::spawn(async move { barrier.wait().await; }); }
    let cell = Arc::new(OnceCell::new());
    let (waits, fills) = (cell.clone(), cell);
    let (go, gone) = oneshot::channel::<()>();
    let filling = runtime::spawn(async move {
        fills
            .get_or_init(async || {
                let _ = gone.await;
            })
            .await;
    });
    sleep(5 * MILLI).await;
    woken! { waits.get_or_init(async || ()).await => go.send(()); }
    filling.await.unwrap();
    let cell = Arc::new(SetOnce::new());
    let waits = cell.clone();
    woken! { waits.wait().await => cell.set(()); }
}

async fn channels() {
    let (tx, rx) = oneshot::channel::<()>();
    woken! { rx.await => tx.send(()); }
    let (mut tx, rx) = oneshot::channel::<()>();
    woken! { tx.closed().await => drop(rx); }
    let (tx, mut rx) = mpsc::channel::<u8>(1);
    woken! { rx.recv().await => tx.try_send(1); }
    let (tx, mut rx) = mpsc::channel::<u8>(1);
    tx.try_send(0).unwrap();
    woken! { tx.send(1).await => rx.try_recv(); }
    let (tx, mut rx) = mpsc::channel::<u8>(1);
    tx.try_send(0).unwrap();
    woken! { tx.reserve().await.map(drop) => rx.try_recv(); }
    let (tx, rx) = mpsc::channel::<u8>(1);
    woken! { tx.closed().await => drop(rx); }
    let (tx, mut rx) = mpsc::unbounded_channel::<u8>();
    woken! { rx.recv().await => tx.send(1); }
    let (tx, mut rx) = mpsc::unbounded_channel::<u8>();
    woken! { rx.recv().await => drop(tx); }
    let (tx, mut rx) = broadcast::channel::<u8>(1);
    woken! { rx.recv().await => tx.send(1); }
    let (tx, mut rx) = watch::channel(0);
    woken! { rx.changed().await => tx.send(1); }
    let (tx, mut rx) = watch::channel(0);
    woken! { rx.wait_for(|value| *value == 1).await.map(drop) => tx.send(1); }
    let (tx, rx) = watch::channel(0);
    woken! { tx.closed().await => drop(rx); }
}

async fn tasks() {
    let (go, gone) = oneshot::channel::<()>();
    let task = runtime::spawn(gone);
    woken! { task.await => go.send(()); }
    let task = runtime::spawn(pending::<()>());
    let aborts = task.abort_handle();
    woken! { task.await => aborts.abort(); }
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let task = runtime::task::spawn_blocking(move || gone.recv());
    woken! { task.await => go.send(()); }
    let (go, gone) = oneshot::channel::<()>();
    let mut set = JoinSet::new();
    set.spawn(gone);
    woken! { set.join_next().await => go.send(()); }
}

async fn sockets() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let connect = move || std::net::TcpStream::connect(address).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    woken! { listener.accept().await => tell.send(connect()); }
    drop(told);

    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    for peeks in [false, true] {
        let mut stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let mut far = listener.accept().unwrap().0;
        if peeks {
            woken! { stream.peek(&mut [0]).await => far.write_all(b"x"); }
        } else {
            woken! { stream.read(&mut [0]).await => far.write_all(b"x"); }
        }
    }
    let stream = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let mut far = listener.accept().unwrap().0;
    woken! { stream.readable().await => far.write_all(b"x"); }

    let name = std::env::temp_dir().join(format!("d3-{}-{:?}", std::process::id(), std::thread::current().id()));
    let _ = std::fs::remove_file(&name);
    let listener = UnixListener::bind(&name).unwrap();
    let (tell, told) = std::sync::mpsc::channel();
    let connect = name.clone();
    woken! { listener.accept().await => tell.send(std::os::unix::net::UnixStream::connect(connect).unwrap()); }
    drop(told);
    std::fs::remove_file(&name).unwrap();

    let (mut near, far) = UnixStream::pair().unwrap();
    woken! { near.read(&mut [0]).await => far.try_write(b"x"); }
    let (mut near, far) = UnixStream::pair().unwrap();
    while near.try_write(&[0; 4096]).is_ok() {}
    woken! { near.write(&[0; 4096]).await => while far.try_read(&mut [0; 65536]).is_ok() {}; }
    let (near, far) =
        (UdpSocket::bind("127.0.0.1:0").await.unwrap(), std::net::UdpSocket::bind("127.0.0.1:0").unwrap());
    let address = near.local_addr().unwrap();
    woken! { near.recv_from(&mut [0]).await => far.send_to(b"x", address); }
    let (sender, mut receiver) = pipe::pipe().unwrap();
    woken! { receiver.read(&mut [0]).await => sender.try_write(b"x"); }
    let (near, far) = std::os::unix::net::UnixStream::pair().unwrap();
    near.set_nonblocking(true).unwrap();
    #[expect(deprecated, reason = "tests contain no unsafe code")]
    let near = runtime::io::unix::AsyncFd::new(near).unwrap();
    woken! { near.readable().await.map(drop) => (&far).write_all(b"x"); }
}

async fn streams() {
    let (mut near, mut far) = runtime::io::duplex(1);
    woken! { near.read(&mut [0]).await => runtime::spawn(async move { far.write_all(b"x").await }); }
    let (mut near, mut far) = runtime::io::duplex(1);
    near.write_all(b"x").await.unwrap();
    woken! { near.write_all(b"y").await => runtime::spawn(async move { far.read(&mut [0]).await }); }
}

/// What tokio does not have.
#[cfg(not(feature = "oracle"))]
mod beyond {
    use super::*;
    use runtime::scope::{CancelScope, TaskGroup, move_on_after, scope_local};
    use runtime::sync::{CancellationToken, CapacityLimiter, Condvar, Event, TaskTracker, queue::Queue};
    use runtime::time::DelayQueue;

    pub(super) async fn each() {
        locks().await;
        scopes().await;
    }

    async fn locks() {
        let event = Arc::new(Event::new());
        let waits = event.clone();
        woken! { waits.wait().await => event.set(); }
        let token = CancellationToken::new();
        let cancels = token.clone();
        woken! { token.cancelled().await => cancels.cancel(); }
        let (mutex, condvar) = (Arc::new(Mutex::new(())), Arc::new(Condvar::new()));
        let (held, waits) = (mutex.clone().lock_owned().await, condvar.clone());
        woken! { waits.wait_owned(held).await => condvar.notify_one(); }
        let limiter = Arc::new(CapacityLimiter::new(1));
        let taken = limiter.clone().acquire_owned_on_behalf_of(runtime::sync::Borrower::new()).await.unwrap();
        woken! { limiter.acquire_owned_on_behalf_of(runtime::sync::Borrower::new()).await => drop(taken); }
        let queue = Arc::new(Queue::new(1));
        let waits = queue.clone();
        woken! { waits.get().await => queue.try_put(1); }
        let queue = Arc::new(Queue::new(1));
        queue.try_put(1).unwrap();
        let waits = queue.clone();
        woken! { waits.put(2).await => queue.try_get(); }
        let tracker = TaskTracker::new();
        let (token, waits) = (tracker.token(), tracker.clone());
        tracker.close();
        woken! { waits.wait().await => drop(token); }
        let mut later = DelayQueue::new();
        later.insert((), 20 * MILLI);
        woken! { later.next().await => (); }
    }

    async fn scopes() {
        let scope = CancelScope::new();
        let cancels = scope.clone();
        woken! { scope.run(pending::<()>()).await => cancels.cancel(); }
        let scope = CancelScope::new();
        let (tx, rx) = oneshot::channel::<()>();
        woken! { scope.run(rx).await => tx.send(()); }
        woken! { move_on_after(20 * MILLI, pending::<()>()).await => (); }
        let mut group = TaskGroup::<_, ()>::settling();
        let (tx, rx) = oneshot::channel::<()>();
        group.spawn(async move { Ok::<_, ()>(rx.await) });
        woken! { group.next().await => tx.send(()); }
        let (tx, rx) = oneshot::channel::<()>();
        woken! {
            scope_local(async |scope| unused(scope.spawn(async { unused(rx.await) }))).await => tx.send(());
        }
    }
}
