//! `Notify`: wake a task that waits for "something happened", without saying what.
//!
//! Owns: the word, the queue, the two futures.
//! Not here: data. What happened lies in the user's own state.
//!
//! | bits | name | meaning |
//! |---|---|---|
//! | 0 | PERMIT | one `notify_one` came while nobody was queued |
//! | 1 | QUEUED | the queue is not empty; changes only under its lock; never set together with PERMIT |
//! | 2.. | round | number of `notify_waiters` calls, wrapping |
//!
//! A [`Notified`] remembers the round it was made in: when another round has begun it is complete, and takes no
//! permit. That is what lets a caller make the future, look at its own state, and only then wait.
//!
//! The danger: a wake-up given to a future that is dropped instead of polled. Its drop passes a `notify_one` on to the
//! next waiter, from the same end of the queue, or keeps it as the permit (museum LW12, LW13).

use super::waiters::{Key, WaitList, Waiters};
use super::wake::WakeBatch;
use crate::engine::atomics::{AtomicUsize, Ordering};
use crate::engine::budget;
use pin_project_lite::pin_project;
use std::future::Future;
use std::marker::PhantomPinned;
use std::ops::Deref;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

const PERMIT: usize = 1;
const QUEUED: usize = 2;
const ROUND: usize = 4;

/// How a waiter was served.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Served {
    NotYet,
    First,
    Last,
    All,
}

/// Wakes tasks that wait, one by one or all at once.
///
/// `notify_one` without a waiter is kept as a single permit for the next one, so a notification that comes a moment
/// too early is not lost. `notify_waiters` keeps nothing, but reaches every [`Notified`] that exists, polled or not.
///
/// # Examples
///
/// ```
/// use runtime::sync::Notify;
/// use std::task::{Context, Poll, Waker};
/// use std::{future::Future, pin::pin};
///
/// let notify = Notify::new();
/// let mut cx = Context::from_waker(Waker::noop());
/// let mut waiting = pin!(notify.notified());
/// assert!(waiting.as_mut().poll(&mut cx).is_pending());
/// notify.notify_one();
/// assert_eq!(waiting.as_mut().poll(&mut cx), Poll::Ready(()));
/// ```
#[derive(Debug)]
pub struct Notify {
    word: AtomicUsize,
    waiters: Waiters<Served>,
}

impl std::panic::UnwindSafe for Notify {}
impl std::panic::RefUnwindSafe for Notify {}

impl Default for Notify {
    fn default() -> Self {
        Notify::new()
    }
}

impl Notify {
    /// A `Notify` without a permit.
    pub fn new() -> Notify {
        Notify { word: AtomicUsize::new(0), waiters: Waiters::new() }
    }

    crate::engine::const_fn! {
        /// Like [`new`](Self::new), for statics.
        pub const fn const_new() -> Notify {
            Notify { word: AtomicUsize::new(0), waiters: Waiters::new() }
        }
    }

