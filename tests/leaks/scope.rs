//! Scopes leave nothing behind, whatever ends them.

use super::{PLACES, assert_flat};
use runtime::runtime::Runtime;
use runtime::scope::{
    CancelScope, LocalScope, TaskGroup, UnsendScope, cancelled, deadline, fail_after, gather_settled, move_on_after,
    move_on_at, scope_blocking, scope_local, scope_unsend,
};
use runtime::sync::CancellationToken;
use runtime::task::{self, yield_now};
use runtime::time::{Instant, call_later, call_soon, timeout};
use runtime_tests::counting_alloc::made_by_this_thread;
use runtime_tests::{Flavor, World, catch, planned_panic, process, watchdog_secs};
use std::future::{Ready, pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::rc::Rc;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

const HOUR: Duration = Duration::from_secs(3600);

type Group = TaskGroup<Vec<u8>, String>;

runtime::context_local! {
    inherited static HELD: Vec<u8>;
    static OWN: Arc<Vec<u8>>;
}

/// A runtime for each round of the scenario, in both flavors.
fn in_both_flavors(scenario: impl Fn(&Runtime) + Sync) {
    let _alone = process::alone();
    for flavor in [Flavor::MultiThread(2), Flavor::CurrentThread] {
        rounds_on_threads(&format!("{flavor:?}"), || scenario(&flavor.build()));
    }
}

/// A world for each round of the scenario, in all places.
fn in_every_place(scenario: impl Fn(World) + Sync) {
    let _alone = process::alone();
    for place in PLACES {
        rounds_on_threads(&format!("{place:?}"), || scenario(place.build()));
    }
}

/// Each round on a thread of its own: a thread keeps memory of tasks for the next ones.
fn rounds_on_threads(name: &str, round: impl Fn() + Sync) {
    assert_flat(name, || {
        std::thread::scope(|threads| threads.spawn(&round).join().expect("the scenario"));
    });
}

#[test]
fn groups_that_are_joined_dropped_and_abandoned() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        runtime.block_on(async {
            let group = Group::new().with_limit(2);
            for n in 0..5 {
                group.spawn(async move { Ok(vec![n; 50]) });
            }
            group.spawn_daemon(pending());
            assert_eq!(group.join().await.unwrap().len(), 5);
            let group = Group::new();
            group.spawn(pending());
            group.spawn(async { Err("a failure".to_owned()) });
            assert!(group.join().await.is_err());
            let group = Group::settling();
            group.spawn(async { planned_panic() });
            group.spawn(async { Ok(vec![1; 50]) });
            group.join_settled().await;
            // Outputs that nobody asks for, children that nobody waits for.
            let group = Group::settling();
            group.spawn(async { planned_panic() });
            group.spawn(async { Ok(vec![1; 50]) });
            group.spawn(pending());
            yield_now().await;
            drop(group);
            gather_settled((0..3).map(|n| async move { vec![n; 50] })).await;
        });
        let panics = catch_unwind(AssertUnwindSafe(|| {
            runtime.block_on(async {
                let group = Group::new();
                group.spawn(pending());
                group.spawn(async { planned_panic() });
                group.join().await
            })
        }));
        assert!(panics.is_err());
    });
}

/// D9: also those with shields inside, however these end.
#[test]
fn d9_shields_in_children_that_end_or_are_dropped() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        let shielded = |waits: bool| async move {
            let mut shield = Box::pin(CancelScope::new().shield().run(pending::<()>()));
            assert!(runtime_tests::WakeCount::new().poll(&mut shield).is_pending());
            if waits {
                yield_now().await;
            }
            drop(shield);
            Ok(vec![1; 50])
        };
        runtime.block_on(async {
            for cancels in [false, true] {
                let group = Group::new();
                group.spawn(shielded(false));
                group.spawn(async move {
                    let below = Group::new();
                    below.spawn(shielded(true));
                    below.spawn(async {
                        CancelScope::new()
                            .shield()
                            .deadline_after(Duration::ZERO)
                            .run(pending())
                            .await
                            .unwrap_or(Ok(vec![]))
                    });
                    below.join().await.map(|all| all.concat()).map_err(|_| "below".to_owned())
                });
                yield_now().await;
                if cancels {
                    group.cancel();
                }
                drop(group.join().await);
                // Dropped with a shield inside.
                let group = Group::new();
                group.spawn(async { CancelScope::new().shield().run(pending()).await.unwrap() });
                yield_now().await;
                group.cancel();
            }
        });
    });
}

#[test]
fn nested_groups_whose_owners_are_stopped() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        runtime.block_on(async {
            let group = Group::new();
            for _ in 0..3 {
                group.spawn(async {
                    let inner = Group::new();
                    inner.spawn(pending());
                    inner.spawn(async {
                        let innermost = Arc::new(Group::new());
                        // A child that keeps its own group, and is the last to.
                        let own = innermost.clone();
                        innermost.spawn(async move {
                            let _own = own;
                            yield_now().await;
                            Ok(Vec::new())
                        });
                        drop(innermost);
                        pending().await
                    });
                    inner.join().await.map(|_| Vec::new()).map_err(|error| error.to_string())
                });
            }
            // Nobody's child drops a group.
            drop(task::spawn(async {
                let group = Group::new();
                group.spawn(pending());
            }));
            for _ in 0..5 {
                yield_now().await;
            }
            group.cancel();
            assert!(group.join().await.is_ok());
        });
    });
}

