//! The guarantor's deep sleep, and who wakes it.

use super::*;
use std::sync::atomic::Ordering::{Acquire, Release};

/// Two workers wake up for good while the guarantor wants to sleep without a timeout: it must not oversleep them.
/// Fault: no fence D1; no fence D2.
#[test]
fn the_guarantor_does_not_oversleep() {
    for leads in [false, true] {
        check(move || {
            let yard = yard(0, 0);
            let workers = [(); 2].map(|()| {
                let yard = yard.clone();
                spawn(move || {
                    yard.idle.arrive();
                    yard.a_worker_woke();
                })
            });
            let (guarantor, nobody) = (&yard.guarantor, || yard.idle.active() == 0);
            for _ in 0..2 {
                if leads {
                    guarantor.sleep_as_leader(nobody, || guarantor.parker.park(None));
                } else {
                    guarantor.sleep_on_alarm(nobody);
                }
            }
            workers.into_iter().for_each(|worker| worker.join().unwrap());
        });
    }
}

/// One worker sleeps again, which takes the alarm back; another one wakes up for good: the alarm stands. The guarantor sleeps
/// already.
/// Fault: `a_worker_sleeps` that does not ask again with the lock held; `set_alarm` without the lock.
#[test]
fn the_last_sleeper_takes_back_nobody_elses_alarm() {
    check(|| {
        let yard = yard(0, 0);
        let mut threads = Vec::new();
        yard.guarantor.sleep_on_alarm(|| {
            yard.idle.arrive();
            yard.a_worker_woke();
            let [first, second] = [(); 2].map(|()| yard.clone());
            threads.push(spawn(move || {
                first.idle.leave(true);
                first.a_worker_sleeps();
            }));
            threads.push(spawn(move || {
                second.idle.arrive();
                second.a_worker_woke();
            }));
            true
        });
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Somebody wants a thread while a worker wakes up and sleeps again: the guarantor, which sleeps, hears of it.
/// Fault: `set_alarm` that sets it whatever it is set to; `a_worker_sleeps` that takes any alarm back; `rouse` without
/// its fence.
#[test]
fn a_wanted_thread_is_not_slept_over() {
    check(|| {
        let yard = yard(0, 0);
        let guarantor = &yard.guarantor;
        let mut threads = Vec::new();
        let begin = || {
            let [first, second] = [(); 2].map(|()| yard.clone());
            threads.push(spawn(move || {
                first.idle.arrive();
                first.a_worker_woke();
                first.idle.leave(true);
                first.a_worker_sleeps();
            }));
            threads.push(spawn(move || second.wake(Some(Wake::Seat))));
            true
        };
        guarantor.sleep_on_alarm(begin);
        // An alarm for the worker ends one sleep, too.
        while guarantor.take_wanted() == 0 {
            guarantor.sleep_on_alarm(|| yard.idle.active() == 0 && !guarantor.is_wanted());
            wait_for_another();
        }
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// A worker that waits for sockets leaves, a spare whose time has run out, and the guarantor, which has seen that somebody
/// leads, is about to sleep: it must not.
/// Fault: no second look at the lead; `leave_place` that does not rouse the guarantor.
#[test]
fn a_leader_that_leaves_is_relieved() {
    check(|| {
        // The lead as a flag: what counts is that it is given up before the leader leaves.
        let (yard, mut queues) = yard_and_queues(1, 0);
        let (shared, queues) = (StdArc::new((yard, AtomicBool::new(true))), queues.remove(0));
        let theirs = shared.clone();
        let leaves = spawn(move || {
            let (yard, is_led) = &*theirs;
            is_led.store(false, Release);
            yard.idle.arrive();
            yard.leave_place(0, queues, true);
        });
        let (yard, is_led) = &*shared;
        // `Engine::rest_a_while`
        yard.guarantor.sleep_on_alarm(|| yard.idle.active() == 0 && is_led.load(Acquire));
        leaves.join().unwrap();
    });
}
