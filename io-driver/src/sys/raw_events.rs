//! The kernel's buffer of events, which may go from thread to thread.

use rustix::event::epoll;

/// `epoll::Event` is not `Send`, since its data may be a pointer.
pub(super) struct RawEvents(pub(super) Vec<epoll::Event>);

// SAFETY: what this crate registers with the kernel are numbers; no event has a pointer in it.
unsafe impl Send for RawEvents {}
