//! `scope::TaskGroup` and `gather`. Beyond tokio.

use runtime::runtime::UnhandledPanic;
use runtime::scope::{ChildError, GroupError, NotReady, Ready, TaskGroup, gather, gather_settled};
use runtime::task::yield_now;
use runtime_tests::{Drops, Event, Flavor, WakeCount, for_each_flavor, planned_panic, watchdog};
use std::convert::Infallible;
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

type Group<T = u32> = TaskGroup<T, &'static str>;

fn messages<E: std::fmt::Debug>(error: &GroupError<E>) -> Vec<String> {
    error.failures().iter().map(|failure| format!("{failure:?}")).collect()
}

fn outputs_come_in_the_order_of_spawning(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::new();
        let gates: Vec<_> = (0..5).map(|_| Event::new()).collect();
        for (n, gate) in (0..).zip(&gates) {
            let gate = gate.wait();
            group.spawn(async move {
                gate.await;
                Ok(n)
            });
        }
        assert_eq!(group.len(), 5);
        for gate in gates.iter().rev() {
            gate.set();
            yield_now().await;
        }
        assert_eq!(group.join().await.unwrap(), [0, 1, 2, 3, 4]);
    });
}

fn the_first_failure_stops_the_others_before_anybody_joins(flavor: Flavor) {
    flavor.build().block_on(async {
        let drops = Drops::new();
        let group = Group::<u32>::new();
        for _ in 0..10 {
            let probe = drops.probe();
            group.spawn(async move {
                let _probe = probe;
                pending().await
            });
        }
        let fail = Event::new();
        let waits = fail.wait();
        group.spawn(async move {
            waits.await;
            Err("first")
        });
        assert!(!group.is_cancelled());
        fail.set();
        while drops.alive() > 0 {
            yield_now().await;
        }
        assert!(group.is_cancelled());
        let late = group.spawn(pending());
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["Failed(\"first\")"]);
        assert_eq!(error.to_string(), "a task of the group failed: first");
        assert!(late.is_finished());
    });
}

fn all_failures_are_listed_the_first_one_first(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::new();
        let (begun, stopped) = (Event::new(), Event::new());
        let (tells, waits) = (begun.clone(), begun.wait());
        let stops = runtime_tests::probe::OnDrop({
            let stopped = stopped.clone();
            move || stopped.set()
        });
        group.spawn(async move {
            let _stops = stops;
            pending().await
        });
        // Inside its poll when the group is stopped, it ends with a failure of its own.
        group.spawn(async move {
            tells.set();
            while !stopped.is_set() {
                std::thread::yield_now();
            }
            Err("second")
        });
        group.spawn(async move {
            waits.await;
            Err("first")
        });
        let error = group.join().await.unwrap_err();
        assert_eq!(messages(&error), ["Failed(\"first\")", "Failed(\"second\")"]);
        assert_eq!(error.to_string(), "a task of the group failed: first; then another: second");
        assert!(matches!(error.into_first(), ChildError::Failed("first")));
    });
}

