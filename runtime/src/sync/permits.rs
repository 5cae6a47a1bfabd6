//! Permits and the queue for them: the one algorithm under `Semaphore`, `Mutex`, `RwLock`, bounded `mpsc`.
//!
//! Owns: the word and the queue.
//! Not here: what a permit means, and errors with names; the future ([`acquire`]); tasks that wait for themselves
//! ([`own_task`]).
//!
//! | bits | name | true while | set by | cleared by |
//! |---|---|---|---|---|
//! | 0 | CLOSED | for ever | `close` | - |
//! | 1 | QUEUED | the queue is not empty (exact when its lock is free) | an enqueuer | `hand_out`, `close`, a leaver |
//! | 2.. | permits | free permits | release, add | acquire |
//!
//! Uncontended, acquire is one compare-and-swap and release one addition. While QUEUED is set nobody takes permits
//! past the queue, which is what makes it fair: a releaser that sees QUEUED, before or in the answer of its addition,
//! goes to the lock to hand permits out in order. The oldest waiter collects permits until it has all it asked for.
//!
//! The danger: a permit that is handed to a waiter which is dropped before it runs. [`Acquire`]'s drop gives back
//! what the waiter had got, and hands it out again (museum LW13).
//!
//! Ordering: a release adds with Release, an acquire swaps with Acquire: what the last holder wrote is seen by the
//! next. Through the queue the same edge goes over its lock.

mod acquire;
#[cfg(all(test, loom))]
mod model;
mod own_task;
mod patience;

pub(super) use self::acquire::{Acquire, Closed};

use self::own_task::{Noted, Own};
use self::patience::Patience;
use super::futurelock::{Asker, Task};
use super::waiters::{Key, WaitList, Waiters};
use super::wake::WakeBatch;
use crate::engine::atomics::{AtomicUsize, Ordering};
use crate::engine::contention;
use std::panic::Location;
use std::task::Waker;

const CLOSED: usize = 1;
const QUEUED: usize = 2;
const FLAGS: usize = CLOSED | QUEUED;
const SHIFT: u32 = 2;

/// Pauses between two looks, at most.
const LONGEST_STEP: u32 = 8;

/// Three bits are kept from the count, two for flags and one so that a release beyond the limit is seen. What is beyond it
/// is taken away again: the next one could not be seen.
pub(super) const MAX_PERMITS: usize = usize::MAX >> 3;

/// Why permits were not taken at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refusal {
    Closed,
    NoPermits,
}

#[derive(Debug)]
struct Claim {
    wanted: usize,
    /// 0: the claim is granted.
    missing: usize,
    asker: Asker,
    own: Noted,
}

impl Claim {
    /// Takes back what it was given.
    fn give_up(&mut self) -> usize {
        let given = self.wanted - self.missing;
        self.missing = self.wanted;
        given
    }
}

/// See the module's head.
#[derive(Debug)]
pub(super) struct Permits {
    word: AtomicUsize,
    patience: Patience,
    waiters: Waiters<Claim>,
}

impl Permits {
    crate::engine::const_fn! {
        pub(super) const fn new(permits: usize) -> Self {
            Permits { word: AtomicUsize::new(permits << SHIFT), patience: Patience::new(), waiters: Waiters::new() }
        }
    }

    crate::engine::const_fn! {
        pub(super) const fn new_closed() -> Self {
            Permits { word: AtomicUsize::new(CLOSED), patience: Patience::new(), waiters: Waiters::new() }
        }
    }

    pub(super) fn available(&self) -> usize {
        self.word.load(Ordering::Acquire) >> SHIFT
    }

    pub(super) fn is_closed(&self) -> bool {
        self.word.load(Ordering::Acquire) & CLOSED != 0
    }

    /// Could `n` be taken now? Nobody could if the answer were "closed".
    fn are_free(&self, n: usize) -> bool {
        let word = self.word.load(Ordering::Relaxed);
        word & CLOSED != 0 || (word & QUEUED == 0 && word >> SHIFT >= n)
    }

    /// How many are queued.
    pub(super) fn waiting(&self) -> usize {
        self.waiters.lock().queued()
    }

