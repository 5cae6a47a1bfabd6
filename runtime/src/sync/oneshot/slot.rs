//! The memory that both ends of a oneshot channel share, and the word that says whose it is.
//!
//! Owns: [`TxEnd`], [`RxEnd`] and the allocation between them.
//! Not here: futures, budget, errors (`mod`).
//!
//! | bit | true while | set by | cleared by |
//! |---|---|---|---|
//! | DONE | the sender has said its last word: a value, or nothing | sender | - |
//! | TX_GONE | the sender will never touch the memory again (implies DONE) | sender | - |
//! | RX_CLOSED | the receiver takes no value that is not DONE yet | receiver | - |
//! | RX_GONE | the receiver will never touch the memory again (implies RX_CLOSED) | receiver | - |
//! | RX_WAITS | the receiver's waker lies in its cell | receiver | receiver |
//! | TX_WAITS | the sender's waker lies in its cell | sender | sender |
//!
//! Who may touch what:
//! - *value*: the sender until it sets DONE, then the receiver, then (both GONE) the one who frees.
//! - *rx waker*: the receiver while RX_WAITS is clear; with RX_WAITS set, the one who moves first: the receiver by
//!   clearing it before DONE, or the sender by setting DONE. The loser of that race keeps its hands off.
//! - *tx waker*: the same with the sides and RX_CLOSED in the place of DONE.
//! - *memory*: the second to set its GONE bit frees it.
//!
//! One allocation without a reference count. Sending to a receiver that does not wait yet is one compare-and-swap,
//! receiving what is there is one load and, with the sender gone, no read-modify-write at all.
//!
//! The danger: the other side frees the memory while we wake its task. So a waker is moved out before GONE is set,
//! and woken after.
//!
//! Ordering: every change of the word is AcqRel and every load Acquire: what was written to a cell before the bit that
//! gives it away is seen by the one who sees the bit.

use crate::engine::atomics::{AtomicU8, Ordering, RaceCell};
use std::marker::PhantomData;
use std::ptr::NonNull;
use std::task::Waker;

const DONE: u8 = 1;
const TX_GONE: u8 = 2;
const RX_CLOSED: u8 = 4;
const RX_GONE: u8 = 8;
const RX_WAITS: u8 = 16;
const TX_WAITS: u8 = 32;

struct Slot<T> {
    word: AtomicU8,
    value: RaceCell<Option<T>>,
    rx_waker: RaceCell<Option<Waker>>,
    tx_waker: RaceCell<Option<Waker>>,
}

/// One side's pointer to the slot. Dropping it does nothing; the ends say when they are gone.
struct SlotPtr<T> {
    slot: NonNull<Slot<T>>,
    _owns: PhantomData<Box<Slot<T>>>,
}

// SAFETY: the slot is shared by two ends, and each cell in it is touched by one of them at a time (module head); so
// what is needed is that a `T` may move between threads. Wakers are Send and Sync.
unsafe impl<T: Send> Send for SlotPtr<T> {}
// SAFETY: `&TxEnd` and `&RxEnd` only load the word, or (`RxEnd::has_value`) look whether a value is there, which
// hands out no reference to it.
unsafe impl<T: Send> Sync for SlotPtr<T> {}

impl<T> SlotPtr<T> {
    fn get(&self) -> &Slot<T> {
        // SAFETY: an end holds its pointer only until it sets its GONE bit, and nobody frees before both are set.
        unsafe { self.slot.as_ref() }
    }

    fn load(&self) -> u8 {
        self.get().word.load(Ordering::Acquire)
    }

    /// Sets our GONE bit as the last thing, and frees the memory if the other side is gone too.
    fn leave(self, ours: u8, theirs: u8) {
        // With the other one gone nobody is left to tell.
        if self.load() & theirs != 0 || self.get().word.fetch_or(ours, Ordering::AcqRel) & theirs != 0 {
            self.free();
        }
    }

    /// Both ends are gone, or the other one is and we are leaving.
    fn free(self) {
        // SAFETY: the pointer came from `Box::leak`, both ends are gone, and only the second of them comes here.
        drop(unsafe { Box::from_raw(self.slot.as_ptr()) });
    }
}

