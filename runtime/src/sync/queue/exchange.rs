//! What the three queues have in common: room, items, and work that is not done yet.
//!
//! Owns: [`Exchange`].
//! Not here: the order of items (`store`), the blocking forms and the docs (`faces`).
//!
//! Two sets of permits and a shelf. `room` has a permit for each item that fits; `items` one for each that is on the
//! shelf. A producer takes room, puts its item on the shelf and adds to `items`; a consumer does the reverse. Both queues
//! are thus as fair, and as safe to cancel, as a semaphore is, and who holds a permit of `items` finds an item.
//!
//! `close` marks the shelf first and closes the permits after: a producer that had room already finds the mark and gets
//! its item back. Consumers who are refused go to the shelf themselves, until it is empty.
//!
//! The danger: an item that lands on the shelf of a closed queue after the last consumer has seen it empty. So the mark
//! is read and the item is put down under one lock.

use super::QueueStatistics;
use super::error::{GetError, PutError, TryGetError, TryPutError};
use super::store::Store;
use crate::sync::line::Line;
use crate::sync::permits::{MAX_PERMITS, Permits, Refusal};
use crate::sync::wake::WakeBatch;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, resume_unwind};

struct Shelf<S> {
    store: S,
    closed: bool,
    unfinished: usize,
    peak: usize,
    put: u64,
    got: u64,
}

/// See the module's head.
pub(super) struct Exchange<S> {
    /// `None`: there is always room.
    maxsize: Option<usize>,
    room: Permits,
    items: Permits,
    /// Those in this line wait until nothing is unfinished.
    shelf: Line<Shelf<S>>,
}

impl<S: Store> Exchange<S> {
    #[track_caller]
    pub(super) fn bounded(maxsize: usize) -> Self {
        assert!(
            0 < maxsize && maxsize <= MAX_PERMITS,
            "a queue with room for {maxsize} items was asked for; give a number from 1 to {MAX_PERMITS}, or use \
             `unbounded`"
        );
        Self::with_maxsize(Some(maxsize))
    }

    pub(super) fn with_maxsize(maxsize: Option<usize>) -> Self {
        let shelf = Shelf { store: S::empty(), closed: false, unfinished: 0, peak: 0, put: 0, got: 0 };
        Exchange { maxsize, room: Permits::new(maxsize.unwrap_or(0)), items: Permits::new(0), shelf: Line::new(shelf) }
    }

    /// `place` is the caller's.
    pub(super) async fn put(&self, item: S::Item, place: &'static Location<'static>) -> Result<(), PutError<S::Item>> {
        if self.maxsize.is_some() {
            if self.room.acquire_at(1, place).await.is_err() {
                return Err(PutError(item));
            }
        } else {
            crate::sync::unit::take_unit().await;
        }
        self.shelve(item)
    }

    pub(super) fn try_put(&self, item: S::Item) -> Result<(), TryPutError<S::Item>> {
        if self.maxsize.is_some() {
            match self.room.try_acquire(1) {
                Ok(()) => {}
                Err(Refusal::NoPermits) => return Err(TryPutError::Full(item)),
                Err(Refusal::Closed) => return Err(TryPutError::Closed(item)),
            }
        }
        self.shelve(item).map_err(|PutError(item)| TryPutError::Closed(item))
    }

    /// The caller has room.
    fn shelve(&self, item: S::Item) -> Result<(), PutError<S::Item>> {
        let mut shelf = self.shelf.lock();
        if shelf.closed {
            // The room is not given back: nobody will ever need it.
            drop(shelf);
            return Err(PutError(item));
        }
        let (number, before) = (shelf.put, shelf.store.len());
        // AssertUnwindSafe: a comparison that panics leaves the item in the store or not, and the length says which.
        let outcome = catch_unwind(AssertUnwindSafe(|| shelf.store.put(item, number)));
        let is_in = shelf.store.len() > before;
        if is_in {
            shelf.put += 1;
            shelf.unfinished += 1;
            shelf.peak = shelf.peak.max(shelf.store.len());
        }
        drop(shelf);
        if is_in {
            self.items.release(1);
        } else {
            self.vacate();
        }
        outcome.map_err(|panic| resume_unwind(panic))
    }

