//! An object that knows its descriptor's number, as one that lends its descriptor.
//!
//! `AsyncFd` takes any `T: AsRawFd`, and `AsRawFd` is a safe trait: nothing but the contract of `AsyncFd::register`
//! says that the number belongs to an open descriptor. So whoever makes a [`Raw`] vouches for it.

use super::{AsyncFd, AsyncFdRegisterError};
use crate::io::Interest;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd};

pub(super) struct Raw<T>(T);

impl<T: AsRawFd> Raw<T> {
    /// # Safety
    /// `object.as_raw_fd()` is open, and is the same open descriptor each time, as long as the `Raw` exists.
    pub(super) unsafe fn new(object: T) -> Self {
        Raw(object)
    }
}

impl<T> Raw<T> {
    pub(super) fn get(&self) -> &T {
        &self.0
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.0
    }

    pub(super) fn into_inner(self) -> T {
        self.0
    }
}

impl<T: AsRawFd> AsFd for Raw<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        let fd = self.0.as_raw_fd();
        assert!(fd >= 0, "an `AsyncFd` got an object whose descriptor is {fd}: it is not open");
        // SAFETY: whoever called `Raw::new` vouches that it is open for as long as `self` is borrowed; -1, which
        // `BorrowedFd` cannot hold, was ruled out above.
        unsafe { BorrowedFd::borrow_raw(fd) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What both ways to make one ask of their caller.
macro_rules! register {
    ($(#[$doc:meta])* unsafe $register:ident, $(#[$old_doc:meta])* $old:ident, $old_try:ident, $note:literal
     $(, $interest:ident: $ty:ty)?; $given:expr) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// The system's; `PermissionDenied` for descriptors that are always ready, such as regular files. The object
        /// comes back in the error.
        ///
        /// # Panics
        /// Outside of a runtime.
        ///
        /// # Safety
        /// `inner.as_raw_fd()` must be an open descriptor, and the same one each time, until the `AsyncFd` is dropped
        /// or [`into_inner`](AsyncFd::into_inner) has given the object back. An object that owns its descriptor, such
        /// as [`OwnedFd`](std::os::fd::OwnedFd), does that, as long as nobody exchanges it through `get_mut`.
        #[track_caller]
        pub unsafe fn $register(inner: T $(, $interest: $ty)?) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
            // SAFETY: our caller promises what `Raw::new` asks for.
            let raw = unsafe { Raw::new(inner) };
            AsyncFd::over(raw, $given)
        }

        $(#[$old_doc])*
        ///
        /// # Errors
        /// The system's; the object is dropped.
        ///
        /// # Panics
        /// Outside of a runtime.
        #[deprecated(note = $note)]
        #[track_caller]
        pub fn $old(inner: T $(, $interest: $ty)?) -> io::Result<AsyncFd<T>> {
            // SAFETY: not proven: a safe `AsRawFd` may lie about its descriptor, hence the deprecation. The program
            // that calls this vouches for the object as it does for `register`.
            Ok(unsafe { AsyncFd::$register(inner $(, $interest)?) }?)
        }

        $(#[$old_doc])*
        ///
        /// # Errors
        /// The system's. The object comes back in the error.
        ///
        /// # Panics
        /// Outside of a runtime.
        #[deprecated(note = $note)]
        #[track_caller]
        pub fn $old_try(inner: T $(, $interest: $ty)?) -> Result<AsyncFd<T>, AsyncFdRegisterError<T>> {
            // SAFETY: not proven: a safe `AsRawFd` may lie about its descriptor, hence the deprecation. The program
            // that calls this vouches for the object as it does for `register`.
            unsafe { AsyncFd::$register(inner $(, $interest)?) }
        }
    };
}

impl<T: AsRawFd> AsyncFd<T> {
    register! {
        /// Waits for reads and writes of a descriptor.
        unsafe register,
        /// The old way to make one, in which nothing asks that the descriptor stay open: use
        /// [`register`](AsyncFd::register).
        new, try_new, "nothing keeps the descriptor open; use `AsyncFd::register`";
        Interest::READABLE | Interest::WRITABLE
    }

    register! {
        /// Waits for what `interest` names.
        unsafe register_with_interest,
        /// The old way to make one, in which nothing asks that the descriptor stay open: use
        /// [`register_with_interest`](AsyncFd::register_with_interest).
        with_interest, try_with_interest, "nothing keeps the descriptor open; use `AsyncFd::register_with_interest`",
        interest: Interest;
        interest
    }
}