    /// Waits for a notification.
    ///
    /// The future counts for [`notify_waiters`](Self::notify_waiters) from this call on, and for
    /// [`notify_one`](Self::notify_one) from its first poll (or [`enable`](Notified::enable)) on.
    ///
    /// # Cancel safety
    /// Dropping it loses the place in the queue. A notification that it had been given goes to the next waiter.
    pub fn notified(&self) -> Notified<'_> {
        Notified { wait: Wait::new(self), _pinned: PhantomPinned }
    }

    /// Like [`notified`](Self::notified), for a future that owns its part in the `Notify`.
    ///
    /// # Cancel safety
    /// The same as of [`notified`](Self::notified).
    pub fn notified_owned(self: Arc<Self>) -> OwnedNotified {
        OwnedNotified { wait: Wait::new(self), _pinned: PhantomPinned }
    }

    /// Wakes the task that has waited longest. With nobody waiting, the next to wait does not wait; several such
    /// calls count as one.
    pub fn notify_one(&self) {
        self.notify_single(Served::First);
    }

    /// Wakes the task that came last, otherwise like [`notify_one`](Self::notify_one).
    pub fn notify_last(&self) {
        self.notify_single(Served::Last);
    }

    fn notify_single(&self, end: Served) {
        let mut word = self.word.load(Ordering::SeqCst);
        while word & QUEUED == 0 {
            // Also with PERMIT set already: the exchange makes what the caller did visible to the one who takes it.
            match self.word.compare_exchange(word, word | PERMIT, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let mut list = self.waiters.lock();
        let waker = self.serve_locked(&mut list, end);
        drop(list);
        WakeBatch::one(waker).wake_all();
    }

    /// Serves one end of the queue, or leaves a permit.
    fn serve_locked(&self, list: &mut WaitList<Served>, end: Served) -> Option<Waker> {
        let slot = if end == Served::Last { list.last_payload() } else { list.first_payload() };
        let Some(served) = slot else {
            self.word.fetch_or(PERMIT, Ordering::SeqCst);
            return None;
        };
        *served = end;
        let waker = if end == Served::Last { list.fire_last() } else { list.fire_first() };
        self.settle(list);
        waker
    }

    fn settle(&self, list: &WaitList<Served>) {
        if list.is_empty() && self.word.load(Ordering::Relaxed) & QUEUED != 0 {
            self.word.fetch_and(!QUEUED, Ordering::SeqCst);
        }
    }

    /// Wakes everybody who waits now, and completes every [`Notified`] that exists. Leaves no permit.
    pub fn notify_waiters(&self) {
        let mut batch = WakeBatch::new();
        self.notify_waiters_into(&mut batch);
        batch.wake_all();
    }

    /// Like [`notify_waiters`](Self::notify_waiters), for a caller who wakes when it can.
    pub(super) fn notify_waiters_into(&self, batch: &mut WakeBatch) {
        let mut word = self.word.load(Ordering::SeqCst);
        while word & QUEUED == 0 {
            match self.word.compare_exchange(word, word.wrapping_add(ROUND), Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
        let mut list = self.waiters.lock();
        self.word.fetch_add(ROUND, Ordering::SeqCst);
        // One pass over those who are here now: a task that waits again belongs to the next round (museum W5).
        list.fire_all(batch, |served| *served = Served::All);
        self.settle(&list);
    }

    fn round(&self) -> usize {
        self.word.load(Ordering::SeqCst) & !(PERMIT | QUEUED)
    }

    /// Is a future of `round` complete, or can it take the permit?
    fn try_take(&self, round: usize) -> bool {
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            if word & !(PERMIT | QUEUED) != round {
                return true;
            }
            if word & PERMIT == 0 {
                return false;
            }
            match self.word.compare_exchange(word, word & !PERMIT, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) => return true,
                Err(now) => word = now,
            }
        }
    }

    /// Queues a waiter, unless it need not wait.
    fn enqueue(&self, round: usize, waker: Option<Waker>) -> Entry {
        let mut list = self.waiters.lock();
        let mut word = self.word.load(Ordering::SeqCst);
        loop {
            if word & !(PERMIT | QUEUED) != round {
                drop(list);
                drop(waker);
                return Entry::RoundOver;
            }
            let permit = word & PERMIT != 0;
            let after = if permit { word & !PERMIT } else { word | QUEUED };
            // QUEUED and no permit: nothing to change, and only we could.
            if after == word {
                return Entry::Queued(list.push_back(waker, Served::NotYet));
            }
            match self.word.compare_exchange(word, after, Ordering::SeqCst, Ordering::SeqCst) {
                Ok(_) if permit => {
                    drop(list);
                    drop(waker);
                    return Entry::Permit;
                }
                Ok(_) => return Entry::Queued(list.push_back(waker, Served::NotYet)),
                Err(now) => word = now,
            }
        }
    }

    fn leave(&self, key: Key) {
        let mut list = self.waiters.lock();
        let (served, old) = list.remove(key);
        let next = match served {
            Served::First | Served::Last => self.serve_locked(&mut list, served),
            Served::NotYet | Served::All => None,
        };
        self.settle(&list);
        drop(list);
        WakeBatch::one(next).wake_all();
        drop(old);
    }
}

enum Entry {
    Queued(Key),
    Permit,
    RoundOver,
}

#[derive(Debug)]
enum Stage {
    Fresh,
    Queued(Key),
    /// The permit is ours, but the budget was used up when we took it.
    Permit,
    Done,
}

/// What the borrowing and the owning future have in common.
#[derive(Debug)]
pub(super) struct Wait<N: Deref<Target = Notify>> {
    notify: N,
    round: usize,
    stage: Stage,
}

impl<N: Deref<Target = Notify>> Wait<N> {
    pub(super) fn new(notify: N) -> Self {
        let round = notify.round();
        Wait { notify, round, stage: Stage::Fresh }
    }

    /// What leads to the `Notify`.
    pub(super) fn handle(&self) -> &N {
        &self.notify
    }

    /// Takes its place. `true`: there is nothing to wait for any more.
    fn enter(&mut self, waker: Option<&Waker>) -> bool {
        if matches!(self.stage, Stage::Fresh) {
            if self.notify.try_take(self.round) {
                self.stage = Stage::Done;
                return true;
            }
            self.take_place(waker);
        }
        match self.stage {
            Stage::Queued(key) => {
                let mut list = self.notify.waiters.lock();
                if list.is_queued(key) {
                    return false;
                }
                let node = list.remove(key);
                drop(list);
                drop(node);
                self.stage = Stage::Done;
                true
            }
            Stage::Fresh | Stage::Permit | Stage::Done => {
                self.stage = Stage::Done;
                true
            }
        }
    }

    fn take_place(&mut self, waker: Option<&Waker>) {
        self.stage = match self.notify.enqueue(self.round, waker.cloned()) {
            Entry::Queued(key) => Stage::Queued(key),
            Entry::Permit => Stage::Permit,
            Entry::RoundOver => Stage::Done,
        };
    }

    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Poll::Ready(unit) = budget::poll_proceed(cx) else {
            // The place in the queue is taken all the same (museum Y2).
            if matches!(self.stage, Stage::Fresh) {
                self.take_place(Some(cx.waker()));
            }
            return Poll::Pending;
        };
        match self.stage {
            Stage::Fresh => {
                if !self.enter(Some(cx.waker())) {
                    return Poll::Pending;
                }
            }
            Stage::Queued(key) => {
                let served = self
                    .notify
                    .waiters
                    .check_or_wait(key, cx, |list, key| (!list.is_queued(key)).then(|| drop(list.remove(key))));
                if served.is_none() {
                    return Poll::Pending;
                }
                self.stage = Stage::Done;
            }
            Stage::Permit | Stage::Done => self.stage = Stage::Done,
        }
        unit.made_progress();
        Poll::Ready(())
    }

    pub(super) fn leave(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Queued(key) => self.notify.leave(key),
            Stage::Permit => self.notify.notify_one(),
            Stage::Fresh | Stage::Done => {}
        }
    }
}

