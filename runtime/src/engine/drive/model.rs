//! Timers and the leader under every interleaving.
//!
//! `Biased`, `Wheel` and `LeadersDeadline` run as they are; around them stand small copies of what needs a whole engine (the
//! leader's sleep in `Lead::wait`, the worker's in `sched/sleep`).
//! "Fault" lines name a change that makes the model below fail; each was planted and seen to fail.

use super::bias::Biased;
use super::leaders_deadline::LeadersDeadline;
use super::ticks::NEVER;
use super::wheel::{Access, Set, Wheel};
use crate::engine::base::atomics::{Arc, AtomicUsize, Mutex};
use crate::engine::base::model::{check, spawn};
use crate::engine::base::parker::Parker;
use std::sync::Arc as StdArc;
use std::sync::atomic::AtomicUsize as Count;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Wake, Waker};

// ---- The biased lock ------------------------------------------------------------------------------------------------

/// The owner uses the value, rests and comes back; another thread uses it twice.
/// Fault: no fence L, or one of acquire and release; no fence H, or such a one; `rest` with Relaxed; the other does not wait
/// for `inside`.
#[test]
fn one_thread_at_a_time_has_the_value() {
    check(|| {
        let biased = Arc::new(Biased::new(0));
        let other = {
            let biased = biased.clone();
            spawn(move || {
                biased.with(|value| *value += 1);
                biased.with(|value| *value += 1);
            })
        };
        let seat = biased.take_seat();
        seat.with(|value| *value += 1);
        seat.with(|value| *value += 1);
        seat.rest();
        seat.with(|value| *value += 1);
        drop(seat);
        other.join().unwrap();
        assert_eq!(biased.with(|value| *value), 5);
    });
}

/// A worker leaves its place, another thread takes it, while a third one uses the value.
/// Fault: the seat is dropped without a rest; `rest` with Relaxed.
#[test]
fn a_seat_is_handed_on() {
    check(|| {
        let biased = Arc::new(Biased::new(0));
        let place = Arc::new(Mutex::new(()));
        let visitor = {
            let biased = biased.clone();
            spawn(move || biased.with(|value| *value += 1))
        };
        let workers = [(); 2].map(|()| {
            let (biased, place) = (biased.clone(), place.clone());
            move || {
                let _held = place.lock();
                let seat = biased.take_seat();
                seat.with(|value| *value += 1);
                seat.with(|value| *value += 1);
            }
        });
        let [first, second] = workers;
        let first = spawn(first);
        second();
        first.join().unwrap();
        visitor.join().unwrap();
        assert_eq!(biased.with(|value| *value), 5);
    });
}

// ---- One wheel, several threads ---------------------------------------------------------------------------------------

/// A waker that counts its wakes, and those of its clones that live.
#[derive(Default)]
struct Wakes(Count);

impl Wake for Wakes {
    fn wake(self: StdArc<Self>) {
        self.0.fetch_add(1, Relaxed);
    }
}

fn waker() -> (StdArc<Wakes>, Waker) {
    let wakes = StdArc::new(Wakes::default());
    (wakes.clone(), wakes.into())
}

fn set(access: Access<'_>, tick: u64, waker: Waker) -> Option<(super::wheel::Key, bool)> {
    match access.set(tick, waker) {
        Set::Waits { key, earliest } => Some((key, earliest)),
        Set::Elapsed | Set::Closed => None,
    }
}

fn fire(access: Access<'_>, now: u64) {
    let mut due = Vec::new();
    while access.fire(now, &mut due) {}
    due.into_iter().for_each(Waker::wake);
}

