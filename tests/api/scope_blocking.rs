//! `scope::scope_blocking`. Beyond tokio.

use runtime::scope::{BlockingScope, scope_blocking};
use runtime::task::{self, yield_now};
use runtime_tests::{Drops, Event, Flavor, assert_panics_here, catch, planned_panic, watchdog};
use std::future::{pending, poll_fn};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Barrier, Mutex};

#[test]
fn tasks_borrow_and_run_in_parallel() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    let both = Barrier::new(2);
    let seen = Mutex::new(Vec::new());
    let sum = scope_blocking(|scope| {
        let tasks = [1, 2].map(|n| {
            let (both, seen) = (&both, &seen);
            scope.spawn(async move {
                both.wait();
                seen.lock().unwrap().push(n);
                n
            })
        });
        tasks.into_iter().map(|task| task.join().unwrap()).sum::<i32>()
    });
    assert_eq!((sum, seen.into_inner().unwrap().len()), (3, 2));
}

#[test]
fn it_waits_for_tasks_that_nobody_joins_in_every_place() {
    let _watch = watchdog();
    let wait = || {
        let done = AtomicUsize::new(0);
        scope_blocking(|scope| {
            for _ in 0..50 {
                scope.spawn(async {
                    yield_now().await;
                    // A task may spawn into the scope that it is in.
                    scope.spawn(async {
                        yield_now().await;
                        done.fetch_add(1, SeqCst);
                    });
                });
            }
        });
        assert_eq!(done.into_inner(), 50);
    };
    for flavor in [Flavor::MultiThread(1), Flavor::MultiThread(3), Flavor::CurrentThread] {
        let runtime = flavor.build();
        {
            let _inside = runtime.enter();
            wait();
        }
        if flavor.is_multi_thread() {
            runtime.block_on(async { wait() });
            runtime.block_on(runtime.spawn(async move { wait() })).unwrap();
        }
        runtime.block_on(runtime.spawn_blocking(wait)).unwrap();
    }
}

#[test]
fn a_panic_of_the_body_aborts_and_still_waits() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    let drops = Drops::new();
    let text = String::from("borrowed");
    let caught = catch(|| {
        scope_blocking(|scope| {
            for _ in 0..20 {
                let probe = drops.probe();
                let text = &text;
                scope.spawn(async move {
                    let _probe = probe;
                    pending::<()>().await;
                    text.len()
                });
            }
            planned_panic()
        })
    });
    assert!(caught.is_err());
    assert_eq!(drops.alive(), 0, "a task outlives what it borrows");
}

#[test]
fn a_panic_of_a_task_is_its_joiners_or_the_callers() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    let joined = scope_blocking(|scope| {
        let panics = scope.spawn(async { planned_panic() });
        let error: runtime::task::JoinError = panics.join().unwrap_err();
        error.is_panic()
    });
    assert!(joined);
    for early in [true, false] {
        let other_is_done = Event::new();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            scope_blocking(|scope| {
                let panics = scope.spawn(async { planned_panic() });
                while !early && !panics.is_finished() {
                    std::thread::yield_now();
                }
                drop(panics);
                scope.spawn(async { other_is_done.set() });
            })
        }));
        assert!(caught.is_err() && other_is_done.is_set());
    }
}

#[test]
fn tasks_can_be_aborted_and_lost_with_their_runtime() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let inside = runtime.enter();
    scope_blocking(|scope| {
        let task = scope.spawn(pending::<()>());
        assert!(!task.is_finished());
        task.abort();
        assert!(task.join().unwrap_err().is_cancelled());
    });
    drop(inside);
    let handle = runtime.handle().clone();
    let text = String::from("borrowed");
    std::thread::scope(|threads| {
        let begun = Event::new();
        let tells = begun.clone();
        let (text, handle) = (&text, &handle);
        threads.spawn(move || {
            let _inside = handle.enter();
            scope_blocking(|scope| {
                let waits = scope.spawn(async {
                    pending::<()>().await;
                    text.len()
                });
                tells.set();
                assert!(waits.join().unwrap_err().is_cancelled());
                // The runtime is gone: what is spawned is cancelled at once.
                assert!(scope.spawn(async { text.len() }).join().unwrap_err().is_cancelled());
            });
        });
        begun.wait_blocking();
        drop(runtime);
    });
}

#[test]
fn others_run_while_a_worker_waits() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(1).build();
    let answer = runtime.block_on(runtime.spawn(async {
        let helper = task::spawn(async { 5 });
        scope_blocking(|scope| {
            let waits = scope.spawn(async move { helper.await.unwrap() });
            waits.join().unwrap()
        })
    }));
    assert_eq!(answer.unwrap(), 5);
}

#[test]
fn misuse_blames_the_caller() {
    let _watch = watchdog();
    assert_panics_here!(scope_blocking(|_| ()), "no runtime");
    let runtime = Flavor::CurrentThread.build();
    let caught = catch(|| runtime.block_on(async { scope_blocking(|_| ()) })).unwrap_err();
    assert!(caught.message.contains("current-thread"), "{}", caught.message);
    let runtime = Flavor::MultiThread(1).build();
    let _inside = runtime.enter();
    scope_blocking(|scope| {
        let first = scope.spawn(async {});
        let joins = scope.spawn(async move { catch(|| first.join()).unwrap_err().message });
        assert!(joins.join().unwrap().contains("inside async code"));
    });
}

