//! Values that come out when their time is up: [`DelayQueue`].
//!
//! ```
//! use runtime::time::{Duration, delay_queue::DelayQueue};
//!
//! # runtime::runtime::Builder::new_current_thread().start_paused(true).build().unwrap().block_on(async {
//! let mut sessions = DelayQueue::new();
//! let anna = sessions.insert("Anna", Duration::from_secs(60));
//! sessions.insert("Ben", Duration::from_secs(90));
//!
//! // Anna is back: her minute begins anew.
//! sessions.reset(&anna, Duration::from_secs(120));
//!
//! assert_eq!(sessions.next().await.unwrap().into_inner(), "Ben");
//! assert_eq!(sessions.next().await.unwrap().into_inner(), "Anna");
//! assert!(sessions.next().await.is_none());
//! # })
//! ```

// Owns: the queue: a wheel of its own, and one timer of the engine for whatever is due next.
// Not here: the wheel (crate `timer-wheel`).
//
// The wheel counts microseconds from the queue's beginning, so that it adds nothing to the grain of the one timer.
//
// The danger: the item that is due next changes while a task waits (museum T7). Every change compares the wheel's next
// deadline with the timer's, and resets the timer, which keeps its waker; where no timer can (the queue has become
// empty, or was, or something is due at once) the waiting task is woken and looks for itself.

mod item;

pub use item::{Expired, Key};

use super::{Instant, cannot_wait};
use crate::engine::{Timer, TimerWheel, budget, no_runtime_here};
use item::Waiting;
use std::fmt;
use std::future::poll_fn;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

/// Values with a deadline each, which come out when it has passed, in that order.
///
/// For what is too many for a task and a [`sleep`](super::sleep()) each: sessions, leases, entries of a cache. All
/// operations take constant time; the runtime has one timer for the whole queue. Items are put in and taken out by one
/// owner: share a queue by giving it to a task, and send that one messages.
///
/// Deadlines may be as far away as [`Instant`] reaches; a duration beyond that means about thirty years. Equal deadlines
/// come out in the order in which they were set.
///
/// Only waiting for an item ([`next`](Self::next), [`poll_expired`](Self::poll_expired)) needs a runtime; it counts by the
/// clock of the first one that it waits in.
pub struct DelayQueue<T> {
    wheel: TimerWheel<Waiting<T>>,
    /// Tick 0.
    start: Instant,
    timer: Option<Timer>,
    /// The timer has the waker of whoever waits.
    armed: bool,
    /// Whoever was last told to wait, or that there is nothing.
    waiter: Option<Waker>,
}

impl<T> Unpin for DelayQueue<T> {}

impl<T> DelayQueue<T> {
    /// An empty queue.
    pub fn new() -> DelayQueue<T> {
        DelayQueue { wheel: TimerWheel::new(0), start: Instant::now(), timer: None, armed: false, waiter: None }
    }

    /// An empty queue with room for so many items before it allocates.
    pub fn with_capacity(capacity: usize) -> DelayQueue<T> {
        let mut queue = DelayQueue::new();
        queue.reserve(capacity);
        queue
    }

    /// Puts a value in, to come out after `timeout`.
    #[track_caller]
    pub fn insert(&mut self, value: T, timeout: Duration) -> Key {
        self.insert_at(value, self.now().later(timeout))
    }

    /// Puts a value in, to come out at `when`, or at once if that has passed.
    ///
    /// # Panics
    /// With 2^31 items in the queue.
    #[track_caller]
    pub fn insert_at(&mut self, value: T, when: Instant) -> Key {
        let key = self.wheel.insert(self.tick_of(when), Waiting { value, deadline: when, key: None });
        if let Some(item) = self.wheel.get_mut(key) {
            item.key = Some(key);
        }
        self.aim();
        Key(key)
    }

    /// Waits for the next item whose time is up; `None` if the queue is empty.
    ///
    /// # Panics
    /// Outside of a runtime, if it has to wait.
    ///
    /// # Cancel safety
    /// Cancelling it loses nothing: an item leaves the queue only when this returns it.
    pub async fn next(&mut self) -> Option<Expired<T>> {
        poll_fn(|cx| self.poll_expired(cx)).await
    }

    /// The poll behind [`next`](Self::next); only the last waker it saw is woken.
    ///
    /// After `Ready(None)` it is woken, too, when something is put in.
    ///
    /// # Panics
    /// Outside of a runtime, if it has to wait.
    pub fn poll_expired(&mut self, cx: &mut Context<'_>) -> Poll<Option<Expired<T>>> {
        let unit = ready!(budget::poll_proceed(cx));
        loop {
            if let Some(item) = self.wheel.pop_due() {
                unit.made_progress();
                return Poll::Ready(Some(Expired::new(item)));
            }
            let Some(deadline) = self.next_deadline() else {
                unit.made_progress();
                self.remember(cx.waker());
                return Poll::Ready(None);
            };
            let mut now = self.now();
            if now < deadline {
                if self.poll_timer(deadline, cx).is_pending() {
                    self.remember(cx.waker());
                    return Poll::Pending;
                }
                now = self.now().max(deadline);
            }
            self.wheel.advance(self.since_start(now).as_micros().try_into().unwrap_or(u64::MAX));
        }
    }

    /// Takes an item out, whether or not its time is up.
    ///
    /// # Panics
    /// If the key is stale: the item is out already.
    #[track_caller]
    pub fn remove(&mut self, key: &Key) -> Expired<T> {
        match self.try_remove(key) {
            Some(item) => item,
            None => stale("remove"),
        }
    }