/// The worker sets two timers; one is reset, one given up, by the worker or by another thread, while the guarantor fires
/// what is due (museum T6, T14). The reset one fires once, late enough; the other one at most once; no waker is kept.
/// Fault: `give_up` keeps what it took out; `reset` says `Some` for a timer that is gone.
#[test]
fn given_up_against_fired_against_reset() {
    for by_worker in [false, true] {
        check(move || {
            let wheel = Arc::new(Wheel::new());
            let (first, first_waker) = waker();
            let (second, second_waker) = waker();
            let seat = wheel.take_seat();
            let (reset, _) = set(Access::Own(&seat), 5, first_waker).expect("tick 5 is ahead");
            let (given_up, _) = set(Access::Own(&seat), 5, second_waker).expect("tick 5 is ahead");
            let (third, third_waker) = waker();
            let (in_time, _) = set(Access::Own(&seat), 9, third_waker).expect("tick 9 is ahead");
            let guarantor = {
                let wheel = wheel.clone();
                spawn(move || fire(Access::Other(&wheel), 5))
            };
            let elsewhere = {
                let wheel = wheel.clone();
                move |access: Option<Access<'_>>| {
                    let access = access.unwrap_or(Access::Other(&wheel));
                    access.give_up(given_up);
                    access.give_up(in_time);
                    access.reset(reset, 9)
                }
            };
            let was_there = if by_worker {
                elsewhere(Some(Access::Own(&seat)))
            } else {
                let thread = spawn(move || elsewhere(None));
                seat.rest();
                thread.join().unwrap()
            };
            guarantor.join().unwrap();
            assert_eq!(
                first.0.load(Relaxed),
                usize::from(was_there.is_none()),
                "fired before it was reset, or not yet"
            );
            fire(Access::Own(&seat), 9);
            assert_eq!(first.0.load(Relaxed), 1, "the timer that was reset fires once");
            assert!(second.0.load(Relaxed) <= 1);
            assert_eq!((third.0.load(Relaxed), StdArc::strong_count(&third)), (0, 1), "given up in time");
            assert_eq!((StdArc::strong_count(&first), StdArc::strong_count(&second)), (1, 1), "no waker is kept");
            assert_eq!(wheel.next(), NEVER);
        });
    }
}

/// A task that has moved on looks at its timer from another worker while its wheel's worker fires it: it sees that, or
/// its new waker is the one that is woken.
/// Fault: `fire` stores `elapsed` after it has let go of the lock; `rewake` says `true` for a timer that is gone.
#[test]
fn a_new_waker_against_fired() {
    check(|| {
        let wheel = Arc::new(Wheel::new());
        let (old, old_waker) = waker();
        let (new, new_waker) = waker();
        let seat = wheel.take_seat();
        let (key, _) = set(Access::Own(&seat), 5, old_waker).expect("tick 5 is ahead");
        let moved_on = {
            let wheel = wheel.clone();
            spawn(move || wheel.elapsed() < 5 && Access::Other(&wheel).rewake(key, new_waker))
        };
        fire(Access::Own(&seat), 5);
        let waits = moved_on.join().unwrap();
        assert_eq!((old.0.load(Relaxed), new.0.load(Relaxed)), if waits { (0, 1) } else { (1, 0) });
        assert!(wheel.elapsed() >= 5);
    });
}

/// Shutdown against a timer that is being set: it is refused, or woken.
/// Fault: `close` does not set the flag; it looks at the flag outside the lock.
#[test]
fn closed_against_set() {
    check(|| {
        let wheel = Arc::new(Wheel::new());
        let (wakes, waker) = waker();
        let setter = {
            let wheel = wheel.clone();
            spawn(move || matches!(Access::Other(&wheel).set(5, waker), Set::Closed))
        };
        let mut due = Vec::new();
        wheel.close(&mut due);
        due.into_iter().for_each(Waker::wake);
        let refused = setter.join().unwrap();
        assert_eq!(wakes.0.load(Relaxed), usize::from(!refused));
        assert_eq!(StdArc::strong_count(&wakes), 1);
    });
}

// ---- The leader's sleep -----------------------------------------------------------------------------------------------

/// What stands around a leader: its wheels, sockets, and where to wake it.
struct Hall {
    leaders_deadline: LeadersDeadline,
    wheel: Wheel,
    sockets: AtomicUsize,
    parked: Mutex<Option<Arc<Parker>>>,
    leading: Mutex<()>,
}

impl Hall {
    fn new() -> Arc<Hall> {
        Arc::new(Hall {
            leaders_deadline: LeadersDeadline::new(),
            wheel: Wheel::new(),
            sockets: AtomicUsize::new(0),
            parked: Mutex::new(None),
            leading: Mutex::new(()),
        })
    }