#[test]
fn cancel_scopes_and_their_tokens() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        let shutdown = CancellationToken::new();
        runtime.block_on(async {
            let scope = CancelScope::new().deadline_after(HOUR).cancel_with(&shutdown);
            let (inside, token) = (scope.clone(), scope.token());
            let result = scope.run(async move {
                drop(task::spawn(async { cancelled().await }));
                drop(task::spawn(CancelScope::new().shield().run(yield_now())));
                yield_now().await;
                inside.cancel();
                pending::<()>().await
            });
            assert!(result.await.is_err() && token.is_cancelled());
            // One that was never run, one that is dropped while it runs, one whose body panics.
            drop(CancelScope::new().cancel_with(&shutdown).run(pending::<()>()));
            assert_eq!(move_on_after(Duration::ZERO, pending::<()>()).await, None);
            assert_eq!(move_on_after(HOUR, async { 1 }).await, Some(1));
            let panics = task::spawn(CancelScope::new().cancel_with(&shutdown).run(async { planned_panic() }));
            let panics: task::JoinHandle<Result<(), _>> = panics;
            assert!(panics.await.unwrap_err().is_panic());
            let late = CancelScope::new().cancel_with(&shutdown).grace(HOUR);
            let token = late.token();
            let told = task::spawn(late.run(async { cancelled().await }));
            yield_now().await;
            shutdown.cancel();
            assert!(told.await.unwrap().is_ok() && token.is_cancelled());
        });
        drop(CancelScope::new().token());
    });
}

#[test]
fn scopes_whose_children_borrow() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        let text = vec![1_u8; 100];
        for panics in [false, true] {
            let caught = catch(|| {
                runtime.block_on(scope_local(|scope| {
                    let text = &text;
                    async move {
                        let again = scope.clone();
                        drop(scope.spawn(async move {
                            let _circle = again.spawn(async move { text.len() });
                            let _held = again;
                            yield_now().await;
                        }));
                        if panics {
                            planned_panic()
                        }
                        scope.spawn(async move { text.to_vec() }).await.len()
                    }
                }))
            });
            assert_eq!(caught.is_err(), panics);
            let caught = catch(|| {
                runtime.block_on(scope_unsend(|scope| async move {
                    let shared = Rc::new(vec![1; 100]);
                    let other = shared.clone();
                    drop(scope.spawn(async move {
                        yield_now().await;
                        if panics {
                            planned_panic()
                        }
                        drop(other)
                    }));
                    shared.len()
                }))
            });
            assert_eq!(caught.is_err(), panics);
            let _inside = runtime.enter();
            let caught = catch_unwind(AssertUnwindSafe(|| {
                scope_blocking(|scope| {
                    let task = scope.spawn(async { text.to_vec() });
                    assert_eq!(task.join().unwrap().len(), 100);
                    let waits = scope.spawn(pending::<()>());
                    waits.abort();
                    drop(scope.spawn(async {
                        if panics {
                            planned_panic()
                        }
                        text.to_vec()
                    }));
                })
            }));
            assert_eq!(caught.is_err(), panics);
        }
    });
}

/// D24: what a child waits for may keep its waker, and wake it when the scope has long been over.
#[test]
fn d24_wakers_that_outlive_their_local_scope() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let kept = Mutex::new(Vec::new());
    let waits = || {
        poll_fn(|cx| {
            kept.lock().unwrap().push(cx.waker().clone());
            Poll::<()>::Pending
        })
    };
    assert_flat("local", || {
        let mut scope = Box::pin(scope_local(|scope: LocalScope<'_>| {
            drop(scope.spawn(waits()));
            waits()
        }));
        assert!(scope.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(scope);
        kept.lock().unwrap().drain(..).for_each(Waker::wake);
    });
    assert_flat("unsend", || {
        let mut scope = Box::pin(scope_unsend(|scope: UnsendScope<'_>| {
            drop(scope.spawn(waits()));
            waits()
        }));
        assert!(scope.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        drop(scope);
        kept.lock().unwrap().drain(..).for_each(Waker::wake);
    });
}

