//! Signals, dooms and shields against those who join the tree.

use super::super::model::{FakeTask, block_on, check};
use super::super::position::Position;
use super::runner::{Child, Runner};
use super::tree::{Next, ScopeNode};
use crate::sync::CancellationToken;
use crate::task::Id;
use loom::thread;
use std::future::poll_fn;
use std::sync::Arc;
// (No part of the protocol: loom need not watch it.)
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::task::{Poll, Waker};

fn inside(runner: Arc<Runner>) -> Position {
    Position { runner: Some(runner), child: None, above: None }
}

fn entered() -> (Arc<ScopeNode>, Arc<Runner>) {
    let scope = ScopeNode::new();
    assert!(scope.claim());
    let body = scope.enter(Position::default(), Some(Waker::noop().clone()));
    (scope, body)
}

// Planted fault: in `ScopeNode::enter`, look at the parent's marks before joining its list: a scope that hears nothing.
#[test]
fn model_scope_cancel_against_enter() {
    check(|| {
        let (outer, body) = entered();
        let cancels = outer.clone();
        let canceller = thread::spawn(move || cancels.cancel());
        let inner = ScopeNode::new();
        let inner_body = inner.enter(inside(body), Some(Waker::noop().clone()));
        let task = FakeTask::default();
        let _runner = inner_body.for_task(Box::new(task.clone()), None);
        canceller.join().unwrap();
        assert!(inner.is_signalled(), "a nested scope was missed");
        outer.doom();
        assert_eq!(task.stopped(), 1);
    });
}

// Planted fault: in `Runner::for_task`, do not ask whether the scope is doomed: a task that nobody aborts.
#[test]
fn model_scope_doom_against_spawn() {
    check(|| {
        let (scope, body) = entered();
        let dooms = scope.clone();
        let doomer = thread::spawn(move || {
            dooms.cancel();
            dooms.doom();
        });
        let task = FakeTask::default();
        let _runner = body.for_task(Box::new(task.clone()), None);
        doomer.join().unwrap();
        assert!(task.stopped() >= 1, "a task outlives its scope");
    });
}

// Planted fault: in `ScopeNode::signalled`, ask for the mark before `notified()`: deadlock.
#[test]
fn model_scope_cancel_against_cancelled() {
    check(|| {
        let (scope, _body) = entered();
        let cancels = scope.clone();
        let canceller = thread::spawn(move || cancels.cancel());
        block_on(scope.signalled());
        canceller.join().unwrap();
    });
}

// Planted fault: in `ScopeNode::cancel`, do not wake the body: deadlock.
#[test]
fn model_scope_cancel_against_the_poll_of_run() {
    check(|| {
        let (scope, body) = entered();
        let cancels = scope.clone();
        let canceller = thread::spawn(move || cancels.cancel());
        block_on(poll_fn(|cx| {
            body.set_waker(cx.waker());
            if scope.next() == Next::Drop { Poll::Ready(()) } else { Poll::Pending }
        }));
        canceller.join().unwrap();
    });
}

// Planted fault: in `ScopeNode::reschedule`, look for the body before the deadline is set, under a lock of its own, and wake it
// only then: deadlock, as with a body that is not woken at all.
#[test]
fn model_scope_reschedule_against_the_poll_of_run() {
    check(|| {
        let (scope, body) = entered();
        let at = std::time::Instant::now();
        let moves = scope.clone();
        let mover = thread::spawn(move || moves.reschedule(Some(at)));
        block_on(poll_fn(|cx| {
            body.set_waker(cx.waker());
            if scope.next() == Next::CancelAt(at) { Poll::Ready(()) } else { Poll::Pending }
        }));
        mover.join().unwrap();
    });
}

/// A child's shield ends, then its poll, with a failure; and a body around its group is to be dropped. `doomed`: the scope was,
/// while the shield ran.
fn drop_against_a_shield_in_a_groups_child(doomed: bool) {
    let (scope, body) = entered();
    let task = FakeTask::default();
    let child = Child { id: Id::fresh(), group: Some(Arc::new(inside(body.clone()))) };
    let runner = body.for_task(Box::new(task.clone()), Some(child));
    let until_gone = runner.until_gone();
    let shielded = ScopeNode::new();
    shielded.set(|settings| settings.shielded = true);
    let _inside = shielded.enter(inside(runner), Some(Waker::noop().clone()));
    scope.cancel();
    if doomed {
        scope.doom();
    }
    let (runs, told) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicBool::new(false)));
    let (ended, tells) = (runs.clone(), told.clone());
    let ends = thread::spawn(move || {
        ended.store(false, SeqCst);
        shielded.leave(false);
        // Its group knows.
        tells.store(true, SeqCst);
        drop(until_gone);
    });
    block_on(poll_fn(|cx| {
        body.set_waker(cx.waker());
        assert_eq!(scope.next(), Next::Drop);
        scope.doom();
        if body.is_shielded() {
            assert!(task.stopped() == 0 || !runs.load(SeqCst), "a child is aborted in its shield");
            return Poll::Pending;
        }
        assert!(!runs.load(SeqCst), "the body is dropped around a shield");
        assert!(!doomed || told.load(SeqCst), "a failure is lost with the body");
        Poll::Ready(())
    }));
    ends.join().unwrap();
    assert!(task.stopped() > 0, "a child outlives its scope");
}

