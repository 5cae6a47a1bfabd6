//! `scope::CancelScope` and its short forms. Beyond tokio.

#![allow(clippy::async_yields_async)] // handles leave their scope on purpose

use runtime::scope::{CancelScope, cancelled, deadline, fail_after, fail_at, is_cancelled, move_on_after, move_on_at};
use runtime::sync::CancellationToken;
use runtime::task::{self, checkpoint, yield_now};
use runtime::time::{Duration, Instant, sleep};
use runtime_tests::{Drops, Event, Flavor, WakeCount, catch, for_each_flavor, watchdog};
use std::future::{pending, ready};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};

const MS: Duration = Duration::from_millis(1);

/// Runs under a clock that moves only when nothing else can happen.
fn paused<T>(flavor: Flavor, body: impl Future<Output = T>) -> T {
    flavor.builder().start_paused(true).build().expect("no runtime").block_on(body)
}

/// Ticks that have passed; timers are rounded up to the next.
fn ms_since(start: Instant) -> u128 {
    start.elapsed().as_millis()
}

fn a_body_in_time_gives_its_output(flavor: Flavor) {
    paused(flavor, async {
        let scope = CancelScope::new().deadline_after(10 * MS);
        assert_eq!(scope.run(async { sleep(5 * MS).await }).await, Ok(()));
        assert!(!scope.is_cancelled() && !scope.cancel_requested());
        assert_eq!(scope.deadline(), None, "it does not count any more");
        assert_eq!(move_on_after(MS, ready(1)).await, Some(1));
        assert_eq!(fail_after(Duration::MAX, ready(1)).await, Ok(1));
        assert_eq!(CancelScope::new().run(ready(1)).await, Ok(1));
    });
}

fn a_body_out_of_time_is_dropped(flavor: Flavor) {
    paused(flavor, async {
        let drops = Drops::new();
        let probe = drops.probe();
        let start = Instant::now();
        let scope = CancelScope::new().deadline_after(10 * MS);
        let body = async move {
            let _probe = probe;
            pending::<()>().await
        };
        let run = scope.run(body);
        assert!(run.await.is_err());
        assert_eq!((ms_since(start), drops.alive()), (10, 0));
        assert!(scope.is_cancelled() && scope.cancel_requested());
        assert_eq!(move_on_at(start + 15 * MS, pending::<()>()).await, None);
        assert!(fail_at(start + 20 * MS, pending::<()>()).await.is_err());
        assert_eq!(ms_since(start), 20);
        // A moment that has passed: the body is polled once.
        assert_eq!(move_on_at(start, ready(7)).await, Some(7));
        assert_eq!(move_on_at(start, yield_now()).await, None);
    });
}

fn what_is_ready_when_its_time_is_up_is_not_lost(flavor: Flavor) {
    paused(flavor, async {
        let at = Instant::now() + 10 * MS;
        assert_eq!(
            move_on_at(at, async {
                runtime::time::sleep_until(at).await;
                3
            })
            .await,
            Some(3)
        );
    });
}

fn the_earliest_deadline_counts_and_inner_scopes_swallow_nothing(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let inner_returned = AtomicBool::new(false);
        let outer = move_on_after(10 * MS, async {
            assert_eq!(deadline::current(), Some(start + 10 * MS));
            assert_eq!(deadline::remaining(), Some(10 * MS));
            move_on_after(20 * MS, async {
                assert_eq!(deadline::current(), Some(start + 10 * MS));
                pending::<()>().await
            })
            .await;
            inner_returned.store(true, SeqCst);
        });
        assert_eq!(outer.await, None);
        assert!(!inner_returned.load(SeqCst));
        assert_eq!(deadline::current(), None);
        // The other way round: the inner one's time is up, and the outer goes on.
        let outer = move_on_after(100 * MS, async {
            assert_eq!(move_on_after(10 * MS, pending::<()>()).await, None);
            5
        });
        assert_eq!((outer.await, ms_since(start)), (Some(5), 20));
    });
}

fn first_a_signal_then_the_drop(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let scope = CancelScope::new().deadline_after(10 * MS).grace(5 * MS);
        let told = scope.run(async {
            assert!(checkpoint().await.is_ok() && !is_cancelled());
            cancelled().await;
            assert!(checkpoint().await.is_err() && is_cancelled());
            ms_since(start)
        });
        assert_eq!(told.await, Ok(10));

        let start = Instant::now();
        let scope = CancelScope::new().deadline_after(10 * MS).grace(5 * MS);
        assert!(scope.run(pending::<()>()).await.is_err());
        assert_eq!(ms_since(start), 15);
        // Grace without an end: only the body ends it.
        let scope = CancelScope::new().deadline_after(MS).grace(Duration::MAX);
        assert_eq!(
            scope
                .run(async {
                    cancelled().await;
                    sleep(500 * MS).await;
                    1
                })
                .await,
            Ok(1)
        );
    });
}

