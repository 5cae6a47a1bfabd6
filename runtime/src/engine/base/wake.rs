//! Wakers that were collected, to be woken one after the other.
//!
//! Owns: the loop.   Not here: who is woken, and what becomes of a panic: a worker throws it away ([`wake_all`]), a
//! channel or lock hands the first one on (`sync/wake`).
//!
//! The danger is that of `contain`: a waker is foreign code. The caller holds no lock of ours, and a waker that panics
//! must keep nobody behind it from being woken.

use super::contain::discard;
use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::Waker;

/// Wakes each, and gives `panicked` what the panics carried.
pub(crate) fn wake_each(wakers: impl Iterator<Item = Waker>, mut panicked: impl FnMut(Box<dyn Any + Send>)) {
    for waker in wakers {
        // Whoever shares state with what panics sees it as after any other panic of theirs.
        if let Err(payload) = catch_unwind(AssertUnwindSafe(|| waker.wake())) {
            panicked(payload);
        }
    }
}

/// Wakes each, and keeps the memory. The hook has printed the panics.
pub(crate) fn wake_all(woken: &mut Vec<Waker>) {
    wake_each(woken.drain(..), discard);
}
