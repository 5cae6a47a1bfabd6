//! P13: no task outlives its group, and none that borrows outlives what it borrows.

use runtime::runtime::{Handle, Runtime};
use runtime::scope::{TaskGroup, scope_blocking, scope_local, scope_unsend};
use runtime::task::{self, yield_now};
use runtime_tests::{Drops, Event, Flavor, WakeCount, catch, for_each_flavor, planned_panic, wait_until, watchdog};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::rc::Rc;

type Group = TaskGroup<u32, &'static str>;

/// How the children of a group come to their end.
const ENDS: [&str; 5] = ["all done", "one fails", "one panics", "one is aborted", "all are cancelled"];

fn fill(group: &Group, drops: &Drops, end: &str) {
    for n in 0..20 {
        let probe = drops.probe();
        let waits = end != "all done";
        group.spawn(async move {
            let _probe = probe;
            if n % 3 == 0 {
                yield_now().await;
            }
            if waits && n > 0 {
                pending().await
            }
            Ok(n)
        });
    }
    match end {
        "one fails" => drop(group.spawn(async { Err("first") })),
        "one panics" => drop(group.spawn(async { planned_panic() })),
        "one is aborted" => group.spawn(pending()).abort(),
        "all are cancelled" => group.cancel(),
        _ => {}
    }
}

fn join_is_ready_when_everybody_is_gone(flavor: Flavor) {
    let runtime = flavor.build();
    for end in ENDS {
        for _ in 0..20 {
            let drops = Drops::new();
            // The body panics where a child does.
            let joined = catch_unwind(AssertUnwindSafe(|| {
                runtime.block_on(async {
                    let group = Group::new();
                    fill(&group, &drops, end);
                    group.join().await.is_ok()
                })
            }));
            assert_eq!((runtime.metrics().num_alive_tasks(), drops.alive()), (0, 0), "{end}");
            assert_eq!(joined.is_err(), end == "one panics", "{end}");
        }
    }
}

/// A child that owns a group and is stopped cannot wait for it: the group above does.
fn nested_groups_are_gone_with_their_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    for end in ENDS {
        let drops = Drops::new();
        let _ = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let group = Group::new();
                for _ in 0..5 {
                    let drops = drops.clone();
                    group.spawn(async move {
                        let inner = Group::new();
                        fill(&inner, &drops, "one never ends");
                        if end == "all done" { Ok(0) } else { inner.join().await.map(|_| 0).map_err(|_| "inner") }
                    });
                }
                yield_now().await;
                fill(&group, &drops, end);
                group.join().await.is_ok()
            })
        }));
        assert_eq!((runtime.metrics().num_alive_tasks(), drops.alive()), (0, 0), "{end}");
    }
}

fn a_dropped_group_aborts_its_children(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for body_panics in [false, true] {
        let body = catch(|| {
            runtime.block_on(async {
                let group = Group::new();
                fill(&group, &drops, "one never ends");
                yield_now().await;
                if body_panics {
                    planned_panic()
                }
            })
        });
        assert_eq!(body.is_err(), body_panics);
        until_empty(&runtime);
        assert_eq!(drops.alive(), 0);
    }
}

fn until_empty(runtime: &Runtime) {
    wait_until("the children of a dropped group", || {
        runtime.block_on(yield_now());
        runtime.metrics().num_alive_tasks() == 0
    });
}

fn a_local_scope_ends_after_its_children_or_with_them(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let probe = || drops.probe();
    runtime.block_on(scope_local(|scope| {
        let first = probe();
        async move {
            drop(scope.spawn(async move {
                yield_now().await;
                drop(first);
            }));
        }
    }));
    assert_eq!(drops.alive(), 0, "done");
    for child_panics in [false, true] {
        let caught = catch(|| {
            runtime.block_on(scope_unsend(|scope| {
                let waits = Rc::new(probe());
                async move {
                    drop(scope.spawn(async move {
                        let _waits = waits;
                        pending::<()>().await
                    }));
                    yield_now().await;
                    if !child_panics {
                        planned_panic()
                    }
                    scope.spawn(async { planned_panic() }).await
                }
            }))
        });
        assert!(caught.is_err());
        assert_eq!(drops.alive(), 0, "a panic");
    }
    let mut dropped = Box::pin(scope_local(|scope| {
        let waits = probe();
        async move {
            scope
                .spawn(async move {
                    let _waits = waits;
                    pending::<()>().await
                })
                .await
        }
    }));
    assert!(WakeCount::new().poll(&mut dropped).is_pending());
    drop(dropped);
    assert_eq!(drops.alive(), 0, "dropped");
}

fn a_blocking_scope_returns_after_its_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for body_panics in [false, true] {
        let _inside = runtime.enter();
        let text = String::from("borrowed");
        let caught = catch(|| {
            scope_blocking(|scope| {
                for n in 0..20 {
                    let (probe, text) = (drops.probe(), &text);
                    let task = scope.spawn(async move {
                        let _probe = probe;
                        if n % 2 == 0 {
                            pending::<()>().await
                        }
                        yield_now().await;
                        text.len()
                    });
                    if n % 2 == 0 && !body_panics {
                        task.abort();
                    }
                }
                if body_panics {
                    planned_panic()
                }
            })
        });
        assert_eq!(caught.is_err(), body_panics);
        assert_eq!((runtime.metrics().num_alive_tasks(), drops.alive()), (0, 0));
        drop(text);
    }
}

for_each_flavor!(
    join_is_ready_when_everybody_is_gone,
    nested_groups_are_gone_with_their_tasks,
    a_dropped_group_aborts_its_children,
    a_local_scope_ends_after_its_children_or_with_them,
    a_blocking_scope_returns_after_its_tasks,
);

/// Abort is a request: who computes is waited for.
#[test]
fn join_waits_for_a_child_that_computes() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let (begun, go) = (Event::new(), Event::new());
    let (tells, waits) = (begun.clone(), go.clone());
    // A task, because the thread in `block_on` may be the one that the child blocks.
    let root = runtime.spawn(async move {
        let outer = Group::new();
        outer.spawn(async move {
            let inner = Group::new();
            inner.spawn(async move {
                tells.set();
                task::block_in_place(|| waits.wait_blocking());
                Ok(1)
            });
            inner.join().await.map(|_| 0).map_err(|_| "inner")
        });
        begun.wait().await;
        outer.cancel();
        let count = WakeCount::new();
        let mut join = Box::pin(outer.join());
        for _ in 0..1000 {
            assert!(count.poll(&mut join).is_pending(), "a task outlives the group above");
            yield_now().await;
        }
        go.set();
        assert!(join.await.is_ok());
        assert_eq!(Handle::current().metrics().num_alive_tasks(), 1, "the root alone");
    });
    runtime.block_on(root).unwrap();
}
