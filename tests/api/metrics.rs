//! `RuntimeMetrics`, the part that tokio calls stable.

use runtime::net::UdpSocket;
use runtime::runtime::{RuntimeMetrics, worker_index};
use runtime::task;
use runtime::time::sleep;
use runtime_tests::{Event, Flavor, for_each_flavor, wait_until, watchdog};
use std::future::pending;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

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

const HOUR: Duration = Duration::from_secs(3600);

fn is_parked(metrics: &RuntimeMetrics, worker: usize) -> bool {
    metrics.worker_park_unpark_count(worker) % 2 == 1
}

/// Parks, and parks and unparks, of a worker that is parked while they are read.
fn parks(metrics: &RuntimeMetrics, worker: usize) -> (u64, u64) {
    loop {
        let before = metrics.worker_park_unpark_count(worker);
        let parks = metrics.worker_park_count(worker);
        if before % 2 == 1 && metrics.worker_park_unpark_count(worker) == before {
            return (parks, before);
        }
        thread::yield_now();
    }
}

/// Fault: `sleep` does not count who leads the drive as parked. Then the observer waits until the watchdog.
fn a_worker_without_work_is_parked(flavor: Flavor) {
    let _watch = watchdog();
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    let gate = Event::new();
    let (opens, seen) = (gate.clone(), metrics.clone());
    let observer = thread::spawn(move || {
        let first = || (0..seen.num_workers()).all(|worker| seen.worker_park_count(worker) > 0);
        wait_until("all workers to park for the first time", first);
        wait_until("all workers to be parked", || (0..seen.num_workers()).all(|worker| is_parked(&seen, worker)));
        opens.set();
    });
    // Tasks wait, a socket and a timer are there, and somebody is inside `block_on`: none of that is work.
    runtime.block_on(async {
        let socket = UdpSocket::bind("127.0.0.1:0").await.unwrap();
        drop(task::spawn(async move { socket.recv(&mut [0]).await }));
        drop(task::spawn(sleep(HOUR)));
        gate.wait().await;
    });
    observer.join().unwrap();
}

/// Fault: `parks` is counted at the first park only. Then the observer waits until the watchdog.
fn a_park_is_counted_once_and_an_unpark_as_well(flavor: Flavor) {
    let _watch = watchdog();
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    let gate = Event::new();
    let (wakes, handle) = (gate.clone(), runtime.handle().clone());
    let observer = thread::spawn(move || {
        let workers = metrics.num_workers();
        wait_until("a park each", || (0..workers).all(|worker| metrics.worker_park_count(worker) > 0));
        let before: Vec<_> = (0..workers).map(|worker| parks(&metrics, worker)).collect();
        let all = || (0..workers).map(|worker| metrics.worker_park_count(worker)).sum::<u64>();
        for _ in 0..20 {
            let parked = all();
            drop(handle.spawn(async {}));
            wait_until("the next park", || all() > parked);
        }
        for (worker, before) in before.into_iter().enumerate() {
            let after = parks(&metrics, worker);
            assert_eq!(after.1 - before.1, 2 * (after.0 - before.0), "worker {worker}: {before:?}, {after:?}");
        }
        wakes.set();
    });
    runtime.block_on(gate.wait());
    observer.join().unwrap();
}

/// Fault: `unparks` that counts nothing.
fn a_busy_worker_is_not_parked(flavor: Flavor) {
    let _watch = watchdog();
    let runtime = flavor.build();
    let metrics = runtime.metrics();
    let (tells, told) = mpsc::channel();
    let (ends, end) = mpsc::channel::<()>();
    let observer = thread::spawn(move || {
        let busy = told.recv().unwrap();
        for _ in 0..100 {
            assert!(!is_parked(&metrics, busy), "worker {busy} is inside of a poll");
            thread::yield_now();
        }
        let others = |worker: usize| worker == busy || is_parked(&metrics, worker);
        wait_until("the others to be parked", || (0..metrics.num_workers()).all(others));
        assert!(!is_parked(&metrics, busy), "it still is");
        drop(ends);
    });
    let counts = runtime.metrics();
    runtime.block_on(async {
        // One that was never parked has nothing to forget.
        while (0..counts.num_workers()).any(|worker| counts.worker_park_count(worker) == 0) {
            sleep(Duration::from_millis(1)).await;
        }
        let task = task::spawn(async move {
            tells.send(worker_index().expect("a task runs on a worker")).unwrap();
            assert!(end.recv().is_err());
        });
        task.await.unwrap();
    });
    observer.join().unwrap();
}

for_each_flavor!(
    a_worker_without_work_is_parked,
    a_park_is_counted_once_and_an_unpark_as_well,
    a_busy_worker_is_not_parked
);
