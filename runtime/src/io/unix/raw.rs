//! An object that knows its descriptor's number, as one that lends its descriptor.
//!
//! `AsyncFd` takes any `T: AsRawFd`, and `AsRawFd` is a safe trait: nothing but the contract of `AsyncFd::register`
//! says that the number belongs to an open descriptor. So whoever makes a [`Raw`] vouches for it.

use super::{AsyncFd, AsyncFdRegisterError};
use crate::io::Interest;
use std::fmt;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, RawFd};

pub(super) struct Raw<T> {
    object: T,
    /// What the object said when it was registered. Later it may say something else, or fail.
    fd: RawFd,
}

impl<T: AsRawFd> Raw<T> {
    /// # Safety
    /// `object.as_raw_fd()` is open, and is the same open descriptor each time, as long as the `Raw` exists.
    ///
    /// # Errors
    /// Gives the object back if it says that it has no descriptor.
    pub(super) unsafe fn new(object: T) -> Result<Self, T> {
        match object.as_raw_fd() {
            fd if fd < 0 => Err(object),
            fd => Ok(Raw { object, fd }),
        }
    }

    /// Does the object say so still? If not, the number may be another descriptor's by now.
    pub(super) fn has_its_descriptor(&self) -> bool {
        self.object.as_raw_fd() == self.fd
    }
}

impl<T> Raw<T> {
    pub(super) fn get(&self) -> &T {
        &self.object
    }

    pub(super) fn get_mut(&mut self) -> &mut T {
        &mut self.object
    }

    pub(super) fn into_inner(self) -> T {
        self.object
    }
}

impl<T> AsFd for Raw<T> {
    fn as_fd(&self) -> BorrowedFd<'_> {
        // SAFETY: whoever called `Raw::new` vouches that it is open for as long as `self` is borrowed; -1, which
        // `BorrowedFd` cannot hold, was ruled out there.
        unsafe { BorrowedFd::borrow_raw(self.fd) }
    }
}

impl<T: fmt::Debug> fmt::Debug for Raw<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.object.fmt(f)
    }
}

/// What both ways to make one ask of their caller.
macro_rules! register {
    ($(#[$doc:meta])* unsafe $register:ident, $(#[$old_doc:meta])* $old:ident, $old_try:ident, $note:literal
     $(, $interest:ident: $ty:ty)?; $given:expr) => {
        $(#[$doc])*
        ///
        /// # Errors
        /// The system's; `PermissionDenied` for descriptors that are always ready, such as regular files, and "bad file
        /// descriptor" for what is not open. The object comes back in the error.
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
            AsyncFd::over(raw, $given, concat!("AsyncFd::", stringify!($register)))
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
