//! The queue under both kinds of mpsc channel: a linked list of blocks, many writers, one reader.
//!
//! Owns: [`Queue`], [`Outlet`].
//! Not here: capacity, closing by the receiver, wakers (`chan`).
//!
//! A writer takes an index with one addition to `tail`, finds the block of that index, writes the value and swaps the
//! slot's state to VALUE. The reader goes through the slots in order; to read it needs loads only. Each slot's state
//! goes EMPTY -> (WAITING ->) VALUE or END; the reader sets WAITING on the very slot whose writer shall wake it, and
//! the writer learns that from its swap. So sleeping and waking meet in one place, and need no fence.
//!
//! Writers start at `block`, which moves on only past blocks that are written to their end: a writer that has an index
//! in an older block must still find it.
//!
//! Blocks come back, and soon: a queue keeps the blocks of what is in it, and two or three more. Who may still look at
//! block `b`, once the reader has left it? A writer holds blocks only between its addition to `tail` and its swap. Whoever
//! moves `block` past `b` then adds zero to `tail`, and notes what it finds as `b`'s `until` ([`Queue::move_on`]).
//!
//! ```text
//! mover:   move `block` past b  -  add 0 to `tail`, which gives p  -  note p in b
//! writer:  add 1 to `tail`, which gives its index  -  load `block`
//! ```
//!
//! Both additions stand in one order, and each acquires what those before it released. So a writer with an index >= p
//! starts behind `b`, and behind all blocks before `b`: they wait only for the writers below p, each of which has its
//! swap behind it when
//! - the reader has passed p, or
//! - `block` has: it moves only past blocks that are written to their end.
//!
//! Then `b` and all before it are nobody's (`reclaim`). That a mover is through before its own note counts follows from
//! the same: it holds an index below p that it has not written. `until` must be what the *mover* finds. By the time that the reader
//! comes to `b`, the tail may be a million values on.
//!
//! A channel that its receiver has closed takes no END: the reader stops at the tail of that moment, and the indexes that
//! refused senders took since belong to no block.
//!
//! The danger: a writer that took an index and is stopped before its swap: the reader cannot pass it. Nothing of the
//! user's runs in between, and `try_recv` waits for it (a few instructions, or the OS's next time slice).
//!
//! Rejected: a ring of all slots (allocates a channel's whole capacity up front); compare-and-swap on the tail (lost
//! rounds with many writers); one bit per slot in a word per block (an extra shared line per message); each state beside its
//! value (eight bytes for one, where values are aligned to eight).

use crate::engine::atomics::{AtomicPtr, AtomicU8, AtomicU64, Ordering, RaceCell};
use crate::sync::first_panic::FirstPanic;
use std::mem::MaybeUninit;
use std::ptr;

const EMPTY: u8 = 0;
const WAITING: u8 = 1;
const VALUE: u8 = 2;
const END: u8 = 3;

/// Of `until`: nobody has noted it yet.
const UNKNOWN: u64 = u64::MAX;

/// How many blocks the reader frees before it gives a value: it leaves one behind for each 32 that it reads.
const FREES_PER_BLOCK: usize = 4;
/// And when it finds nothing. Freeing one takes 0.1 to 0.4 us.
const FREES_WHEN_EMPTY: usize = 256;

/// A block that is larger serves once: an empty queue would keep two of them.
const SPARE_BYTES_MAX: usize = 32 << 10;

/// `tail` counts in 64 bits on every target: in 32 its indexes would come round after 2^30 messages, and `until` and a closed
/// channel's limit would mean other ones.
///
/// `tail`'s lowest bit: the receiver has closed. Indexes taken since are never written.
const RX_CLOSED: u64 = 1;
/// The next bit: the last sender is gone, and has taken an index for END.
const TX_GONE: u64 = 2;
const ONE: u64 = 4;

struct Block<T, const N: usize> {
    /// Index of the first slot, a multiple of `N`.
    start: u64,
    next: AtomicPtr<Block<T, N>>,
    /// The tail when `block` had moved past this one: nobody with an index from there on looks at it.
    until: AtomicU64,
    states: [AtomicU8; N],
    values: [RaceCell<MaybeUninit<T>>; N],
}

impl<T, const N: usize> Block<T, N> {
    fn is_written(&self) -> bool {
        self.states.iter().all(|state| state.load(Ordering::Acquire) >= VALUE)
    }

