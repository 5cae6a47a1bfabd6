//! The task word: one atomic that says who may touch which part of a cell.
//!
//! | bit           | true while                                        | set by              | cleared by           |
//! |---------------|---------------------------------------------------|---------------------|----------------------|
//! | RUNNING       | somebody polls or drops the future                | start               | pending, complete    |
//! | NOTIFIED      | a `Runnable` exists, or the poller must make one  | spawn, wake, abort  | start                |
//! | COMPLETE      | the output is stored (or was dropped)             | complete            | -                    |
//! | CANCELLED     | the next start must drop the future               | abort, shutdown     | -                    |
//! | JOIN_INTEREST | a join handle exists                              | spawn               | drop of the handle   |
//! | JOIN_WAKER    | the join waker's slot is filled and the task's    | join handle         | join handle, complete|
//! | refs (6..)    | counts handles: runtime, wakers, join handle      |                     |                      |
//!
//! Invariants
//! * W1: RUNNING is a lock. Its holder alone touches the future, and alone may set COMPLETE.
//! * W2: NOTIFIED without RUNNING means that exactly one `Runnable` exists. It is made by whoever turned the bit on
//!   while neither RUNNING nor COMPLETE was set, or by the poller that gives up RUNNING and finds it set.
//! * W3: after COMPLETE the output is the join handle's while JOIN_INTEREST is set, else the completer's.
//! * W4: the waker slot is the join handle's while JOIN_WAKER is clear, the completer's to read while it is set and
//!   COMPLETE is set. Both clear bits with read-modify-writes and act on what was there before; the last one out
//!   drops the waker.
//! * W5: the runtime's reference is released by the completing step or after it, never before.
//!
//! Orderings: every step is AcqRel. Wake must write even if NOTIFIED is set already: its release half publishes what
//! the waker's thread wrote before the wake, and start's acquire half of the same word sees it (museum LW4).
//! Limits: 2^58 references; above 2^57 we abort, as `Arc` does, since only `mem::forget` in a loop gets there.

use crate::engine::base::atomics::{AtomicU64, Ordering, end_of_life};

const RUNNING: u64 = 1;
const NOTIFIED: u64 = 1 << 1;
const COMPLETE: u64 = 1 << 2;
const CANCELLED: u64 = 1 << 3;
const JOIN_INTEREST: u64 = 1 << 4;
const JOIN_WAKER: u64 = 1 << 5;
const REF_ONE: u64 = 1 << 6;
const REF_LIMIT: u64 = 1 << 63;

/// A value of the word. The steps are pure functions on it, so that a test can try all values.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Word(u64);

impl Word {
    pub(crate) fn is_complete(self) -> bool {
        self.0 & COMPLETE != 0
    }
    pub(crate) fn is_running(self) -> bool {
        self.0 & RUNNING != 0
    }
    pub(crate) fn is_notified(self) -> bool {
        self.0 & NOTIFIED != 0
    }
    pub(crate) fn is_cancelled(self) -> bool {
        self.0 & CANCELLED != 0
    }
    pub(crate) fn has_join_interest(self) -> bool {
        self.0 & JOIN_INTEREST != 0
    }
    pub(crate) fn has_join_waker(self) -> bool {
        self.0 & JOIN_WAKER != 0
    }
    pub(crate) fn refs(self) -> u64 {
        self.0 / REF_ONE
    }

    /// Complete, the handle is there and does not wait: one step finishes it and releases the runtime's reference.
    fn complete_unawaited(self) -> Option<Word> {
        let quiet = self.has_join_interest() && !self.has_join_waker();
        quiet.then(|| Word((self.0 & !RUNNING | COMPLETE) - REF_ONE))
    }

    /// The join handle goes: which of the two things that it may own must it drop?
    fn without_join_handle(self) -> (Word, AfterJoinDrop) {
        let mut next = self.0 & !JOIN_INTEREST;
        if !self.is_complete() {
            // Nobody reads the slot before COMPLETE, so it can be taken back.
            next &= !JOIN_WAKER;
        }
        let after = AfterJoinDrop { drop_output: self.is_complete(), drop_waker: next & JOIN_WAKER == 0 };
        (Word(next), after)
    }
}

impl std::fmt::Debug for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names = [
            (RUNNING, "RUNNING"),
            (NOTIFIED, "NOTIFIED"),
            (COMPLETE, "COMPLETE"),
            (CANCELLED, "CANCELLED"),
            (JOIN_INTEREST, "JOIN_INTEREST"),
            (JOIN_WAKER, "JOIN_WAKER"),
        ];
        for (bit, name) in names {
            if self.0 & bit != 0 {
                write!(f, "{name} ")?;
            }
        }
        write!(f, "refs={}", self.refs())
    }
}

