//! `RuntimeMetrics`, the part that tokio calls stable.

use runtime::task;
use runtime_tests::{Event, Flavor, for_each_flavor, wait_until};
use std::future::pending;

fn counts_live_tasks(flavor: Flavor) {
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    assert_eq!(metrics.num_alive_tasks(), 0);
    let handles: Vec<_> = (0..5).map(|_| runtime.spawn(pending::<()>())).collect();
    assert_eq!(metrics.num_alive_tasks(), 5);
    runtime.block_on(async {
        for handle in handles {
            handle.abort();
            assert!(handle.await.is_err());
        }
        while metrics.num_alive_tasks() > 0 {
            task::yield_now().await;
        }
    });
}

fn is_zero_after_shutdown(flavor: Flavor) {
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    for _ in 0..5 {
        drop(runtime.spawn(pending::<()>()));
    }
    drop(runtime);
    assert_eq!(metrics.num_alive_tasks(), 0);
}

fn counts_its_workers(flavor: Flavor) {
    let runtime = flavor.build();
    let expected = match flavor {
        Flavor::MultiThread(workers) => workers,
        Flavor::CurrentThread => 1,
    };
    assert_eq!(runtime.metrics().num_workers(), expected);
    assert_eq!(runtime.handle().metrics().num_workers(), expected);
    assert!(!format!("{:?}", runtime.metrics()).is_empty());
}

fn knows_the_length_of_the_inject_queue(flavor: Flavor) {
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    assert_eq!(metrics.global_queue_depth(), 0);
    let handles: Vec<_> = (0..3).map(|_| runtime.spawn(async {})).collect();
    if !flavor.is_multi_thread() {
        assert_eq!(metrics.global_queue_depth(), 3, "nobody drives it, so they wait");
    }
    runtime.block_on(async {
        for handle in handles {
            handle.await.unwrap();
        }
    });
    assert_eq!(metrics.global_queue_depth(), 0);
}

fn counts_parks_and_busy_time(flavor: Flavor) {
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    for _ in 0..10 {
        let gate = Event::new();
        let waits = gate.clone();
        let handle = runtime.spawn(async move { waits.wait().await });
        let sleeper = metrics.clone();
        // Not before somebody has gone to sleep over it: a worker looks around for a while first.
        let thread = std::thread::spawn(move || {
            let parks = || (0..sleeper.num_workers()).map(|worker| sleeper.worker_park_count(worker)).sum::<u64>();
            wait_until("a worker that sleeps", || parks() > 0);
            gate.set();
        });
        runtime.block_on(handle).unwrap();
        thread.join().unwrap();
    }
    let workers = metrics.num_workers();
    let moved = || {
        let parks: u64 = (0..workers).map(|worker| metrics.worker_park_count(worker)).sum();
        let both: u64 = (0..workers).map(|worker| metrics.worker_park_unpark_count(worker)).sum();
        parks > 0 && both >= parks
    };
    if flavor.is_multi_thread() {
        wait_until("a park that is counted", moved);
    } else {
        assert!(moved());
    }
    // Busy time never runs backwards.
    let before = metrics.worker_total_busy_duration(0);
    runtime.block_on(runtime.spawn(async { task::yield_now().await })).unwrap();
    assert!(metrics.worker_total_busy_duration(0) >= before);
}

for_each_flavor!(
    counts_live_tasks,
    is_zero_after_shutdown,
    counts_its_workers,
    knows_the_length_of_the_inject_queue,
    counts_parks_and_busy_time
);

fn worker_index_is_known_on_workers_only(flavor: Flavor) {
    use runtime::runtime::worker_index;
    let runtime = flavor.build();
    assert_eq!(worker_index(), None);
    assert_eq!(runtime.block_on(runtime.spawn_blocking(worker_index)).unwrap(), None);
    assert!(runtime.block_on(runtime.spawn(async { worker_index() })).unwrap().is_some());
    if !flavor.is_multi_thread() {
        assert_eq!(runtime.block_on(async { worker_index() }), Some(0));
    }
    assert_eq!(worker_index(), None);
}

for_each_flavor!(worker_index_is_known_on_workers_only);
