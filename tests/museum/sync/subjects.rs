//! The primitives as the hostile kit sees them: something to wait for, what serves those who wait, and a way through the
//! object's locks and back.

use runtime::sync::{Barrier, Mutex, Notify, OnceCell, RwLock, Semaphore, SetOnce, broadcast, mpsc, oneshot, watch};
use runtime_tests::hostile::poll;
use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

pub(super) type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A primitive as the hostile kit sees it.
pub(super) struct Subject {
    pub(super) name: &'static str,
    /// A future that waits until `fire`.
    pub(super) wait: Box<dyn Fn() -> Waiting + Send + Sync>,
    /// Serves one or all who wait.
    pub(super) fire: Box<dyn Fn() + Send + Sync>,
    /// Goes through the object's locks and comes back.
    pub(super) touch: Arc<dyn Fn() + Send + Sync>,
    /// Does one `fire` serve all?
    pub(super) fires_all: bool,
}

macro_rules! subject {
    ($name:literal, $object:expr, wait: $wait:expr, fire: $fire:expr, touch: $touch:expr, all: $all:expr) => {{
        let object = Arc::new($object);
        let (a, b, c) = (object.clone(), object.clone(), object);
        Subject {
            name: $name,
            wait: Box::new(move || {
                let object = a.clone();
                Box::pin(async move { $wait(&object).await })
            }),
            fire: Box::new(move || $fire(&b)),
            touch: Arc::new(move || $touch(&c)),
            fires_all: $all,
        }
    }};
}

/// Senders wait until the receiver is dropped.
macro_rules! senders {
    ($name:literal, $ends:expr, touch: $touch:expr) => {{
        let (sender, receiver) = $ends;
        let receiver = Taken::new(receiver);
        let sender = Arc::new(sender);
        let (waits, touched) = (sender.clone(), sender);
        Subject {
            name: $name,
            wait: Box::new(move || {
                let sender = waits.clone();
                Box::pin(async move { sender.closed().await })
            }),
            fire: Box::new(move || drop(receiver.try_take())),
            touch: Arc::new(move || $touch(&touched)),
            fires_all: true,
        }
    }};
}

/// Every primitive that wakes somebody, and any number of them.
pub(super) fn subjects() -> Vec<Subject> {
    #[cfg(feature = "oracle")]
    return subjects_of_tokio();
    #[cfg(not(feature = "oracle"))]
    subjects_of_tokio().into_iter().chain(beyond_tokio::subjects()).collect()
}

fn subjects_of_tokio() -> Vec<Subject> {
    vec![
        subject!("notify_one", Notify::new(),
            wait: async |n: &Arc<Notify>| n.notified().await, fire: |n: &Arc<Notify>| n.notify_one(),
            touch: |n: &Arc<Notify>| _ = poll(pin!(n.notified())), all: false),
        subject!("notify_waiters", Notify::new(),
            wait: async |n: &Arc<Notify>| n.notified().await, fire: |n: &Arc<Notify>| n.notify_waiters(),
            touch: |n: &Arc<Notify>| _ = poll(pin!(n.notified())), all: true),
        subject!("semaphore", Semaphore::new(0),
            wait: async |s: &Arc<Semaphore>| s.acquire().await.unwrap().forget(),
            fire: |s: &Arc<Semaphore>| s.add_permits(1),
            touch: |s: &Arc<Semaphore>| drop(poll(pin!(s.acquire()))), all: false),
        subject!("semaphore close", Semaphore::new(0),
            wait: async |s: &Arc<Semaphore>| drop(s.acquire().await), fire: |s: &Arc<Semaphore>| s.close(),
            touch: |s: &Arc<Semaphore>| drop(poll(pin!(s.acquire()))), all: true),
        mutex(),
        rwlock(),
        bounded_send(),
        subject!("watch", watch::channel(0).0,
            wait: async |tx: &Arc<watch::Sender<i32>>| drop(tx.subscribe().changed().await),
            fire: |tx: &Arc<watch::Sender<i32>>| tx.send_modify(|n| *n += 1),
            touch: |tx: &Arc<watch::Sender<i32>>| {
                let mut rx = tx.subscribe();
                drop(poll(pin!(rx.changed())));
                let _ = *tx.borrow();
            },
            all: true),
        subject!("broadcast", broadcast::Sender::new(4),
            wait: async |tx: &Arc<broadcast::Sender<i32>>| drop(tx.subscribe().recv().await),
            fire: |tx: &Arc<broadcast::Sender<i32>>| drop(tx.send(1)),
            touch: |tx: &Arc<broadcast::Sender<i32>>| {
                let mut rx = tx.subscribe();
                drop(poll(pin!(rx.recv())));
            },
            all: true),
        subject!("set_once", SetOnce::new(),
            wait: async |s: &Arc<SetOnce<i32>>| _ = s.wait().await, fire: |s: &Arc<SetOnce<i32>>| drop(s.set(1)),
            touch: |s: &Arc<SetOnce<i32>>| _ = poll(pin!(s.wait())), all: true),
        once_cell(),
        // A visitor that is not polled to the end counts too: visits until a round is complete.
        subject!("barrier", Barrier::new(64),
            wait: async |b: &Arc<Barrier>| _ = b.wait().await,
            fire: |b: &Arc<Barrier>| while poll(pin!(b.wait())).is_pending() {},
            touch: |b: &Arc<Barrier>| _ = poll(pin!(b.wait())), all: true),
        senders!("mpsc closed", mpsc::channel::<u8>(1),
            touch: |tx: &mpsc::Sender<u8>| _ = (tx.is_closed(), poll(pin!(tx.closed())))),
        senders!("mpsc unbounded closed", mpsc::unbounded_channel::<u8>(),
            touch: |tx: &mpsc::UnboundedSender<u8>| _ = (tx.is_closed(), poll(pin!(tx.closed())))),
        senders!("watch closed", watch::channel(1),
            touch: |tx: &watch::Sender<u8>| _ = (tx.receiver_count(), poll(pin!(tx.closed())))),
        senders!("broadcast closed", broadcast::channel::<u8>(1),
            touch: |tx: &broadcast::Sender<u8>| _ = (tx.receiver_count(), poll(pin!(tx.closed())))),
    ]
}

