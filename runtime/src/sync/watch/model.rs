//! send, changed and close in every order.
#![cfg(loom)]
