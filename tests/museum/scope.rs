//! Bugs of other libraries' task groups, cancel scopes and timeouts.

use runtime::scope::{CancelScope, TaskGroup, fail_after, is_cancelled, move_on_after};
use runtime::task::{self, JoinHandle, yield_now};
use runtime::time::{Duration, Instant, sleep};
use runtime_tests::{Drops, Event, Flavor, watchdog, watchdog_secs};
use std::future::{Future, pending};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

const MS: Duration = Duration::from_millis(1);

fn paused<T>(body: impl Future<Output = T>) -> T {
    Flavor::CurrentThread.builder().start_paused(true).build().expect("no runtime").block_on(body)
}

/// Scope in task in scope in task: each level is entered by a task of the level above.
fn chain(
    left: usize,
    deepest: Event,
    handles: Arc<Mutex<Vec<JoinHandle<()>>>>,
) -> Pin<Box<dyn Future<Output = ()> + Send>> {
    Box::pin(async move {
        if left == 0 {
            deepest.set();
            return pending().await;
        }
        let scope = CancelScope::new();
        let below = handles.clone();
        let _ = scope
            .run(async move {
                let task = task::spawn(chain(left - 1, deepest, below.clone()));
                below.lock().unwrap().push(task);
                pending::<()>().await
            })
            .await;
    })
}

#[test]
fn museum_w9_a_hundred_thousand_nested_scopes_and_tasks() {
    let _watch = watchdog_secs(120);
    // A walk or a destructor that calls itself has no chance on this stack.
    let on_a_small_stack = std::thread::Builder::new().stack_size(256 * 1024);
    let walk = || {
        for flavor in [Flavor::CurrentThread, Flavor::MultiThread(2)] {
            let runtime = flavor.build();
            runtime.block_on(async {
                let (deepest, handles) = (Event::new(), Arc::<Mutex<Vec<_>>>::default());
                let root = CancelScope::new();
                let top = root.clone();
                let (tells, below) = (deepest.clone(), handles.clone());
                let all = task::spawn(async move { top.run(chain(100_000, tells, below)).await.is_err() });
                deepest.wait().await;
                assert_eq!(handles.lock().unwrap().len(), 100_000);
                root.cancel();
                assert!(all.await.unwrap());
                let metrics = runtime::runtime::Handle::current().metrics();
                while metrics.num_alive_tasks() > 0 {
                    yield_now().await;
                }
                drop(root);
            });
        }
    };
    on_a_small_stack.spawn(walk).unwrap().join().unwrap();
}

#[test]
fn museum_w9_a_chain_of_parents_is_dropped_in_a_loop() {
    let _watch = watchdog_secs(120);
    let dropping = || {
        let runtime = Flavor::CurrentThread.build();
        let deepest = Event::new();
        let tells = deepest.clone();
        let handles = Arc::<Mutex<Vec<_>>>::default();
        let below = handles.clone();
        // The last task alone keeps the whole chain, through its scope's parents: it goes last.
        runtime.block_on(async move {
            drop(task::spawn(chain(100_000, tells, below)));
            deepest.wait().await;
        });
        drop(runtime);
        let handles = std::mem::take(&mut *handles.lock().unwrap());
        handles.into_iter().rev().for_each(drop);
    };
    std::thread::Builder::new().stack_size(256 * 1024).spawn(dropping).unwrap().join().unwrap();
}

/// Fault: each poll makes a new deadline of the time that was asked for.
#[test]
fn museum_t19_a_deadline_counts_from_the_entry() {
    let _watch = watchdog();
    paused(async {
        let start = Instant::now();
        let moves_on = move_on_after(10 * MS, pending::<()>());
        let fails = fail_after(10 * MS, pending::<()>());
        let scope = CancelScope::new().deadline_after(10 * MS);
        let run = scope.run(pending::<()>());
        sleep(1000 * MS).await;
        assert_eq!(scope.deadline(), None);
        assert_eq!(moves_on.await, None);
        assert_eq!(start.elapsed().as_millis(), 1010);
        assert!(fails.await.is_err());
        assert_eq!(start.elapsed().as_millis(), 1020);
        assert!(run.await.is_err());
        assert_eq!(start.elapsed().as_millis(), 1030);
    });
}

#[test]
fn museum_t17_a_value_in_the_tick_of_the_deadline_is_kept() {
    let _watch = watchdog();
    paused(async {
        for _ in 0..100 {
            let (tx, mut rx) = runtime::sync::mpsc::unbounded_channel();
            let at = Instant::now() + 5 * MS;
            let sender = task::spawn(async move {
                runtime::time::sleep_until(at).await;
                tx.send(1).unwrap();
            });
            let got = runtime::scope::move_on_at(at, rx.recv()).await;
            sender.await.unwrap();
            let left = rx.try_recv().ok();
            assert_eq!(got.flatten().or(left), Some(1), "a value was lost between channel and deadline");
        }
    });
}

