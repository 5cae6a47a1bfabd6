//! send, subscribe and close in every order.
#![cfg(loom)]