pin_project! {
    /// The future of [`Notify::notified`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct Notified<'a> {
        wait: Wait<&'a Notify>,
        #[pin]
        _pinned: PhantomPinned,
    }

    impl PinnedDrop for Notified<'_> {
        fn drop(this: Pin<&mut Self>) {
            this.project().wait.leave();
        }
    }
}

impl Notified<'_> {
    /// Takes a place in the queue without waiting, as a first poll would. `true`: already notified.
    ///
    /// For the pattern "queue, look at the state once more, then wait".
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().wait.enter(None)
    }
}

impl Future for Notified<'_> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(cx)
    }
}

pin_project! {
    /// The future of [`Notify::notified_owned`].
    #[derive(Debug)]
    #[must_use = "futures do nothing unless you `.await` or poll them"]
    pub struct OwnedNotified {
        wait: Wait<Arc<Notify>>,
        #[pin]
        _pinned: PhantomPinned,
    }

    impl PinnedDrop for OwnedNotified {
        fn drop(this: Pin<&mut Self>) {
            this.project().wait.leave();
        }
    }
}

impl OwnedNotified {
    /// Like [`Notified::enable`].
    pub fn enable(self: Pin<&mut Self>) -> bool {
        self.project().wait.enter(None)
    }
}

impl Future for OwnedNotified {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().wait.poll(cx)
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::budget::{Budget, poll_proceed, with_budget};
    use std::pin::pin;

    #[test]
    fn museum_y2_a_first_poll_without_budget_takes_its_place_or_the_permit() {
        let notify = Notify::new();
        let mut cx = Context::from_waker(Waker::noop());
        let exhausted = |future: Pin<&mut Notified<'_>>| {
            with_budget(Budget::PER_POLL, || {
                let mut cx = Context::from_waker(Waker::noop());
                while let Poll::Ready(unit) = poll_proceed(&mut cx) {
                    unit.made_progress();
                }
                assert!(future.poll(&mut cx).is_pending());
            });
        };
        let (mut first, mut second) = (pin!(notify.notified()), pin!(notify.notified()));
        exhausted(first.as_mut());
        assert!(second.as_mut().poll(&mut cx).is_pending());
        notify.notify_one();
        assert!(second.as_mut().poll(&mut cx).is_pending(), "overtook the first");
        assert!(first.as_mut().poll(&mut cx).is_ready());
        notify.notify_one();
        assert!(second.as_mut().poll(&mut cx).is_ready());

        notify.notify_one();
        let mut cancelled = Box::pin(notify.notified());
        exhausted(cancelled.as_mut());
        drop(cancelled);
        assert!(pin!(notify.notified()).poll(&mut cx).is_ready(), "the permit came back");
    }
}