    /// Takes an item out, whether or not its time is up; `None` if it is out already.
    pub fn try_remove(&mut self, key: &Key) -> Option<Expired<T>> {
        let item = self.wheel.cancel(key.0)?;
        self.aim();
        Some(Expired::new(item))
    }

    /// When an item's time is up.
    ///
    /// # Panics
    /// If the key is stale: the item is out already.
    #[track_caller]
    pub fn deadline(&self, key: &Key) -> Instant {
        match self.wheel.get(key.0) {
            Some(item) => item.deadline,
            None => stale("deadline"),
        }
    }

    /// Gives an item a new deadline, `timeout` from now.
    ///
    /// # Panics
    /// If the key is stale: the item is out already.
    #[track_caller]
    pub fn reset(&mut self, key: &Key, timeout: Duration) {
        self.reset_at(key, self.now().later(timeout));
    }

    /// Gives an item a new deadline.
    ///
    /// # Panics
    /// If the key is stale: the item is out already.
    #[track_caller]
    pub fn reset_at(&mut self, key: &Key, when: Instant) {
        match self.wheel.get_mut(key.0) {
            Some(item) => item.deadline = when,
            None => stale("reset"),
        }
        self.wheel.reset(key.0, self.tick_of(when));
        self.aim();
    }

    /// The key of the item that comes out next, whether or not its time is up.
    pub fn peek(&self) -> Option<Key> {
        self.wheel.peek().map(Key)
    }

    /// Drops all items.
    pub fn clear(&mut self) {
        self.wheel.drain().for_each(drop);
        self.aim();
    }

    /// How many items are in the queue, those included whose time is up.
    pub fn len(&self) -> usize {
        self.wheel.len()
    }

    /// Is nothing in it?
    pub fn is_empty(&self) -> bool {
        self.wheel.is_empty()
    }

    /// How many items fit before it allocates.
    pub fn capacity(&self) -> usize {
        self.wheel.capacity()
    }

    /// Makes room for so many more items.
    pub fn reserve(&mut self, additional: usize) {
        self.wheel.reserve(additional);
    }

    /// Gives back memory that the present items do not need. Their keys stay what they are.
    pub fn shrink_to_fit(&mut self) {
        self.wheel.shrink();
    }

    /// The same as [`shrink_to_fit`](Self::shrink_to_fit). (tokio-util has two.)
    pub fn compact(&mut self) {
        self.wheel.shrink();
    }

    /// By the clock that its timer counts by, once it has one.
    fn now(&self) -> Instant {
        self.timer.as_ref().map_or_else(Instant::now, |timer| timer.now().into())
    }

    fn since_start(&self, moment: Instant) -> Duration {
        moment.saturating_duration_since(self.start)
    }

    /// Rounded up: nothing comes out early.
    fn tick_of(&self, deadline: Instant) -> u64 {
        self.since_start(deadline).as_nanos().div_ceil(1_000).try_into().unwrap_or(u64::MAX)
    }

    fn next_deadline(&self) -> Option<Instant> {
        self.wheel.next_deadline().map(|tick| self.start.later(Duration::from_micros(tick)))
    }

    fn poll_timer(&mut self, deadline: Instant, cx: &mut Context<'_>) -> Poll<()> {
        let deadline = deadline.into_std();
        let timer = match &mut self.timer {
            Some(timer) => {
                if timer.deadline() != deadline {
                    timer.reset(deadline);
                }
                timer
            }
            none => match Timer::new(deadline) {
                Ok(timer) => none.insert(timer),
                Err(_) => no_runtime_here("time::DelayQueue::poll_expired"),
            },
        };
        self.armed = false;
        match timer.poll(cx) {
            Poll::Ready(Ok(())) => Poll::Ready(()),
            Poll::Ready(Err(why)) => cannot_wait("time::DelayQueue::poll_expired", why),
            Poll::Pending => {
                self.armed = true;
                Poll::Pending
            }
        }
    }

    fn remember(&mut self, waker: &Waker) {
        match &mut self.waiter {
            Some(known) => known.clone_from(waker),
            none => *none = Some(waker.clone()),
        }
    }

    /// After every change: whoever waits must be woken for what is due next now.
    fn aim(&mut self) {
        if self.waiter.is_none() {
            return;
        }
        let ahead = self.wheel.next_deadline().is_some_and(|tick| tick > self.wheel.now());
        if ahead
            && self.armed
            && let Some(deadline) = self.next_deadline()
            && let Some(timer) = &mut self.timer
        {
            if timer.deadline() != deadline.into_std() {
                timer.reset(deadline.into_std());
            }
        } else if let Some(waiter) = self.waiter.take() {
            waiter.wake();
        }
    }
}

#[cold]
#[track_caller]
fn stale(what: &str) -> ! {
    panic!(
        "`DelayQueue::{what}` with a stale key: its item has come out, was removed, or is of another queue.\n  Forget keys \
         when their item comes out (`Expired::key`), or use `DelayQueue::try_remove`."
    )
}

impl<T> Default for DelayQueue<T> {
    fn default() -> Self {
        DelayQueue::new()
    }
}

impl<T> fmt::Debug for DelayQueue<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DelayQueue")
            .field("len", &self.len())
            .field("next", &self.next_deadline())
            .finish_non_exhaustive()
    }
}
