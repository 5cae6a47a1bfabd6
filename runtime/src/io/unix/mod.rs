//! Waiting for descriptors that this crate has no type for.

mod async_fd;
mod guards;
// Borrows a number as a descriptor.
#[allow(unsafe_code)]
mod raw;

#[doc(hidden)]
#[expect(deprecated, reason = "the old name of the error, for programs that use it")]
pub use async_fd::AsyncFdTryNewError;
pub use async_fd::{AsyncFd, AsyncFdRegisterError, TryIoError};
pub use guards::{AsyncFdReadyGuard, AsyncFdReadyMutGuard};
