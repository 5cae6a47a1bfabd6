//! Where orphans wait for their keeper, and how none is forgotten.
//!
//! Owns: the list of those whom the keeper has not seen, and whether there is a keeper.
//! Not here: the thread, its bell, and what it keeps.
//!
//! ```text
//! leave:    lock, add the orphan, unlock  -  nobody keeps: start a keeper;  one is there: ring its bell
//! keeper:   attend (hang the bell up)
//!           loop:  empty the bell  -  collect: lock, take them; none, and it has none: nobody keeps, unlock
//! ```
//!
//! One lock decides both whether an orphan is seen and whether the keeper goes.

use crate::engine::atomics::Mutex;
use std::mem;
use std::task::Waker;

#[cfg(all(test, loom))]
mod model;

pub(super) struct Hall<O> {
    state: Mutex<State<O>>,
}

struct State<O> {
    waiting: Vec<O>,
    keeper: Keeper,
    /// The process whose orphans these are: a forked one has a copy of its parent's.
    of: u32,
}

enum Keeper {
    Nobody,
    /// Somebody is being started, and looks at the list when he is there.
    Coming,
    Here(Waker),
}

/// What whoever leaves an orphan does next.
#[must_use]
pub(super) enum Call {
    /// Somebody is coming, or there is nothing to do.
    Nobody,
    /// Wakes the keeper.
    Ring(Waker),
    /// Starts one, or says that he was [refused](Hall::refused).
    Start,
}

impl<O> Hall<O> {
    pub(super) fn new(process: u32) -> Self {
        Hall { state: Mutex::new(State { waiting: Vec::new(), keeper: Keeper::Nobody, of: process }) }
    }

    pub(super) fn leave(&self, orphan: O, process: u32) -> Call {
        let mut state = self.state.lock();
        let parents = state.begin_anew_in(process);
        state.waiting.push(orphan);
        let call = state.call();
        drop(state);
        drop(parents);
        call
    }

    /// Is somebody to be started who was refused before?
    pub(super) fn call_again(&self, process: u32) -> Call {
        let mut state = self.state.lock();
        match state.keeper {
            Keeper::Nobody if state.of == process && !state.waiting.is_empty() => state.call(),
            _ => Call::Nobody,
        }
    }

    /// The keeper could not be started.
    pub(super) fn refused(&self) {
        self.state.lock().keeper = Keeper::Nobody;
    }

    /// The keeper is here, with this bell.
    pub(super) fn attend(&self, bell: Waker) {
        self.state.lock().keeper = Keeper::Here(bell);
    }

    /// Adds those who wait to the keeper's own. `false`: there are none at all, and he goes.
    pub(super) fn collect(&self, kept: &mut Vec<O>) -> bool {
        let mut state = self.state.lock();
        kept.append(&mut state.waiting);
        if !kept.is_empty() {
            return true;
        }
        let bell = mem::replace(&mut state.keeper, Keeper::Nobody);
        drop(state);
        drop(bell);
        false
    }
}

impl<O> State<O> {
    fn call(&mut self) -> Call {
        match &self.keeper {
            Keeper::Here(bell) => Call::Ring(bell.clone()),
            Keeper::Coming => Call::Nobody,
            Keeper::Nobody => {
                self.keeper = Keeper::Coming;
                Call::Start
            }
        }
    }

    /// In another process than before: nobody is here, and the orphans are not its own.
    fn begin_anew_in(&mut self, process: u32) -> Option<State<O>> {
        let new = || State { waiting: Vec::new(), keeper: Keeper::Nobody, of: process };
        (self.of != process).then(|| mem::replace(self, new()))
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::*;

    #[test]
    fn a_forked_process_begins_anew() {
        let hall = Hall::new(1);
        assert!(matches!(hall.leave("parent's", 1), Call::Start));
        hall.attend(Waker::noop().clone());
        assert!(matches!(hall.leave("parent's", 1), Call::Ring(_)));
        assert!(matches!(hall.call_again(2), Call::Nobody));
        assert!(matches!(hall.leave("child's", 2), Call::Start));
        let mut kept = Vec::new();
        assert!(hall.collect(&mut kept));
        assert_eq!(kept, ["child's"]);
    }

    #[test]
    fn a_refused_keeper_is_called_again() {
        let hall = Hall::new(1);
        assert!(matches!(hall.call_again(1), Call::Nobody), "there is nobody to keep");
        assert!(matches!(hall.leave((), 1), Call::Start));
        assert!(matches!(hall.call_again(1), Call::Nobody), "somebody is coming");
        hall.refused();
        assert!(matches!(hall.call_again(1), Call::Start));
        hall.refused();
        assert!(matches!(hall.leave((), 1), Call::Start));
        let mut kept = Vec::new();
        assert!(hall.collect(&mut kept) && kept.len() == 2);
    }
}
