//! What differs between systems: one interface, with an error where a system has nothing like it.

#[cfg(any(target_os = "linux", target_os = "android"))]
mod linux;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
mod other;

#[cfg(any(target_os = "linux", target_os = "android"))]
pub(super) use linux::*;
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub(super) use other::*;
