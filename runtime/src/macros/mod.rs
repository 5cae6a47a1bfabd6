//! `select!`, `join!`, `try_join!`, `pin!`.
//!
//! Owns: the `macro_rules!` and what they expand to calls of (`support`, `bundle`).
//! Not here: the attributes `main` and `test` (`attributes`, package `runtime-macros`), `task_local!` (`task`).
//!
//! The danger: names. An expansion stands among its user's names, under whatever name the user gave this crate. So
//! every path starts at `$crate`, every local variable is invisible to the user's tokens, and the few items that must
//! be declared in place have names that nobody writes.
//!
//! Nothing here is unsafe: the futures of a macro are a bundle, a struct of ours that is pinned with `std::pin::pin!`.
//!
//! Rejected: a function-like proc macro for `select!`. Its messages could point at single tokens, but it makes every
//! use wait for a parser, hides the branches from editors, and has no `$crate`.

mod bundle;
mod join;
mod pin;
mod select;
pub mod support;
mod try_join;