pub(super) fn every_subject() -> Vec<Subject> {
    subjects().into_iter().chain(lone_subjects()).collect()
}

/// Primitives for which only one can wait.
pub(super) fn lone_subjects() -> Vec<Subject> {
    let (tx, rx) = mpsc::channel(4);
    let (touched, waits) = (tx.clone(), Taken::new(rx));
    let bounded = Subject {
        name: "mpsc recv",
        wait: Box::new(move || {
            let mut rx = waits.take();
            Box::pin(async move { _ = rx.recv().await })
        }),
        fire: Box::new(move || _ = tx.try_send(1)),
        touch: Arc::new(move || _ = (touched.try_reserve().is_ok(), poll(pin!(touched.closed())))),
        fires_all: true,
    };
    let (tx, rx) = mpsc::unbounded_channel();
    let (touched, waits) = (tx.clone(), Taken::new(rx));
    let unbounded = Subject {
        name: "mpsc unbounded recv",
        wait: Box::new(move || {
            let mut rx = waits.take();
            Box::pin(async move { _ = rx.recv().await })
        }),
        fire: Box::new(move || _ = tx.send(1)),
        touch: Arc::new(move || _ = (touched.is_closed(), poll(pin!(touched.closed())))),
        fires_all: true,
    };
    vec![bounded, unbounded, last_sender(), oneshot_recv(), oneshot_closed()]
}

/// What one of the closures of a subject takes out for good.
struct Taken<T>(Arc<std::sync::Mutex<Option<T>>>);

impl<T> Taken<T> {
    fn new(value: T) -> Self {
        Taken(Arc::new(std::sync::Mutex::new(Some(value))))
    }

    fn take(&self) -> T {
        self.try_take().expect("only one waits")
    }

    fn try_take(&self) -> Option<T> {
        self.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).take()
    }
}

/// The end of a channel is an event too.
fn last_sender() -> Subject {
    let (tx, rx) = mpsc::channel::<u8>(4);
    let (weak, waits, last) = (tx.downgrade(), Taken::new(rx), Taken::new(tx));
    Subject {
        name: "mpsc recv, last sender",
        wait: Box::new(move || {
            let mut rx = waits.take();
            Box::pin(async move { _ = rx.recv().await })
        }),
        fire: Box::new(move || drop(last.try_take())),
        touch: Arc::new(move || drop(weak.upgrade())),
        fires_all: true,
    }
}

