#![cfg(all(loom, test))]
//! The bell under every interleaving: whoever waits hears whoever rings.
//!
//! The kernel is played: the bell's descriptor is an edge that one waiter gets. Faults that were planted once are named; they
//! show as a deadlock, which loom reports.

use loom::sync::atomic::{AtomicBool, Ordering};
use loom::sync::{Arc, Condvar, Mutex};
use loom::thread;

use super::{Bell, Rest};

/// The bell's descriptor as the kernel plays it: an edge that one waiter gets.
#[derive(Default)]
struct Edge {
    up: Mutex<bool>,
    changed: Condvar,
}

impl Edge {
    fn ring(&self) {
        *self.up.lock().unwrap() = true;
        self.changed.notify_all();
    }

    fn look(&self) -> bool {
        std::mem::take(&mut self.up.lock().unwrap())
    }

    /// Sleeps for ever if nobody rings, which loom reports.
    fn sleep(&self) {
        let mut up = self.up.lock().unwrap();
        while !*up {
            up = self.changed.wait(up).unwrap();
        }
        *up = false;
    }
}

struct Hall {
    bell: Bell,
    edge: Edge,
    work: AtomicBool,
}

fn hall() -> Arc<Hall> {
    Arc::new(Hall { bell: Bell::new(), edge: Edge::default(), work: AtomicBool::new(false) })
}

impl Hall {
    fn notify(&self) {
        self.work.store(true, Ordering::Relaxed);
        if self.bell.ring() {
            self.edge.ring();
        }
    }

    fn waiting_turn(&self) -> bool {
        match self.bell.lie_down() {
            Rest::Rung => {
                self.quick_turn();
                true
            }
            Rest::Sleep => {
                self.edge.sleep();
                self.bell.get_up()
            }
        }
    }

    fn quick_turn(&self) {
        if self.edge.look() && self.bell.must_ring_again() {
            self.edge.ring();
        }
    }
}

/// A leader waits, somebody rings, a third thread looks at the kernel without waiting: the leader ends its wait and
/// sees what the ringer did.
///
/// Planted: `quick_turn` (as `Driver::look`) without `must_ring_again`; `Bell::ring` that does not ask for the write with
/// one sleeper; `Bell::lie_down` that ignores RUNG.
#[test]
fn a_ring_reaches_the_leader_past_a_quick_turn() {
    loom::model(|| {
        let hall = hall();
        let ringer = {
            let hall = Arc::clone(&hall);
            thread::spawn(move || hall.notify())
        };
        let thief = {
            let hall = Arc::clone(&hall);
            thread::spawn(move || hall.quick_turn())
        };
        while !hall.waiting_turn() {}
        assert!(hall.work.load(Ordering::Relaxed), "the report does not bring the ringer's work with it");
        ringer.join().unwrap();
        thief.join().unwrap();
    });
}

/// Two ringers and one leader: the leader's turns end until it has seen both.
///
/// Planted: `Bell::ring` with a relaxed read-modify-write; `Bell::lie_down` that ignores RUNG.
#[test]
fn a_coalesced_ring_brings_its_work_too() {
    loom::model(|| {
        let hall = hall();
        let other = Arc::new(AtomicBool::new(false));
        let ringers = [
            {
                let hall = Arc::clone(&hall);
                thread::spawn(move || hall.notify())
            },
            {
                let (hall, other) = (Arc::clone(&hall), Arc::clone(&other));
                thread::spawn(move || {
                    other.store(true, Ordering::Relaxed);
                    if hall.bell.ring() {
                        hall.edge.ring();
                    }
                })
            },
        ];
        while !(hall.work.load(Ordering::Relaxed) && other.load(Ordering::Relaxed)) {
            let _ = hall.waiting_turn();
        }
        for ringer in ringers {
            ringer.join().unwrap();
        }
    });
}