    fn boxed(start: u64) -> *mut Self {
        Box::into_raw(Box::new(Block {
            start,
            next: AtomicPtr::new(ptr::null_mut()),
            until: AtomicU64::new(UNKNOWN),
            states: std::array::from_fn(|_| AtomicU8::new(EMPTY)),
            values: std::array::from_fn(|_| RaceCell::new(MaybeUninit::uninit())),
        }))
    }
}

/// On a line of its own: every writer changes it.
#[repr(align(64))]
struct Padded<V>(V);

/// See the module's head.
pub(super) struct Queue<T, const N: usize> {
    tail: Padded<AtomicU64>,
    /// Where writers start looking: at the oldest block that is not written to its end, or before it; never at a block
    /// that is retired.
    block: AtomicPtr<Block<T, N>>,
    /// One block that served and can serve again.
    spare: AtomicPtr<Block<T, N>>,
    /// The reader's state, once it is gone.
    left: RaceCell<Option<Outlet<T, N>>>,
}

// SAFETY: values go from writers to the one reader, or to the one who drops the queue: `T: Send`. Slots are written
// by the one who took their index, before the swap that gives them away (module head).
unsafe impl<T: Send, const N: usize> Send for Queue<T, N> {}
// SAFETY: as above; no `&T` is given out.
unsafe impl<T: Send, const N: usize> Sync for Queue<T, N> {}

/// The reader's place in its queue.
pub(super) struct Outlet<T, const N: usize> {
    head: u64,
    block: *mut Block<T, N>,
    /// Blocks that were read to the end, oldest first, linked by `next` up to `block`; they wait for writers.
    oldest: *mut Block<T, N>,
    /// Those before this one wait for nobody. It lies between `oldest` and `block`.
    waits: *mut Block<T, N>,
}

// SAFETY: its pointers are to blocks of the queue, whose values may move between threads when `T: Send`.
unsafe impl<T: Send, const N: usize> Send for Outlet<T, N> {}
// SAFETY: `&Outlet` gives out numbers only.
unsafe impl<T: Send, const N: usize> Sync for Outlet<T, N> {}

impl<T, const N: usize> Outlet<T, N> {
    /// Has everything below index `limit` been read?
    pub(super) fn is_past(&self, limit: u64) -> bool {
        self.head >= limit
    }
}

// The pointers are never followed while foreign code runs, so a panic in it leaves nothing half done.
impl<T, const N: usize> std::panic::UnwindSafe for Outlet<T, N> {}
impl<T, const N: usize> std::panic::RefUnwindSafe for Outlet<T, N> {}

/// What the reader finds at its place.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Popped<T> {
    Value(T),
    /// Nothing was written yet.
    Empty,
    /// The last sender is gone.
    End,
}

/// What the writer's swap said.
#[must_use = "a reader that waits on the slot must be woken"]
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Pushed {
    Quiet,
    ReaderWaits,
}

impl<T, const N: usize> Queue<T, N> {
    pub(super) fn new() -> (Self, Outlet<T, N>) {
        let block = Block::boxed(0);
        let queue = Queue {
            tail: Padded(AtomicU64::new(0)),
            block: AtomicPtr::new(block),
            spare: AtomicPtr::new(ptr::null_mut()),
            left: RaceCell::new(None),
        };
        (queue, Outlet { head: 0, block, oldest: block, waits: block })
    }

    /// Appends. The caller knows that the receiver has not closed, or has a permit from before it did.
    #[inline]
    pub(super) fn push(&self, value: T) -> Pushed {
        let index = self.tail.0.fetch_add(ONE, Ordering::AcqRel) / ONE;
        self.write(index, Some(value))
    }

    /// Appends, unless the receiver has closed.
    #[inline]
    pub(super) fn push_if_open(&self, value: T) -> Result<Pushed, T> {
        let before = self.tail.0.fetch_add(ONE, Ordering::AcqRel);
        if before & RX_CLOSED != 0 {
            return Err(value);
        }
        Ok(self.write(before / ONE, Some(value)))
    }

    /// Appends the end. Called once, by the last sender.
    pub(super) fn push_end(&self) -> Pushed {
        let before = self.tail.0.fetch_add(ONE | TX_GONE, Ordering::AcqRel);
        if before & RX_CLOSED != 0 {
            // The reader knows where it ends, and waits for nobody behind that. Our place lies behind those of all who
            // were refused, however many blocks away.
            return Pushed::Quiet;
        }
        self.write(before / ONE, None)
    }

