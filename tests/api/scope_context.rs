//! `context_local!`, `JoinHandle::on_done`, `time::call_later` and its like. Beyond tokio.

#![allow(clippy::async_yields_async)] // handles leave their scope on purpose

use runtime::scope::{CancelScope, move_on_after};
use runtime::task::{self, LocalSet, yield_now};
use runtime::time::{Duration, Instant, call_at, call_later, call_soon, sleep};
use runtime_tests::{Drops, Event, Flavor, Place, Probe, for_each_flavor, for_each_place, planned_panic, watchdog};
use std::future::pending;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

runtime::context_local! {
    /// Documented, and visible.
    pub(crate) inherited static REQUEST: u64;
    static ATTEMPT: u32;
    inherited static HELD: Probe
}

fn keys() -> (Option<u64>, Option<u32>) {
    (REQUEST.try_get().ok(), ATTEMPT.try_get().ok())
}

fn values_nest_and_only_inherited_ones_reach_tasks(place: Place) {
    let world = place.build();
    world.block_on(async {
        let inside = REQUEST.scope(
            1,
            ATTEMPT.scope(2, async {
                assert_eq!(keys(), (Some(1), Some(2)));
                REQUEST.scope(3, async { assert_eq!(keys(), (Some(3), Some(2))) }).await;
                assert_eq!(REQUEST.with(|request| *request), 1);
                yield_now().await;
                let child = spawn_here(place, async {
                    yield_now().await;
                    let grandchild = REQUEST.scope(4, async { task::spawn(async { keys() }).await.unwrap() });
                    (keys(), grandchild.await)
                });
                assert_eq!(child.await.unwrap(), ((Some(1), None), (Some(4), None)));
            }),
        );
        inside.await;
        assert_eq!(keys(), (None, None));
        assert!(REQUEST.try_with(|_| ()).unwrap_err().to_string().contains("outside of its scope"));
    });
}

fn spawn_here<F>(place: Place, future: F) -> task::JoinHandle<F::Output>
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    match place {
        Place::MultiThread | Place::CurrentThread => task::spawn(future),
        Place::LocalSet | Place::LocalRuntime => task::spawn_local(future),
    }
}

fn tasks_of_others_on_the_same_worker_see_nothing(flavor: Flavor) {
    let runtime = flavor.build();
    runtime.block_on(async {
        let stranger = task::spawn(async {
            for _ in 0..50 {
                assert_eq!(keys(), (None, None));
                yield_now().await;
            }
        });
        REQUEST
            .scope(1, async {
                for _ in 0..50 {
                    assert_eq!(keys().0, Some(1));
                    yield_now().await;
                }
                // A set that is driven inside does not lend its context to tasks from outside.
                let closure = task::spawn_blocking(keys).await.unwrap();
                assert_eq!(closure, (Some(1), None));
            })
            .await;
        stranger.await.unwrap();
    });
}

fn values_go_with_the_last_task(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let probe = drops.probe();
    runtime.block_on(async {
        let end = Event::new();
        let waits = end.wait();
        let task = HELD
            .scope(probe, async move {
                task::spawn(async move {
                    waits.await;
                    HELD.with(|_| ());
                })
            })
            .await;
        assert_eq!(drops.alive(), 1);
        end.set();
        // The handle keeps the output, not the context.
        while !task.is_finished() {
            yield_now().await;
        }
        assert_eq!(drops.alive(), 0);
        drop(task);
        // A future that was never polled.
        drop(HELD.scope(drops.probe(), pending::<()>()));
        assert_eq!(drops.alive(), 0);
        let seen_in_drop = runtime_tests::probe::OnDrop(|| assert_eq!(REQUEST.get(), 8));
        drop(REQUEST.scope(8, async move {
            let _seen = seen_in_drop;
            pending::<()>().await
        }));
    });
}

fn contexts_and_scopes_go_together(flavor: Flavor) {
    flavor.build().block_on(async {
        let scope = CancelScope::new();
        let handle = scope.clone();
        let inside = REQUEST.scope(
            1,
            scope.run(ATTEMPT.scope(2, async move {
                assert_eq!(keys(), (Some(1), Some(2)));
                let task = task::spawn(async {
                    assert_eq!(keys(), (Some(1), None));
                    pending::<()>().await
                });
                yield_now().await;
                handle.cancel();
                task.await.unwrap()
            })),
        );
        assert!(inside.await.is_err());
    });
}

fn on_done_is_called_once_in_any_case(flavor: Flavor) {
    let runtime = flavor.build();
    let count = Arc::new(AtomicUsize::new(0));
    let note = |what: usize| {
        let count = count.clone();
        move |is_so: bool| {
            assert!(is_so);
            count.fetch_add(what, SeqCst);
        }
    };
    runtime.block_on(async {
        let (ready, cancelled, panicked, over) = (note(1), note(10), note(100), note(1000));
        task::spawn(async { 1 }).on_done(move |output| ready(output.unwrap() == 1));
        task::spawn(pending::<()>()).on_done(move |output| cancelled(output.unwrap_err().is_cancelled())).abort();
        let panics: task::JoinHandle<()> = task::spawn(async { planned_panic() });
        panics.on_done(move |output| panicked(output.unwrap_err().is_panic()));
        let task = task::spawn(async { "over" });
        while !task.is_finished() {
            yield_now().await;
        }
        let handle = task.on_done(move |output| over(output.unwrap() == "over"));
        assert!(handle.is_finished());
        while count.load(SeqCst) != 1111 {
            yield_now().await;
        }
        // A callback that panics harms nobody.
        task::spawn(async {}).on_done(|_| planned_panic());
        task::spawn(async {}).await.unwrap();
    });
    let dropped = note(10_000);
    runtime.spawn(pending::<()>()).on_done(move |output| dropped(output.unwrap_err().is_cancelled()));
    drop(runtime);
    assert_eq!(count.load(SeqCst), 11_111);
}

