//! `CapacityLimiter`: a number of tokens that can change, each lent to a borrower with a name.
//!
//! Owns: [`CapacityLimiter`], its tokens and errors.
//! Not here: permits without owners, which are faster (`semaphore`); who a borrower is (`borrower`).
//!
//! Everything lies behind one lock: how many tokens there are, who has one, who waits. A limiter guards what is slow
//! (threads, connections), so a lock per call is not what it costs.
//!
//! The danger: a borrower that borrows twice. With one token left it would wait for itself, so it gets an error. The
//! other: a token given to a waiter that is dropped before it runs; its drop gives it to the next (museum LW13).

mod borrower;
mod ledger;
#[cfg(all(test, loom))]
mod model;
mod token;

pub use self::borrower::Borrower;
pub use self::token::{CapacityToken, OwnedCapacityToken};

use self::ledger::{Entry, Ledger};
use super::blocking;
use super::waiters::{Key, check_or_wait};
use super::wake::WakeBatch;
use crate::engine::atomics::Mutex;
use crate::engine::budget;
use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::{RefUnwindSafe, UnwindSafe};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

/// Lends a limited number of tokens, one to each borrower, first come, first served.
///
/// Unlike a [`Semaphore`](super::Semaphore) it knows who has borrowed, refuses to lend twice to the same
/// [`Borrower`] (which could wait for itself), and its size can change while it is in use. A borrower is the current
/// task, or the thread where there is none; [`acquire_on_behalf_of`](Self::acquire_on_behalf_of) takes any.
///
/// # Examples
///
/// ```
/// use runtime::sync::{Borrower, CapacityLimiter};
///
/// # #[runtime::main(flavor = "current_thread")]
/// # async fn main() {
/// let limiter = CapacityLimiter::new(1);
/// let mine = limiter.acquire().await.unwrap();
/// assert!(limiter.acquire().await.is_err(), "nobody borrows twice");
///
/// let other = Borrower::new();
/// assert!(limiter.try_acquire_on_behalf_of(other).is_err());
/// limiter.set_total_tokens(2);
/// let theirs = limiter.try_acquire_on_behalf_of(other).unwrap();
/// assert_eq!(limiter.statistics().borrowers, [mine.borrower(), theirs.borrower()]);
/// # }
/// ```
pub struct CapacityLimiter {
    ledger: Mutex<Ledger>,
}

// Consistent whenever its lock is free: no foreign code runs inside.
impl UnwindSafe for CapacityLimiter {}
impl RefUnwindSafe for CapacityLimiter {}

/// The borrower has a token of this limiter already, or waits for one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlreadyBorrowed {
    borrower: Borrower,
}

impl AlreadyBorrowed {
    /// Who it is.
    pub fn borrower(&self) -> Borrower {
        self.borrower
    }
}

impl fmt::Display for AlreadyBorrowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} has a token of this limiter already, or waits for one, and could wait for itself; keep the token, or \
             borrow for another `Borrower`",
            self.borrower
        )
    }
}

impl Error for AlreadyBorrowed {}

/// Why [`CapacityLimiter::try_acquire`] lent nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TryBorrowError {
    /// No token is free, or others wait for one.
    NoTokens,
    /// The borrower has a token already, or waits for one.
    AlreadyBorrowed(AlreadyBorrowed),
}

impl fmt::Display for TryBorrowError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            TryBorrowError::NoTokens => f.write_str("no token is free, or others wait for one"),
            TryBorrowError::AlreadyBorrowed(why) => fmt::Display::fmt(why, f),
        }
    }
}

impl Error for TryBorrowError {}

/// A limiter at one moment. From [`CapacityLimiter::statistics`].
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct CapacityLimiterStatistics {
    /// How many tokens there are.
    pub total_tokens: usize,
    /// How many are lent; more than there are, if the number was reduced since.
    pub borrowed_tokens: usize,
    /// Who has them, the longest first.
    pub borrowers: Vec<Borrower>,
    /// How many wait.
    pub waiting: usize,
}