    /// Lets no more in by [`push_if_open`](Self::push_if_open). The index from which nothing is written any more.
    pub(super) fn close(&self) -> u64 {
        self.tail.0.fetch_or(RX_CLOSED, Ordering::AcqRel) / ONE
    }

    pub(super) fn is_closed(&self) -> bool {
        self.tail.0.load(Ordering::Acquire) & RX_CLOSED != 0
    }

    /// Values that were taken an index for, before `limit`, and not read yet.
    pub(super) fn len(&self, outlet: &Outlet<T, N>, limit: u64) -> usize {
        let tail = self.tail.0.load(Ordering::Acquire);
        let written = tail / ONE - u64::from(tail & TX_GONE != 0);
        written.min(limit).saturating_sub(outlet.head) as usize
    }

    /// The blocks that are linked, from the oldest that was left on.
    #[cfg(test)]
    pub(super) fn blocks(&self, outlet: &Outlet<T, N>) -> usize {
        let mut blocks = 0;
        let mut block = outlet.oldest;
        while !block.is_null() {
            blocks += 1;
            // SAFETY: the reader, who has called us, frees none meanwhile.
            block = unsafe { (*block).next.load(Ordering::Acquire) };
        }
        blocks
    }

    /// Its place in its block.
    #[inline]
    fn slot(index: u64) -> usize {
        (index % N as u64) as usize
    }

    #[inline]
    fn write(&self, index: u64, value: Option<T>) -> Pushed {
        let block = self.find(index);
        // SAFETY: our index is not read yet, so its block is not retired, and stays until our swap (module head).
        let block = unsafe { &*block };
        let state = if value.is_some() { VALUE } else { END };
        if let Some(value) = value {
            block.values[Self::slot(index)].with_mut(|place| {
                // SAFETY: the index is ours alone, and the reader keeps off until the swap.
                unsafe { (*place).write(value) };
            });
        }
        match block.states[Self::slot(index)].swap(state, Ordering::AcqRel) {
            WAITING => Pushed::ReaderWaits,
            _ => Pushed::Quiet,
        }
    }

    /// The block of `index`, which the caller has taken and not written.
    #[inline]
    fn find(&self, index: u64) -> *mut Block<T, N> {
        let start = index - index % N as u64;
        let block = self.block.load(Ordering::Acquire);
        // SAFETY: read after our addition to `tail`, so not retired before we have written (module head).
        if unsafe { (*block).start } == start { block } else { self.walk(block, index) }
    }

    #[cold]
    fn walk(&self, mut block: *mut Block<T, N>, index: u64) -> *mut Block<T, N> {
        let start = index - index % N as u64;
        // SAFETY: as in `find`.
        let far = (start - unsafe { (*block).start }) / N as u64;
        // Taking others along is work; the first few writers of each block do it, more of them the farther it is.
        let mut takes_along = index % (N as u64) < 2 * far;
        loop {
            // SAFETY: as in `find`: blocks from there on are not retired before we have written.
            let here = unsafe { &*block };
            if here.start == start {
                return block;
            }
            let next = self.after(here);
            // Only past a block that is written to its end: a writer that starts behind its own block never finds it.
            takes_along = takes_along && here.is_written();
            if takes_along {
                self.move_on(here, next);
            }
            block = next;
        }
    }

    /// Lets writers start behind `from`, a block that is written to its end and that the caller may look at.
    fn move_on(&self, from: &Block<T, N>, next: *mut Block<T, N>) {
        let old = ptr::from_ref(from).cast_mut();
        // Another may have done it, most often when the reader comes; then this fails, so it never goes backwards.
        if self.block.load(Ordering::Relaxed) == old
            && self.block.compare_exchange(old, next, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            // An addition of nothing, so that it stands in one order with the writers' (module head).
            let until = self.tail.0.fetch_add(0, Ordering::AcqRel) / ONE;
            from.until.store(until, Ordering::Release);
        }
    }