fn an_outer_grace_period_covers_the_inner_scopes(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let scope = CancelScope::new().deadline_after(10 * MS).grace(50 * MS);
        let inner = scope.run(async {
            move_on_after(Duration::from_secs(1), async {
                cancelled().await;
                sleep(20 * MS).await;
                ms_since(start)
            })
            .await
        });
        assert_eq!(inner.await, Ok(Some(30)));
    });
}

fn tasks_spawned_inside_are_told_and_stopped(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let drops = Drops::new();
        let told = Event::new();
        let (tells, probe) = (told.clone(), drops.probe());
        let scope = CancelScope::new().deadline_after(10 * MS).grace(5 * MS);
        let done = scope.run(async {
            let deadline_inside = task::spawn(async {
                // A grandchild: inside as well.
                task::spawn(async { deadline::current() }).await.unwrap()
            });
            assert_eq!(deadline_inside.await.unwrap(), Some(start + 10 * MS));
            drop(task::spawn(async move {
                let _probe = probe;
                cancelled().await;
                tells.set();
                pending::<()>().await
            }));
            pending::<()>().await
        });
        assert!(done.await.is_err());
        assert!(told.is_set());
        while drops.alive() > 0 {
            yield_now().await;
        }
        assert_eq!(ms_since(start), 15);
    });
}

fn what_outlives_run_is_detached_until_somebody_cancels(flavor: Flavor) {
    paused(flavor, async {
        let drops = Drops::new();
        let probe = drops.probe();
        let scope = CancelScope::new().deadline_after(10 * MS).grace(Duration::from_secs(9));
        let task = scope
            .run(async {
                task::spawn(async move {
                    let _probe = probe;
                    // Until `run` is over.
                    sleep(MS).await;
                    assert_eq!(deadline::current(), None);
                    pending::<()>().await
                })
            })
            .await
            .unwrap();
        sleep(100 * MS).await;
        assert!(!task.is_finished());
        scope.cancel();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(drops.alive(), 0);
    });
}

fn dropping_run_cancels_what_it_spawned(flavor: Flavor) {
    paused(flavor, async {
        let scope = CancelScope::new();
        let mut run = Box::pin(scope.run(async {
            let _task = task::spawn(pending::<()>());
            drop(_task);
            let stays = task::spawn(pending::<()>());
            stays.await.unwrap();
        }));
        let metrics = runtime::runtime::Handle::current().metrics();
        assert!(WakeCount::new().poll(&mut run).is_pending());
        assert_eq!(metrics.num_alive_tasks(), 2);
        drop(run);
        assert!(scope.is_cancelled());
        while metrics.num_alive_tasks() > 0 {
            yield_now().await;
        }
    });
}

fn a_shield_holds_the_drop_off(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let finished = AtomicBool::new(false);
        let scope = CancelScope::new().deadline_after(10 * MS);
        let result = scope.run(async {
            let shielded = CancelScope::new().shield();
            let inner = shielded.run(async {
                sleep(50 * MS).await;
                assert!(!is_cancelled() && deadline::current().is_none());
                finished.store(true, SeqCst);
            });
            assert_eq!(inner.await, Ok(()));
            assert!(is_cancelled());
            pending::<()>().await
        });
        assert!(result.await.is_err());
        assert!(finished.load(SeqCst));
        assert_eq!(ms_since(start), 50);

        // In a task, two scopes deep, with a deadline of its own.
        let start = Instant::now();
        let task = move_on_after(10 * MS, async {
            let task = task::spawn(async {
                let inside = move_on_after(Duration::from_secs(60), async {
                    let own = CancelScope::new().shield().deadline_after(30 * MS);
                    assert!(own.run(pending::<()>()).await.is_err());
                    pending::<()>().await
                });
                inside.await
            });
            // Polled inside, so that the task has begun.
            yield_now().await;
            Err::<(), _>(task.await.unwrap_err().is_cancelled())
        });
        assert_eq!(task.await, None);
        let metrics = runtime::runtime::Handle::current().metrics();
        assert_eq!(metrics.num_alive_tasks(), 1, "the shield did not hold");
        while metrics.num_alive_tasks() > 0 {
            sleep(MS).await;
        }
        assert!((30..=32).contains(&ms_since(start)), "{} ms", ms_since(start));
    });
}

