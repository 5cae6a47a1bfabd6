//! `scope::scope_local` and `scope_unsend`. Beyond tokio.

#![allow(clippy::async_yields_async)] // handles leave their scope on purpose

use runtime::scope::{LocalScope, UnsendScope, scope_local, scope_unsend};
use runtime::sync::mpsc;
use runtime::task::{self, LocalSet, yield_now};
use runtime_tests::{
    Drops, Event, Flavor, Place, WakeCount, catch, for_each_flavor, for_each_place, planned_panic, watchdog,
};
use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

fn children_borrow_and_run_side_by_side(flavor: Flavor) {
    flavor.build().block_on(async {
        let words = ["a", "bb", "ccc"].map(str::to_owned);
        let seen = Mutex::new(Vec::new());
        let total = scope_local(|scope| {
            let (words, seen) = (&words, &seen);
            async move {
                let lengths: Vec<_> = words
                    .iter()
                    .map(|word| {
                        scope.spawn(async move {
                            seen.lock().unwrap().push(word.as_str());
                            yield_now().await;
                            seen.lock().unwrap().push("again");
                            word.len()
                        })
                    })
                    .collect();
                let mut total = 0;
                for length in lengths {
                    total += length.await;
                }
                total
            }
        })
        .await;
        assert_eq!(total, 6);
        assert_eq!(*seen.lock().unwrap(), ["a", "bb", "ccc", "again", "again", "again"]);
        drop(words);
    });
}

fn it_waits_for_children_that_nobody_awaits(flavor: Flavor) {
    let runtime = flavor.build();
    // In a task as well: the future is `Send`.
    let task = runtime.spawn(async {
        let done = AtomicUsize::new(0);
        scope_local(|scope: LocalScope<'_>| {
            let done = &done;
            async move {
                for _ in 0..100 {
                    let inner = scope.clone();
                    drop(scope.spawn(async move {
                        yield_now().await;
                        drop(inner.spawn(async move {
                            yield_now().await;
                            done.fetch_add(1, SeqCst);
                        }));
                    }));
                }
            }
        })
        .await;
        done.into_inner()
    });
    assert_eq!(runtime.block_on(task).unwrap(), 100);
}

fn only_who_was_woken_is_polled(flavor: Flavor) {
    flavor.build().block_on(async {
        let polls = AtomicUsize::new(0);
        let gates: Vec<_> = (0..1000).map(|_| Event::new()).collect();
        scope_local(|scope| {
            let (polls, gates) = (&polls, &gates);
            async move {
                for gate in gates {
                    drop(scope.spawn(async move {
                        let mut wait = gate.wait();
                        std::future::poll_fn(|cx| {
                            polls.fetch_add(1, SeqCst);
                            std::pin::Pin::new(&mut wait).poll(cx)
                        })
                        .await;
                    }));
                }
                yield_now().await;
                yield_now().await;
                assert_eq!(polls.load(SeqCst), 1000);
                for gate in gates {
                    gate.set();
                    yield_now().await;
                }
            }
        })
        .await;
        assert_eq!(polls.load(SeqCst), 2000);
    });
}

fn it_gives_way_to_other_tasks(flavor: Flavor) {
    flavor.build().block_on(async {
        let stop = Event::new();
        let stops = stop.clone();
        let other = task::spawn(async move {
            for _ in 0..10 {
                yield_now().await;
            }
            stops.set();
        });
        scope_local(|scope| {
            let stop = &stop;
            async move {
                drop(scope.spawn(async move {
                    while !stop.is_set() {
                        yield_now().await;
                    }
                }));
            }
        })
        .await;
        other.await.unwrap();
    });
}

fn channels_work_inside(flavor: Flavor) {
    flavor.build().block_on(async {
        let sum = scope_local(|scope| async move {
            let (tx, mut rx) = mpsc::channel(1);
            for n in 0..10u32 {
                let tx = tx.clone();
                drop(scope.spawn(async move { tx.send(n).await.unwrap() }));
            }
            drop(tx);
            let mut sum = 0;
            while let Some(n) = rx.recv().await {
                sum += n;
            }
            sum
        });
        assert_eq!(sum.await, 45);
    });
}

fn dropping_it_drops_the_children(_: Flavor) {
    let drops = Drops::new();
    let escaped = Mutex::new(None);
    let mut scope = Box::pin(scope_local(|scope: LocalScope<'_>| {
        let (drops, escaped) = (&drops, &escaped);
        async move {
            for _ in 0..3 {
                let (probe, inner) = (drops.probe(), scope.clone());
                drop(scope.spawn(async move {
                    let _probe = probe;
                    // Never begun: a circle through the scope's list.
                    let (probe, again) = (drops.probe(), inner.clone());
                    drop(inner.spawn(async move {
                        let _both = (probe, again);
                    }));
                    pending::<()>().await
                }));
            }
            *escaped.lock().unwrap() = Some(scope.clone());
            pending::<()>().await
        }
    }));
    assert!(WakeCount::new().poll(&mut scope).is_pending());
    assert_eq!(drops.alive(), 6);
    drop(scope);
    assert_eq!(drops.alive(), 0);
    // A scope that is over drops what it gets.
    let escaped = escaped.lock().unwrap().take().unwrap();
    let probe = drops.probe();
    let mut child = escaped.spawn(async move { drop(probe) });
    assert_eq!(drops.alive(), 0);
    let caught = catch(|| WakeCount::new().poll(&mut child).is_pending()).unwrap_err();
    assert!(caught.message.contains("no output"), "{}", caught.message);
}

