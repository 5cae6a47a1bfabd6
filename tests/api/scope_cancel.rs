//! `scope::CancelScope` and its short forms. Beyond tokio.

#![allow(clippy::async_yields_async)] // handles leave their scope on purpose

use runtime::scope::{CancelScope, cancelled, deadline, fail_after, fail_at, is_cancelled, move_on_after, move_on_at};
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

for_each_flavor!(
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