/// A cell's content, by the rules of the module's head.
fn take<V>(cell: &RaceCell<Option<V>>) -> Option<V> {
    // SAFETY: every caller is, by the word, the only one who may touch this cell now.
    cell.with_mut(|place| unsafe { (*place).take() })
}

/// Puts something into an empty cell.
fn put<V>(cell: &RaceCell<Option<V>>, value: V) {
    // SAFETY: every caller is, by the word, the only one who may touch this cell now.
    let old = cell.with_mut(|place| unsafe { (*place).replace(value) });
    debug_assert!(old.is_none());
}

/// Takes back our registered waker if the other side has not got there first. `Err`: it has (`taken` is set).
fn reclaim(word: &AtomicU8, waits: u8, taken: u8) -> Result<(), ()> {
    let mut now = word.load(Ordering::Acquire);
    loop {
        if now & taken != 0 {
            return Err(());
        }
        if now & waits == 0 {
            return Ok(());
        }
        match word.compare_exchange(now, now & !waits, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => return Ok(()),
            Err(other) => now = other,
        }
    }
}

/// Registers `waker` for the bit `taken`. `false`: it is set already, there is nothing to wait for.
fn register(word: &AtomicU8, cell: &RaceCell<Option<Waker>>, waits: u8, taken: u8, waker: &Waker) -> bool {
    let now = word.load(Ordering::Acquire);
    if now & taken != 0 {
        return false;
    }
    if now & waits != 0 && reclaim(word, waits, taken).is_err() {
        return false;
    }
    // With `waits` clear the cell is ours, and foreign code may run: no lock is held and nobody waits for us.
    let same = cell.with(|place| {
        // SAFETY: the cell is ours, see above; the reference ends with the comparison.
        unsafe { (*place).as_ref().is_some_and(|old| old.will_wake(waker)) }
    });
    if !same {
        drop(take(cell));
        put(cell, waker.clone());
    }
    if word.fetch_or(waits, Ordering::AcqRel) & taken != 0 {
        // The other side came before the bit and saw no waker; the cell is still ours.
        drop(take(cell));
        return false;
    }
    true
}

/// The sender's end.
pub(super) struct TxEnd<T>(SlotPtr<T>);

/// The receiver's end.
pub(super) struct RxEnd<T>(SlotPtr<T>);

/// Both ends of a new slot.
pub(super) fn pair<T>() -> (TxEnd<T>, RxEnd<T>) {
    let slot = NonNull::from(Box::leak(Box::new(Slot {
        word: AtomicU8::new(0),
        value: RaceCell::new(None),
        rx_waker: RaceCell::new(None),
        tx_waker: RaceCell::new(None),
    })));
    (TxEnd(SlotPtr { slot, _owns: PhantomData }), RxEnd(SlotPtr { slot, _owns: PhantomData }))
}

impl<T> TxEnd<T> {
    pub(super) fn is_closed(&self) -> bool {
        self.0.load() & RX_CLOSED != 0
    }

    /// Registers for the receiver's closing. `false`: it is closed.
    pub(super) fn register(&mut self, waker: &Waker) -> bool {
        let slot = self.0.get();
        register(&slot.word, &slot.tx_waker, TX_WAITS, RX_CLOSED, waker)
    }

    /// Sends, or gives the value back if the receiver has closed.
    pub(super) fn send(self, value: T) -> Result<(), T> {
        let slot = self.0.get();
        put(&slot.value, value);
        let mut now = slot.word.load(Ordering::Acquire);
        loop {
            if now & RX_CLOSED != 0 {
                let value = take(&slot.value);
                self.finish(false);
                return Err(value.expect("BUG: nobody takes a value before DONE"));
            }
            if now & (RX_WAITS | TX_WAITS) != 0 {
                break;
            }
            // Nobody to wake and no waker of ours to clear away: done and gone in one step.
            match slot.word.compare_exchange(now, now | DONE | TX_GONE, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return Ok(()),
                Err(other) => now = other,
            }
        }
        self.send_and_wake()
    }

