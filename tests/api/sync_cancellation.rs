use runtime::sync::CancellationToken;
use runtime_tests::hostile::{Dice, Script, Wakes, hostile, no_deadlock, now, poll, poll_with};
use runtime_tests::{Drops, Flavor, for_each_flavor};
use std::future::{pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;

#[test]
fn cancelled_for_ever_and_with_its_clones() {
    let token = CancellationToken::new();
    let clone = token.clone();
    assert!(token == clone && token != CancellationToken::default());
    let wakes = Wakes::new();
    let mut waiting = pin!(token.cancelled());
    let mut owned = pin!(token.clone().cancelled_owned());
    assert!(poll_with(waiting.as_mut(), &wakes.waker()).is_pending());
    assert!(poll_with(owned.as_mut(), &wakes.waker()).is_pending());
    assert_eq!(format!("{token:?}"), "CancellationToken { is_cancelled: false }");
    clone.cancel();
    clone.cancel();
    assert_eq!(wakes.count(), 2);
    assert!(token.is_cancelled() && poll(waiting).is_ready() && poll(owned).is_ready());
    now(token.cancelled());
    now(token.clone().cancelled_owned());
}

#[test]
fn a_future_that_was_made_before_hears_it_unpolled() {
    let token = CancellationToken::new();
    let waiting = pin!(token.cancelled());
    token.cancel();
    assert!(poll(waiting).is_ready());
}

#[test]
fn parents_cancel_children_and_not_the_other_way_round() {
    let root = CancellationToken::new();
    let (left, right) = (root.child_token(), root.child_token());
    let leaves = [left.child_token(), left.child_token(), right.child_token()];
    assert!(left != root && left != right);
    left.cancel();
    assert!(!root.is_cancelled() && !right.is_cancelled() && !leaves[2].is_cancelled());
    assert!(leaves[0].is_cancelled() && leaves[1].is_cancelled() && left.child_token().is_cancelled());
    root.cancel();
    assert!(right.is_cancelled() && leaves[2].is_cancelled());
    now(root.child_token().cancelled());
}

#[test]
fn children_survive_their_parents_handles() {
    let root = CancellationToken::new();
    let parent = root.child_token();
    let children: Vec<_> = (0..3).map(|_| parent.child_token()).collect();
    drop(parent);
    assert!(children.iter().all(|child| !child.is_cancelled()));
    root.cancel();
    assert!(children.iter().all(CancellationToken::is_cancelled));

    let orphan = CancellationToken::new().child_token();
    assert!(!orphan.is_cancelled());
    orphan.cancel();
    assert!(orphan.is_cancelled());
}

/// Wide and deep, cancelled from above and dropped in any order: on a thread with a small stack.
#[test]
fn depth_costs_no_stack() {
    const DEPTH: usize = 100_000;
    for order in ["cancel", "oldest first", "youngest first"] {
        let small = std::thread::Builder::new().stack_size(64 * 1024);
        let thread = small.spawn(move || {
            let mut chain = vec![CancellationToken::new()];
            for n in 0..DEPTH {
                chain.push(chain[n].child_token());
            }
            let last = chain[DEPTH].clone();
            match order {
                "cancel" => chain[0].cancel(),
                "oldest first" => drop(chain),
                _ => {
                    chain.truncate(1);
                    chain[0].cancel();
                }
            }
            assert_eq!(last.is_cancelled(), order != "oldest first");
        });
        thread.expect("a thread").join().unwrap_or_else(|_| panic!("failed: {order}"));
    }
}

#[test]
fn guards_cancel_unless_disarmed() {
    let token = CancellationToken::new();
    let kept = token.child_token().drop_guard().disarm();
    assert!(!kept.is_cancelled());
    let child = token.child_token();
    assert!(std::ptr::eq(child.drop_guard_ref().disarm(), &child) && !child.is_cancelled());
    drop(child.drop_guard_ref());
    assert!(child.is_cancelled());
    let panicked = catch_unwind(AssertUnwindSafe(|| {
        let _guard = token.clone().drop_guard();
        runtime_tests::planned_panic();
    }));
    assert!(panicked.is_err() && kept.is_cancelled());
}

#[test]
fn run_until_cancelled_runs_until_then() {
    let (token, drops) = (CancellationToken::new(), Drops::new());
    assert_eq!(now(token.run_until_cancelled(ready(1))), Some(1));
    assert_eq!(now(token.clone().run_until_cancelled_owned(ready(2))), Some(2));
    let probe = drops.probe();
    let mut running = Box::pin(token.run_until_cancelled(async move {
        pending::<()>().await;
        drop(probe);
    }));
    let wakes = Wakes::new();
    assert!(poll_with(running.as_mut(), &wakes.waker()).is_pending());
    token.cancel();
    assert_eq!(wakes.count(), 1);
    assert!(matches!(poll(running.as_mut()), Poll::Ready(None)));
    drop(running);
    assert_eq!(drops.alive(), 0);
    let polled = AtomicBool::new(false);
    assert_eq!(now(token.run_until_cancelled(async { polled.store(true, Ordering::SeqCst) })), None);
    assert!(!polled.load(Ordering::SeqCst), "a cancelled token polls nothing");
}

/// The first of three wakers panics, the second uses the token; the third is woken, and so is the child's.
#[test]
fn hostile_wakers_keep_nobody_waiting() {
    no_deadlock(|| {
        let token = CancellationToken::new();
        let child = token.child_token();
        let inside = token.clone();
        let panics =
            hostile(Script { on_wake: Some(Box::new(|| runtime_tests::planned_panic())), ..Script::default() });
        let calls = hostile(Script {
            on_wake: Some(Box::new(move || {
                assert!(inside.is_cancelled() && inside.child_token().is_cancelled());
                inside.cancel();
            })),
            ..Script::default()
        });
        let wakes = Wakes::new();
        let mut waiting: Vec<_> = (0..3).map(|_| Box::pin(token.cancelled())).collect();
        for (waiting, waker) in waiting.iter_mut().zip([panics, calls, wakes.waker()]) {
            assert!(poll_with(waiting.as_mut(), &waker).is_pending());
        }
        let mut descendant = pin!(child.cancelled());
        assert!(poll_with(descendant.as_mut(), &wakes.waker()).is_pending());
        assert!(catch_unwind(AssertUnwindSafe(|| token.cancel())).is_err());
        assert_eq!(wakes.count(), 2);
        assert!(child.is_cancelled() && poll(descendant).is_ready());
    });
}

/// Random trees against the obvious model: a list of parents.
#[test]
fn against_its_model() {
    for seed in 1..300 {
        let mut dice = Dice(seed);
        // Parent, cancelled, handle.
        let mut model = vec![(None::<usize>, false, Some(CancellationToken::new()))];
        for step in 0..200 {
            let at = dice.below(model.len());
            match (dice.below(10), &model[at].2) {
                (0..=4, Some(token)) => {
                    let child = token.child_token();
                    let cancelled = model[at].1;
                    model.push((Some(at), cancelled, Some(child)));
                }
                (5..=8, _) => model[at].2 = None,
                (9, Some(token)) if dice.below(8) == 0 => {
                    token.cancel();
                    model[at].1 = true;
                    // Children stand behind their parents.
                    for n in at + 1..model.len() {
                        model[n].1 |= model[n].0.is_some_and(|parent| model[parent].1);
                    }
                }
                _ => {}
            }
            for (n, (_, cancelled, token)) in model.iter().enumerate() {
                if let Some(token) = token {
                    assert_eq!(token.is_cancelled(), *cancelled, "seed {seed}, step {step}, token {n}");
                }
            }
        }
    }
}

for_each_flavor!(tasks_stop, children_come_and_go_while_their_parent_is_cancelled);

fn tasks_stop(flavor: Flavor) {
    flavor.build().block_on(async {
        let token = CancellationToken::new();
        let tasks: Vec<_> = (0..100)
            .map(|n| {
                let token = if n % 2 == 0 { token.clone() } else { token.child_token() };
                runtime::spawn(async move { token.run_until_cancelled(pending::<()>()).await })
            })
            .collect();
        token.cancel();
        for task in tasks {
            assert_eq!(task.await.unwrap(), None);
        }
    });
}

fn children_come_and_go_while_their_parent_is_cancelled(flavor: Flavor) {
    flavor.build().block_on(async {
        for _ in 0..50 {
            let root = Arc::new(CancellationToken::new());
            let tasks: Vec<_> = (0..4)
                .map(|_| {
                    let root = root.clone();
                    runtime::spawn(async move {
                        let mut tokens = vec![root.child_token()];
                        for n in 0..100 {
                            tokens.push(tokens[n / 2].child_token());
                            if n % 3 == 0 {
                                tokens.swap_remove(n / 3);
                            }
                            if n % 10 == 0 {
                                runtime::task::yield_now().await;
                            }
                        }
                        for token in tokens {
                            token.cancelled().await;
                        }
                    })
                })
                .collect();
            runtime::task::yield_now().await;
            root.cancel();
            for task in tasks {
                task.await.unwrap();
            }
        }
    });
}
