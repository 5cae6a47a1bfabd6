//! What a borrower holds; dropping it gives the token back.

use super::{Borrower, CapacityLimiter};
use std::sync::Arc;

/// A token of a borrowed [`CapacityLimiter`]; dropping it gives it back.
#[must_use = "dropped at once, it is given back at once"]
#[derive(Debug)]
pub struct CapacityToken<'a> {
    limiter: &'a CapacityLimiter,
    borrower: Borrower,
}

/// A token with a part in its [`CapacityLimiter`]; dropping it gives it back.
#[must_use = "dropped at once, it is given back at once"]
#[derive(Debug)]
pub struct OwnedCapacityToken {
    limiter: Arc<CapacityLimiter>,
    borrower: Borrower,
}

impl<'a> CapacityToken<'a> {
    pub(super) fn new(limiter: &'a CapacityLimiter, borrower: Borrower) -> Self {
        CapacityToken { limiter, borrower }
    }

    /// Who has borrowed it.
    pub fn borrower(&self) -> Borrower {
        self.borrower
    }

    /// The limiter it is of.
    pub fn limiter(&self) -> &'a CapacityLimiter {
        self.limiter
    }
}

impl OwnedCapacityToken {
    pub(super) fn new(limiter: Arc<CapacityLimiter>, borrower: Borrower) -> Self {
        OwnedCapacityToken { limiter, borrower }
    }

    /// Who has borrowed it.
    pub fn borrower(&self) -> Borrower {
        self.borrower
    }

    /// The limiter it is of.
    pub fn limiter(&self) -> &Arc<CapacityLimiter> {
        &self.limiter
    }
}

impl Drop for CapacityToken<'_> {
    fn drop(&mut self) {
        self.limiter.give_back(self.borrower);
    }
}

impl Drop for OwnedCapacityToken {
    fn drop(&mut self) {
        self.limiter.give_back(self.borrower);
    }
}
