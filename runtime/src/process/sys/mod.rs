//! Descriptors of processes, where a system has them.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::{kill, open};
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use other::{kill, open};
