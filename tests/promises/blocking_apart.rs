//! P6: a blocking closure delays no task.

use runtime::task;
use runtime_tests::{Event, Flavor, for_each_flavor};
use std::collections::HashSet;

fn tasks_run_beside_a_pool_that_is_full(flavor: Flavor) {
    let runtime = flavor.builder().max_blocking_threads(2).build().unwrap();
    let gate = Event::new();
    let closures: Vec<_> = (0..50)
        .map(|_| {
            let gate = gate.clone();
            runtime.spawn_blocking(move || {
                gate.wait_blocking();
                std::thread::current().id()
            })
        })
        .collect();
    runtime.block_on(async {
        let mut workers = HashSet::new();
        for _ in 0..200 {
            let task = runtime::spawn(async {
                task::yield_now().await;
                std::thread::current().id()
            });
            workers.insert(task.await.unwrap());
        }
        gate.set();
        for closure in closures {
            assert!(!workers.contains(&closure.await.unwrap()), "a closure ran on a worker");
        }
    });
}

for_each_flavor!(tasks_run_beside_a_pool_that_is_full);
