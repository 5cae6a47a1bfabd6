//! Who needs a runtime, and the panic where there is none.
//!
//! Owns: the one text of that panic; the name of a public function and the line that has called it.
//!
//! A function that is no future blames its caller's line: [`no_runtime_here`]. A future panics where it is polled, deep
//! inside of some executor, which tells nobody what to change. So it is made by a function that is no `async fn`, and
//! keeps who has called that: [`Caller`].

use crate::engine::entered::with_engine;
use std::fmt;
use std::panic::Location;

/// Programs and tests written for tokio look for its words.
const TOKIO_SAYS: &str = "there is no reactor running, must be called from the context of a Tokio 1.x runtime";

/// We know of no other runtime, so this is said to everybody.
const ANOTHER_RUNTIME: &str = "If this is inside of a task, it is one of another runtime: tokio's own, or a second copy of this \
     crate. `cargo tree -i tokio` shows who brings it. `Handle::spawn` puts a task on the right one; README, \"Two runtimes in \
     one program\", has the line of `[patch.crates-io]` that leaves one.";

#[derive(Clone, Copy, Debug)]
pub(crate) struct Caller {
    what: &'static str,
    asked_at: &'static Location<'static>,
}

/// Is this thread inside of a runtime?
#[inline]
pub(crate) fn is_entered() -> bool {
    with_engine(|engine| engine.is_some())
}

impl Caller {
    /// The caller of the public function `what`, which is our caller.
    #[inline]
    #[track_caller]
    pub(crate) fn of(what: &'static str) -> Caller {
        Caller { what, asked_at: Location::caller() }
    }

    pub(crate) fn what(self) -> &'static str {
        self.what
    }

    pub(crate) fn asked_at(self) -> &'static Location<'static> {
        self.asked_at
    }

    /// Panics if this thread is inside of no runtime.
    #[inline]
    pub(crate) fn needs_runtime(self) {
        if !is_entered() {
            self.finds_none();
        }
    }

    #[cold]
    pub(crate) fn finds_none(self) -> ! {
        refuse(format_args!("`{}`, called at {}, was polled", self.what, self.asked_at))
    }
}

/// The panic of the public function `what`, or of its future, that needs a runtime and finds none.
#[cold]
#[track_caller]
pub(crate) fn no_runtime_here(what: &str) -> ! {
    refuse(format_args!("`{what}` was called (or polled)"))
}

#[cold]
#[track_caller]
fn refuse(what_happened: fmt::Arguments<'_>) -> ! {
    let thread = std::thread::current();
    panic!(
        "no runtime here: {what_happened} on thread {:?}, which has entered no runtime; tasks, timers, sockets and blocking \
         closures belong to one.\n  Do it inside `Runtime::block_on` or a spawned task, or hold the guard of \
         `Handle::enter` meanwhile.\n  {ANOTHER_RUNTIME}\n  (tokio says: {TOKIO_SAYS}.)",
        thread.name().unwrap_or("unnamed")
    )
}