/// What the waking thread does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterWake {
    /// The caller has made the task's one runnable: push it.
    Schedule,
    /// Somebody else will run it, or it is complete.
    Nothing,
}

/// What the holder of the runnable does next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterStart {
    Poll,
    Cancel,
}

/// What the poller does after `Pending`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterPending {
    /// The task is somebody else's now: do not touch it.
    Leave,
    /// It was woken while it ran: the caller holds the runnable again.
    Requeue,
}

/// What the completer does after the output is published.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) enum AfterComplete {
    /// Everything is done, the runtime's reference included: do not touch the cell.
    Released,
    /// Drop the output (nobody wants it), then release the reference.
    DropOutput,
    /// Release the reference.
    Release,
    /// Wake the join waker, call `join_waker_done`, then release the reference.
    WakeJoin,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(crate) struct AfterJoinDrop {
    pub(crate) drop_output: bool,
    pub(crate) drop_waker: bool,
}

/// The atomic itself.
pub(crate) struct TaskWord(AtomicU64);

impl TaskWord {
    /// A new task: its runnable exists, and so do the runtime's reference and the join handle's.
    pub(crate) fn new() -> Self {
        TaskWord(AtomicU64::new(NOTIFIED | JOIN_INTEREST | (2 * REF_ONE)))
    }

    pub(crate) fn load(&self) -> Word {
        Word(self.0.load(Ordering::Acquire))
    }

    #[inline]
    pub(crate) fn wake(&self) -> AfterWake {
        self.notify(NOTIFIED)
    }

    /// Abort: a wake whose poll will drop the future.
    pub(crate) fn cancel(&self) -> AfterWake {
        self.notify(NOTIFIED | CANCELLED)
    }

    #[inline]
    fn notify(&self, bits: u64) -> AfterWake {
        let before = self.0.fetch_or(bits, Ordering::AcqRel);
        if before & (NOTIFIED | RUNNING | COMPLETE) == 0 { AfterWake::Schedule } else { AfterWake::Nothing }
    }

    /// The runnable is used. A notified task can be neither running nor complete (W2), so the exchange cannot fail.
    #[inline]
    pub(crate) fn start(&self) -> AfterStart {
        let before = Word(self.0.fetch_xor(NOTIFIED | RUNNING, Ordering::AcqRel));
        debug_assert!(
            before.is_notified() && !before.is_running() && !before.is_complete(),
            "BUG: W2 broken, a task was started in state {before:?}"
        );
        if before.is_cancelled() { AfterStart::Cancel } else { AfterStart::Poll }
    }

    /// The future is pending: gives up RUNNING.
    #[inline]
    pub(crate) fn pending(&self) -> AfterPending {
        let before = Word(self.0.fetch_and(!RUNNING, Ordering::AcqRel));
        debug_assert!(before.is_running(), "BUG: W1 broken, pending in state {before:?}");
        if before.is_notified() { AfterPending::Requeue } else { AfterPending::Leave }
    }

    /// The output is stored: publishes it.
    #[inline]
    pub(crate) fn complete(&self) -> AfterComplete {
        let mut before = self.load();
        while let Some(after) = before.complete_unawaited() {
            match self.0.compare_exchange_weak(before.0, after.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return AfterComplete::Released,
                Err(now) => before = Word(now),
            }
        }
        let before = Word(self.0.fetch_xor(RUNNING | COMPLETE, Ordering::AcqRel));
        debug_assert!(before.is_running() && !before.is_complete(), "BUG: W1 broken, completed twice: {before:?}");
        if !before.has_join_interest() {
            AfterComplete::DropOutput
        } else if before.has_join_waker() {
            AfterComplete::WakeJoin
        } else {
            // The handle took its waker back between the loop and the exchange; it will find COMPLETE by itself.
            AfterComplete::Release
        }
    }

    /// The completer has woken the join waker. `true`: the handle went meanwhile, and the waker is the caller's to drop.
    pub(crate) fn join_waker_done(&self) -> bool {
        let before = Word(self.0.fetch_and(!JOIN_WAKER, Ordering::AcqRel));
        !before.has_join_interest()
    }

    /// The slot has been filled: hands it to the task. `false`: complete already, the slot stays the handle's.
    pub(crate) fn set_join_waker(&self) -> bool {
        self.change_join_waker(|before| before.0 | JOIN_WAKER)
    }