    fn send_and_wake(self) -> Result<(), T> {
        let slot = self.0.get();
        let mine = self.take_own_waker();
        let mut now = slot.word.load(Ordering::Acquire);
        while now & RX_CLOSED == 0 {
            match slot.word.compare_exchange(now, now | DONE, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => {
                    // With RX_WAITS seen together with our DONE, the receiver's waker is ours to take.
                    let waker = if now & RX_WAITS != 0 { take(&slot.rx_waker) } else { None };
                    self.0.leave(TX_GONE, RX_GONE);
                    if let Some(waker) = waker {
                        waker.wake();
                    }
                    drop(mine);
                    return Ok(());
                }
                Err(other) => now = other,
            }
        }
        let value = take(&slot.value);
        self.finish(false);
        drop(mine);
        Err(value.expect("BUG: nobody takes a value before DONE"))
    }

    fn take_own_waker(&self) -> Option<Waker> {
        let slot = self.0.get();
        if self.0.load() & TX_WAITS != 0 && reclaim(&slot.word, TX_WAITS, RX_CLOSED).is_ok() {
            take(&slot.tx_waker)
        } else {
            None
        }
    }

    /// The sender goes without a value in the slot.
    pub(super) fn abandon(self) {
        self.finish(true);
    }

    fn finish(self, wake: bool) {
        let slot = self.0.get();
        let mine = self.take_own_waker();
        let before = slot.word.fetch_or(DONE, Ordering::AcqRel);
        // A receiver that has closed does not wait; one that waits has not closed, or its own drop clears the cell.
        let waker = if wake && before & RX_WAITS != 0 { take(&slot.rx_waker) } else { None };
        self.0.leave(TX_GONE, RX_GONE);
        if let Some(waker) = waker {
            waker.wake();
        }
        drop(mine);
    }
}

/// What the receiver finds.
pub(super) enum Found<T> {
    Value(T),
    Nothing,
    Closed,
}

impl<T> RxEnd<T> {
    /// Looks for the value. After `Value` and `Closed` there is nothing more to come.
    pub(super) fn look(&mut self) -> Found<T> {
        let now = self.0.load();
        if now & DONE != 0 {
            return match take(&self.0.get().value) {
                Some(value) => Found::Value(value),
                None => Found::Closed,
            };
        }
        if now & RX_CLOSED != 0 { Found::Closed } else { Found::Nothing }
    }

    /// Is a value there?
    pub(super) fn has_value(&self) -> bool {
        self.0.load() & DONE != 0
            // SAFETY: DONE is set, so the sender is through with the value, and the receiver, which alone may take
            // it, needs `&mut self` for that.
            && self.0.get().value.with(|value| unsafe { (*value).is_some() })
    }

    /// Registers for the sender's last word. `false`: it has been said.
    pub(super) fn register(&mut self, waker: &Waker) -> bool {
        let slot = self.0.get();
        register(&slot.word, &slot.rx_waker, RX_WAITS, DONE, waker)
    }

    /// Takes nothing more that is not sent yet, and tells a sender that waits for that.
    pub(super) fn close(&mut self) {
        let slot = self.0.get();
        let before = slot.word.fetch_or(RX_CLOSED, Ordering::AcqRel);
        if before & TX_WAITS != 0 && before & (RX_CLOSED | DONE) == 0 {
            // TX_WAITS seen together with our RX_CLOSED: the sender's waker is ours to take.
            if let Some(waker) = take(&slot.tx_waker) {
                waker.wake();
            }
        }
    }

    /// The receiver goes. A value that nobody took is dropped here.
    pub(super) fn leave(self) {
        let now = self.0.load();
        if now & TX_GONE != 0 {
            return self.0.free();
        }
        let slot = self.0.get();
        let mine = if now & RX_WAITS != 0 && reclaim(&slot.word, RX_WAITS, DONE).is_ok() {
            take(&slot.rx_waker)
        } else {
            None
        };
        let before = slot.word.fetch_or(RX_CLOSED, Ordering::AcqRel);
        let theirs =
            if before & TX_WAITS != 0 && before & (RX_CLOSED | DONE) == 0 { take(&slot.tx_waker) } else { None };
        let value = if before & DONE != 0 { take(&slot.value) } else { None };
        self.0.leave(RX_GONE, TX_GONE);
        if let Some(waker) = theirs {
            waker.wake();
        }
        drop(mine);
        drop(value);
    }
}
