//! `const_fn!`: constructors that are `const` in a build and ordinary functions in a model.
//!
//! loom's locks and atomics register themselves with the execution that runs, so nothing that holds one can be made at
//! compile time. Users' statics can (`Mutex::const_new`), so the constructors must stay `const` outside of models.

/// Declares a `const fn` that is an ordinary function in a model.
#[cfg(not(loom))]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis const fn $($rest)* };
}

/// Declares a `const fn` that is an ordinary function in a model.
#[cfg(loom)]
macro_rules! const_fn {
    ($(#[$meta:meta])* $vis:vis const fn $($rest:tt)*) => { $(#[$meta])* $vis fn $($rest)* };
}

pub(crate) use const_fn;
