//! The end of a runtime: drop, `shutdown_timeout`, `shutdown_background`.

use runtime::task;
use runtime_tests::probe::OnDrop;
use runtime_tests::{Drops, Event, Flavor, WakeCount, for_each_flavor, planned_panic, wait_until, watchdog};
use std::future::{pending, poll_fn};
use std::task::Poll;
use std::time::{Duration, Instant};

fn drops_every_task(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    let handles: Vec<_> = (0..100)
        .map(|number| {
            let held = drops.probe();
            runtime.spawn(async move {
                let _held = held;
                if number % 2 == 0 {
                    loop {
                        task::yield_now().await;
                    }
                }
                pending::<()>().await;
            })
        })
        .collect();
    runtime.block_on(task::yield_now());
    drop(runtime);
    assert_eq!(drops.count(), 100);
    assert!(handles.iter().all(task::JoinHandle::is_finished));
}

fn waits_for_running_closures(flavor: Flavor) {
    let runtime = flavor.build();
    let (started, gate, done) = (Event::new(), Event::new(), Event::new());
    let (starts, waits, ends) = (started.clone(), gate.clone(), done.clone());
    drop(runtime.spawn_blocking(move || {
        starts.set();
        waits.wait_blocking();
        ends.set();
    }));
    started.wait_blocking();
    let opener = std::thread::spawn(move || gate.set());
    drop(runtime);
    assert!(done.is_set(), "drop returned before the closure did");
    opener.join().unwrap();
}

fn timeout_gives_up_on_a_stuck_closure(flavor: Flavor) {
    let gate = Event::new();
    for limit in [Duration::ZERO, Duration::from_nanos(1), Duration::from_millis(50)] {
        let runtime = flavor.build();
        let (started, waits) = (Event::new(), gate.clone());
        let starts = started.clone();
        drop(runtime.spawn_blocking(move || {
            starts.set();
            waits.wait_blocking();
        }));
        started.wait_blocking();
        let before = Instant::now();
        runtime.shutdown_timeout(limit);
        let took = before.elapsed();
        assert!(took >= limit, "{took:?} of {limit:?}: gave up early");
        assert!(took < limit + Duration::from_secs(2), "{took:?} of {limit:?}");
    }
    gate.set();
}

fn timeout_returns_early_when_all_is_done(flavor: Flavor) {
    for limit in [Duration::from_secs(3600), Duration::MAX] {
        let runtime = flavor.build();
        runtime.block_on(runtime.spawn_blocking(|| ())).unwrap();
        drop(runtime.spawn(pending::<()>()));
        runtime.shutdown_timeout(limit);
    }
}

fn background_does_not_wait(flavor: Flavor) {
    let runtime = flavor.build();
    let (started, gate, done) = (Event::new(), Event::new(), Event::new());
    let (starts, waits, ends) = (started.clone(), gate.clone(), done.clone());
    drop(runtime.spawn_blocking(move || {
        starts.set();
        waits.wait_blocking();
        ends.set();
    }));
    started.wait_blocking();
    runtime.shutdown_background();
    assert!(!done.is_set());
    gate.set();
    done.wait_blocking();
}

fn background_inside_async_code(flavor: Flavor) {
    let (outer, inner) = (flavor.build(), flavor.build());
    let drops = Drops::new();
    let held = drops.probe();
    drop(inner.spawn(async move {
        let _held = held;
        pending::<()>().await;
    }));
    outer.block_on(async move { inner.shutdown_background() });
    wait_until("the task's drop", || drops.count() == 1);
}

fn closures_that_have_not_started_are_dropped(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(1).build().unwrap();
    let (started, gate) = (Event::new(), Event::new());
    let (starts, waits) = (started.clone(), gate.clone());
    drop(runtime.spawn_blocking(move || {
        starts.set();
        waits.wait_blocking();
    }));
    started.wait_blocking();
    let drops = Drops::new();
    let queued: Vec<_> = (0..10)
        .map(|_| {
            let held = drops.probe();
            runtime.spawn_blocking(move || drop(held))
        })
        .collect();
    runtime.shutdown_timeout(Duration::ZERO);
    gate.set();
    wait_until("the closures' drop", || drops.count() == 10);
    let other = flavor.build();
    other.block_on(async {
        for closure in queued {
            // One that a thread had taken just before may have run.
            if let Err(error) = closure.await {
                assert!(error.is_cancelled());
            }
        }
    });
}

fn tasks_that_spawn_while_they_are_dropped(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..10 {
        let (held, probes, handle) = (drops.probe(), drops.clone(), runtime.handle().clone());
        let guard = OnDrop(move || {
            let late = probes.probe();
            let spawned = handle.spawn(async move {
                let _late = late;
                pending::<()>().await;
            });
            drop(spawned);
        });
        drop(runtime.spawn(async move {
            let _held = (held, guard);
            pending::<()>().await;
        }));
    }
    runtime.block_on(task::yield_now());
    drop(runtime);
    assert_eq!((drops.made(), drops.alive()), (20, 0));
}