    /// The block after `last`. If there is none yet, it is ours or another writer's.
    fn after(&self, last: &Block<T, N>) -> *mut Block<T, N> {
        let next = last.next.load(Ordering::Acquire);
        if !next.is_null() {
            return next;
        }
        let start = last.start + N as u64;
        let mut fresh = self.spare.load(Ordering::Relaxed);
        if !fresh.is_null() {
            fresh = self.spare.swap(ptr::null_mut(), Ordering::AcqRel);
        }
        if fresh.is_null() {
            fresh = Block::boxed(start);
        } else {
            // SAFETY: who swaps the spare block out is its only owner; the reader emptied it.
            unsafe { (*fresh).start = start };
        }
        match last.next.compare_exchange(ptr::null_mut(), fresh, Ordering::AcqRel, Ordering::Acquire) {
            Ok(_) => fresh,
            Err(other) => {
                self.keep_or_free(fresh);
                other
            }
        }
    }

    /// `block` is ours, and holds no values. It serves again, or goes.
    fn keep_or_free(&self, block: *mut Block<T, N>) {
        // Looks first: most often a spare is there, and a load is cheap.
        if size_of::<Block<T, N>>() <= SPARE_BYTES_MAX && self.spare.load(Ordering::Relaxed).is_null() {
            // SAFETY: nobody else has it.
            let ours = unsafe { &mut *block };
            (ours.next, ours.until) = (AtomicPtr::new(ptr::null_mut()), AtomicU64::new(UNKNOWN));
            ours.states = std::array::from_fn(|_| AtomicU8::new(EMPTY));
            if self.spare.compare_exchange(ptr::null_mut(), block, Ordering::AcqRel, Ordering::Relaxed).is_ok() {
                return;
            }
        }
        // SAFETY: it came from `Box::into_raw` and nobody else has it.
        drop(unsafe { Box::from_raw(block) });
    }

    /// Reads the next value.
    ///
    /// # Safety
    /// `outlet` is the one that was made with this queue.
    #[inline]
    pub(super) unsafe fn pop(&self, outlet: &mut Outlet<T, N>) -> Popped<T> {
        // SAFETY: the outlet's block is not retired while it stands in it.
        let block = unsafe { &*outlet.block };
        match block.states[Self::slot(outlet.head)].load(Ordering::Acquire) {
            VALUE => {}
            END => return Popped::End,
            _ => {
                if outlet.oldest != outlet.block {
                    self.reclaim(outlet, FREES_WHEN_EMPTY);
                }
                return Popped::Empty;
            }
        }
        // SAFETY: VALUE says that the writer is through, and the head moves on, so it's read once.
        let value = block.values[Self::slot(outlet.head)].with(|place| unsafe { place.cast::<T>().read() });
        outlet.head += 1;
        if outlet.head.is_multiple_of(N as u64) {
            self.next_block(outlet);
        }
        Popped::Value(value)
    }

    /// Is there nothing to read at the outlet's place?
    ///
    /// # Safety
    /// `outlet` is the one that was made with this queue.
    pub(super) unsafe fn is_empty(&self, outlet: &Outlet<T, N>) -> bool {
        // SAFETY: the outlet's block is not retired while it stands in it.
        let block = unsafe { &*outlet.block };
        block.states[Self::slot(outlet.head)].load(Ordering::Acquire) != VALUE
    }

    /// Asks the writer of the next slot to wake the reader. `false`: it has written.
    ///
    /// # Safety
    /// `outlet` is the one that was made with this queue.
    pub(super) unsafe fn wait(&self, outlet: &Outlet<T, N>) -> bool {
        // SAFETY: the outlet's block is not retired while it stands in it.
        let block = unsafe { &*outlet.block };
        match block.states[Self::slot(outlet.head)].compare_exchange(
            EMPTY,
            WAITING,
            Ordering::AcqRel,
            Ordering::Acquire,
        ) {
            Ok(_) | Err(WAITING) => true,
            Err(_) => false,
        }
    }

    /// The reader's block is read: go on to the next, and look which old ones can serve again.
    #[cold]
    fn next_block(&self, outlet: &mut Outlet<T, N>) {
        // SAFETY: only `reclaim` frees blocks, and none from the outlet's on.
        let read = unsafe { &*outlet.block };
        let next = self.after(read);
        self.move_on(read, next);
        outlet.block = next;
        if self.is_through(read, outlet) {
            // Nobody is left in the newest, so neither in the others.
            outlet.waits = next;
        }
        self.reclaim(outlet, FREES_PER_BLOCK);
    }

    /// Are all writers through that may look at `block`, which the reader has left, or at one before it?
    fn is_through(&self, block: &Block<T, N>, outlet: &Outlet<T, N>) -> bool {
        let until = block.until.load(Ordering::Acquire);
        until <= outlet.head || {
            // SAFETY: the reader has seen to it that it does not lie before the outlet's, so it is not freed.
            let writers = unsafe { &*self.block.load(Ordering::Acquire) };
            until <= writers.start
        }
    }

