//! The signals that ask a program to end, counted: the first one politely, the second one for good.
//!
//! Owns: what has come since somebody waits for the end.
//! Not here: handlers (`catch`), waiting (`signal::shutdown`).

use std::sync::atomic::{AtomicI32, Ordering};

/// Nobody has asked to be told; or somebody has, and none has come; or the number of the first one.
static FIRST: AtomicI32 = AtomicI32::new(UNASKED);
const UNASKED: i32 = 0;
const ASKED: i32 = -1;

pub(super) const KINDS: [i32; 2] = [libc::SIGTERM, libc::SIGINT];

/// From now on the first one is told, and the second one ends the process.
pub(super) fn ask() {
    let _ = FIRST.compare_exchange(UNASKED, ASKED, Ordering::SeqCst, Ordering::SeqCst);
}

/// The first one, if it has come.
pub(super) fn first() -> Option<i32> {
    Some(FIRST.load(Ordering::SeqCst)).filter(|first| *first > 0)
}

/// In the handler.
pub(super) fn count(number: i32) {
    if !KINDS.contains(&number) {
        return;
    }
    if FIRST.compare_exchange(ASKED, number, Ordering::SeqCst, Ordering::SeqCst).is_err() && first().is_some() {
        end(number);
    }
}

/// As if nobody handled the signal. It is blocked inside of its handler, so it comes when that returns.
fn end(number: i32) {
    // SAFETY: it is async-signal-safe, and takes numbers.
    unsafe { libc::signal(number, libc::SIG_DFL) };
    // SAFETY: the same.
    unsafe { libc::raise(number) };
}
