//! What a test gives up for good, kept where a leak checker finds it: a leak on purpose is not one of the runtime's.

use std::sync::{Mutex, PoisonError};
use std::task::Waker;

static WAKERS: Mutex<Vec<Waker>> = Mutex::new(Vec::new());
static BYTES: Mutex<Vec<usize>> = Mutex::new(Vec::new());

/// `mem::forget` for a waker: it is never dropped, and its reference never given up.
pub fn forget_waker(waker: Waker) {
    WAKERS.lock().unwrap_or_else(PoisonError::into_inner).push(waker);
}

/// `Box::leak` for bytes.
pub fn leak_bytes<const N: usize>(bytes: [u8; N]) -> &'static mut [u8] {
    let bytes: &'static mut [u8] = Box::leak(Box::new(bytes));
    BYTES.lock().unwrap_or_else(PoisonError::into_inner).push(bytes.as_ptr().addr());
    bytes
}

/// `Box::leak` for anything that is only read.
pub fn leak<T>(value: T) -> &'static T {
    let value: &'static T = Box::leak(Box::new(value));
    BYTES.lock().unwrap_or_else(PoisonError::into_inner).push(std::ptr::from_ref(value).addr());
    value
}