    /// Takes `n` permits if they are free and nobody is queued for them.
    #[inline]
    pub(super) fn try_acquire(&self, n: usize) -> Result<(), Refusal> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Err(Refusal::Closed);
            }
            if n == 0 {
                return Ok(());
            }
            if word & QUEUED != 0 || (word >> SHIFT) < n {
                return Err(Refusal::NoPermits);
            }
            let after = word - (n << SHIFT);
            match self.word.compare_exchange_weak(word, after, Ordering::Acquire, Ordering::Relaxed) {
                Ok(_) => return Ok(()),
                Err(now) => word = now,
            }
            contention::meet();
        }
    }

    /// Takes `n` permits now or in a moment, or else says that the caller must queue.
    #[inline]
    fn acquire_at_once(&self, n: usize) -> bool {
        self.try_acquire(n).is_ok() || self.acquire_soon(n)
    }

    /// Looks a few times more while nobody is queued. Short work under a lock is over by then, and a queue is dear: it
    /// makes everybody behind it queue too, for as long as they come back before it is empty.
    #[cold]
    fn acquire_soon(&self, n: usize) -> bool {
        let patience = self.patience.pauses();
        if self.patience.is_pointless() {
            return false;
        }
        let (mut pauses, mut step) = (0, 1);
        while pauses < patience {
            for _ in 0..step {
                std::hint::spin_loop();
            }
            pauses += step;
            // Each look takes the word's cache line from its holder: rarely is better for both.
            step = (2 * step).min(LONGEST_STEP);
            let word = self.word.load(Ordering::Relaxed);
            if word & FLAGS != 0 || self.patience.is_pointless() {
                return false;
            }
            if word >> SHIFT >= n && self.try_acquire(n).is_ok() {
                self.patience.paid(pauses);
                contention::meet();
                return true;
            }
        }
        self.patience.was_in_vain();
        false
    }

    /// A future that takes `n` permits, in the order of first polls. `place` is the line of the user's that asks.
    #[inline]
    pub(super) fn acquire_at(&self, n: usize, place: &'static Location<'static>) -> Acquire<'_> {
        Acquire::new(self, n, place)
    }

    /// Gives `n` permits back. `true`: the word was closed before.
    #[inline]
    pub(super) fn release(&self, n: usize) -> bool {
        if n == 0 {
            return self.is_closed();
        }
        let seen = self.word.load(Ordering::Relaxed);
        if seen & QUEUED != 0 {
            // Straight to the queue, without a round through the word.
            self.hand_out(n);
            return seen & CLOSED != 0 || self.is_closed();
        }
        let before = self.word.fetch_add(n << SHIFT, Ordering::AcqRel);
        if before & QUEUED != 0 {
            self.hand_out(0);
        } else if (before >> SHIFT) + n > MAX_PERMITS {
            self.cut_to_limit();
            too_many_permits();
        }
        before & CLOSED != 0
    }

    /// Adds `n` permits, or says that there would be too many.
    pub(super) fn add(&self, n: usize) -> Result<(), ()> {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if n > MAX_PERMITS - (word >> SHIFT).min(MAX_PERMITS) {
                return Err(());
            }
            let after = word + (n << SHIFT);
            match self.word.compare_exchange_weak(word, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => break,
                Err(now) => word = now,
            }
            contention::meet();
        }
        if word & QUEUED != 0 {
            self.hand_out(0);
        }
        Ok(())
    }

    /// Takes up to `n` free permits out of the world; says how many.
    pub(super) fn forget(&self, n: usize) -> usize {
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            let taken = n.min(word >> SHIFT);
            let after = word - (taken << SHIFT);
            match self.word.compare_exchange_weak(word, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return taken,
                Err(now) => word = now,
            }
        }
    }

    /// Refuses everybody from now on, also those who wait. `true`: this call closed it.
    pub(super) fn close(&self) -> bool {
        let mut batch = WakeBatch::new();
        let mut list = self.waiters.lock();
        // With the lock held nobody else clears or sets QUEUED, and CLOSED keeps enqueuers out.
        let before = self.word.fetch_or(CLOSED, Ordering::AcqRel);
        let mut collected = 0;
        list.fire_all(&mut batch, |claim| {
            collected += claim.wanted - claim.missing;
            claim.missing = claim.wanted;
        });
        let fits = self.settle(&list, collected);
        drop(list);
        batch.wake_all();
        if !fits {
            too_many_permits();
        }
        before & CLOSED == 0
    }

    /// Gives `extra` permits and those in the word to the queue, in order.
    #[inline(never)]
    fn hand_out(&self, extra: usize) {
        let mut batch = WakeBatch::new();
        let mut list = self.waiters.lock();
        let fits = self.hand_out_locked(&mut list, extra, &mut batch);
        drop(list);
        batch.wake_all();
        if !fits {
            too_many_permits();
        }
    }

    /// Permits that are added to the word after the look at it here come with a releaser that saw QUEUED, and waits for
    /// our lock. `false`: see [`settle`](Self::settle).
    fn hand_out_locked(&self, list: &mut WaitList<Claim>, extra: usize, batch: &mut WakeBatch) -> bool {
        let mut free = extra;
        if !list.is_empty() && self.word.load(Ordering::Relaxed) >> SHIFT > 0 {
            // The flags stay: QUEUED keeps others away until the queue is served.
            free += self.word.fetch_and(FLAGS, Ordering::AcqRel) >> SHIFT;
        }
        while let Some(claim) = list.first_payload() {
            let given = free.min(claim.missing);
            claim.missing -= given;
            free -= given;
            if claim.missing > 0 {
                break;
            }
            claim.own.is_granted();
            if let Some(waker) = list.grant_first() {
                batch.push(waker);
            }
        }
        self.patience.note_handed_over(list.has_granted());
        self.settle(list, free)
    }

    /// Puts `free` permits into the word, and QUEUED right. `false`: there were too many, and those are gone.
    fn settle(&self, list: &WaitList<Claim>, free: usize) -> bool {
        let mut fits = true;
        if free > 0 {
            // Those who waited may have collected more than the word has room for.
            let before = self.word.fetch_add(free.min(MAX_PERMITS) << SHIFT, Ordering::AcqRel);
            fits = free + (before >> SHIFT) <= MAX_PERMITS;
            if !fits {
                self.cut_to_limit();
            }
        }
        if list.is_empty() && self.word.load(Ordering::Relaxed) & QUEUED != 0 {
            self.word.fetch_and(!QUEUED, Ordering::AcqRel);
        }
        fits
    }

    /// Takes away what is beyond the limit. The flags stay.
    #[cold]
    fn cut_to_limit(&self) {
        let mut word = self.word.load(Ordering::Relaxed);
        while word >> SHIFT > MAX_PERMITS {
            let after = (MAX_PERMITS << SHIFT) | (word & FLAGS);
            match self.word.compare_exchange_weak(word, after, Ordering::AcqRel, Ordering::Relaxed) {
                Ok(_) => return,
                Err(now) => word = now,
            }
        }
    }

    /// Takes the permits, or queues the waiter with what is free already. What it does not need of the newcomer stays with the
    /// caller.
    #[inline(always)]
    fn enqueue(&self, newcomer: &mut Newcomer, wanted: usize) -> Enqueued {
        let mut list = self.waiters.lock();
        let mut word = self.word.load(Ordering::Relaxed);
        loop {
            if word & CLOSED != 0 {
                return Enqueued::Closed;
            }
            // With QUEUED set, permits in the word belong to the queue: their releaser waits for our lock.
            let free = if word & QUEUED == 0 { word >> SHIFT } else { 0 };
            let taken = free.min(wanted);
            let after = (word - (taken << SHIFT)) | if taken < wanted { QUEUED } else { 0 };
            // Nothing to change: QUEUED is set and stays so while we hold the lock.
            if !(taken < wanted && after == word)
                && let Err(now) = self.word.compare_exchange(word, after, Ordering::AcqRel, Ordering::Relaxed)
            {
                word = now;
                continue;
            }
            if taken == wanted {
                return Enqueued::Taken;
            }
            contention::meet();
            let asker = newcomer.asker.take().expect("BUG: a newcomer was queued twice");
            let claim = Claim { wanted, missing: wanted - taken, asker, own: Noted::default() };
            let key = list.push_back(newcomer.waker.take(), claim);
            let again = list.has_granted() && Permits::look_for_own(&mut list, key) == Own::Noted;
            return Enqueued::Waits { key, again };
        }
    }

    /// A waiter that was served or refused leaves: has it its permits? What is given besides is to be dropped after unlocking.
    #[inline]
    fn take_served(&self, list: &mut WaitList<Claim>, key: Key) -> (bool, Option<Task>) {
        let claim = list.payload(key);
        let (served, kept) = (claim.missing == 0, claim.asker.leaves());
        // Whoever serves or refuses a waiter takes its waker.
        list.free(key);
        self.patience.note_handed_over(list.has_granted());
        (served, kept)
    }

    /// A waiter leaves without taking what it may have been given.
    #[cold]
    fn leave(&self, key: Key) {
        let mut batch = WakeBatch::new();
        let mut list = self.waiters.lock();
        let (claim, waker) = list.remove(key);
        let fits = self.hand_out_locked(&mut list, claim.wanted - claim.missing, &mut batch);
        drop(list);
        batch.wake_all();
        drop(waker);
        if !fits {
            too_many_permits();
        }
    }
}