#[test]
fn a_scope_without_tasks_returns_at_once() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let runtime = flavor.build();
        let _inside = runtime.enter();
        assert_eq!(scope_blocking(|_| 5), 5);
    }
}

#[test]
fn it_waits_for_the_groups_that_its_tasks_leave_behind() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    for _ in 0..100 {
        let drops = Drops::new();
        scope_blocking(|scope| {
            let task = scope.spawn(async {
                let group = runtime::scope::TaskGroup::<(), ()>::new();
                let probe = drops.probe();
                group.spawn(async move {
                    let _probe = probe;
                    pending().await
                });
                yield_now().await;
                let _ = group.join().await;
            });
            while drops.alive() == 0 {
                std::thread::yield_now();
            }
            task.abort();
        });
        assert_eq!((drops.alive(), runtime.metrics().num_alive_tasks()), (0, 0));
    }
}

#[test]
fn a_current_thread_runtime_moves_while_the_body_joins() {
    let _watch = watchdog();
    let runtime = Flavor::CurrentThread.build();
    let _inside = runtime.enter();
    let text = String::from("borrowed");
    let length = scope_blocking(|scope| {
        let panics = scope.spawn(async { planned_panic() });
        let error: runtime::task::JoinError = panics.join().unwrap_err();
        assert!(error.is_panic());
        let task = scope.spawn(async {
            yield_now().await;
            task::spawn(yield_now()).await.unwrap();
            text.len()
        });
        task.join().unwrap()
    });
    assert_eq!(length, 8);
    // And while others drive it, or nobody is left to.
    let handle = runtime.handle().clone();
    let end = Event::new();
    let waits = end.wait();
    let joins = std::thread::spawn(move || {
        let _inside = handle.enter();
        let joined = scope_blocking(|scope| scope.spawn(async { 7 }).join().unwrap());
        end.set();
        joined
    });
    runtime.block_on(waits);
    assert_eq!(joins.join().unwrap(), 7);
}

/// Its drop panics.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            planned_panic()
        }
    }
}

#[test]
fn d10_tasks_run_where_the_scope_was_opened() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(1), Flavor::CurrentThread] {
        let (own, other) = (flavor.build(), Flavor::CurrentThread.build());
        let _inside = own.enter();
        let own_id = own.handle().id();
        // Nobody drives the other runtime: a task there would never run, nor be dropped after `abort`.
        scope_blocking(|scope| {
            let _other = other.enter();
            let here = scope.spawn(async { runtime::runtime::Handle::current().id() });
            assert_eq!(here.join().unwrap(), own_id);
            scope.spawn(pending::<()>()).abort();
            scope.spawn(async {
                let sibling = {
                    let _other = other.enter();
                    scope.spawn(async { runtime::runtime::Handle::current().id() })
                };
                while !sibling.is_finished() {
                    yield_now().await;
                }
            });
        });
        assert_eq!(other.metrics().spawned_tasks_count(), 0);
        assert_eq!(own.metrics().num_alive_tasks(), 0);
    }
}

#[test]
fn d10_a_panic_that_nobody_joined_is_the_callers_wherever_it_was() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    let hands_on = |what: &str, spawn: for<'s, 'e> fn(&'s BlockingScope<'s, 'e>)| {
        let other_is_done = Event::new();
        let caught = catch_unwind(AssertUnwindSafe(|| {
            scope_blocking(|scope| {
                spawn(scope);
                scope.spawn(async { other_is_done.set() });
            })
        }));
        assert!(caught.is_err(), "{what}: nobody hears of the panic");
        assert!(other_is_done.is_set(), "{what}: the others are not waited for");
    };
    hands_on("in a task whose handle is forgotten", |scope| {
        std::mem::forget(scope.spawn(async { planned_panic() }));
    });
    hands_on("in the drop of an output whose handle is gone", |scope| {
        // Not before: an output that is there when its handle goes is dropped by the body.
        let handle_is_gone = Event::new();
        let seen = handle_is_gone.clone();
        drop(scope.spawn(async move {
            seen.wait().await;
            Bomb
        }));
        handle_is_gone.set();
    });
    hands_on("in the drop of a finished future", |scope| {
        let bomb = Bomb;
        drop(scope.spawn(poll_fn(move |_| {
            let _held = &bomb;
            std::task::Poll::Ready(())
        })));
    });
    hands_on("in the drop of an aborted future", |scope| {
        let begun = Event::new();
        let tells = begun.clone();
        let bomb = Bomb;
        let task = scope.spawn(async move {
            let _held = bomb;
            tells.set();
            pending::<()>().await
        });
        begun.wait_blocking();
        task.abort();
    });
}

#[test]
fn d10_a_joiner_hears_of_a_panic_in_the_drop_of_its_future() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let _inside = runtime.enter();
    scope_blocking(|scope| {
        let bomb = Bomb;
        let finished = scope.spawn(poll_fn(move |_| {
            let _held = &bomb;
            std::task::Poll::Ready(())
        }));
        assert!(finished.join().unwrap_err().is_panic());
    });
}
