//! The [`runtime`] crate under tokio's name, for `[patch.crates-io]`.
//!
//! Owns: the attributes, which must lead to `::tokio`.   Not here: anything else.
//!
//! Types are the same under both names: a `runtime::net::TcpStream` is a `tokio::net::TcpStream`.

// The path is absolute, since the crate has a module of its own name.
pub use ::runtime::*;

// In front of those of the glob, which lead to `::runtime`: that is a name which users of this package need not know.
pub use runtime_macros::{tokio_main as main, tokio_test as test};