    /// Takes up to `most` blocks out that are nobody's any more.
    #[cold]
    fn reclaim(&self, outlet: &mut Outlet<T, N>, most: usize) {
        for _ in 0..most {
            let oldest = outlet.oldest;
            if oldest == outlet.block {
                return;
            }
            // SAFETY: blocks that were left stay until the reader takes them out here.
            let left = unsafe { &*oldest };
            let next = left.next.load(Ordering::Acquire);
            if oldest == outlet.waits {
                if !self.is_through(left, outlet) {
                    return;
                }
                outlet.waits = next;
            }
            outlet.oldest = next;
            self.keep_or_free(oldest);
        }
    }

    /// The reader leaves. What is written from now on is dropped with the queue.
    ///
    /// # Safety
    /// `outlet` is the one that was made with this queue.
    pub(super) unsafe fn leave(&self, outlet: Outlet<T, N>) {
        // SAFETY: only the owner of the outlet comes here, once; the queue's drop looks at it with `&mut self`.
        self.left.with_mut(|left| unsafe { *left = Some(outlet) });
    }
}

/// Frees the blocks from `first` on, and the spare one.
struct FreeBlocks<T, const N: usize> {
    first: *mut Block<T, N>,
    spare: *mut Block<T, N>,
}

impl<T, const N: usize> Drop for FreeBlocks<T, N> {
    fn drop(&mut self) {
        let mut block = self.first;
        while !block.is_null() {
            // SAFETY: the queue is being dropped, so every block is ours, and came from `Box::into_raw`.
            let owned = unsafe { Box::from_raw(block) };
            block = owned.next.load(Ordering::Relaxed);
        }
        if !self.spare.is_null() {
            // SAFETY: as above; the spare block is linked nowhere.
            drop(unsafe { Box::from_raw(self.spare) });
        }
    }
}

