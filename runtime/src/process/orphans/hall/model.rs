//! Orphans are left while the keeper comes, looks, sleeps and goes.
//!
//! What waits for pidfds and bells is `keeper`; here it is a flag that a bell sets.

use super::{Call, Hall};
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