impl CapacityLimiter {
    /// A limiter with so many tokens. With none, everybody waits until [`set_total_tokens`](Self::set_total_tokens)
    /// gives it some.
    pub fn new(total_tokens: usize) -> CapacityLimiter {
        CapacityLimiter { ledger: Mutex::new(Ledger::new(total_tokens)) }
    }

    /// How many tokens there are, lent or not.
    pub fn total_tokens(&self) -> usize {
        self.ledger.lock().total
    }

    /// Changes the number of tokens. With more, those who wait get them at once; with fewer, those lent stay valid, and
    /// none is lent again until enough have come back.
    pub fn set_total_tokens(&self, total_tokens: usize) {
        let mut batch = WakeBatch::new();
        let mut ledger = self.ledger.lock();
        ledger.total = total_tokens;
        ledger.lend(&mut batch);
        drop(ledger);
        batch.wake_all();
    }

    /// How many tokens are lent.
    pub fn borrowed_tokens(&self) -> usize {
        self.ledger.lock().borrowed()
    }

    /// How many could be lent now.
    pub fn available_tokens(&self) -> usize {
        let ledger = self.ledger.lock();
        ledger.total.saturating_sub(ledger.borrowed())
    }

    /// All of it at one moment. Walks the borrowers and the queue, which stand still meanwhile: for logs and tests.
    pub fn statistics(&self) -> CapacityLimiterStatistics {
        let ledger = self.ledger.lock();
        CapacityLimiterStatistics {
            total_tokens: ledger.total,
            borrowed_tokens: ledger.borrowed(),
            borrowers: ledger.borrowers(),
            waiting: ledger.waiting(),
        }
    }

    /// Borrows a token for the current task or thread, waiting for one if need be.
    ///
    /// # Errors
    /// If it has one already, or waits for one.
    ///
    /// # Cancel safety
    /// Dropping it borrows nothing and loses the place in the queue.
    pub async fn acquire(&self) -> Result<CapacityToken<'_>, AlreadyBorrowed> {
        // Who borrows is who awaits, not who calls.
        self.acquire_on_behalf_of(Borrower::current()).await
    }

    /// Borrows a token for `borrower`, waiting for one if need be.
    ///
    /// # Errors
    /// If it has one already, or waits for one.
    ///
    /// # Cancel safety
    /// Dropping it borrows nothing and loses the place in the queue.
    pub async fn acquire_on_behalf_of(&self, borrower: Borrower) -> Result<CapacityToken<'_>, AlreadyBorrowed> {
        Borrow { limiter: self, borrower, stage: Stage::Fresh }.await?;
        Ok(CapacityToken::new(self, borrower))
    }

    /// Like [`acquire`](Self::acquire), with a token that owns its part in the limiter.
    ///
    /// # Errors
    /// If the current task or thread has a token already, or waits for one.
    ///
    /// # Cancel safety
    /// Dropping it borrows nothing and loses the place in the queue.
    pub async fn acquire_owned(self: Arc<Self>) -> Result<OwnedCapacityToken, AlreadyBorrowed> {
        self.acquire_owned_on_behalf_of(Borrower::current()).await
    }

    /// Like [`acquire_on_behalf_of`](Self::acquire_on_behalf_of), with a token that owns its part in the limiter.
    ///
    /// # Errors
    /// If `borrower` has a token already, or waits for one.
    ///
    /// # Cancel safety
    /// Dropping it borrows nothing and loses the place in the queue.
    pub async fn acquire_owned_on_behalf_of(
        self: Arc<Self>,
        borrower: Borrower,
    ) -> Result<OwnedCapacityToken, AlreadyBorrowed> {
        Borrow { limiter: &self, borrower, stage: Stage::Fresh }.await?;
        Ok(OwnedCapacityToken::new(self, borrower))
    }

    /// Borrows a token for the current task or thread if one is free.
    ///
    /// # Errors
    /// [`TryBorrowError`] says why there is none.
    pub fn try_acquire(&self) -> Result<CapacityToken<'_>, TryBorrowError> {
        self.try_acquire_on_behalf_of(Borrower::current())
    }

    /// Borrows a token for `borrower` if one is free.
    ///
    /// # Errors
    /// [`TryBorrowError`] says why there is none.
    pub fn try_acquire_on_behalf_of(&self, borrower: Borrower) -> Result<CapacityToken<'_>, TryBorrowError> {
        let entry = self.ledger.lock().enter(borrower, &mut None);
        match entry {
            Entry::Lent => Ok(CapacityToken::new(self, borrower)),
            Entry::Full => Err(TryBorrowError::NoTokens),
            Entry::Known => Err(TryBorrowError::AlreadyBorrowed(AlreadyBorrowed { borrower })),
            Entry::Waits(_) => unreachable!("BUG: queued without a waker"),
        }
    }

    /// Like [`acquire`](Self::acquire), blocking the thread, which is the borrower.
    ///
    /// # Errors
    /// If it has a token already, or waits for one.
    ///
    /// # Panics
    /// If called from a task.
    #[track_caller]
    pub fn blocking_acquire(&self) -> Result<CapacityToken<'_>, AlreadyBorrowed> {
        blocking::assert_may_block("CapacityLimiter::blocking_acquire");
        blocking::wait(self.acquire())
    }

    /// A token comes back.
    fn give_back(&self, borrower: Borrower) {
        let mut batch = WakeBatch::new();
        let mut ledger = self.ledger.lock();
        ledger.strike(borrower);
        ledger.lend(&mut batch);
        drop(ledger);
        batch.wake_all();
    }

    /// Somebody stops waiting, with or without a token.
    fn leave(&self, key: Key, borrower: Borrower) {
        let mut batch = WakeBatch::new();
        let mut ledger = self.ledger.lock();
        let (lent, old) = ledger.remove(key);
        if lent {
            ledger.strike(borrower);
            ledger.lend(&mut batch);
        }
        drop(ledger);
        batch.wake_all();
        drop(old);
    }
}

