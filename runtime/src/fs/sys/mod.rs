//! What differs between systems.

#[cfg(target_vendor = "apple")]
mod apple;
#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::{may_ask, read_cached, read_cached_at};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use other::{may_ask, read_cached, read_cached_at};

/// What became of a read that must not wait.
// Where no read can promise that, all are refused.
#[cfg_attr(not(any(target_os = "linux", target_os = "android")), allow(dead_code))]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cached {
    /// So many bytes were there; none at the end of the file.
    Read(usize),
    /// Ask somebody who may wait.
    Missed,
    /// The same, and for this file always.
    Refused,
}
