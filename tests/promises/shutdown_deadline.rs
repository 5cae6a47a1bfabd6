//! P5: `shutdown_timeout` returns within its deadline.

use runtime_tests::{Drops, Event, Flavor, for_each_flavor, wait_until};
use std::future::pending;
use std::time::{Duration, Instant};

fn with_stuck_closures_and_tasks_that_wait(flavor: Flavor) {
    let gate = Event::new();
    let closures = Drops::new();
    // The median of five: a loaded machine may be late by itself.
    let mut late: Vec<_> = (0..5)
        .map(|_| {
            let runtime = flavor.build();
            let (started, waits, held) = (Event::new(), gate.clone(), closures.probe());
            let starts = started.clone();
            drop(runtime.spawn_blocking(move || {
                starts.set();
                waits.wait_blocking();
                drop(held);
            }));
            started.wait_blocking();
            let tasks = Drops::new();
            for _ in 0..10 {
                let held = tasks.probe();
                drop(runtime.spawn(async move {
                    let _held = held;
                    pending::<()>().await;
                }));
            }
            let (limit, before) = (Duration::from_millis(30), Instant::now());
            runtime.shutdown_timeout(limit);
            assert_eq!(tasks.alive(), 0, "tasks that nobody polls are dropped by then");
            before.elapsed().saturating_sub(limit)
        })
        .collect();
    late.sort();
    gate.set();
    assert!(late[2] < Duration::from_millis(50), "late by {late:?}");
    wait_until("the closures to end", || closures.alive() == 0);
}

for_each_flavor!(with_stuck_closures_and_tasks_that_wait);
