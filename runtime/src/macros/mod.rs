//! `select!`, `join!`, `try_join!`, `pin!`.
//!
//! Owns: the `macro_rules!` and what they expand to calls of (`support`).
//! Not here: the attributes `main` and `test` (`attributes`, package `runtime-macros`), `task_local!` (`task`).
//!
//! The danger: names. An expansion stands among its user's names, under whatever name the user gave this crate. So
//! every path starts at `$crate`, every local variable is invisible to the user's tokens, and the few items that must
//! be declared in place have names that nobody writes.
//!
//! Nothing here is unsafe: futures are pinned with `std::pin::pin!`, one local variable each. They are pinned in
//! reverse, so that they are dropped in the order in which they were written.
//!
//! Rejected: a function-like proc macro for `select!`. Its messages could point at single tokens, but it makes every
//! use wait for a parser, hides the branches from editors, and has no `$crate`.

mod join;
mod pin;
mod select;
pub mod support;
mod try_join;