fn join_goes_on_with_a_panic_when_all_are_gone(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let probe = drops.probe();
    let panics = || {
        runtime.block_on(async {
            let group = Group::<u32>::new();
            group.spawn(async move {
                let _probe = probe;
                pending().await
            });
            group.spawn(async { planned_panic() });
            group.join().await
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(drops.alive(), 0);
    assert_eq!(runtime.metrics().num_alive_tasks(), 0);
    assert_eq!(runtime.metrics().unhandled_panics(), 0);
}

fn a_panic_in_a_dropped_group_is_unhandled(flavor: Flavor) {
    let runtime = flavor.builder().unhandled_panic(UnhandledPanic::Ignore).build().unwrap();
    runtime.block_on(async {
        let group = Group::<u32>::settling();
        group.spawn(async { planned_panic() });
        while !group.is_empty() {
            yield_now().await;
        }
        assert_eq!(runtime.metrics().unhandled_panics(), 0, "somebody may still join");
        drop(group);
        assert_eq!(runtime.metrics().unhandled_panics(), 1);
        // And one that panics when the group is gone already.
        let group = Group::<u32>::settling();
        let (begun, go) = (Event::new(), Event::new());
        let (tells, waits) = (begun.clone(), go.clone());
        group.spawn(async move {
            let _panics = runtime_tests::probe::OnDrop(move || {
                if !std::thread::panicking() {
                    waits.wait_blocking();
                    planned_panic()
                }
            });
            tells.set();
            pending().await
        });
        begun.wait().await;
        go.set();
        drop(group);
        while runtime.metrics().unhandled_panics() < 2 {
            yield_now().await;
        }
    });
}

fn any_takes_the_first_and_stops_the_rest(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::any();
        group.spawn(pending());
        group.spawn(async { Ok(1) });
        assert_eq!(group.join_first().await.unwrap(), Some(1));

        let group = Group::<u32>::any();
        group.spawn(pending());
        group.spawn(async { Err("no") });
        assert_eq!(messages(&group.join_first().await.unwrap_err()), ["Failed(\"no\")"]);

        assert_eq!(Group::<u32>::any().join_first().await.unwrap(), None);
    });
}

fn first_some_waits_for_some_or_failure(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<Option<u32>>::first_some();
        let some_may_come = Event::new();
        let waits = some_may_come.wait();
        group.spawn(async { Ok(None) });
        group.spawn(async move {
            waits.await;
            Ok(Some(2))
        });
        group.spawn(pending());
        while group.len() > 2 {
            yield_now().await;
        }
        assert!(!group.is_cancelled());
        some_may_come.set();
        assert_eq!(group.join_first().await.unwrap(), Some(Some(2)));

        let group = Group::<Option<u32>>::first_some();
        group.spawn(async { Ok(None) });
        assert_eq!(group.join_first().await.unwrap(), None);
    });
}

fn settling_stops_nobody(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::settling();
        group.spawn(async { Err("one") });
        group.spawn(async {
            yield_now().await;
            Ok(2)
        });
        group.spawn(async { planned_panic() });
        group.spawn(pending()).abort();
        let told: Vec<_> = group.join_settled().await;
        assert!(matches!(
            &told[..],
            [Err(ChildError::Failed("one")), Ok(2), Err(ChildError::Panicked(_)), Err(ChildError::Cancelled(_))]
        ));
    });
}

fn an_abort_by_somebody_else_is_a_failure_and_cancel_is_none(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::new();
        group.spawn(pending());
        group.spawn(pending()).abort();
        let error = group.join().await.unwrap_err();
        assert!(matches!(error.failures(), [ChildError::Cancelled(_)]), "{error:?}");

        let group = Group::<u32>::new();
        group.spawn(pending());
        group.cancel();
        assert_eq!(group.join().await.unwrap(), []);
    });
}

fn daemons_are_stopped_when_the_others_are_gone(flavor: Flavor) {
    flavor.build().block_on(async {
        let drops = Drops::new();
        let probe = drops.probe();
        let group = Group::<u32>::new();
        group.spawn_daemon(async move {
            let _probe = probe;
            pending().await
        });
        group.spawn_daemon(async { Ok(()) });
        group.spawn(async {
            yield_now().await;
            Ok(1)
        });
        assert_eq!(group.join().await.unwrap(), [1]);
        assert_eq!(drops.alive(), 0);

        let group = Group::<u32>::new();
        group.spawn_daemon(async { Err("daemon") });
        group.spawn(pending());
        assert_eq!(messages(&group.join().await.unwrap_err()), ["Failed(\"daemon\")"]);
    });
}

fn start_waits_until_the_child_is_ready(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::new();
        let end = Event::new();
        let waits = end.wait();
        let port = group
            .start(|ready: Ready<u16>| async move {
                yield_now().await;
                ready.set(80);
                waits.await;
                Ok(1)
            })
            .await;
        assert_eq!((port, group.len()), (Ok(80), 1));
        end.set();
        let never: Result<u16, NotReady> = group
            .start(|ready| async move {
                drop(ready);
                Ok(2)
            })
            .await;
        assert!(never.is_err());
        assert_eq!(group.join().await.unwrap(), [1, 2]);
    });
}

