//! The attribute macros of the `runtime` crate: `#[runtime::main]` and `#[runtime::test]`; and of the package `tokio` beside
//! it, which offers it under that name.
//!
//! Owns: the arguments (`arguments`), the function they stand on and what it becomes (`entry`), and the path under
//! which the caller reaches the runtime (`crate_name`).
//! Not here: `select!`, `join!`, `try_join!`, `pin!`; they are `macro_rules!` in `runtime/src/macros`.
//!
//! The danger: an expansion that spoils its user's error messages. So the body's tokens go through untouched, an
//! early `return` of the declared type tells the compiler what the body is for, and a function that is refused
//! still expands to a function of its name, so that one mistake gives one message.
//!
//! Use these through the `runtime` crate, which documents them with examples.

mod arguments;
mod crate_name;
mod entry;

use crate_name::Package;
use entry::Kind;
use proc_macro::TokenStream;

/// Runs an `async fn` on a runtime of its own: builds the runtime, blocks the calling thread on the body, returns
/// what it returns.
#[proc_macro_attribute]
pub fn main(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Main(Package::Runtime), arguments.into(), function.into()).into()
}

/// Makes an `async fn` a test: like `main`, on a current-thread runtime unless told otherwise, under `#[test]`.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Test(Package::Runtime), arguments.into(), function.into()).into()
}

/// `main` of the package `tokio`.
#[proc_macro_attribute]
pub fn tokio_main(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Main(Package::Tokio), arguments.into(), function.into()).into()
}

/// `test` of the package `tokio`.
#[proc_macro_attribute]
pub fn tokio_test(arguments: TokenStream, function: TokenStream) -> TokenStream {
    entry::expand(Kind::Test(Package::Tokio), arguments.into(), function.into()).into()
}