// Planted fault: in `Runner::change_shields`, do not go on from a group's child to where the group stands: a body that is dropped
// around a shield.
#[test]
fn model_scope_drop_against_a_shield_in_a_groups_child() {
    check(|| drop_against_a_shield_in_a_groups_child(false));
}

// Planted faults: in `Runner::change_shields`, owe nothing: a failure that is lost with the body. In `Runner::is_gone`, pass nothing on:
// deadlock.
#[test]
fn model_scope_drop_against_the_end_of_a_child_that_was_shielded() {
    check(|| drop_against_a_shield_in_a_groups_child(true));
}

// Planted fault: in `Runner::doom`, mark it after the look at the shields, under a second lock: a task that nobody aborts.
#[test]
fn model_scope_doom_against_the_end_of_a_shield() {
    check(|| {
        let (scope, body) = entered();
        let task = FakeTask::default();
        let runner = body.for_task(Box::new(task.clone()), None);
        let shielded = ScopeNode::new();
        shielded.set(|settings| settings.shielded = true);
        let _inside = shielded.enter(inside(runner), Some(Waker::noop().clone()));
        let dooms = scope.clone();
        let doomer = thread::spawn(move || {
            dooms.cancel();
            dooms.doom();
        });
        assert!(!shielded.is_signalled());
        shielded.leave(false);
        doomer.join().unwrap();
        assert!(task.stopped() >= 1, "a task outlives its scope and its shield");
        assert!(!shielded.is_signalled());
    });
}

// Planted fault: in `Runner::change_shields`, do not wake the body: deadlock.
#[test]
fn model_scope_end_of_a_shield_against_the_poll_of_run() {
    check(|| {
        let (scope, body) = entered();
        let shielded = ScopeNode::new();
        shielded.set(|settings| settings.shielded = true);
        let _inside = shielded.enter(inside(body.clone()), Some(Waker::noop().clone()));
        scope.cancel();
        let ends = thread::spawn(move || shielded.leave(false));
        block_on(poll_fn(|cx| {
            body.set_waker(cx.waker());
            assert_eq!(scope.next(), Next::Drop);
            if body.is_shielded() { Poll::Pending } else { Poll::Ready(()) }
        }));
        ends.join().unwrap();
    });
}

// Planted fault: in `ScopeNode::token`, ask for the mark before the token is put there: one that nobody cancels.
#[test]
fn model_scope_cancel_against_token() {
    check(|| {
        let scope = ScopeNode::new();
        let cancels = scope.clone();
        let canceller = thread::spawn(move || cancels.cancel());
        let token = scope.token();
        canceller.join().unwrap();
        assert!(token.is_cancelled(), "a token was missed");
    });
}

// Planted fault: in `ScopeNode::cancel_with`, ask whether the token is cancelled before the wait is polled, and not after: a
// scope that hears nothing.
#[test]
fn model_scope_cancel_with_against_the_cancel_of_the_token() {
    check(|| {
        let (scope, _body) = entered();
        let token = CancellationToken::new();
        let cancels = token.clone();
        let canceller = thread::spawn(move || cancels.cancel());
        scope.cancel_with(&token);
        canceller.join().unwrap();
        assert!(scope.is_signalled(), "a cancelled token did not reach its scope");
    });
}

// Planted fault: in `Runner::is_gone`, take what is owed under one lock and mark it gone under another: deadlock.
#[test]
fn model_scope_end_of_a_shield_elsewhere_against_the_end_of_its_child() {
    check(|| {
        let (scope, body) = entered();
        let child = Child { id: Id::fresh(), group: Some(Arc::new(inside(body.clone()))) };
        let runner = body.for_task(Box::new(FakeTask::default()), Some(child));
        let until_gone = runner.until_gone();
        let shielded = ScopeNode::new();
        shielded.set(|settings| settings.shielded = true);
        let _inside = shielded.enter(inside(runner), Some(Waker::noop().clone()));
        scope.cancel();
        scope.doom();
        // The child has handed its shield to somebody else before it ended.
        let ends = thread::spawn(move || shielded.leave(false));
        let is_over = thread::spawn(move || drop(until_gone));
        block_on(poll_fn(|cx| {
            body.set_waker(cx.waker());
            if body.is_shielded() { Poll::Pending } else { Poll::Ready(()) }
        }));
        ends.join().unwrap();
        is_over.join().unwrap();
    });
}
