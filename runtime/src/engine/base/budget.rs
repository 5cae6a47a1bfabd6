//! The cooperative budget: how many units of ready work a task may take from leaf resources in one poll.
//!
//! Owns: the rule, this thread's units, the guard; does the poll that runs end because its task gives way?
//! Not here: the public functions (`task::coop`); refilling (whoever polls a task does it before each poll).
//!
//! The danger: a task whose sockets and channels are always ready never returns `Pending`, and its neighbours starve.
//! So each leaf operation takes a unit; when none is left it wakes its own task and says `Pending`.

use std::cell::Cell;
use std::task::{Context, Poll};

thread_local! {
    static LEFT: Cell<Budget> = const { Cell::new(Budget::UNCONSTRAINED) };
    static FORCED_YIELDS: Cell<u64> = const { Cell::new(0) };
    static GIVES_WAY: Cell<bool> = const { Cell::new(false) };
}

/// How often an operation on this thread found no unit left and sent its task back.
pub(crate) fn forced_yields() -> u64 {
    FORCED_YIELDS.get()
}

/// Units left in the poll that runs on this thread.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget(u16);

impl Budget {
    /// Outside of tasks, and inside `unconstrained`: operations never yield.
    pub(crate) const UNCONSTRAINED: Budget = Budget(u16::MAX);

    /// What a task starts each poll with. tokio documents 128 and programs are tuned to it: large enough that the
    /// yield costs under 1 % of 128 operations, small enough that 128 of them stay far below a millisecond.
    pub(crate) const PER_POLL: Budget = Budget(128);

    pub(crate) fn is_exhausted(self) -> bool {
        self.0 == 0
    }
}

/// Runs `f` with `budget` in force, and puts the old one back afterwards, also when `f` panics.
#[inline]
pub(crate) fn with_budget<R>(budget: Budget, f: impl FnOnce() -> R) -> R {
    struct PutBack(Budget);
    impl Drop for PutBack {
        fn drop(&mut self) {
            LEFT.set(self.0);
        }
    }
    let _put_back = PutBack(LEFT.replace(budget));
    f()
}

/// Is there a unit left (or no limit)?
#[inline]
pub(crate) fn has_remaining() -> bool {
    !LEFT.get().is_exhausted()
}

/// No unit is left: the task comes again.
#[cold]
fn send_back(cx: &Context<'_>) {
    FORCED_YIELDS.set(FORCED_YIELDS.get().wrapping_add(1));
    give_way(cx);
}

/// Wakes the task, which will be behind all others: it has nothing to wait for, and lets them go first.
#[inline]
pub(crate) fn give_way(cx: &Context<'_>) {
    GIVES_WAY.set(true);
    cx.waker().wake_by_ref();
}

/// Has something given way on this thread since a poll began, or since this was asked last?
#[inline]
pub(crate) fn gave_way() -> bool {
    GIVES_WAY.replace(false)
}

/// `Ready` while there is a unit left, and takes none. Otherwise wakes the task and says `Pending`.
#[inline]
pub(crate) fn poll_remaining(cx: &Context<'_>) -> Poll<()> {
    if has_remaining() {
        return Poll::Ready(());
    }
    send_back(cx);
    Poll::Pending
}

/// Takes a unit. With none left, wakes the task and says `Pending`.
#[inline]
pub(crate) fn poll_proceed(cx: &mut Context<'_>) -> Poll<RestoreOnPending> {
    let before = LEFT.get();
    if before == Budget::UNCONSTRAINED {
        return Poll::Ready(RestoreOnPending(Cell::new(before), std::marker::PhantomData));
    }
    if before.is_exhausted() {
        send_back(cx);
        return Poll::Pending;
    }
    LEFT.set(Budget(before.0 - 1));
    Poll::Ready(RestoreOnPending(Cell::new(before), std::marker::PhantomData))
}

/// Sets the units for the poll that comes; whoever polls task after task needs no guard in between.
#[inline]
pub(crate) fn refill(budget: Budget) {
    LEFT.set(budget);
    GIVES_WAY.set(false);
}

/// The poll is over.
#[inline]
pub(crate) fn end() {
    LEFT.set(Budget::UNCONSTRAINED);
}

/// What is left, and no limit from here on.
pub(crate) fn take() -> Budget {
    LEFT.replace(Budget::UNCONSTRAINED)
}

/// Gives the unit back unless [`made_progress`](RestoreOnPending::made_progress) was called: an operation that turns
/// out not to be ready has cost nothing.
#[derive(Debug)]
#[must_use = "dropping it at once gives the unit back"]
pub struct RestoreOnPending(Cell<Budget>, ThisThread);

/// The budget is this thread's, and so is the guard.
type ThisThread = std::marker::PhantomData<*const ()>;

impl RestoreOnPending {
    /// The operation did something: its unit stays spent.
    #[inline]
    pub fn made_progress(&self) {
        self.0.set(Budget::UNCONSTRAINED);
    }
}

impl Drop for RestoreOnPending {
    fn drop(&mut self) {
        let before = self.0.get();
        if before != Budget::UNCONSTRAINED {
            LEFT.set(before);
        }
    }
}