/// D24: a child that can reach the scope that it lies in, and a scope that nobody ever runs.
#[test]
fn d24_closures_of_local_scopes_that_panic_after_a_spawn() {
    let _watch = watchdog_secs(120);
    let _alone = process::alone();
    let nobody = || -> Ready<()> { planned_panic() };
    assert_flat("local", || {
        let scope = scope_local(|scope: LocalScope<'_>| {
            let reaches = scope.clone();
            drop(scope.spawn(async move { drop(reaches.spawn(async {})) }));
            nobody()
        });
        assert!(catch(|| pin!(scope).poll(&mut Context::from_waker(Waker::noop())).is_ready()).is_err());
    });
    assert_flat("unsend", || {
        let scope = scope_unsend(|scope: UnsendScope<'_>| {
            let reaches = scope.clone();
            drop(scope.spawn(async move { drop(reaches.spawn(async {})) }));
            nobody()
        });
        assert!(catch(|| pin!(scope).poll(&mut Context::from_waker(Waker::noop())).is_ready()).is_err());
    });
}

#[test]
fn values_of_the_context() {
    let _watch = watchdog_secs(120);
    in_every_place(|world| {
        world.block_on(HELD.scope(vec![1; 100], async {
            assert_eq!(OWN.scope(Arc::new(vec![2; 100]), async { OWN.get().len() }).await, 100);
        }));
        let inherits = world.spawn(HELD.scope(vec![1; 100], async {
            drop(task::spawn(async { HELD.get() }));
            task::spawn(async { HELD.with(Vec::len) }).await.unwrap()
        }));
        assert_eq!(world.block_on(inherits).unwrap(), 100);
        let panics: task::JoinHandle<()> = world.spawn(HELD.scope(vec![1; 100], async { planned_panic() }));
        assert!(world.block_on(panics).is_err());
        let aborted = world.spawn(OWN.scope(Arc::new(vec![1; 100]), pending::<()>()));
        world.block_on(yield_now());
        aborted.abort();
        assert!(world.block_on(aborted).is_err());
        drop(HELD.scope(vec![1; 100], pending::<()>()));
        drop(world.spawn(HELD.scope(vec![1; 100], pending::<()>())));
    });
}

#[test]
fn calls_for_later() {
    let _watch = watchdog_secs(120);
    in_both_flavors(|runtime| {
        runtime.block_on(async {
            let bytes = || vec![1_u8; 100];
            let (soon, later, never, panics, lost) = (bytes(), bytes(), bytes(), bytes(), bytes());
            let (tx, mut rx) = runtime::sync::mpsc::unbounded_channel();
            let sends = tx.clone();
            call_soon(move || sends.send(soon.len()).unwrap()).detach();
            call_later(Duration::from_micros(10), move || tx.send(later.len()).unwrap()).detach();
            drop(call_later(HOUR, move || drop(never)));
            call_soon(move || {
                let _held = panics;
                planned_panic()
            })
            .detach();
            call_later(HOUR, move || drop(lost)).detach();
            assert_eq!((rx.recv().await, rx.recv().await), (Some(100), Some(100)));
        });
    });
}

#[test]
fn callbacks_of_tasks() {
    let _watch = watchdog_secs(120);
    in_every_place(|world| {
        for _ in 0..2 {
            let bytes = vec![1_u8; 100];
            world.spawn(async { vec![2_u8; 100] }).on_done(move |output| drop((bytes, output)));
        }
        let bytes = vec![1_u8; 100];
        world.spawn(async { planned_panic() }).on_done(move |output: Result<(), _>| drop((bytes, output)));
        let bytes = vec![1_u8; 100];
        world.spawn(pending::<()>()).on_done(move |_| drop(bytes));
        world.block_on(yield_now());
    });
}

/// D31: a scope with a deadline whose body never waits, or that nobody inside asks for, is a timer and nothing else.
#[test]
fn d31_a_scope_that_is_never_waited_in_allocates_nothing() {
    let _watch = watchdog_secs(60);
    let _alone = process::alone();
    Flavor::CurrentThread.build().block_on(async {
        let made_by = async |times: usize, asks: bool| {
            let before = made_by_this_thread();
            for n in 0..times {
                let body = async move { if asks { deadline::current().map_or(0, |_| n) } else { n } };
                assert_eq!(move_on_after(HOUR, body).await, Some(n));
                assert_eq!(fail_after(HOUR, std::future::ready(n)).await, Ok(n));
                assert_eq!(move_on_at(Instant::now() + HOUR, fail_after(HOUR, async { n })).await, Some(Ok(n)));
            }
            made_by_this_thread() - before
        };
        // The first one to wait makes what the worker of this thread needs.
        yield_now().await;
        made_by(1, true).await;
        assert_eq!(made_by(100, false).await, 0);
        assert!(made_by(100, true).await >= 100, "this test sees no allocation");
        // One that waits pays for its timer, as a timeout does. (The first one makes room in the store of timers.)
        fn made_by_first_poll(future: impl Future) -> usize {
            let count = runtime_tests::WakeCount::new();
            let mut future = Box::pin(future);
            let before = made_by_this_thread();
            assert!(count.poll(&mut future).is_pending());
            made_by_this_thread() - before
        }
        made_by_first_poll(timeout(HOUR, pending::<()>()));
        let for_a_timeout = made_by_first_poll(timeout(HOUR, pending::<()>()));
        assert!(made_by_first_poll(move_on_after(HOUR, pending::<()>())) <= for_a_timeout);
    });
}