fn a_panic_is_the_callers(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let caught = catch(|| {
        runtime.block_on(scope_local(|scope| {
            let probe = drops.probe();
            async move {
                drop(scope.spawn(async move {
                    let _probe = probe;
                    pending::<()>().await
                }));
                drop(scope.spawn(async { planned_panic() }));
                pending::<()>().await
            }
        }))
    });
    assert!(caught.is_err());
    assert_eq!(drops.alive(), 0);
}

fn a_child_may_be_woken_from_another_thread(flavor: Flavor) {
    flavor.build().block_on(async {
        for _ in 0..100 {
            let gate = Event::new();
            let sets = gate.clone();
            let thread = std::thread::spawn(move || sets.set());
            let got = scope_local(|scope| {
                let gate = &gate;
                async move { scope.spawn(async move { gate.wait().await }).await }
            });
            got.await;
            thread.join().unwrap();
        }
    });
}

fn scopes_without_children(flavor: Flavor) {
    flavor.build().block_on(async {
        assert_eq!(scope_local(|_| async { 1 }).await, 1);
        assert_eq!(scope_unsend(|_| std::future::ready(2)).await, 2);
        let begun = std::cell::Cell::new(false);
        // The body may be over before its child has begun.
        scope_unsend(|scope| {
            drop(scope.spawn(async { begun.set(true) }));
            std::future::ready(())
        })
        .await;
        assert!(begun.get());
    });
}

fn children_need_not_be_send(place: Place) {
    let world = place.build();
    let work = || {
        scope_unsend(|scope| async move {
            let (sum, (tx, mut rx)) = (Rc::new(Cell::new(0)), mpsc::channel(1));
            for n in 0..10 {
                let (sum, tx, again) = (sum.clone(), tx.clone(), scope.clone());
                drop(scope.spawn(async move {
                    yield_now().await;
                    sum.set(sum.get() + n);
                    let inner = sum.clone();
                    // A sibling whose output is not `Send` either.
                    let sibling = again.spawn(async move {
                        yield_now().await;
                        inner
                    });
                    sibling.await.set(sum.get() + 1);
                    tx.send(n).await.unwrap();
                }));
            }
            drop(tx);
            while rx.recv().await.is_some() {}
            sum.get()
        })
    };
    assert_eq!(world.block_on(async move { work().await }), 55);
    if place.is_single_threaded() {
        let set = LocalSet::new();
        let local = set.spawn_local(async move { work().await });
        let runtime = Flavor::CurrentThread.build();
        assert_eq!(runtime.block_on(set.run_until(local)).unwrap(), 55);
    }
}

fn an_unsend_scope_is_dropped_with_its_children(_: Flavor) {
    let drops = Drops::new();
    let mut scope = Box::pin(scope_unsend(|scope: UnsendScope<'_>| {
        let probe = Rc::new(drops.probe());
        async move {
            let again = scope.clone();
            drop(scope.spawn(async move {
                let unbegun = again.clone();
                drop(again.spawn(async move {
                    let _circle = unbegun;
                    pending::<()>().await
                }));
                let _probe = probe;
                pending::<()>().await
            }));
            pending::<()>().await
        }
    }));
    assert!(WakeCount::new().poll(&mut scope).is_pending());
    assert_eq!(drops.alive(), 1);
    drop(scope);
    assert_eq!(drops.alive(), 0);
}

for_each_place!(children_need_not_be_send);
for_each_flavor!(
    scopes_without_children,
    an_unsend_scope_is_dropped_with_its_children,
    children_borrow_and_run_side_by_side,
    it_waits_for_children_that_nobody_awaits,
    only_who_was_woken_is_polled,
    it_gives_way_to_other_tasks,
    channels_work_inside,
    dropping_it_drops_the_children,
    a_panic_is_the_callers,
    a_child_may_be_woken_from_another_thread,
);

#[test]
fn a_hundred_thousand_children_come_and_go() {
    let _watch = watchdog();
    let count = AtomicUsize::new(0);
    Flavor::CurrentThread.build().block_on(scope_local(|scope| {
        let count = &count;
        async move {
            for _ in 0..100_000 {
                drop(scope.spawn(async move {
                    yield_now().await;
                    count.fetch_add(1, SeqCst);
                }));
            }
        }
    }));
    assert_eq!(count.into_inner(), 100_000);
}