fn a_deadline_can_be_moved(flavor: Flavor) {
    paused(flavor, async {
        let start = Instant::now();
        let scope = CancelScope::new().deadline_after(10 * MS);
        let handle = scope.clone();
        let done = scope.run(async move {
            assert_eq!(handle.deadline(), Some(start + 10 * MS));
            handle.reschedule(Some(start + 30 * MS));
            sleep(20 * MS).await;
            handle.reschedule(None);
            sleep(20 * MS).await;
            // From another task, while nobody polls the scope.
            task::spawn(async move {
                sleep(10 * MS).await;
                handle.reschedule(Some(Instant::now() + 5 * MS));
            });
            pending::<()>().await
        });
        assert!(done.await.is_err());
        assert_eq!(ms_since(start), 55);
    });
}

fn cancel_works_from_anywhere_and_before_the_run(flavor: Flavor) {
    paused(flavor, async {
        let scope = CancelScope::new();
        scope.cancel();
        scope.cancel();
        assert_eq!(scope.run(ready(1)).await, Ok(1));
        let scope = CancelScope::new();
        scope.cancel();
        assert!(scope.run(yield_now()).await.is_err());

        let scope = CancelScope::new();
        let handle = scope.clone();
        let inside = scope.clone();
        let watcher = task::spawn(async move { inside.cancelled().await });
        let canceller = task::spawn(async move {
            sleep(5 * MS).await;
            handle.cancel();
        });
        assert!(scope.run(pending::<()>()).await.is_err());
        watcher.await.unwrap();
        canceller.await.unwrap();
    });
}

fn blocking_closures_can_ask(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let scope = CancelScope::new().grace(Duration::from_secs(60));
        let handle = scope.clone();
        let rounds = scope.run(async move {
            let closure = task::spawn_blocking(move || {
                let mut rounds = 0;
                while !is_cancelled() {
                    handle.cancel();
                    rounds += 1;
                }
                rounds
            });
            closure.await.unwrap()
        });
        assert_eq!(rounds.await, Ok(1));
    });
}

fn a_body_that_uses_up_its_budget_is_stopped(flavor: Flavor) {
    flavor.build().block_on(async {
        let busy = async {
            loop {
                task::consume_budget().await;
            }
        };
        let stopped: Option<()> = move_on_after(5 * MS, busy).await;
        assert!(stopped.is_none());
    });
}

fn outside_of_scopes_nothing_is_cancelled(flavor: Flavor) {
    flavor.build().block_on(async {
        assert!(checkpoint().await.is_ok() && !is_cancelled());
        assert!(WakeCount::new().poll(&mut Box::pin(cancelled())).is_pending());
        task::spawn(async { assert!(checkpoint().await.is_ok()) }).await.unwrap();
    });
}

fn nested_scopes_cancelled_in_either_order(flavor: Flavor) {
    paused(flavor, async {
        for inner_first in [true, false] {
            let (outer, inner) = (CancelScope::new().grace(5 * MS), CancelScope::new().grace(MS));
            let (cancels_outer, cancels_inner) = (outer.clone(), inner.clone());
            let start = Instant::now();
            let result = outer.run(async {
                let told = inner.run(async {
                    if inner_first {
                        cancels_inner.cancel();
                        assert!(is_cancelled() && !cancels_outer.is_cancelled());
                        cancels_outer.cancel();
                    } else {
                        cancels_outer.cancel();
                        assert!(is_cancelled() && cancels_inner.is_cancelled() && !cancels_inner.cancel_requested());
                        cancels_inner.cancel();
                    }
                    pending::<()>().await
                });
                // The inner one's grace is over first, and the outer body goes on in its own.
                assert!(told.await.is_err());
                assert_eq!(ms_since(start), 1);
                pending::<()>().await
            });
            assert!(result.await.is_err());
            assert_eq!(ms_since(start), 5);
        }
    });
}