impl fmt::Debug for CapacityLimiter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CapacityLimiter")
            .field("total_tokens", &self.total_tokens())
            .field("borrowed_tokens", &self.borrowed_tokens())
            .finish_non_exhaustive()
    }
}

enum Stage {
    Fresh,
    Queued(Key),
    /// The token is ours, but the budget was used up when we got it.
    Lent,
    Done,
}

/// Waits for a token.
struct Borrow<'a> {
    limiter: &'a CapacityLimiter,
    borrower: Borrower,
    stage: Stage,
}

impl Borrow<'_> {
    /// Gets a token, or a place in the queue. `Err`: this borrower is known already.
    fn enter(&mut self, cx: &mut Context<'_>) -> Result<(), AlreadyBorrowed> {
        let mut waker = Some(cx.waker().clone());
        let entry = self.limiter.ledger.lock().enter(self.borrower, &mut waker);
        self.stage = match entry {
            Entry::Lent => Stage::Lent,
            Entry::Waits(key) => Stage::Queued(key),
            Entry::Known => return Err(AlreadyBorrowed { borrower: self.borrower }),
            Entry::Full => unreachable!("BUG: not queued in spite of its waker"),
        };
        Ok(())
    }
}

impl Future for Borrow<'_> {
    type Output = Result<(), AlreadyBorrowed>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // The place in the queue is taken even when the budget is used up (museum Y2).
        let unit = budget::poll_proceed(cx);
        if let Stage::Fresh = self.stage {
            if let Err(error) = self.enter(cx) {
                self.stage = Stage::Done;
                return Poll::Ready(Err(error));
            }
        } else if let Stage::Queued(key) = self.stage {
            let lent = check_or_wait(&self.limiter.ledger, Ledger::list, key, cx, |ledger, key| {
                // A served node has no waker, so nothing foreign is dropped here.
                ledger.is_served(key).then(|| drop(ledger.remove(key)))
            });
            if lent.is_some() {
                self.stage = Stage::Lent;
            }
        }
        let (Poll::Ready(unit), Stage::Lent) = (unit, &self.stage) else { return Poll::Pending };
        unit.made_progress();
        self.stage = Stage::Done;
        Poll::Ready(Ok(()))
    }
}

impl Drop for Borrow<'_> {
    fn drop(&mut self) {
        match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Queued(key) => self.limiter.leave(key, self.borrower),
            Stage::Lent => self.limiter.give_back(self.borrower),
            Stage::Fresh | Stage::Done => {}
        }
    }
}
