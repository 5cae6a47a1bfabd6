use runtime::sync::{CancellationToken, TaskTracker};
use runtime::task::LocalSet;
use runtime_tests::hostile::{Wakes, now, poll, poll_with};
use runtime_tests::{Drops, Flavor, for_each_flavor};
use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;

#[test]
fn open_and_empty_is_not_over() {
    let tracker = TaskTracker::new();
    let wakes = Wakes::new();
    let mut wait = pin!(tracker.wait());
    assert!(poll_with(wait.as_mut(), &wakes.waker()).is_pending());
    assert!(tracker.close() && !tracker.close() && tracker.is_closed());
    assert_eq!(wakes.count(), 1);
    assert!(poll(wait).is_ready());
    now(tracker.wait());
    assert!(tracker.reopen() && !tracker.reopen() && !tracker.is_closed());
    assert!(poll(pin!(tracker.wait())).is_pending());
}

#[test]
fn tokens_and_futures_count_until_they_are_dropped() {
    let (tracker, drops) = (TaskTracker::default(), Drops::new());
    let token = tracker.token();
    let second = token.clone();
    assert!(TaskTracker::ptr_eq(token.task_tracker(), &tracker.clone()));
    assert!(!TaskTracker::ptr_eq(&tracker, &TaskTracker::new()));
    let probe = drops.probe();
    let mut future = Box::pin(tracker.track_future(async move { drop(probe) }));
    assert_eq!((tracker.len(), tracker.is_empty()), (3, false));
    tracker.close();
    let wakes = Wakes::new();
    let mut wait = pin!(tracker.wait());
    assert!(poll_with(wait.as_mut(), &wakes.waker()).is_pending());
    drop((token, second));
    assert!(poll(future.as_mut()).is_ready());
    assert_eq!((tracker.len(), wakes.count()), (1, 0), "finished, but not dropped");
    assert_eq!(format!("{tracker:?}"), "TaskTracker { len: 1, is_closed: true }");
    drop(future);
    assert_eq!(drops.alive(), 0);
    assert_eq!(tracker.len(), 0);
    assert!(poll(wait).is_ready());
}

#[test]
fn one_moment_is_enough() {
    let tracker = TaskTracker::new();
    tracker.close();
    let token = tracker.token();
    let mut early = pin!(tracker.wait());
    assert!(poll(early.as_mut()).is_pending());
    let mut made = pin!(tracker.wait());
    drop(token);
    let _again = tracker.token();
    tracker.reopen();
    assert!(poll(early).is_ready() && poll(made.as_mut()).is_ready());
    assert!(poll(pin!(tracker.wait())).is_pending());
}

#[test]
fn spawning_outside_of_a_runtime_blames_the_caller_and_counts_nothing() {
    let tracker = TaskTracker::new();
    let spawned = catch_unwind(AssertUnwindSafe(|| drop(tracker.spawn(async {}))));
    assert!(spawned.is_err() && tracker.is_empty());
}

for_each_flavor!(wait_outlasts_every_kind_of_task, aborted_and_panicked_tasks_are_gone_too);

fn wait_outlasts_every_kind_of_task(flavor: Flavor) {
    let runtime = flavor.build();
    let tracker = TaskTracker::new();
    let (stop, drops) = (CancellationToken::new(), Drops::new());
    let outside = tracker.spawn_on(std::future::ready(5), runtime.handle());
    let blocking = tracker.spawn_blocking_on(|| 6, runtime.handle());
    runtime.block_on(async {
        for _ in 0..20 {
            let (stop, probe) = (stop.clone(), drops.probe());
            drop(tracker.spawn(async move {
                stop.cancelled().await;
                drop(probe);
            }));
        }
        let probe = drops.probe();
        drop(tracker.spawn_blocking(move || drop(probe)));
        let set = LocalSet::new();
        let local = tracker.spawn_local_on(async { 7 }, &set);
        let inside = tracker.clone();
        let nested = set.run_until(async move { inside.spawn_local(async { 8 }).await.unwrap() }).await;
        assert_eq!((outside.await.unwrap(), blocking.await.unwrap(), local.await.unwrap(), nested), (5, 6, 7, 8));
        drop(set);
        tracker.close();
        assert!(poll(pin!(tracker.wait())).is_pending());
        stop.cancel();
        tracker.wait().await;
        assert_eq!((drops.alive(), tracker.len()), (0, 0));
    });
}

fn aborted_and_panicked_tasks_are_gone_too(flavor: Flavor) {
    flavor.build().block_on(async {
        let tracker = TaskTracker::new();
        let aborted = tracker.spawn(pending::<()>());
        let panicked = tracker.spawn(async { runtime_tests::planned_panic() });
        aborted.abort();
        tracker.close();
        tracker.wait().await;
        assert!(aborted.await.unwrap_err().is_cancelled() && panicked.await.is_err());
    });
}
