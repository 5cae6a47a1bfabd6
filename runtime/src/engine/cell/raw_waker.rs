//! Wakers of tasks: a counted pointer to the header.

use super::header::{Header, release};
use std::mem::ManuallyDrop;
use std::ops::Deref;
use std::ptr::NonNull;
use std::task::{RawWaker, RawWakerVTable, Waker};

static TABLE: RawWakerVTable = RawWakerVTable::new(clone, wake, wake_by_ref, drop_waker);

/// A waker that lives no longer than a poll and therefore needs no reference of its own.
pub(super) struct BorrowedWaker<'a> {
    waker: ManuallyDrop<Waker>,
    _task: std::marker::PhantomData<&'a Header>,
}

impl Deref for BorrowedWaker<'_> {
    type Target = Waker;

    fn deref(&self) -> &Waker {
        &self.waker
    }
}

pub(super) fn borrowed(header: &Header) -> BorrowedWaker<'_> {
    let data = std::ptr::from_ref(header).cast::<()>();
    // SAFETY: the table fits the data; `ManuallyDrop` keeps it from giving up a reference that it does not have, and
    // the lifetime from outliving the poller's.
    let waker = unsafe { Waker::new(data, &TABLE) };
    BorrowedWaker { waker: ManuallyDrop::new(waker), _task: std::marker::PhantomData }
}

fn header_of(data: *const ()) -> NonNull<Header> {
    NonNull::new(data.cast_mut().cast()).expect("BUG: a task's waker without its task")
}

unsafe fn clone(data: *const ()) -> RawWaker {
    // SAFETY: the waker that is cloned has a reference (or borrows the poller's).
    unsafe { header_of(data).as_ref() }.word.add_ref();
    RawWaker::new(data, &TABLE)
}

unsafe fn wake(data: *const ()) {
    let header = header_of(data);
    Header::wake(header);
    // SAFETY: `wake` consumes the waker's reference.
    unsafe { release(header) };
}

unsafe fn wake_by_ref(data: *const ()) {
    Header::wake(header_of(data));
}

unsafe fn drop_waker(data: *const ()) {
    // SAFETY: the waker's reference goes with it.
    unsafe { release(header_of(data)) };
}
