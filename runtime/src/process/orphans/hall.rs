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

#[cfg(all(test, loom))]
mod model {
    use super::*;
    use crate::engine::atomics::{AtomicBool, AtomicUsize, Ordering};
    use loom::sync::{Arc, Notify};
    use loom::thread;
    use std::task::Wake;

    fn explore(model: impl Fn() + Sync + Send + 'static) {
        let mut builder = loom::model::Builder::new();
        builder.preemption_bound = Some(3);
        builder.check(model);
    }

    /// Is over at once.
    const SHORT: u8 = 0;
    /// Is over when another one was reaped.
    const LONG: u8 = 1;

    struct World {
        hall: Hall<u8>,
        reaped: AtomicUsize,
        keepers: AtomicUsize,
    }

    /// The keeper's pipe, as far as it matters: is something in it?
    struct Bell {
        rung: AtomicBool,
        wakes: Notify,
    }

    impl Wake for Bell {
        fn wake(self: std::sync::Arc<Self>) {
            self.rung.swap(true, Ordering::SeqCst);
            self.wakes.notify();
        }
    }

    impl World {
        fn new() -> Arc<Self> {
            Arc::new(World { hall: Hall::new(1), reaped: AtomicUsize::new(0), keepers: AtomicUsize::new(0) })
        }

        fn leave(world: &Arc<Self>, orphan: u8) -> Option<thread::JoinHandle<()>> {
            match world.hall.leave(orphan, 1) {
                Call::Nobody => None,
                Call::Ring(bell) => {
                    bell.wake();
                    None
                }
                Call::Start => {
                    let world = world.clone();
                    Some(thread::spawn(move || world.keep()))
                }
            }
        }

        /// `keeper::keep`, who waits for his bell alone: who is over here wakes nobody.
        fn keep(&self) {
            assert_eq!(self.keepers.fetch_add(1, Ordering::SeqCst), 0, "two keepers");
            let bell = std::sync::Arc::new(Bell { rung: AtomicBool::new(false), wakes: Notify::new() });
            self.hall.attend(bell.clone().into());
            let mut kept = Vec::new();
            loop {
                bell.rung.swap(false, Ordering::SeqCst);
                // Before it says that nobody keeps: then the next one may start.
                self.keepers.fetch_sub(1, Ordering::SeqCst);
                if !self.hall.collect(&mut kept) {
                    return;
                }
                self.keepers.fetch_add(1, Ordering::SeqCst);
                while self.reap(&mut kept) {}
                while !kept.is_empty() && !bell.rung.load(Ordering::SeqCst) {
                    bell.wakes.wait();
                }
            }
        }

        fn reap(&self, kept: &mut Vec<u8>) -> bool {
            let before = kept.len();
            kept.retain(|orphan| *orphan == LONG && self.reaped.load(Ordering::SeqCst) == 0);
            self.reaped.fetch_add(before - kept.len(), Ordering::SeqCst);
            kept.len() < before
        }
    }

    fn explore_with(orphans: [u8; 2]) {
        explore(move || {
            let world = World::new();
            let other = world.clone();
            let dropper = thread::spawn(move || World::leave(&other, orphans[1]));
            let first = World::leave(&world, orphans[0]);
            let second = dropper.join().unwrap();
            let keepers = [first, second].into_iter().flatten().map(|keeper| keeper.join().unwrap()).count();
            assert!(keepers > 0);
            assert_eq!(world.reaped.load(Ordering::SeqCst), 2, "one is forgotten");
            assert!(matches!(world.hall.call_again(1), Call::Nobody));
        });
    }

    /// One is left while the keeper may be going.
    ///
    /// Fault: `collect` unlocks between taking them and saying that nobody keeps; or `call` starts one who is not said
    /// to be coming.
    #[test]
    fn model_orphans_are_not_forgotten_by_a_keeper_who_goes() {
        explore_with([SHORT, SHORT]);
    }

    /// One is left while the keeper may be going to sleep.
    ///
    /// Fault: `keep` empties the bell after it has collected.
    #[test]
    fn model_orphans_wake_a_keeper_who_sleeps() {
        explore_with([LONG, SHORT]);
    }
}