fn next_gives_results_in_the_order_of_completion(flavor: Flavor) {
    flavor.build().block_on(async {
        let mut group = Group::<u32>::new();
        let gates: Vec<_> = (0..3).map(|_| Event::new()).collect();
        for (n, gate) in (0..).zip(&gates) {
            let gate = gate.wait();
            group.spawn(async move {
                gate.await;
                if n == 1 { Err("one") } else { Ok(n) }
            });
        }
        gates[2].set();
        assert!(matches!(group.next().await, Some(Ok(2))));
        gates[1].set();
        assert!(matches!(group.next().await, Some(Err(ChildError::Failed("one")))));
        assert!(group.next().await.is_none(), "a child that the group stopped is given");
        assert!(group.next().await.is_none());
        group.spawn(async { Ok(9) });
    });
}

fn a_limit_is_kept(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = TaskGroup::<(), Infallible>::new().with_limit(3);
        let (now, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        for _ in 0..50 {
            let (now, most) = (now.clone(), most.clone());
            group.spawn(async move {
                most.fetch_max(now.fetch_add(1, SeqCst) + 1, SeqCst);
                yield_now().await;
                now.fetch_sub(1, SeqCst);
                Ok(())
            });
        }
        assert_eq!(group.join().await.unwrap().len(), 50);
        assert!((1..=3).contains(&most.load(SeqCst)), "{most:?} at a time");
    });
}

fn children_spawn_siblings_until_the_group_is_over(flavor: Flavor) {
    flavor.build().block_on(async {
        let group = Group::<u32>::new();
        let spawner = group.spawner();
        let late = spawner.clone();
        group.spawn(async move {
            for n in 1..=3 {
                spawner.spawn(async move { Ok(n) }).unwrap();
            }
            Ok(0)
        });
        assert_eq!(group.join().await.unwrap(), [0, 1, 2, 3]);
        let refused = late.spawn(async { Ok(1) }).unwrap_err();
        assert!(refused.to_string().contains("joined or dropped"));
    });
}

fn dropping_the_group_or_its_join_aborts(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let drops = Drops::new();
        for joined in [false, true] {
            let group = Group::<u32>::new();
            let probe = drops.probe();
            group.spawn(async move {
                let _probe = probe;
                pending().await
            });
            if joined {
                let mut join = Box::pin(group.join());
                assert!(WakeCount::new().poll(&mut join).is_pending());
                drop(join);
            } else {
                drop(group);
            }
            while drops.alive() > 0 {
                yield_now().await;
            }
        }
    });
}

fn gather_keeps_the_order_and_settles_panics(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(gather((0..100).map(|n| async move { n })).await, (0..100).collect::<Vec<_>>());
        assert_eq!(gather(Vec::<std::future::Ready<u8>>::new()).await, []);
        let settled = gather_settled((0..3).map(|n| async move {
            if n == 1 {
                planned_panic()
            }
            n
        }));
        let settled = settled.await;
        assert!(matches!(&settled[..], [Ok(0), Err(_), Ok(2)]), "{settled:?}");
    });
    let runtime = flavor.build();
    let others = Arc::new(AtomicUsize::new(0));
    let counts = others.clone();
    let panics = || {
        runtime.block_on(async move {
            let futures = (0..10).map(move |n| {
                let others = counts.clone();
                async move {
                    if n == 0 {
                        planned_panic()
                    }
                    yield_now().await;
                    others.fetch_add(1, SeqCst);
                }
            });
            gather(futures).await
        })
    };
    assert!(catch_unwind(AssertUnwindSafe(panics)).is_err());
    assert_eq!(others.load(SeqCst), 9, "a sibling was stopped");
}

fn no_task_is_alive_when_join_is_ready(flavor: Flavor) {
    let runtime = flavor.build();
    for _ in 0..200 {
        runtime.block_on(async {
            let group = Group::<u32>::new();
            for n in 0..4u32 {
                group.spawn(async move {
                    if n == 2 {
                        return Err("two");
                    }
                    if n == 3 { pending().await } else { Ok(n) }
                });
            }
            assert!(group.join().await.is_err());
            assert_eq!(runtime.metrics().num_alive_tasks(), 0);
        });
    }
}