    fn notify(&self) {
        let parked = self.parked.lock().clone();
        if let Some(parker) = parked {
            let _ = parker.unpark();
        }
    }

    fn settle(&self, tick: u64) {
        if self.leaders_deadline.must_wake(tick) {
            self.notify();
        }
    }

    /// `Lead::wait`. Without `enough` it sleeps for ever, which loom reports if nobody wakes it.
    fn wait(&self, parker: &Arc<Parker>, enough: impl Fn(u64) -> bool) -> bool {
        let leading = self.leading.lock();
        *self.parked.lock() = Some(parker.clone());
        let at_rest = || if self.wheel.is_at_rest() { self.wheel.next() } else { NEVER };
        let next = self.leaders_deadline.begin(at_rest);
        let enough = enough(next);
        if !enough {
            parker.park(None);
        }
        self.leaders_deadline.end();
        *self.parked.lock() = None;
        drop(leading);
        enough
    }

    fn lead(&self, enough: impl Fn(u64) -> bool) {
        let parker = Arc::new(Parker::new());
        while !self.wait(&parker, &enough) {}
    }
}

/// A thread that is no worker sets an earlier timer while the leader decides how long to sleep (museum T3, T15).
/// Fault: no W1; no W2; the parker is named after `begin`; `begin` announces only what it has read.
#[test]
fn an_earlier_timer_against_a_leader_about_to_sleep() {
    check(|| {
        let hall = Hall::new();
        let setter = {
            let hall = hall.clone();
            spawn(move || {
                let (_wakes, waker) = waker();
                let (_key, earliest) = set(Access::Other(&hall.wheel), 5, waker).expect("tick 5 is ahead");
                assert!(earliest);
                hall.settle(5);
            })
        };
        hall.lead(|next| next == 5);
        setter.join().unwrap();
    });
}

/// The lead goes from one thread to another while the earlier timer is set: whoever sleeps learns of it.
/// Fault: the leader takes its parker back after it has left the lead.
#[test]
fn the_lead_is_handed_on_while_somebody_notifies() {
    check(|| {
        let hall = Hall::new();
        let first = {
            let hall = hall.clone();
            spawn(move || {
                // A task came for it.
                let parker = Arc::new(Parker::new());
                let _ = parker.unpark();
                hall.wait(&parker, |next| next == 5)
            })
        };
        let setter = {
            let hall = hall.clone();
            spawn(move || {
                let (_wakes, waker) = waker();
                set(Access::Other(&hall.wheel), 5, waker).expect("tick 5 is ahead");
                hall.settle(5);
            })
        };
        hall.lead(|next| next == 5);
        first.join().unwrap();
        setter.join().unwrap();
    });
}

/// A worker sets a timer while it is awake, tells nobody, and falls asleep, or leaves its place for good, with the timer
/// in its wheel: the leader learns of it.
/// Fault: the worker does not settle; it settles before it rests.
#[test]
fn a_worker_retires_with_a_timer() {
    for for_good in [false, true] {
        check(move || {
            let hall = Hall::new();
            let worker = {
                let hall = hall.clone();
                spawn(move || {
                    let (_wakes, waker) = waker();
                    let seat = hall.wheel.take_seat();
                    set(Access::Own(&seat), 5, waker).expect("tick 5 is ahead");
                    if for_good {
                        drop(seat);
                        hall.settle(hall.wheel.next());
                    } else {
                        seat.rest();
                        hall.settle(hall.wheel.next());
                    }
                })
            };
            hall.lead(|next| next == 5);
            worker.join().unwrap();
        });
    }
}

/// The first socket is registered while the leader is about to sleep on its parker, where no socket wakes it.
/// Fault: the leader looks for sockets before it names its parker; `register` looks for the leader first.
#[test]
fn the_first_socket_against_a_leader_about_to_sleep() {
    check(|| {
        let hall = Hall::new();
        let registrar = {
            let hall = hall.clone();
            spawn(move || {
                hall.sockets.store(1, Relaxed);
                if hall.parked.lock().is_some() {
                    hall.notify();
                }
            })
        };
        hall.lead(|_| hall.sockets.load(Relaxed) == 1);
        registrar.join().unwrap();
    });
}