    /// Takes the slot back to change the waker. `false`: complete already, and the completer may be reading it.
    pub(crate) fn take_back_join_waker(&self) -> bool {
        self.change_join_waker(|before| before.0 & !JOIN_WAKER)
    }

    fn change_join_waker(&self, step: impl Fn(Word) -> u64) -> bool {
        let mut before = self.load();
        loop {
            if before.is_complete() {
                return false;
            }
            match self.0.compare_exchange_weak(before.0, step(before), Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return true,
                Err(now) => before = Word(now),
            }
        }
    }

    pub(crate) fn drop_join_handle(&self) -> AfterJoinDrop {
        let mut before = self.load();
        loop {
            let (next, after) = before.without_join_handle();
            match self.0.compare_exchange_weak(before.0, next.0, Ordering::AcqRel, Ordering::Acquire) {
                Ok(_) => return after,
                Err(now) => before = Word(now),
            }
        }
    }

    /// One more handle. Relaxed: the caller has a reference, so nothing can be freed meanwhile.
    pub(crate) fn add_ref(&self) {
        let before = self.0.fetch_add(REF_ONE, Ordering::Relaxed);
        if before >= REF_LIMIT {
            std::process::abort();
        }
    }

    /// One handle less. `true`: it was the last, the caller frees the cell.
    #[must_use]
    pub(crate) fn drop_ref(&self) -> bool {
        let before = Word(self.0.fetch_sub(REF_ONE, Ordering::AcqRel));
        debug_assert!(before.refs() >= 1, "BUG: reference count below zero");
        before.refs() == 1
    }

    /// The cell is about to be freed: every access by another thread must have happened before (models check it).
    #[inline(always)]
    pub(crate) fn end(&mut self) {
        end_of_life(&mut self.0);
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    /// Every combination of the flags, with one to three references.
    fn all_words() -> impl Iterator<Item = Word> {
        (0..REF_ONE).flat_map(|flags| (1..=3).map(move |refs| Word(flags | (refs * REF_ONE))))
    }

    fn reachable(word: Word) -> bool {
        // W1/W2: complete tasks do not run; W4: a filled slot needs a handle or a completer.
        !(word.is_complete() && word.is_running())
    }

    #[test]
    fn a_wake_makes_a_runnable_only_for_an_idle_task() {
        for word in all_words().filter(|w| reachable(*w)) {
            let atomic = TaskWord(AtomicU64::new(word.0));
            let idle = !word.is_running() && !word.is_notified() && !word.is_complete();
            assert_eq!(atomic.wake() == AfterWake::Schedule, idle, "{word:?}");
            assert!(atomic.load().is_notified());
            assert_eq!(atomic.load().refs(), word.refs());
        }
    }

    #[test]
    fn completing_releases_exactly_one_reference_or_says_who_does() {
        for word in all_words().filter(|w| w.is_running() && !w.is_complete()) {
            let atomic = TaskWord(AtomicU64::new(word.0));
            let after = atomic.complete();
            let now = atomic.load();
            assert!(now.is_complete() && !now.is_running(), "{word:?} -> {now:?}");
            assert_eq!(after == AfterComplete::Released, now.refs() + 1 == word.refs(), "{word:?}");
            assert_eq!(after == AfterComplete::DropOutput, !word.has_join_interest());
            assert_eq!(after == AfterComplete::WakeJoin, word.has_join_interest() && word.has_join_waker());
        }
    }

    #[test]
    fn dropping_the_join_handle_gives_each_thing_exactly_one_owner() {
        for word in all_words().filter(|w| reachable(*w) && w.has_join_interest()) {
            let (next, after) = word.without_join_handle();
            assert!(!next.has_join_interest());
            assert_eq!(after.drop_output, word.is_complete());
            // Either we drop the waker, or the bit stays for the completer to find.
            assert_eq!(after.drop_waker, !next.has_join_waker());
            assert!(word.is_complete() || after.drop_waker);
        }
    }

    #[test]
    fn a_pending_task_woken_meanwhile_is_requeued() {
        for word in all_words().filter(|w| w.is_running() && !w.is_complete()) {
            let atomic = TaskWord(AtomicU64::new(word.0));
            assert_eq!(atomic.pending() == AfterPending::Requeue, word.is_notified());
        }
    }

    #[test]
    fn the_join_waker_changes_hands_only_before_completion() {
        for word in all_words().filter(|w| reachable(*w)) {
            let atomic = TaskWord(AtomicU64::new(word.0));
            assert_eq!(atomic.set_join_waker(), !word.is_complete());
            let atomic = TaskWord(AtomicU64::new(word.0));
            assert_eq!(atomic.take_back_join_waker(), !word.is_complete());
        }
    }
}