fn oneshot_recv() -> Subject {
    let (tx, rx) = oneshot::channel();
    let (waits, sends) = (Taken::new(rx), Taken::new(tx));
    let touched = Taken(sends.0.clone());
    Subject {
        name: "oneshot recv",
        wait: Box::new(move || {
            let rx = waits.take();
            Box::pin(async move { _ = rx.await })
        }),
        fire: Box::new(move || {
            if let Some(tx) = sends.try_take() {
                let _ = tx.send(1);
            }
        }),
        touch: Arc::new(move || {
            if let Some(mut tx) = touched.try_take() {
                let _ = (tx.is_closed(), poll(pin!(tx.closed())));
                *touched.0.lock().unwrap() = Some(tx);
            }
        }),
        fires_all: true,
    }
}

fn oneshot_closed() -> Subject {
    let (tx, rx) = oneshot::channel::<u8>();
    let (waits, goes) = (Taken::new(tx), Taken::new(rx));
    let touched = Taken(goes.0.clone());
    Subject {
        name: "oneshot closed",
        wait: Box::new(move || {
            let mut tx = waits.take();
            Box::pin(async move { tx.closed().await })
        }),
        fire: Box::new(move || drop(goes.try_take())),
        touch: Arc::new(move || {
            if let Some(mut rx) = touched.try_take() {
                let _ = (rx.is_empty(), rx.try_recv());
                *touched.0.lock().unwrap() = Some(rx);
            }
        }),
        fires_all: true,
    }
}

/// What tokio has no name for.
#[cfg(not(feature = "oracle"))]
mod beyond_tokio {
    use super::{Arc, Mutex, Subject, Waiting, pin, poll};
    use runtime::sync::queue::{LifoQueue, PriorityQueue, Queue};
    use runtime::sync::{Borrower, CancellationToken, CapacityLimiter, Condvar, Event, TaskTracker};

    pub(super) fn subjects() -> Vec<Subject> {
        vec![
            subject!("event", Event::new(),
                wait: async |e: &Arc<Event>| e.wait().await, fire: |e: &Arc<Event>| _ = e.set(),
                touch: |e: &Arc<Event>| _ = poll(pin!(e.wait())), all: true),
            condvar("condvar notify_one", |condvar| _ = condvar.notify_one(), false),
            condvar("condvar notify_all", |condvar| condvar.notify_all(), true),
            subject!("limiter", CapacityLimiter::new(0),
                wait: async |l: &Arc<CapacityLimiter>| {
                    runtime_tests::leak(l.clone().acquire_owned_on_behalf_of(Borrower::new()).await.unwrap());
                },
                fire: |l: &Arc<CapacityLimiter>| l.set_total_tokens(l.total_tokens() + 1),
                touch: |l: &Arc<CapacityLimiter>| drop(poll(pin!(l.acquire_on_behalf_of(Borrower::new())))),
                all: false),
            subject!("queue get", Queue::unbounded(),
                wait: async |q: &Arc<Queue<u8>>| _ = q.get().await, fire: |q: &Arc<Queue<u8>>| q.try_put(1).unwrap(),
                touch: |q: &Arc<Queue<u8>>| drop(poll(pin!(q.get()))), all: false),
            subject!("queue put", full(),
                wait: async |q: &Arc<LifoQueue<u8>>| q.put(1).await.unwrap(),
                fire: |q: &Arc<LifoQueue<u8>>| _ = q.try_get(),
                touch: |q: &Arc<LifoQueue<u8>>| drop(poll(pin!(q.put(2)))), all: false),
            subject!("queue close", Queue::unbounded(),
                wait: async |q: &Arc<Queue<u8>>| _ = q.get().await, fire: |q: &Arc<Queue<u8>>| _ = q.close(),
                touch: |q: &Arc<Queue<u8>>| drop(poll(pin!(q.get()))), all: true),
            subject!("queue join", unfinished(),
                wait: async |q: &Arc<PriorityQueue<u8>>| q.join().await,
                fire: |q: &Arc<PriorityQueue<u8>>| if q.statistics().unfinished > 0 { q.task_done() },
                touch: |q: &Arc<PriorityQueue<u8>>| _ = poll(pin!(q.join())), all: true),
            subject!("token", CancellationToken::new(),
                wait: async |t: &Arc<CancellationToken>| t.cancelled().await,
                fire: |t: &Arc<CancellationToken>| t.cancel(),
                touch: |t: &Arc<CancellationToken>| _ = poll(pin!(t.child_token().cancelled())), all: true),
            subject!("tracker", TaskTracker::new(),
                wait: async |t: &Arc<TaskTracker>| t.wait().await, fire: |t: &Arc<TaskTracker>| _ = t.close(),
                touch: |t: &Arc<TaskTracker>| drop((t.token(), poll(pin!(t.wait())))), all: true),
        ]
    }