fn call_later_calls_once_and_in_time(flavor: Flavor) {
    let runtime = flavor.builder().start_paused(true).build().unwrap();
    let drops = Drops::new();
    runtime.block_on(async {
        let start = Instant::now();
        let (tx, mut rx) = runtime::sync::mpsc::unbounded_channel();
        let send = |what: &'static str| {
            let (tx, probe) = (tx.clone(), drops.probe());
            move || {
                drop(probe);
                tx.send((what, start.elapsed().as_millis())).unwrap()
            }
        };
        let later = call_later(Duration::from_millis(20), send("later"));
        let earlier = call_at(start + Duration::from_millis(10), send("earlier"));
        let past = call_at(start, send("past"));
        let soon = call_soon(send("soon"));
        call_later(Duration::from_millis(30), send("detached")).detach();
        let never = call_later(Duration::from_millis(15), send("never"));
        let cancelled = call_later(Duration::from_millis(15), send("cancelled"));
        assert_eq!(earlier.deadline(), start + Duration::from_millis(10));
        assert!(later.is_pending() && cancelled.is_pending());
        drop(never);
        assert!(cancelled.cancel());
        let mut seen = Vec::new();
        for _ in 0..5 {
            seen.push(rx.recv().await.unwrap());
        }
        seen[..2].sort();
        assert_eq!(seen, [("past", 0), ("soon", 0), ("earlier", 10), ("later", 20), ("detached", 30)]);
        assert!(!past.is_pending() && !soon.is_pending() && !earlier.cancel() && !later.cancel());
        assert_eq!(drops.alive(), 0);
        while runtime.metrics().num_alive_tasks() > 0 {
            // The last one has made its call, and is about to end.
            runtime::task::yield_now().await;
        }
        // Far away, and lost with the runtime.
        call_later(Duration::MAX, send("lost")).detach();
    });
    drop(runtime);
    assert_eq!(drops.alive(), 0);
}

fn a_call_inherits_its_callers_context(flavor: Flavor) {
    let runtime = flavor.builder().start_paused(true).build().unwrap();
    runtime.block_on(async {
        let (tx, rx) = runtime::sync::oneshot::channel();
        REQUEST
            .scope(6, async {
                call_later(Duration::from_millis(1), move || tx.send(keys()).unwrap()).detach();
            })
            .await;
        assert_eq!(rx.await.unwrap(), (Some(6), None));
        let drops = Drops::new();
        let probe = drops.probe();
        let guard = move_on_after(Duration::from_millis(5), async move {
            let _guard = call_later(Duration::from_millis(10), move || drop(probe));
            pending::<()>().await
        });
        assert!(guard.await.is_none());
        sleep(Duration::from_millis(20)).await;
        assert_eq!(drops.alive(), 0);
    });
}

for_each_place!(values_nest_and_only_inherited_ones_reach_tasks);
for_each_flavor!(
    tasks_of_others_on_the_same_worker_see_nothing,
    values_go_with_the_last_task,
    contexts_and_scopes_go_together,
    on_done_is_called_once_in_any_case,
    call_later_calls_once_and_in_time,
    a_call_inherits_its_callers_context,
);

#[test]
fn a_local_set_driven_inside_a_scope_runs_outsiders_without_it() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let set = LocalSet::new();
    let outsider = set.spawn_local(async { keys() });
    runtime.block_on(REQUEST.scope(1, async move {
        set.run_until(async { assert_eq!(outsider.await.unwrap(), (None, None)) }).await;
    }));
}

#[test]
fn a_destructor_of_a_value_that_panics_harms_no_task() {
    let _watch = watchdog();
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            planned_panic()
        }
    }
    runtime::context_local! { inherited static BOMB: Bomb; }
    let runtime = Flavor::MultiThread(1).build();
    let (begun, end) = (Event::new(), Event::new());
    let (tells, waits) = (begun.clone(), end.wait());
    let task = runtime.spawn(BOMB.scope(Bomb, async move {
        task::spawn(async move {
            tells.set();
            waits.await;
            7
        })
    }));
    let inner = runtime.block_on(task).unwrap();
    begun.wait_blocking();
    end.set();
    assert_eq!(runtime.block_on(inner).unwrap(), 7);
    assert_eq!(runtime.block_on(runtime.spawn(async { 8 })).unwrap(), 8);
}

#[test]
fn outside_of_a_scope_or_a_runtime_the_caller_is_blamed() {
    runtime_tests::assert_panics_here!(REQUEST.get(), "no value here", "u64", "inherit it");
    runtime_tests::assert_panics_here!(ATTEMPT.with(|_| ()), "no value here", "does not have it");
    runtime_tests::assert_panics_here!(call_soon(|| ()), "no runtime here", "call_soon");
    runtime_tests::assert_panics_here!(call_later(Duration::ZERO, || ()), "no runtime here");
    assert_eq!(ATTEMPT.sync_scope(3, || ATTEMPT.get()), 3);
}

#[test]
fn calls_of_a_runtime_that_is_gone_are_dropped() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let drops = Drops::new();
        let (soon, later, past) = (drops.probe(), drops.probe(), drops.probe());
        let door = runtime.handle().clone();
        drop(runtime);
        let _inside = door.enter();
        let guards = [
            call_soon(move || drop(soon)),
            call_later(Duration::from_secs(3600), move || drop(later)),
            call_at(Instant::now(), move || drop(past)),
        ];
        for guard in guards {
            drop(guard);
        }
        assert_eq!(drops.alive(), 0);
    }
}
