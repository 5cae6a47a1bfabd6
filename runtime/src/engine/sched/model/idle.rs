//! Who sleeps, who searches, who has a seat: the yard as it is, and workers that are a small copy of the loop, or the loop.

use super::*;
use crate::engine::base::rng;
use crate::engine::sched::worker::Worker;
use crate::engine::sched::worker::root::NoRoot;

/// What a worker does that has no queue of its own, until it has run so many tasks. It looks for work as `Worker::run_here`
/// does, in fewer steps.
fn work(yard: &Yard, place: usize, mut searching: bool, tasks: usize) {
    let mut ran = 0;
    while ran < tasks {
        let found = yard.inject.pop().or_else(|| {
            if searching || !yard.idle.start_searching() {
                return None;
            }
            searching = true;
            yard.inject.pop()
        });
        if let Some(task) = found {
            if std::mem::take(&mut searching) {
                yard.found_work();
            }
            task.run();
            ran += 1;
            continue;
        }
        let work_waits = |everywhere| yard.work_waits(everywhere);
        let (_woken, chosen) =
            yard.idle.sleep_through(place, std::mem::take(&mut searching), work_waits, || park(yard, place));
        searching = chosen;
    }
}

fn park(yard: &Yard, place: usize) -> bool {
    yard.places.get(place).parker.park(None);
    true
}

/// A worker that runs two tasks, against two producers. A task that nobody wakes up for leaves the worker asleep: a
/// deadlock.
/// Fault: no fence S1; no fence S2; `sleep_through` without its last look; `submitted` before the push.
#[test]
fn no_wake_up_is_lost() {
    check(|| {
        let yard = yard(1, 1);
        let (theirs, others) = (yard.clone(), yard.clone());
        let worker = spawn(move || work(&others, 0, false, 2));
        let producer = spawn(move || theirs.push_from_outside(ready_task(|| ())));
        yard.push_from_outside(ready_task(|| ()));
        producer.join().unwrap();
        worker.join().unwrap();
        assert!(yard.inject.is_empty());
    });
}

/// Museum LW1: two workers, two producers. Both workers must come, the second one perhaps by the first one's hand-over.
/// A worker that has run its task is as good as one that polls for ever, so a task that nobody wakes up for is a
/// deadlock.
///
/// This thread is the first producer, and then the second worker: asleep already when the producers begin, or still
/// awake. With a thread for each, which adds no order that matters, the model takes thirty times as long.
fn two_workers_against_two_producers(begins_asleep: bool) {
    let yard = yard(2, 2);
    let [first, second] = [(); 2].map(|()| ready_task(|| ()));
    let mut threads = Vec::new();
    let produce = || {
        let (theirs, others) = (yard.clone(), yard.clone());
        threads.push(spawn(move || theirs.push_from_outside(second)));
        threads.push(spawn(move || work(&others, 0, false, 1)));
        yard.push_from_outside(first);
    };
    let searching = if begins_asleep {
        let wait = || {
            produce();
            park(&yard, 1)
        };
        yard.idle.sleep_through(1, false, |_everywhere| false, wait).1
    } else {
        produce();
        false
    };
    work(&yard, 1, searching, 1);
    threads.into_iter().for_each(|thread| thread.join().unwrap());
    assert!(yard.inject.is_empty());
}

/// Fault: as above, and `stop_searching` that never says "last"; `found_work` that looks at the queue before it stops
/// to search; `awake` that never says "chosen"; `choose` that marks the place before it changes the word.
#[test]
fn the_last_searcher_hands_the_search_on() {
    check(|| two_workers_against_two_producers(true));
    check(|| two_workers_against_two_producers(false));
}

/// The one worker blocks in place while another thread pushes a task: a thread must be asked for, which fills its seat.
/// Fault: `give_seat` without its fence; the look at the queue before it; a seat that is not vacant then.
#[test]
fn a_seat_that_is_given_away_is_filled_for_whoever_submits() {
    check(|| {
        let yard = yard(1, 1);
        let ran = StdArc::new(Count::new(0));
        let (theirs, runs) = (yard.clone(), ran.clone());
        let task = ready_task(move || {
            runs.fetch_add(1, Relaxed);
        });
        let producer = spawn(move || theirs.push_from_outside(task));
        yard.enter_blocking(yard.places.get(0));
        producer.join().unwrap();
        // As the guarantor does, which starts what it is asked for.
        if yard.guarantor.take_wanted() > 0 {
            yard.idle.arrive();
            work(&yard, 1, true, 1);
        }
        assert_eq!(ran.load(Relaxed), 1);
        // Somebody has its seat.
        assert!(!yard.idle.come_back());
        assert!(!yard.idle.claim_seat());
    });
}

/// Two workers are back from blocking, and another thread submits: one seat is one worker's, or one thread's.
/// Fault: `claim_seat` as a load and an addition.
#[test]
fn a_seat_is_given_once() {
    check(|| {
        let yard = yard(2, 2);
        yard.enter_blocking(yard.places.get(0));
        yard.idle.give_seat(false);
        let [mine, theirs] = [(); 2].map(|()| yard.clone());
        let back = spawn(move || usize::from(mine.idle.come_back()));
        let submits = spawn(move || usize::from(theirs.idle.submitted() == Some(Wake::Seat)));
        let seats = usize::from(yard.idle.come_back()) + back.join().unwrap() + submits.join().unwrap();
        assert_eq!(seats, 1);
    });
}

/// A sleeper is chosen while it wakes up by itself, and sleeps once more: it counts as searching once for each time that
/// it was chosen.
/// Fault: a mark that stays after the second look; one that is set after the lock is free.
#[test]
fn who_was_chosen_knows_it_once() {
    check(|| {
        let yard = yard(1, 1);
        let theirs = yard.clone();
        let chooses = spawn(move || theirs.idle.submitted().is_some());
        let mut chosen = 0;
        for _ in 0..2 {
            let (_woken, searches) = yard.idle.sleep_through(0, false, |_everywhere| false, || true);
            if searches {
                chosen += 1;
                let _ = yard.idle.stop_searching();
            }
        }
        // It may be chosen after all of that only if it sleeps, and it does not.
        assert_eq!(chosen, usize::from(chooses.join().unwrap()));
        assert_eq!((yard.idle.active(), yard.idle.searching()), (1, 0));
    });
}

/// A worker as it is, its whole loop, against two producers. The second task that runs closes the yard. Its clock stands
/// still, so the worker does not spin. (Two such loops have more orders than can be tried.)
/// Fault: as for `no_wake_up_is_lost`; `Worker::sleep` that does not look at what `work_waits` says.
#[test]
fn the_loop_as_it_is_loses_no_wake_up() {
    check(|| {
        let _seeded = rng::seed_thread(1);
        let (yard, mut queues) = yard_and_queues(1, 1);
        let (theirs, queues) = (yard.clone(), queues.remove(0));
        let worker = spawn(move || {
            let worker = Worker::new(&theirs, 0, queues, false);
            worker.open_accounts();
            let _end = worker.run_here(&mut NoRoot);
        });
        let ran = StdArc::new(Count::new(0));
        let [first, second] = [(); 2].map(|()| {
            let (yard, ran) = (StdArc::downgrade(&yard), ran.clone());
            ready_task(move || {
                if ran.fetch_add(1, Relaxed) == 1 {
                    yard.upgrade().expect("the model has it").close();
                }
            })
        });
        let theirs = yard.clone();
        let producer = spawn(move || theirs.push_from_outside(second));
        yard.push_from_outside(first);
        producer.join().unwrap();
        worker.join().unwrap();
        assert_eq!(ran.load(Relaxed), 2);
    });
}