    fn full() -> LifoQueue<u8> {
        let queue = LifoQueue::new(1);
        queue.try_put(0).unwrap();
        queue
    }

    fn unfinished() -> PriorityQueue<u8> {
        let queue = PriorityQueue::unbounded();
        queue.try_put(0).unwrap();
        queue
    }

    /// The mutex is free whenever nobody is being served.
    fn condvar(name: &'static str, call: fn(&Condvar), fires_all: bool) -> Subject {
        let pair = Arc::new((Mutex::new(()), Condvar::new()));
        let (waits, fires, touches) = (pair.clone(), pair.clone(), pair);
        Subject {
            name,
            wait: Box::new(move || -> Waiting {
                let pair = waits.clone();
                Box::pin(async move { drop(pair.1.wait(pair.0.lock().await).await) })
            }),
            fire: Box::new(move || call(&fires.1)),
            touch: Arc::new(move || {
                if let Ok(guard) = touches.0.try_lock() {
                    drop(poll(pin!(touches.1.wait(guard))));
                }
            }),
            fires_all,
        }
    }
}

/// One guard is out; `fire` drops it, and each waiter that is served puts its own in its place.
fn mutex() -> Subject {
    let mutex = Arc::new(Mutex::new(()));
    let held = Arc::new(std::sync::Mutex::new(Some(mutex.clone().try_lock_owned().unwrap())));
    let keep = held.clone();
    let again = mutex.clone();
    Subject {
        name: "mutex",
        wait: Box::new(move || {
            let (mutex, keep) = (mutex.clone(), keep.clone());
            Box::pin(async move {
                let guard = mutex.lock_owned().await;
                *keep.lock().unwrap() = Some(guard);
            })
        }),
        fire: Box::new(move || {
            let guard = held.lock().unwrap().take();
            drop(guard);
        }),
        touch: Arc::new(move || drop(poll(pin!(again.lock())))),
        fires_all: false,
    }
}

fn rwlock() -> Subject {
    let lock = Arc::new(RwLock::new(()));
    let held = Arc::new(std::sync::Mutex::new(Some(lock.clone().try_write_owned().unwrap())));
    let again = lock.clone();
    Subject {
        name: "rwlock",
        wait: Box::new(move || {
            let lock = lock.clone();
            Box::pin(async move { drop(lock.read().await) })
        }),
        fire: Box::new(move || {
            let guard = held.lock().unwrap().take();
            drop(guard);
        }),
        touch: Arc::new(move || drop(poll(pin!(again.read())))),
        fires_all: true,
    }
}

fn bounded_send() -> Subject {
    let (tx, rx) = mpsc::channel(1);
    tx.try_send(0).unwrap();
    let rx = std::sync::Mutex::new(rx);
    let again = tx.clone();
    Subject {
        name: "mpsc send",
        wait: Box::new(move || {
            let tx = tx.clone();
            Box::pin(async move { tx.send(1).await.unwrap() })
        }),
        fire: Box::new(move || _ = rx.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).try_recv()),
        touch: Arc::new(move || drop(poll(pin!(again.reserve())))),
        fires_all: false,
    }
}

fn once_cell() -> Subject {
    let cell = Arc::new(OnceCell::new());
    let (tx, rx) = oneshot::channel();
    let making = cell.clone();
    let mut maker: Waiting = Box::pin(async move {
        let rx: oneshot::Receiver<i32> = rx;
        _ = making.get_or_init(async || rx.await.unwrap()).await;
    });
    assert!(poll(maker.as_mut()).is_pending());
    let maker = std::sync::Mutex::new((maker, Some(tx)));
    let again = cell.clone();
    Subject {
        name: "once_cell",
        wait: Box::new(move || {
            let cell = cell.clone();
            Box::pin(async move { _ = cell.get_or_init(async || unreachable!()).await })
        }),
        fire: Box::new(move || {
            let mut maker = maker.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
            if let Some(tx) = maker.1.take() {
                tx.send(1).unwrap();
                let _ = poll(maker.0.as_mut());
            }
        }),
        touch: Arc::new(move || _ = poll(pin!(again.get_or_init(std::future::pending)))),
        fires_all: true,
    }
}
