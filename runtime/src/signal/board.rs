//! One kind of signal: whether one has come that nobody was told of, and who waits for the next.
//!
//! Owns: the protocol between the handler, whoever tells, and the listeners.
//! Not here: the handler and what it writes to (`catch`), who reads that (`reader`), which kinds there are (`unix`).
//!
//! ```text
//! handler:   pending = true, unless it was;  a byte into the pipe
//! teller:    empty the pipe;  was pending? pending = false;  told += 1  -  lock, take the wakers, unlock  -  wake them
//! listener:  lock, leave a waker, look at told once more, unlock
//! ```
//!
//! A handler that finds `pending` writes nothing: whoever set it has written, or is about to, and the teller that takes it
//! back tells of both. The teller empties the pipe *first*: a signal that comes after its look at `pending` leaves a byte
//! that nobody has read yet. Between teller and listener whoever locks second sees what the other did.
//!
//! The handler touches one atomic and nothing else, since it may interrupt any code, ours under its lock included.

use crate::engine::atomics::{AtomicBool, AtomicU64, Mutex, Ordering};
use crate::engine::contain;
use std::collections::BTreeMap;
use std::mem;
use std::task::{Context, Poll, Waker};

pub(super) struct Kind {
    pending: AtomicBool,
    /// How often listeners were told.
    told: AtomicU64,
    waiting: Mutex<Waiting>,
}

struct Waiting {
    wakers: BTreeMap<u64, Waker>,
    listeners: u64,
}

impl Kind {
    pub(super) fn new() -> Self {
        Kind {
            pending: AtomicBool::new(false),
            told: AtomicU64::new(0),
            waiting: Mutex::new(Waiting { wakers: BTreeMap::new(), listeners: 0 }),
        }
    }

    /// In the handler. `true`: somebody must be told.
    pub(super) fn raise(&self) -> bool {
        !self.pending.swap(true, Ordering::SeqCst)
    }

    /// Tells listeners of what has come. After the pipe was emptied.
    pub(super) fn tell(&self) {
        if !self.pending.load(Ordering::SeqCst) || !self.pending.swap(false, Ordering::SeqCst) {
            return;
        }
        self.told.fetch_add(1, Ordering::SeqCst);
        let woken = mem::take(&mut self.waiting.lock().wakers);
        for waker in woken.into_values() {
            // One that panics keeps no other one asleep.
            let _ = contain(|| waker.wake());
        }
    }

    /// It hears of what comes from now on.
    pub(super) fn listen(&self) -> Listener<'_> {
        // What came before is told to those who listened then.
        self.tell();
        let mut waiting = self.waiting.lock();
        waiting.listeners += 1;
        Listener { kind: self, number: waiting.listeners, heard: self.told.load(Ordering::SeqCst) }
    }
}

pub(super) struct Listener<'k> {
    kind: &'k Kind,
    number: u64,
    /// `told`, when it heard of the last one.
    heard: u64,
}

impl Listener<'_> {
    /// Ready once for all that have come since the last time.
    pub(super) fn poll_heard(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut waker = Some(cx.waker().clone());
        let mut waiting = self.kind.waiting.lock();
        // Under the lock: the second look of the protocol above.
        let told = self.kind.told.load(Ordering::SeqCst);
        let hears = told != mem::replace(&mut self.heard, told);
        let left = match waker.take_if(|_| !hears) {
            Some(waker) => waiting.wakers.insert(self.number, waker),
            None => waiting.wakers.remove(&self.number),
        };
        drop(waiting);
        drop((left, waker));
        if hears { Poll::Ready(()) } else { Poll::Pending }
    }
}

impl Drop for Listener<'_> {
    fn drop(&mut self) {
        let left = self.kind.waiting.lock().wakers.remove(&self.number);
        drop(left);
    }
}

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use loom::sync::Arc;
    use loom::thread;
    use std::sync::atomic::AtomicUsize;
    use std::task::Wake;

    fn explore(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    #[derive(Default)]
    struct WakeCount(AtomicUsize);

    impl Wake for WakeCount {
        fn wake(self: std::sync::Arc<Self>) {
            self.0.fetch_add(1, Ordering::SeqCst);
        }
    }

    /// The pipe, as far as it matters: is a byte in it?
    struct World {
        kind: Kind,
        pipe: AtomicBool,
    }

    impl World {
        fn new() -> Arc<Self> {
            Arc::new(World { kind: Kind::new(), pipe: AtomicBool::new(false) })
        }

        fn signal(&self) {
            if self.kind.raise() {
                // A swap: loom may order a mere store before a swap that was later.
                self.pipe.swap(true, Ordering::SeqCst);
            }
        }

        /// Empties the pipe and tells, for as long as there is something in it.
        fn read(&self) {
            while self.pipe.swap(false, Ordering::SeqCst) {
                self.kind.tell();
            }
        }
    }

    /// Fault: `read` tells before it empties the pipe.
    #[test]
    fn model_no_signal_is_lost_between_handler_and_teller() {
        explore(|| {
            let world = World::new();
            let told = || world.kind.told.load(Ordering::SeqCst);
            let other = world.clone();
            let sender = thread::spawn(move || {
                other.signal();
                other.signal();
            });
            world.read();
            let before = told();
            sender.join().unwrap();
            world.read();
            assert!(told() > 0 && told() >= before);
            assert!(!world.kind.pending.load(Ordering::SeqCst), "it has come, and nobody will be told");
        });
    }

    /// Fault: `poll_heard` looks at `told` before it locks; or `tell` counts after it has taken the wakers.
    #[test]
    fn model_who_listens_hears() {
        explore(|| {
            let world = World::new();
            let mut listener = world.kind.listen();
            let count = std::sync::Arc::new(WakeCount::default());
            let waker = Waker::from(count.clone());
            let other = world.clone();
            let sender = thread::spawn(move || {
                other.signal();
                other.read();
            });
            let mut cx = Context::from_waker(&waker);
            let heard = listener.poll_heard(&mut cx).is_ready();
            sender.join().unwrap();
            assert!(heard || count.0.load(Ordering::SeqCst) == 1, "it sleeps for ever");
            assert!(heard || listener.poll_heard(&mut cx).is_ready());
            assert!(listener.poll_heard(&mut cx).is_pending(), "once");
        });
    }
}
