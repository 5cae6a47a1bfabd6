//! Wakers that count, and wakers that misbehave: they call back into the object, or panic, on clone, wake or drop; or have
//! another address after each clone.
//!
//! Also the little that tests of runtime-free objects need: polling by hand, a `block_on`, random numbers, a watchdog.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, RawWaker, RawWakerVTable, Wake, Waker};
use std::time::Duration;

/// Counts its wakes.
#[derive(Debug, Default)]
pub struct Wakes(AtomicUsize);

impl Wakes {
    /// None so far.
    pub fn new() -> Arc<Wakes> {
        Arc::default()
    }

    /// How many wakes there were.
    pub fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// A waker that counts here.
    pub fn waker(self: &Arc<Self>) -> Waker {
        Waker::from(Arc::clone(self))
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// What a hostile waker does at one of its events.
pub type Act = Box<dyn Fn() + Send + Sync>;

/// What a hostile waker does.
#[derive(Default)]
pub struct Script {
    /// Before a clone is made.
    pub on_clone: Option<Act>,
    /// At each wake.
    pub on_wake: Option<Act>,
    /// At each drop of a waker that was not woken.
    pub on_drop: Option<Act>,
}

thread_local! {
    /// An act that touches wakers itself must not start itself again.
    static ACTING: Cell<bool> = const { Cell::new(false) };
}

fn act(act: &Option<Act>) {
    struct Stop;
    impl Drop for Stop {
        fn drop(&mut self) {
            ACTING.set(false);
        }
    }
    if let Some(act) = act
        && !ACTING.replace(true)
    {
        let _stop = Stop;
        act();
    }
}

static VTABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

fn script(data: *const ()) -> Arc<Script> {
    // SAFETY: `data` came from `Arc::into_raw`, and the waker that holds it has a count of its own.
    unsafe { Arc::increment_strong_count(data.cast::<Script>()) };
    // SAFETY: as above; the count was just added for this `Arc`.
    unsafe { Arc::from_raw(data.cast::<Script>()) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    let script = script(data);
    act(&script.on_clone);
    RawWaker::new(Arc::into_raw(script).cast(), &VTABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: the count of the consumed waker is taken over.
    let script = unsafe { Arc::from_raw(data.cast::<Script>()) };
    act(&script.on_wake);
}

unsafe fn wake_by_ref(data: *const ()) {
    act(&script(data).on_wake);
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the count of the dropped waker is taken over.
    let script = unsafe { Arc::from_raw(data.cast::<Script>()) };
    act(&script.on_drop);
}

/// A waker that acts by `script`.
pub fn hostile(script: Script) -> Waker {
    // SAFETY: the functions of the table keep one count per waker, and `Script` is Send and Sync.
    unsafe { Waker::from_raw(RawWaker::new(Arc::into_raw(Arc::new(script)).cast(), &VTABLE)) }
}

/// Where a waker of [`moving`] has what it is; empty while it is free.
type Slot = Mutex<Option<Arc<Wakes>>>;

thread_local! {
    /// The last one to be freed on this thread is the next one to be used.
    static FREE_SLOTS: RefCell<Vec<&'static Slot>> = const { RefCell::new(Vec::new()) };
}

fn fill_slot(wakes: Arc<Wakes>) -> RawWaker {
    let slot = FREE_SLOTS.with_borrow_mut(Vec::pop).unwrap_or_else(|| crate::leak(Mutex::default()));
    *slot.lock().expect("a slot") = Some(wakes);
    RawWaker::new(std::ptr::from_ref(slot).cast(), &MOVING)
}

fn slot(data: *const ()) -> &'static Slot {
    // SAFETY: `fill_slot` made the pointer from a `&'static Slot`.
    unsafe { &*data.cast::<Slot>() }
}

fn empty_slot(data: *const ()) -> Arc<Wakes> {
    let wakes = slot(data).lock().expect("a slot").take().expect("a waker that was dropped before");
    FREE_SLOTS.with_borrow_mut(|free| free.push(slot(data)));
    wakes
}

fn look_into_slot(data: *const ()) -> Arc<Wakes> {
    slot(data).lock().expect("a slot").clone().expect("a waker that was dropped before")
}

static MOVING: RawWakerVTable = RawWakerVTable::new(
    |data| fill_slot(look_into_slot(data)),
    |data| Wake::wake(empty_slot(data)),
    |data| Wake::wake(look_into_slot(data)),
    |data| drop(empty_slot(data)),
);

/// A waker that counts at `wakes`, and whose clones each have another address than it. An address is used again at once:
/// made where another one has just been dropped, this one stands in its place.
pub fn moving(wakes: &Arc<Wakes>) -> Waker {
    // SAFETY: every waker of the table has a slot of its own from its making to its end, and slots are never freed.
    unsafe { Waker::from_raw(fill_slot(wakes.clone())) }
}

/// One poll.
pub fn poll_with<F: Future + ?Sized>(future: Pin<&mut F>, waker: &Waker) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(waker))
}

/// One poll with a waker that does nothing.
pub fn poll<F: Future + ?Sized>(future: Pin<&mut F>) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Polls a future that is ready at once.
#[track_caller]
pub fn now<F: Future>(future: F) -> F::Output {
    match poll(std::pin::pin!(future)) {
        Poll::Ready(output) => output,
        Poll::Pending => panic!("pending, but it should have been ready at once"),
    }
}

struct ThreadWaker(std::thread::Thread);

impl Wake for ThreadWaker {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Runs a future on this thread.
pub fn block_on<F: Future>(future: F) -> F::Output {
    let mut future = std::pin::pin!(future);
    let waker = Waker::from(Arc::new(ThreadWaker(std::thread::current())));
    loop {
        if let Poll::Ready(output) = poll_with(future.as_mut(), &waker) {
            return output;
        }
        std::thread::park();
    }
}

/// Runs `f` on a thread of its own and fails if it takes longer than ten seconds (or the environment's
/// `WATCHDOG_SECONDS`): a deadlock.
#[track_caller]
pub fn no_deadlock<R: Send + 'static>(f: impl FnOnce() -> R + Send + 'static) -> R {
    let (tx, rx) = std::sync::mpsc::channel();
    let thread = std::thread::spawn(move || {
        let result = f();
        let _ = tx.send(());
        result
    });
    let limit = crate::watch::limit_from_env().unwrap_or(Duration::from_secs(10));
    if rx.recv_timeout(limit) == Err(std::sync::mpsc::RecvTimeoutError::Timeout) {
        panic!("not finished after {limit:?}: a deadlock");
    }
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

/// xorshift: random enough for orders of operations, and the seed repeats a failure.
#[derive(Debug)]
pub struct Dice(pub u64);

impl Dice {
    /// A number in `0..n`.
    pub fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 16) as usize % n
    }
}
