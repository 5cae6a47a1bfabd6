//! Models of `CapacityLimiter`.

use super::{Borrower, CapacityLimiter};
use crate::sync::model::kit::{block_on, check, poll_once};
use loom::sync::Arc;
use loom::thread;

// Planted fault: in `CapacityLimiter::leave`, lend nothing on: deadlock (museum LW13).
#[test]
fn museum_lw13_model_limiter_cancel_against_give_back() {
    check(|| {
        let limiter = Arc::new(CapacityLimiter::new(1));
        let token = limiter.try_acquire_on_behalf_of(Borrower::new()).unwrap();
        let other = Arc::clone(&limiter);
        let canceller = thread::spawn(move || {
            let mut waiting = Box::pin(other.acquire_on_behalf_of(Borrower::new()));
            let _ = poll_once(waiting.as_mut());
        });
        let other = Arc::clone(&limiter);
        let waiter = thread::spawn(move || drop(block_on(other.acquire_on_behalf_of(Borrower::new())).unwrap()));
        drop(token);
        canceller.join().unwrap();
        waiter.join().unwrap();
        assert_eq!((limiter.borrowed_tokens(), limiter.statistics().borrowers.len()), (0, 0));
    });
}

// Planted fault: in `set_total_tokens`, lend nothing: deadlock.
#[test]
fn model_limiter_grows_while_somebody_waits() {
    check(|| {
        let limiter = Arc::new(CapacityLimiter::new(0));
        let other = Arc::clone(&limiter);
        let grower = thread::spawn(move || other.set_total_tokens(1));
        drop(block_on(limiter.acquire_on_behalf_of(Borrower::new())).unwrap());
        grower.join().unwrap();
        assert_eq!(limiter.borrowed_tokens(), 0);
    });
}