/// Usually called by a drop: one that unwinds already says nothing.
#[cold]
fn too_many_permits() {
    assert!(
        std::thread::panicking(),
        "a semaphore was given back more than `Semaphore::MAX_PERMITS` ({MAX_PERMITS}) permits; it has so many now.\n  \
         `add_permits` was called while permits were out; add fewer, or `forget` some."
    );
}

/// Who may have to queue. The user's code is in both, so they are made and dropped without the lock, and dropped when the
/// future knows what it has: a drop may panic.
struct Newcomer {
    waker: Option<Waker>,
    asker: Option<Asker>,
}

impl Newcomer {
    fn new(waker: &Waker, place: &'static Location<'static>) -> Self {
        Newcomer { asker: Some(Asker::now(waker, place)), waker: Some(waker.clone()) }
    }
}

enum Enqueued {
    Taken,
    /// `again`: another future of this task may be in the way; the task is to be polled once more to find out.
    Waits {
        key: Key,
        again: bool,
    },
    Closed,
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;
    use crate::engine::budget::{self, Budget, with_budget};
    use std::pin::{Pin, pin};
    use std::task::{Context, Poll};

    /// Polls as a task whose budget is used up.
    fn poll_exhausted<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        with_budget(Budget::PER_POLL, || {
            let mut cx = Context::from_waker(Waker::noop());
            while let Poll::Ready(unit) = budget::poll_proceed(&mut cx) {
                unit.made_progress();
            }
            future.poll(&mut cx)
        })
    }

    fn acquire(permits: &Permits, n: usize) -> Acquire<'_> {
        permits.acquire_at(n, Location::caller())
    }

    fn poll<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
        future.poll(&mut Context::from_waker(Waker::noop()))
    }

    #[test]
    fn museum_y2_a_first_poll_without_budget_takes_its_place() {
        let permits = Permits::new(0);
        let (mut first, mut second) = (pin!(acquire(&permits, 1)), pin!(acquire(&permits, 1)));
        assert!(poll_exhausted(first.as_mut()).is_pending());
        assert!(poll(second.as_mut()).is_pending());
        permits.release(1);
        assert!(poll(second.as_mut()).is_pending(), "overtook the first");
        assert!(poll(first.as_mut()).is_ready());
    }

    #[test]
    fn free_permits_stay_free_without_budget() {
        let permits = Permits::new(2);
        for wanted in 0..3 {
            let mut acquire = pin!(acquire(&permits, wanted));
            assert!(poll_exhausted(acquire.as_mut()).is_pending());
            assert_eq!(permits.available(), 2, "a task that yields holds nothing");
            assert!(poll(acquire).is_ready());
            permits.release(wanted);
        }
    }

    #[test]
    fn permits_given_without_budget_come_back_when_cancelled() {
        let permits = Permits::new(1);
        for cancel in [true, false] {
            let mut acquire = Box::pin(acquire(&permits, 2));
            assert!(poll_exhausted(acquire.as_mut()).is_pending());
            assert_eq!(permits.available(), 0, "collects");
            permits.release(1);
            assert!(poll_exhausted(acquire.as_mut()).is_pending());
            if cancel {
                drop(acquire);
                assert_eq!(permits.forget(1), 1);
            } else {
                assert!(poll(acquire.as_mut()).is_ready());
            }
        }
    }

    /// A releaser has seen the queue when it added the permit, and waits for the lock to hand it out.
    /// Fault: who comes then takes it past the queue, at once, or when it would queue itself.
    #[test]
    fn nobody_overtakes_while_a_permit_is_on_its_way_to_the_queue() {
        let permits = Permits::new(0);
        let (mut first, mut second) = (pin!(acquire(&permits, 1)), pin!(acquire(&permits, 1)));
        assert!(poll(first.as_mut()).is_pending());
        permits.word.fetch_add(1 << SHIFT, Ordering::AcqRel);
        assert_eq!(permits.try_acquire(1), Err(Refusal::NoPermits));
        assert!(poll(second.as_mut()).is_pending());
        permits.hand_out(0);
        assert!(poll(first.as_mut()).is_ready() && poll(second.as_mut()).is_pending());
    }

    #[test]
    fn a_task_that_always_finds_permits_yields() {
        let permits = Permits::new(1);
        with_budget(Budget::PER_POLL, || {
            let ready = (0..1_000).take_while(|_| {
                let ready = poll(pin!(acquire(&permits, 1))).is_ready();
                if ready {
                    permits.release(1);
                }
                ready
            });
            assert_eq!(ready.count(), 128);
        });
    }
}