fn a_shield_inside_a_cancelled_scope(flavor: Flavor) {
    paused(flavor, async {
        let outer = CancelScope::new();
        let cancels = outer.clone();
        let reached = AtomicBool::new(false);
        let result = outer.run(async {
            cancels.cancel();
            // It begins after the cancellation, and is left alone all the same, tasks of its own included.
            let shielded = CancelScope::new().shield().run(async {
                assert!(!is_cancelled() && checkpoint().await.is_ok());
                sleep(10 * MS).await;
                // Scopes inside are not cancelled either, but by themselves.
                assert_eq!(move_on_after(5 * MS, pending::<()>()).await, None);
                assert_eq!(CancelScope::new().run(ready(1)).await, Ok(1));
                task::spawn(async { checkpoint().await.is_ok() }).await.unwrap()
            });
            assert_eq!(shielded.await, Ok(true));
            reached.store(true, SeqCst);
            pending::<()>().await
        });
        assert!(result.await.is_err());
        assert!(reached.load(SeqCst));
    });
}

fn deadlines_in_the_past_and_at_the_end_of_time(flavor: Flavor) {
    paused(flavor, async {
        sleep(100 * MS).await;
        let past = Instant::now() - 50 * MS;
        let scope = CancelScope::new().deadline_at(past);
        let told = scope.run(async {
            assert_eq!((deadline::current(), deadline::remaining()), (Some(past), Some(Duration::ZERO)));
            pending::<()>().await
        });
        assert!(told.await.is_err());
        assert_eq!(CancelScope::new().deadline_after(Duration::ZERO).run(ready(1)).await, Ok(1));
        assert!(fail_after(Duration::ZERO, yield_now()).await.is_err());

        let scope = CancelScope::new().deadline_after(Duration::MAX).grace(Duration::MAX);
        let inside = scope.clone();
        let far = scope.run(async move {
            assert!(deadline::remaining().is_some_and(|left| left > Duration::from_secs(365 * 24 * 3600)));
            sleep(10 * MS).await;
            inside.reschedule(Some(past));
            cancelled().await;
            sleep(10 * MS).await;
            5
        });
        assert_eq!(far.await, Ok(5));
    });
}

fn a_token_cancels_a_scope(flavor: Flavor) {
    paused(flavor, async {
        let (shutdown, other) = (CancellationToken::new(), CancellationToken::new());
        let drops = Drops::new();
        let probe = drops.probe();
        let scope = CancelScope::new().cancel_with(&shutdown.child_token()).cancel_with(&other).grace(5 * MS);
        let inside = scope.clone();
        let child_told = Event::new();
        let tells = child_told.clone();
        let run = task::spawn(scope.run(async move {
            drop(task::spawn(async move {
                let _probe = probe;
                cancelled().await;
                tells.set();
                pending::<()>().await
            }));
            pending::<()>().await
        }));
        sleep(MS).await;
        let start = Instant::now();
        other.cancel();
        // At once, before anybody polls the scope's `run`.
        assert!(inside.is_cancelled() && inside.cancel_requested());
        shutdown.cancel();
        assert!(run.await.unwrap().is_err());
        while drops.alive() > 0 {
            yield_now().await;
        }
        assert!(child_told.is_set());
        assert_eq!(ms_since(start), 5);

        // A token that is cancelled already; a scope that is not run; one whose run is over, with a task left.
        assert!(CancelScope::new().cancel_with(&shutdown).is_cancelled());
        assert_eq!(CancelScope::new().cancel_with(&shutdown).run(ready(1)).await, Ok(1));
        let token = CancellationToken::new();
        let unused = CancelScope::new().cancel_with(&token);
        let scope = CancelScope::new().cancel_with(&token);
        let left = scope.run(async { task::spawn(pending::<()>()) }).await.unwrap();
        yield_now().await;
        assert!(!left.is_finished());
        drop(scope);
        token.cancel();
        assert!(unused.is_cancelled());
        assert!(left.await.unwrap_err().is_cancelled());
        // A shield is no shield against one's own token.
        let shielded = CancelScope::new().shield().cancel_with(&token);
        assert!(shielded.run(pending::<()>()).await.is_err());
    });
}

fn a_scope_cancels_its_tokens(flavor: Flavor) {
    paused(flavor, async {
        let outer = CancelScope::new().deadline_after(10 * MS).grace(5 * MS);
        let inner = CancelScope::new();
        let (mine, yours, deep) = (outer.token(), outer.token(), inner.token());
        mine.cancel();
        assert!(!yours.is_cancelled() && !outer.is_cancelled(), "somebody else's token was cancelled");
        let start = Instant::now();
        let (listens, within) = (yours.clone(), deep.clone());
        let told = outer.run(async {
            let told = inner.run(async {
                listens.cancelled().await;
                assert!(is_cancelled() && within.is_cancelled());
                ms_since(start)
            });
            told.await
        });
        assert_eq!(told.await, Ok(Ok(10)));
        assert!(outer.token().is_cancelled(), "one that is made afterwards");
        // Round in a circle: no end, and no harm.
        let scope = CancelScope::new();
        let token = scope.token();
        let scope = scope.cancel_with(&token);
        token.cancel();
        assert!(scope.is_cancelled());
        // A run that ends in time cancels nothing; one that is dropped does.
        let scope = CancelScope::new();
        let token = scope.token();
        assert_eq!(scope.run(ready(1)).await, Ok(1));
        assert!(!token.is_cancelled());
        let scope = CancelScope::new();
        let token = scope.token();
        let mut run = Box::pin(scope.run(pending::<()>()));
        assert!(WakeCount::new().poll(&mut run).is_pending());
        drop(run);
        assert!(token.is_cancelled());
    });
}