    /// An item less: there is room for another.
    fn vacate(&self) {
        if self.maxsize.is_some() {
            self.room.release(1);
        }
    }

    pub(super) async fn get(&self, place: &'static Location<'static>) -> Result<S::Item, GetError> {
        // Refused or not, there may be an item: after `close` the shelf alone decides.
        let _ = self.items.acquire_at(1, place).await;
        self.unshelve().ok_or(GetError(()))
    }

    pub(super) fn try_get(&self) -> Result<S::Item, TryGetError> {
        match self.items.try_acquire(1) {
            Err(Refusal::NoPermits) => Err(TryGetError::Empty),
            Ok(()) | Err(Refusal::Closed) => self.unshelve().ok_or(TryGetError::Closed),
        }
    }

    /// `None`: it is closed, and others were faster.
    fn unshelve(&self) -> Option<S::Item> {
        let mut shelf = self.shelf.lock();
        if shelf.store.len() == 0 {
            return None;
        }
        // AssertUnwindSafe: a comparison that panics may cost the item that was to be taken. It is gone then, and counts.
        let taken = catch_unwind(AssertUnwindSafe(|| shelf.store.take()));
        shelf.got += 1;
        drop(shelf);
        self.vacate();
        taken.unwrap_or_else(|panic| resume_unwind(panic))
    }

    #[track_caller]
    pub(super) fn task_done(&self) {
        assert!(
            self.finish_one(),
            "`task_done` was called more often than items were put into the queue.\n  Call it once for each item that \
             `get` gave, when the work on it is done."
        );
    }

    /// `false`: none is unfinished.
    fn finish_one(&self) -> bool {
        let mut batch = WakeBatch::new();
        let mut shelf = self.shelf.lock();
        let Some(left) = shelf.unfinished.checked_sub(1) else { return false };
        shelf.unfinished = left;
        if left == 0 {
            shelf.pick_all(&mut batch);
        }
        drop(shelf);
        batch.wake_all();
        true
    }

    pub(super) async fn join(&self) {
        self.shelf.wait(|shelf| shelf.unfinished == 0).await;
    }

    pub(super) fn close(&self) -> bool {
        let mut shelf = self.shelf.lock();
        let was_closed = std::mem::replace(&mut shelf.closed, true);
        drop(shelf);
        self.room.close();
        self.items.close();
        !was_closed
    }

    pub(super) fn close_now(&self) -> Vec<S::Item> {
        self.close();
        let mut batch = WakeBatch::new();
        let mut shelf = self.shelf.lock();
        let mut store = std::mem::replace(&mut shelf.store, S::empty());
        // Nobody will work on them. Fewer may be unfinished: `task_done` does not ask whether an item was got.
        shelf.unfinished = shelf.unfinished.saturating_sub(store.len());
        if shelf.unfinished == 0 {
            shelf.pick_all(&mut batch);
        }
        drop(shelf);
        batch.wake_all();
        // Without the lock, and when all is counted: a comparison may panic.
        store.drain()
    }

    pub(super) fn is_closed(&self) -> bool {
        self.shelf.lock().closed
    }

    pub(super) fn len(&self) -> usize {
        self.shelf.lock().store.len()
    }

    pub(super) fn maxsize(&self) -> Option<usize> {
        self.maxsize
    }

    pub(super) fn statistics(&self) -> QueueStatistics {
        let (waiting_to_put, waiting_to_get) = (self.room.waiting(), self.items.waiting());
        let shelf = self.shelf.lock();
        QueueStatistics {
            len: shelf.store.len(),
            maxsize: self.maxsize,
            peak: shelf.peak,
            put: shelf.put,
            got: shelf.got,
            unfinished: shelf.unfinished,
            waiting_to_put,
            waiting_to_get,
            waiting_to_join: shelf.waiting(),
            closed: shelf.closed,
        }
    }
}
