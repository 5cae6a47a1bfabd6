//! Closing with permits out, and the receiver's sleep.
#![cfg(loom)]