fn a_token_is_heard_without_budget(flavor: Flavor) {
    flavor.build().block_on(async {
        while task::coop::has_budget_remaining() {
            task::coop::consume_budget().now_or_never_budget();
        }
        let token = CancellationToken::new();
        let scope = CancelScope::new().cancel_with(&token);
        assert!(!scope.is_cancelled(), "the lack of budget was taken for a cancellation");
        token.cancel();
        assert!(scope.is_cancelled(), "a token was not heard");
    });
}

/// Takes a unit of the budget without giving way.
trait NowOrNever: Future + Sized {
    fn now_or_never_budget(self) {
        let _ = WakeCount::new().poll(&mut Box::pin(self));
    }
}

impl<F: Future> NowOrNever for F {}

for_each_flavor!(
    nested_scopes_cancelled_in_either_order,
    a_shield_inside_a_cancelled_scope,
    deadlines_in_the_past_and_at_the_end_of_time,
    a_token_cancels_a_scope,
    a_scope_cancels_its_tokens,
    a_token_is_heard_without_budget,
    a_body_in_time_gives_its_output,
    a_body_out_of_time_is_dropped,
    what_is_ready_when_its_time_is_up_is_not_lost,
    the_earliest_deadline_counts_and_inner_scopes_swallow_nothing,
    first_a_signal_then_the_drop,
    an_outer_grace_period_covers_the_inner_scopes,
    tasks_spawned_inside_are_told_and_stopped,
    what_outlives_run_is_detached_until_somebody_cancels,
    dropping_run_cancels_what_it_spawned,
    a_shield_holds_the_drop_off,
    a_deadline_can_be_moved,
    cancel_works_from_anywhere_and_before_the_run,
    blocking_closures_can_ask,
    a_body_that_uses_up_its_budget_is_stopped,
    outside_of_scopes_nothing_is_cancelled,
);

#[test]
fn a_second_run_blames_the_caller() {
    let scope = CancelScope::new();
    let first = scope.run(ready(()));
    runtime_tests::assert_panics_here!(scope.run(ready(())), "a second time");
    drop(first);
}

#[test]
fn without_a_runtime_a_deadline_panics_and_anything_else_works() {
    let _watch = watchdog();
    let count = WakeCount::new();
    let scope = CancelScope::new();
    let mut run = Box::pin(scope.run(pending::<()>()));
    assert!(count.poll(&mut run).is_pending());
    scope.cancel();
    assert!(count.wakes() > 0 && count.poll(&mut run).is_ready());
    let mut timed = Box::pin(move_on_after(MS, pending::<()>()));
    let caught = catch(|| count.poll(&mut timed).is_pending()).unwrap_err();
    assert!(caught.message.contains("no runtime here"), "{}", caught.message);
}

#[test]
fn a_waker_that_panics_keeps_nobody_else_asleep() {
    let _watch = watchdog();
    struct Panics;
    impl std::task::Wake for Panics {
        fn wake(self: Arc<Self>) {
            runtime_tests::planned_panic()
        }
    }
    let scope = CancelScope::new();
    let bad = std::task::Waker::from(Arc::new(Panics));
    let mut first = Box::pin(scope.cancelled());
    assert!(first.as_mut().poll(&mut std::task::Context::from_waker(&bad)).is_pending());
    let good = WakeCount::new();
    let mut second = Box::pin(scope.cancelled());
    assert!(good.poll(&mut second).is_pending());
    let mut run = Box::pin(scope.run(pending::<()>()));
    assert!(good.poll(&mut run).is_pending());
    assert!(catch(|| scope.cancel()).is_err());
    assert!(good.poll(&mut second).is_ready() && good.poll(&mut run).is_ready());
    assert_eq!(good.wakes(), 2);
}
