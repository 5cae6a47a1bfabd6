//! The queue that any thread may push to and any worker takes from.
//!
//! Owns: an intrusive FIFO list of runnables under a lock, and its length for those who only look.
//! Not here: waking somebody up (`idle`).
//!
//! A batch (one turn of the driver) is linked outside the lock and spliced in with one push. Rejected:
//! `crossbeam_deque::Injector`, no faster here and slower from outside (511 against 419 ns).

use crate::engine::base::atomics::{AtomicUsize, Mutex, Ordering};
use crate::engine::cell::Runnable;
use crate::engine::sched::places::stats::Counter;

/// Runnables linked one behind the other.
pub(crate) struct Chain {
    first: Option<Runnable>,
    last: Option<LastLink>,
    len: usize,
}

/// The end of a chain, aliased by the link of the one before it (or by `first`): used to append, never to run.
struct LastLink(std::ptr::NonNull<crate::engine::cell::Header>);

// SAFETY: headers are meant for any thread, and the chain is used by one at a time.
unsafe impl Send for LastLink {}

impl Chain {
    pub(crate) const fn new() -> Self {
        Chain { first: None, last: None, len: 0 }
    }

    pub(crate) fn push(&mut self, task: Runnable) {
        let mut single = Chain::new();
        single.last = Some(LastLink(std::ptr::NonNull::from(task.header())));
        single.first = Some(task);
        single.len = 1;
        self.append(single);
    }

    pub(crate) fn append(&mut self, other: Chain) {
        let Some(first) = other.first else { return };
        match self.last.take() {
            None => self.first = Some(first),
            Some(end) => {
                // SAFETY: the chain holds this runnable (through the link before it), so nobody runs it, and the
                // duplicate only stores the link and is given up at once.
                let end = unsafe { Runnable::from_raw(end.0) };
                end.set_next(Some(first));
                let _ = end.into_raw();
            }
        }
        self.last = other.last;
        self.len += other.len;
    }

    pub(crate) fn pop(&mut self) -> Option<Runnable> {
        let task = self.first.take()?;
        self.first = task.take_next();
        if self.first.is_none() {
            self.last = None;
        }
        self.len -= 1;
        Some(task)
    }

    pub(crate) fn len(&self) -> usize {
        self.len
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }
}

pub(crate) struct Inject {
    chain: Mutex<Chain>,
    len: AtomicUsize,
    /// How many were pushed so far; written with the lock held.
    pushed: Counter,
}

impl Inject {
    pub(crate) fn new() -> Self {
        Inject { chain: Mutex::new(Chain::new()), len: AtomicUsize::new(0), pushed: Counter::default() }
    }

    pub(crate) fn push(&self, task: Runnable) {
        let mut chain = self.chain.lock();
        chain.push(task);
        self.pushed.add(1);
        self.len.store(chain.len(), Ordering::Release);
    }

    pub(crate) fn push_chain(&self, batch: Chain) {
        self.append(batch.len() as u64, batch);
    }

    /// What a worker had when it left: it did not come from outside.
    pub(crate) fn put_back(&self, left: Chain) {
        self.append(0, left);
    }

    fn append(&self, pushed: u64, batch: Chain) {
        if batch.is_empty() {
            return;
        }
        let mut chain = self.chain.lock();
        self.pushed.add(pushed);
        chain.append(batch);
        self.len.store(chain.len(), Ordering::Release);
    }

    pub(crate) fn pop(&self) -> Option<Runnable> {
        if self.is_empty() {
            return None;
        }
        let mut chain = self.chain.lock();
        let task = chain.pop();
        self.len.store(chain.len(), Ordering::Release);
        task
    }

    /// Takes a share of the queue: what one of `sharers` workers should run of it, `most` at the most.
    pub(crate) fn pop_share(&self, sharers: usize, most: usize) -> Chain {
        let mut share = Chain::new();
        if self.is_empty() {
            return share;
        }
        let mut chain = self.chain.lock();
        let count = (chain.len() / sharers.max(1) + 1).min(most);
        for _ in 0..count {
            match chain.pop() {
                Some(task) => share.push(task),
                None => break,
            }
        }
        self.len.store(chain.len(), Ordering::Release);
        share
    }

    /// How many tasks came from outside so far.
    pub(crate) fn pushed(&self) -> u64 {
        self.pushed.get()
    }

    /// May be out of date at once; the idle protocol says when it is exact enough.
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    pub(crate) fn len(&self) -> usize {
        self.len.load(Ordering::Acquire)
    }
}
