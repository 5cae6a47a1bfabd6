//! What differs between systems.
//!
//! `Direct` is the way to wait without `Poller::wait`, where there is one; `Direct::new` answers `None` elsewhere, and
//! `kernel` goes through `polling`.

#[cfg(any(target_os = "linux", target_os = "android"))]
#[path = "epoll.rs"]
mod direct;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
#[path = "none.rs"]
mod direct;
#[cfg(any(target_os = "linux", target_os = "android"))]
#[allow(unsafe_code)] // numbers in a union that could hold pointers
mod raw_events;

pub(crate) use direct::{Direct, DirectBatch};

use crate::ready::Ready;

/// What `polling` tells. It folds hang-ups into both directions and cannot tell a socket that is not connected yet from
/// one whose peer has left, so the closed flags, which nothing takes back, are not derived from it.
pub(crate) fn portable_ready(event: &polling::Event) -> Ready {
    let mut ready = Ready::EMPTY;
    if event.readable {
        ready |= Ready::READABLE;
    }
    if event.writable {
        ready |= Ready::WRITABLE;
    }
    if event.is_priority() {
        ready |= Ready::PRIORITY;
    }
    if event.is_err() == Some(true) {
        ready |= Ready::ERROR | Ready::READABLE | Ready::WRITABLE;
    }
    ready
}
