//! Join, spawn, failure and drop of a group in every order.

use super::super::Abort;
use super::super::model::{FakeTask, block_on, check};
use super::super::shields::shields;
use super::super::wakes::Wakes;
use super::ChildError;
use super::fate::{Failure, Outcome, Rule};
use super::orphans::{Orphans, note, notes};
use super::roster::{Roster, Seat, Stop};
use crate::task::Id;
use loom::thread;
use std::future::poll_fn;
use std::sync::Arc;

impl Stop for FakeTask {
    fn stop(&self) {
        Abort::abort(self);
    }

    fn abort(&self) {
        Abort::abort(self);
    }
}

type Value = Arc<()>;
type FakeRoster = Roster<Value, u32, FakeTask>;

/// Spawns: the task, and its seat for whoever ends it.
fn spawn(roster: &Arc<FakeRoster>) -> Option<(FakeTask, Seat<Value, u32, FakeTask>)> {
    let seat = roster.enlist(false)?;
    let task = FakeTask::default();
    seat.attach(task.clone());
    Some((task, seat))
}

// Planted fault: in `Roster::poll_for`, do not look a second time before the waker is stored: deadlock.
#[test]
fn model_group_join_against_the_last_two_ends() {
    check(|| {
        let roster = FakeRoster::new(Rule::Failure);
        let ends: Vec<_> = (0..2)
            .map(|_| {
                let (_, seat) = spawn(&roster).unwrap();
                thread::spawn(move || seat.finished(Outcome::Output(Value::default())))
            })
            .collect();
        let finished = block_on(poll_fn(|cx| roster.poll_gone(cx)));
        assert_eq!(finished.len(), 2);
        assert!(roster.enlist(false).is_none());
        ends.into_iter().for_each(|end| end.join().unwrap());
    });
}

// Planted fault: in `Seat::attach`, do not ask whether the group is stopping: a child that nobody stops.
#[test]
fn model_group_failure_against_spawn() {
    check(|| {
        let roster = FakeRoster::new(Rule::Failure);
        let (_, fails) = spawn(&roster).unwrap();
        let failure = thread::spawn(move || fails.finished(Outcome::Failed(1)));
        let (task, seat) = spawn(&roster).unwrap();
        failure.join().unwrap();
        assert_eq!(task.stopped(), 1, "a sibling runs on");
        seat.finished(Outcome::Nothing);
        let finished = block_on(poll_fn(|cx| roster.poll_gone(cx)));
        let failures: Vec<_> = finished.into_iter().filter_map(|finished| finished.result.err()).collect();
        assert!(matches!(&failures[..], [Failure::Plain(ChildError::Failed(1))]));
    });
}

// Planted fault: in `Roster::enlist`, do not count the child before it is attached: join does not wait for it.
#[test]
fn model_group_join_against_spawn() {
    check(|| {
        let roster = FakeRoster::new(Rule::Failure);
        let (_, first) = spawn(&roster).unwrap();
        let spawner = roster.clone();
        let other = thread::spawn(move || {
            let second = spawn(&spawner);
            let was_taken = second.is_some();
            if let Some((_, second)) = second {
                second.finished(Outcome::Output(Value::default()));
            }
            was_taken
        });
        first.finished(Outcome::Output(Value::default()));
        let children = block_on(poll_fn(|cx| roster.poll_gone(cx))).len();
        assert_eq!(other.join().unwrap(), children == 2, "join did not wait for a child, or waited for none");
    });
}

// Planted fault: in `Roster::abandon`, take the results under a lock of its own: an output stays in a list that nobody reads.
#[test]
fn model_group_drop_against_spawn_and_end() {
    check(|| {
        let value = Value::default();
        let roster = FakeRoster::new(Rule::Failure);
        let (running, ends) = spawn(&roster).unwrap();
        let output = value.clone();
        let end = thread::spawn(move || ends.finished(Outcome::Output(output)));
        let spawner = roster.clone();
        let spawned = thread::spawn(move || {
            // It hears of the end of its group, now or by `abandon`.
            spawn(&spawner)
        });
        roster.abandon(None);
        end.join().unwrap();
        if let Some((task, seat)) = spawned.join().unwrap() {
            assert_eq!(task.stopped(), 1, "a child outlives its group");
            seat.finished(Outcome::Nothing);
        }
        assert!(running.stopped() <= 1);
        assert_eq!(Arc::strong_count(&value), 1, "an output is kept by a dropped group");
        assert_eq!(roster.running(), 0);
    });
}

// Planted fault: in `Roster::leave`, wake who waits for all only when the last that is no daemon goes: deadlock.
#[test]
fn model_group_join_stops_and_awaits_daemons() {
    check(|| {
        let roster = FakeRoster::new(Rule::Failure);
        let (_, seat) = spawn(&roster).unwrap();
        let daemon = roster.enlist(true).unwrap();
        let task = FakeTask::default();
        daemon.attach(task.clone());
        let worker = thread::spawn(move || {
            seat.finished(Outcome::Output(Value::default()));
            daemon.finished(Outcome::Nothing);
        });
        assert_eq!(block_on(poll_fn(|cx| roster.poll_gone(cx))).len(), 1);
        assert!(task.stopped() <= 1);
        worker.join().unwrap();
    });
}

// Planted fault: in `Orphans::settle`, look whether somebody waits and set `Come` under a second lock: nobody goes on.
#[test]
fn model_group_end_of_orphans_against_who_waits_for_them() {
    check(|| {
        let orphans = Orphans::of(Id::fresh());
        let settles = orphans.clone();
        let end = thread::spawn(move || settles.settle());
        let task = FakeTask::default();
        let goes_on = task.clone();
        if let Some(at_once) = orphans.when_settled(Box::new(move || Abort::abort(&goes_on))) {
            at_once();
        }
        end.join().unwrap();
        assert_eq!(task.stopped(), 1, "who waits for orphans goes on once");
    });
}

// Planted fault: in `note`, put the note there without a look whether the last is gone: one that nobody takes away.
#[test]
fn model_group_note_of_a_dropped_group_against_its_last_child() {
    check(|| {
        let task = Id::fresh();
        // Two groups of one task: the second note keeps its number when the first goes.
        let (first, second) = (Orphans::of(task), Orphans::of(task));
        note(&first);
        let settles = first.clone();
        let end = thread::spawn(move || settles.settle());
        // Of the second the last child goes while it is noted.
        let settles = second.clone();
        let other = thread::spawn(move || settles.settle());
        note(&second);
        end.join().unwrap();
        other.join().unwrap();
        assert!(notes().is_empty(), "a note outlives its group");
    });
}

// Planted fault: in `Shields::stop`, ask whether there is an entry under one lock and leave word under another: a child that
// nobody aborts.
#[test]
fn model_group_stop_against_the_end_of_a_childs_shield() {
    check(|| {
        let id = Id::fresh();
        let task = FakeTask::default();
        shields().change(id, true, &mut Wakes::default());
        let child = task.clone();
        let stops = thread::spawn(move || shields().stop(id, &child));
        // Another shield in the same child keeps the stop off as well.
        shields().change(id, true, &mut Wakes::default());
        shields().change(id, false, &mut Wakes::default());
        assert_eq!(task.stopped(), 0, "a child was stopped in its shield");
        shields().change(id, false, &mut Wakes::default());
        stops.join().unwrap();
        assert_eq!(task.stopped(), 1, "a child outlives its group and its shield");
        shields().forget(id);
    });
}
