//! Wakers of tasks: a counted pointer to the header.

use super::header::{Header, Running, TaskRef};
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that lives no longer than a poll and therefore needs no reference of its own.
pub(super) struct BorrowedWaker<'a> {
    waker: ManuallyDrop<Waker>,
    _running: PhantomData<&'a Running>,
}

impl Deref for BorrowedWaker<'_> {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

#[inline]
pub(super) fn borrowed(running: &Running) -> BorrowedWaker<'_> {
    let data = running.pointer().as_ptr().cast_const().cast::<()>();
    // SAFETY: the table fits the data; `ManuallyDrop` keeps it from giving up a reference that it does not have, and
    // the lifetime from outliving the poller's right.
    let waker = unsafe { Waker::new(data, &TABLE) };
    BorrowedWaker { waker: ManuallyDrop::new(waker), _running: PhantomData }
}

fn header_of(data: *const ()) -> NonNull<Header> {
    NonNull::new(data.cast_mut().cast()).expect("BUG: a task's waker without its task")
}

/// # Safety
/// `data` is that of a waker with this file's table, which lives as long as the reference is used.
unsafe fn lent(data: *const ()) -> ManuallyDrop<TaskRef> {
    // SAFETY: the waker has a count, or borrows the poller's right; either keeps the cell.
    unsafe { TaskRef::lent(header_of(data)) }
}

/// # Safety
/// As [`lent`], and the waker is used up: its reference goes to the caller.
unsafe fn owned(data: *const ()) -> TaskRef {
    // SAFETY: by contract; a waker that only borrows is never used up.
    unsafe { TaskRef::from_raw(header_of(data)) }
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: std calls it with the data of a waker that is there.
    let task = unsafe { lent(data) };
    // The new waker has the count.
    mem::forget(TaskRef::clone(&task));
    RawWaker::new(data, &TABLE)
}

unsafe fn wake(data: *const ()) {
    // SAFETY: std calls it with the data of a waker that it has used up.
    unsafe { owned(data) }.wake();
}

unsafe fn wake_by_ref(data: *const ()) {
    // SAFETY: std calls it with the data of a waker that is there.
    unsafe { lent(data) }.wake();
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: std calls it with the data of a waker that it drops.
    drop(unsafe { owned(data) });
}