fn a_panic_in_a_drop_does_not_stop_it(flavor: Flavor) {
    let runtime = flavor.build();
    let drops = Drops::new();
    for _ in 0..10 {
        let held = drops.probe();
        drop(runtime.spawn(async move {
            let _held = held;
            let _bomb = OnDrop(|| planned_panic());
            pending::<()>().await;
        }));
    }
    runtime.block_on(task::yield_now());
    drop(runtime);
    assert_eq!(drops.alive(), 0);
}

fn joiners_elsewhere_are_told(flavor: Flavor) {
    let runtime = flavor.build();
    let mut handle = runtime.spawn(pending::<()>());
    let count = WakeCount::new();
    assert!(count.poll(&mut handle).is_pending());
    drop(runtime);
    assert_eq!(count.wakes(), 1);
    match count.poll(&mut handle) {
        Poll::Ready(result) => assert!(result.unwrap_err().is_cancelled()),
        Poll::Pending => panic!("not told"),
    }
}

fn wakers_that_outlive_it_are_harmless(flavor: Flavor) {
    let runtime = flavor.build();
    let slot = std::sync::Arc::new(parking_lot::Mutex::new(None));
    let drops = Drops::new();
    let (own, held) = (slot.clone(), drops.probe());
    drop(runtime.spawn(async move {
        let _held = held;
        poll_fn(|cx| {
            *own.lock() = Some(cx.waker().clone());
            Poll::<()>::Pending
        })
        .await;
    }));
    runtime.block_on(async {
        while slot.lock().is_none() {
            task::yield_now().await;
        }
    });
    drop(runtime);
    assert_eq!(drops.count(), 1);
    let waker = slot.lock().take().unwrap();
    let copy = waker.clone();
    assert!(copy.will_wake(&waker));
    waker.wake_by_ref();
    std::thread::spawn(move || copy.wake()).join().unwrap();
    waker.wake();
}

fn an_empty_runtime_ends(flavor: Flavor) {
    for _ in 0..20 {
        drop(flavor.build());
        flavor.build().shutdown_background();
        flavor.build().shutdown_timeout(Duration::ZERO);
    }
}

fn a_runtime_inside_a_task_of_another_thread_ends(flavor: Flavor) {
    // Built and dropped inside a blocking closure, where blocking is allowed.
    let outer = flavor.build();
    let sum = outer.block_on(outer.spawn_blocking(move || {
        let inner = flavor.build();
        inner.block_on(inner.spawn(async { 5 })).unwrap()
    }));
    assert_eq!(sum.unwrap(), 5);
}

for_each_flavor!(
    drops_every_task,
    waits_for_running_closures,
    timeout_gives_up_on_a_stuck_closure,
    timeout_returns_early_when_all_is_done,
    background_does_not_wait,
    background_inside_async_code,
    closures_that_have_not_started_are_dropped,
    tasks_that_spawn_while_they_are_dropped,
    a_panic_in_a_drop_does_not_stop_it,
    joiners_elsewhere_are_told,
    wakers_that_outlive_it_are_harmless,
    an_empty_runtime_ends,
    a_runtime_inside_a_task_of_another_thread_ends
);

/// beyond tokio: it panics there. A wait would be one for the very poll that waits.
#[test]
#[cfg_attr(feature = "oracle", ignore = "beyond tokio")]
fn a_task_ends_its_own_runtime() {
    let _watch = watchdog();
    for flavor in [Flavor::MultiThread(2), Flavor::MultiThread(1)] {
        for limit in [Duration::from_secs(3600), Duration::MAX] {
            let (drops, ended) = (Drops::new(), Event::new());
            let (runtime, held) = (flavor.build(), drops.probe());
            drop(runtime.spawn(async move {
                let _held = held;
                pending::<()>().await;
            }));
            let handle = runtime.handle().clone();
            let ends = ended.clone();
            let task = handle.spawn(async move {
                runtime.shutdown_timeout(limit);
                ends.set();
                7
            });
            ended.wait_blocking();
            wait_until("the other task's drop", || drops.count() == 1);
            assert_eq!(handle.block_on(task).unwrap(), 7);
        }
    }
}

#[test]
fn a_poll_that_is_running_ends_before_drop_returns() {
    let _watch = watchdog();
    let runtime = Flavor::MultiThread(2).build();
    let (started, gate, done) = (Event::new(), Event::new(), Event::new());
    let (starts, waits, ends) = (started.clone(), gate.clone(), done.clone());
    drop(runtime.spawn(async move {
        starts.set();
        waits.wait_blocking();
        ends.set();
    }));
    started.wait_blocking();
    let opener = std::thread::spawn(move || gate.set());
    drop(runtime);
    assert!(done.is_set());
    opener.join().unwrap();
}
