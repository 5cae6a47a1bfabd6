//! Who has a token and who waits for one: what lies behind the limiter's lock.
//!
//! Invariant: somebody is queued only while no token is free. [`Ledger::lend`] brings it back after each change.

use super::Borrower;
use crate::sync::waiters::{Key, WaitList};
use crate::sync::wake::WakeBatch;
use std::collections::HashMap;
use std::task::Waker;

/// What a borrower does at a limiter: it has a token, since the borrowing of this number, or it waits.
#[derive(Debug)]
enum Standing {
    Has { since: u64 },
    Waits,
}

/// The outcome of [`Ledger::enter`].
pub(super) enum Entry {
    Lent,
    Waits(Key),
    /// No token is free, and the caller did not want to wait.
    Full,
    /// It has a token or waits for one already.
    Known,
}

#[derive(Debug)]
pub(super) struct Ledger {
    pub(super) total: usize,
    borrowed: usize,
    /// Number of the last borrowing.
    last: u64,
    known: HashMap<Borrower, Standing>,
    list: WaitList<Borrower>,
}

impl Ledger {
    pub(super) fn new(total: usize) -> Self {
        Ledger { total, borrowed: 0, last: 0, known: HashMap::new(), list: WaitList::new() }
    }

    pub(super) fn borrowed(&self) -> usize {
        self.borrowed
    }

    /// Who has a token, the longest first.
    pub(super) fn borrowers(&self) -> Vec<Borrower> {
        let mut borrowers: Vec<_> = (self.known.iter())
            .filter_map(|(borrower, standing)| match standing {
                Standing::Has { since } => Some((*since, *borrower)),
                Standing::Waits => None,
            })
            .collect();
        borrowers.sort_unstable_by_key(|(since, _)| *since);
        borrowers.into_iter().map(|(_, borrower)| borrower).collect()
    }

    pub(super) fn waiting(&self) -> usize {
        self.list.queued()
    }

    pub(super) fn list(&mut self) -> &mut WaitList<Borrower> {
        &mut self.list
    }

    fn note_loan(&mut self, borrower: Borrower) {
        self.borrowed += 1;
        self.last += 1;
        self.known.insert(borrower, Standing::Has { since: self.last });
    }

    /// Lends a token if one is free; otherwise queues whoever has brought a waker, and takes it. One that is not needed
    /// stays with the caller, who drops it after unlocking.
    pub(super) fn enter(&mut self, borrower: Borrower, waker: &mut Option<Waker>) -> Entry {
        if self.known.contains_key(&borrower) {
            return Entry::Known;
        }
        if self.borrowed < self.total {
            self.note_loan(borrower);
            return Entry::Lent;
        }
        if waker.is_none() {
            return Entry::Full;
        }
        self.known.insert(borrower, Standing::Waits);
        Entry::Waits(self.list.push_back(waker.take(), borrower))
    }

    /// Lends free tokens to those who wait, in order.
    pub(super) fn lend(&mut self, batch: &mut WakeBatch) {
        while self.borrowed < self.total {
            let Some(borrower) = self.list.first_payload().copied() else { break };
            self.note_loan(borrower);
            if let Some(waker) = self.list.fire_first() {
                batch.push(waker);
            }
        }
    }

    /// `borrower` has no token any more.
    pub(super) fn strike(&mut self, borrower: Borrower) {
        self.known.remove(&borrower);
        self.borrowed -= 1;
        if self.known.capacity() > 64 && self.known.len() < self.known.capacity() / 8 {
            self.known.shrink_to(self.known.len() * 2);
        }
    }

    pub(super) fn is_served(&mut self, key: Key) -> bool {
        !self.list.is_queued(key)
    }

    /// A waiter stops waiting. `true`: it has been lent a token.
    pub(super) fn remove(&mut self, key: Key) -> (bool, Option<Waker>) {
        let lent = self.is_served(key);
        let (borrower, waker) = self.list.remove(key);
        if !lent {
            self.known.remove(&borrower);
        }
        (lent, waker)
    }
}