fn the_runtime_ends_before_the_group(flavor: Flavor) {
    let runtime = flavor.build();
    let group = runtime.block_on(async {
        let group = Group::<u32>::new();
        group.spawn(pending());
        group
    });
    drop(runtime);
    let other = Flavor::CurrentThread.build();
    let error = other.block_on(group.join()).unwrap_err();
    assert!(matches!(error.failures(), [ChildError::Cancelled(_)]), "{error:?}");
}

for_each_flavor!(
    outputs_come_in_the_order_of_spawning,
    the_first_failure_stops_the_others_before_anybody_joins,
    join_goes_on_with_a_panic_when_all_are_gone,
    any_takes_the_first_and_stops_the_rest,
    first_some_waits_for_some_or_failure,
    settling_stops_nobody,
    an_abort_by_somebody_else_is_a_failure_and_cancel_is_none,
    daemons_are_stopped_when_the_others_are_gone,
    start_waits_until_the_child_is_ready,
    next_gives_results_in_the_order_of_completion,
    a_limit_is_kept,
    children_spawn_siblings_until_the_group_is_over,
    dropping_the_group_or_its_join_aborts,
    gather_keeps_the_order_and_settles_panics,
    no_task_is_alive_when_join_is_ready,
    the_runtime_ends_before_the_group,
);

#[test]
fn all_failures_are_listed() {
    let _watch = watchdog();
    // The three must run at the same time.
    all_failures_are_listed_the_first_one_first(Flavor::MultiThread(3));
}

#[test]
fn a_panic_in_a_dropped_group_is_reported_on_several_workers() {
    let _watch = watchdog();
    a_panic_in_a_dropped_group_is_unhandled(Flavor::MultiThread(2));
}

#[test]
fn a_limit_of_zero_blames_the_caller() {
    runtime_tests::assert_panics_here!(Group::<u32>::new().with_limit(0), "limit of zero");
}

#[test]
fn spawning_outside_of_a_runtime_leaves_the_group_usable() {
    let _watch = watchdog();
    let group = Group::<u32>::new();
    runtime_tests::assert_panics_here!(group.spawn(async { Ok(1) }), "no runtime");
    assert!(group.is_empty());
    let runtime = Flavor::CurrentThread.build();
    runtime.block_on(async {
        group.spawn(async { Ok(2) });
        assert_eq!(group.join().await.unwrap(), [2]);
    });
}

fn deeper(left: usize, deepest: Event) -> std::pin::Pin<Box<dyn Future<Output = Result<u32, &'static str>> + Send>> {
    Box::pin(async move {
        if left == 0 {
            deepest.set();
            return pending().await;
        }
        let group = Group::<u32>::new();
        group.spawn(deeper(left - 1, deepest));
        group.join().await.map(|outputs| outputs.len() as u32).map_err(|_| "below")
    })
}

#[test]
fn ten_thousand_groups_one_in_the_other() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        flavor.build().block_on(async {
            let deepest = Event::new();
            let group = Group::<u32>::new();
            group.spawn(deeper(10_000, deepest.clone()));
            deepest.wait().await;
            let metrics = runtime::runtime::Handle::current().metrics();
            assert_eq!(metrics.num_alive_tasks(), 10_001);
            group.cancel();
            assert_eq!(group.join().await.unwrap(), []);
            assert_eq!(metrics.num_alive_tasks(), 0, "somebody outlives the group at the top");
        });
    }
}

#[test]
fn groups_scopes_and_their_futures_go_to_other_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    fn sent<T: Send>(_: &T) {}
    let group = TaskGroup::<std::cell::Cell<u8>, std::cell::Cell<u8>>::new();
    shared(&group);
    shared(&group.spawner());
    sent(&group.join());
    let scope = runtime::scope::CancelScope::new();
    shared(&scope);
    sent(&scope.cancelled());
    sent(&scope.run(pending::<()>()));
    sent(&runtime::scope::move_on_after(std::time::Duration::ZERO, pending::<()>()));
    sent(&runtime::scope::scope_local(|scope| async move { scope.spawn(async {}).await }));
    sent(&runtime::task::checkpoint());
}