/// What happens to the innermost of three nested levels, and when.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fate {
    Completes,
    Fails,
    TimesOut,
}

/// Outer scope, group, inner scope: every order of {child error, outer cancellation, own timeout, completion}.
#[test]
fn museum_f7_no_level_swallows_the_cancellation_of_its_parent() {
    let _watch = watchdog_secs(60);
    for child in [Fate::Completes, Fate::Fails, Fate::TimesOut] {
        for child_at in [1u32, 2, 3] {
            for outer_at in [1u32, 2, 3, 9] {
                for grace in [0u32, 2] {
                    let (after_inner, after_group) = (AtomicUsize::new(0), AtomicUsize::new(0));
                    let drops = Drops::new();
                    let (result, alive) = paused(async {
                        let outer = CancelScope::new().deadline_after(outer_at * 2 * MS).grace(grace * MS);
                        let result = outer
                            .run(async {
                                let group = TaskGroup::<u32, &str>::new();
                                let sibling = drops.probe();
                                group.spawn(async move {
                                    let _sibling = sibling;
                                    sleep(100 * MS).await;
                                    Ok(0)
                                });
                                // In the body, not in a child, so that it can look after the inner scope.
                                let inner = async {
                                    match child {
                                        Fate::TimesOut => move_on_after(child_at * 2 * MS, pending()).await,
                                        _ => move_on_after(50 * MS, sleep(child_at * 2 * MS)).await,
                                    }
                                };
                                let own = inner.await.is_none();
                                after_inner.fetch_add(1, SeqCst);
                                assert_eq!(
                                    own,
                                    child == Fate::TimesOut,
                                    "another's cancellation was taken for the own"
                                );
                                if child == Fate::Fails {
                                    group.spawn(async { Err("child") });
                                } else {
                                    group.cancel();
                                }
                                let joined = group.join().await;
                                after_group.fetch_add(1, SeqCst);
                                joined.map(|_| ()).map_err(|error| error.to_string())
                            })
                            .await;
                        // What was aborted may still be on its way out.
                        for _ in 0..10 {
                            yield_now().await;
                        }
                        let alive = runtime::runtime::Handle::current().metrics().num_alive_tasks();
                        (result, alive)
                    });
                    let case = format!("{child:?} at {child_at}, outer at {outer_at}, grace {grace}: {result:?}");
                    // The inner level decides first if its time comes before the end of the outer one's grace; in the same
                    // tick either may, but never both.
                    let (inner_tick, outer_tick) = (child_at * 2, outer_at * 2 + grace);
                    let inner_first = after_inner.load(SeqCst) == 1;
                    assert!(inner_first || inner_tick >= outer_tick, "{case}");
                    assert!(!inner_first || inner_tick <= outer_tick, "{case}");
                    assert_eq!(after_group.load(SeqCst) == 1, result.is_ok(), "{case}");
                    match (&result, child) {
                        (Ok(Err(error)), Fate::Fails) => assert!(error.contains("child"), "{case}"),
                        (Ok(Ok(())), Fate::Completes | Fate::TimesOut) => {}
                        (Err(_), _) => assert!(inner_tick >= outer_tick || !inner_first, "{case}"),
                        _ => panic!("{case}"),
                    }
                    assert_eq!((drops.alive(), alive), (0, 0), "{case}");
                }
            }
        }
    }
}

#[test]
fn museum_f7_a_scope_cancelled_before_its_child_is_registered() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(3).build();
    for _ in 0..500 {
        runtime.block_on(async {
            let scope = CancelScope::new();
            let cancels = scope.clone();
            let canceller = task::spawn(async move { cancels.cancel() });
            let nested = Arc::new(AtomicUsize::new(0));
            let counts = nested.clone();
            let result = scope.run(async move {
                loop {
                    let counts = counts.clone();
                    let inner = task::spawn(async move {
                        let _ = CancelScope::new()
                            .run(async {
                                while !is_cancelled() {
                                    yield_now().await;
                                }
                                counts.fetch_add(1, SeqCst);
                                pending::<()>().await
                            })
                            .await;
                    });
                    drop(inner);
                    yield_now().await;
                }
            });
            let result: Result<(), _> = result.await;
            assert!(result.is_err());
            canceller.await.unwrap();
            let metrics = runtime::runtime::Handle::current().metrics();
            while metrics.num_alive_tasks() > 0 {
                yield_now().await;
            }
        });
    }
}

#[test]
fn museum_f6_a_child_of_a_group_needs_no_handle() {
    let _watch = watchdog();
    Flavor::MultiThread(2).build().block_on(async {
        let group = TaskGroup::<usize, std::convert::Infallible>::new();
        for n in 0..1000 {
            drop(group.spawn(async move {
                yield_now().await;
                Ok(n)
            }));
        }
        assert_eq!(group.join().await.unwrap().into_iter().sum::<usize>(), 999 * 1000 / 2);
    });
}
