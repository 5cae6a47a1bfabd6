//! Children that were dropped before they were reaped: one thread of the process reaps them.
//!
//! Owns: the process's list of them, and who starts the keeper.
//! Not here: the protocol (`hall`), what the keeper does (`keeper`). `docs/design/process.md` has the whole of it.

mod bell;
mod hall;
mod keeper;

use super::child::look;
use crate::engine::atomics::Static;
use hall::{Call, Hall};
use std::os::fd::OwnedFd;
use std::process::{Child, id};
use std::thread;

static HALL: Static<Hall<Orphan>> = Static::new(|| Hall::new(id()));

/// Small: the keeper calls little, and nothing of users'.
const KEEPERS_STACK: usize = 128 * 1024;

struct Orphan {
    child: Child,
    pidfd: Option<OwnedFd>,
    /// It is looked at now and then: there is no waiting for it.
    now_and_then: bool,
}

impl Orphan {
    /// Could it be over? Otherwise its pidfd will say so.
    fn may_be_over(&self) -> bool {
        self.now_and_then || self.pidfd.is_none()
    }

    /// Reaped, or out of reach?
    fn is_over(&mut self) -> bool {
        // An error is for good: somebody else has reaped it.
        !matches!(look(&mut self.child), Ok(None))
    }
}

/// Reaps it, now or when it ends.
pub(super) fn leave(child: Child, pidfd: Option<OwnedFd>) {
    let mut orphan = Orphan { child, pidfd, now_and_then: false };
    if !orphan.is_over() {
        answer(HALL.get().leave(orphan, id()));
    }
}

/// Starts the keeper whose start was refused before.
pub(super) fn call_again() {
    answer(HALL.get().call_again(id()));
}

fn answer(call: Call) {
    match call {
        Call::Nobody => {}
        Call::Ring(bell) => bell.wake(),
        Call::Start => {
            let keeper = thread::Builder::new().name("runtime-orphans".into()).stack_size(KEEPERS_STACK);
            if keeper.spawn(keeper::keep).is_err() {
                HALL.get().refused();
            }
        }
    }
}