impl<T, const N: usize> Drop for Queue<T, N> {
    fn drop(&mut self) {
        // SAFETY: `&mut self`: nobody else is here.
        let Some(mut outlet) = self.left.with_mut(|left| unsafe { (*left).take() }) else {
            // The reader was leaked: its place is unknown, so the blocks are leaked with it.
            return;
        };
        let _blocks = FreeBlocks { first: outlet.oldest, spare: self.spare.load(Ordering::Acquire) };
        let mut first = FirstPanic::default();
        loop {
            // SAFETY: the outlet is ours, and its block stays until `_blocks` goes.
            let block = unsafe { &*outlet.block };
            let at = Self::slot(outlet.head);
            outlet.head += 1;
            if block.states[at].load(Ordering::Acquire) == VALUE {
                // SAFETY: written and not read, as in `pop`.
                let value = block.values[at].with(|place| unsafe { place.cast::<T>().read() });
                first.catch(|| drop(value));
            }
            if outlet.head.is_multiple_of(N as u64) {
                outlet.block = block.next.load(Ordering::Acquire);
                if outlet.block.is_null() {
                    break;
                }
            }
        }
        first.resume();
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// # Safety of the calls below: each test pairs one queue with its own outlet.
    fn pop<const N: usize>(queue: &Queue<Box<usize>, N>, outlet: &mut Outlet<Box<usize>, N>) -> Popped<usize> {
        // SAFETY: the caller's pair.
        match unsafe { queue.pop(outlet) } {
            Popped::Value(value) => Popped::Value(*value),
            Popped::Empty => Popped::Empty,
            Popped::End => Popped::End,
        }
    }

    #[test]
    fn museum_y6_len_and_is_empty_at_every_place_of_a_block() {
        let (queue, mut outlet) = Queue::<Box<usize>, 2>::new();
        for n in 0..9 {
            // SAFETY: the outlet is of this queue.
            assert!(unsafe { queue.is_empty(&outlet) } && queue.len(&outlet, u64::MAX) == 0, "before {n}");
            assert_eq!(queue.push(Box::new(n)), Pushed::Quiet);
            // SAFETY: the outlet is of this queue.
            assert!(!unsafe { queue.is_empty(&outlet) } && queue.len(&outlet, u64::MAX) == 1, "with {n}");
            assert_eq!(pop(&queue, &mut outlet), Popped::Value(n));
        }
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    }

    /// Beyond what 32 bits count, with two of them for flags or without.
    ///
    /// Fault: an index or a limit that went through 32 bits.
    #[test]
    fn indexes_have_64_bits() {
        for start in [1 << 30, 1 << 32, 1 << 34, (1 << 62) - 64].map(|edge: u64| edge - 6) {
            let (mut queue, mut outlet) = Queue::<Box<usize>, 2>::new();
            // As if so many had been through.
            queue.tail = Padded(AtomicU64::new(start * ONE));
            outlet.head = start;
            // SAFETY: nobody else has the block.
            unsafe { (*outlet.block).start = start };
            for n in 0..20 {
                assert_eq!(queue.push(Box::new(n)), Pushed::Quiet);
                assert_eq!(queue.len(&outlet, u64::MAX), if n % 2 == 0 { 1 } else { 2 });
                if n % 2 == 1 {
                    assert_eq!(pop(&queue, &mut outlet), Popped::Value(n - 1));
                    assert_eq!(pop(&queue, &mut outlet), Popped::Value(n));
                }
            }
            assert!(queue.blocks(&outlet) <= 2, "those that were read go");
            assert_eq!(queue.push_if_open(Box::new(20)), Ok(Pushed::Quiet));
            let limit = queue.close();
            assert!(limit == start + 21 && !outlet.is_past(limit));
            assert_eq!(queue.push_if_open(Box::new(21)), Err(Box::new(21)));
            assert_eq!((queue.len(&outlet, limit), pop(&queue, &mut outlet)), (1, Popped::Value(20)));
            assert!(outlet.is_past(limit));
            // SAFETY: the outlet is of this queue.
            unsafe { queue.leave(outlet) };
        }
    }

    #[test]
    fn only_the_writer_of_the_slot_waited_on_is_told() {
        let (queue, mut outlet) = Queue::<Box<usize>, 2>::new();
        // SAFETY: the outlet is of this queue.
        assert!(unsafe { queue.wait(&outlet) });
        assert_eq!(queue.push(Box::new(0)), Pushed::ReaderWaits);
        assert_eq!(queue.push(Box::new(1)), Pushed::Quiet);
        // SAFETY: the outlet is of this queue.
        assert!(!unsafe { queue.wait(&outlet) });
        assert_eq!(pop(&queue, &mut outlet), Popped::Value(0));
        assert_eq!(queue.push_end(), Pushed::Quiet);
        assert_eq!(queue.len(&outlet, u64::MAX), 1, "the end is no value");
        assert_eq!(pop(&queue, &mut outlet), Popped::Value(1));
        assert_eq!(pop(&queue, &mut outlet), Popped::End);
        assert_eq!(pop(&queue, &mut outlet), Popped::End);
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    }

    #[test]
    fn d25_blocks_go_as_they_are_read() {
        let (queue, mut outlet) = Queue::<Box<usize>, 2>::new();
        for round in 0..3 {
            (0..65).for_each(|n| drop(queue.push(Box::new(n))));
            for left in (0..65).rev() {
                assert_eq!(pop(&queue, &mut outlet), Popped::Value(64 - left));
                let blocks = queue.blocks(&outlet);
                assert!(blocks <= left / 2 + 3, "round {round}: {blocks} blocks for {left} values");
            }
            assert_eq!(pop(&queue, &mut outlet), Popped::Empty);
            assert!(queue.blocks(&outlet) <= 2);
        }
        // SAFETY: the outlet is of this queue.
        unsafe { queue.leave(outlet) };
    }

    #[test]
    fn values_left_behind_are_dropped_with_the_queue() {
        let tracer = std::sync::Arc::new(());
        for (sent, received) in [(0, 0), (1, 0), (2, 0), (2, 2), (5, 1), (5, 4), (64, 33)] {
            let (queue, mut outlet) = Queue::<_, 2>::new();
            for _ in 0..sent {
                let _ = queue.push(tracer.clone());
            }
            for _ in 0..received {
                // SAFETY: the outlet is of this queue.
                assert!(matches!(unsafe { queue.pop(&mut outlet) }, Popped::Value(_)));
            }
            // SAFETY: the outlet is of this queue.
            unsafe { queue.leave(outlet) };
            let _ = queue.push(tracer.clone());
            drop(queue);
            assert_eq!(std::sync::Arc::strong_count(&tracer), 1, "{sent} sent, {received} received");
        }
    }
}
